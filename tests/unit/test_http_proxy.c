/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/http_proxy.h"
#include "base/strbuf.h"

static void server_is_read(const char *server, uint32_t port, const char *host, uint16_t want,
			   const char *user, const char *password)
{
	struct http_proxy proxy;

	assert_int_equal(http_proxy_parse(server, port, HTTP_PROXY_PLAIN, &proxy), 0);
	assert_string_equal(proxy.url.host, host);
	assert_int_equal(proxy.url.port, want);
	assert_string_equal(proxy.user, user);
	assert_string_equal(proxy.password, password);
}

static void servers_are_read_as_people_write_them(void **state)
{
	(void)state;
	server_is_read("proxy.example", 3128, "proxy.example", 3128, "", "");
	server_is_read("http://proxy.example", 3128, "proxy.example", 3128, "", "");
	server_is_read("HTTP://proxy.example:8080/", 3128, "proxy.example", 8080, "", "");
	server_is_read("192.0.2.7", 1, "192.0.2.7", 1, "", "");
	server_is_read("[2001:db8::7]", 65535, "2001:db8::7", 65535, "", "");
	server_is_read("[2001:db8::7]:8080", 0, "2001:db8::7", 8080, "", "");
	server_is_read("joe:a:b@c@proxy.example", 80, "proxy.example", 80, "joe", "a:b@c");
	server_is_read("http://joe@proxy.example:81", 0, "proxy.example", 81, "joe", "");
}

static void what_is_no_server_is_refused(void **state)
{
	static const char *const bad[] = { "",	     "proxy example", "proxy.example:0",
					   "a:b",    "2001:db8::7",   "proxy.example:70000",
					   "joe@\n", "http://",	      "j\001oe@proxy.example" };
	struct http_proxy proxy = { .user = "kept" };
	char longer[HTTP_PROXY_AUTH + 16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_true(http_proxy_parse(bad[i], 3128, HTTP_PROXY_PLAIN, &proxy) < 0);
	assert_int_equal(http_proxy_parse("proxy.example", 0, HTTP_PROXY_PLAIN, &proxy), -EINVAL);
	assert_int_equal(http_proxy_parse("proxy.example", 65536, HTTP_PROXY_PLAIN, &proxy),
			 -EINVAL);
	assert_int_equal(http_proxy_parse("ftp://proxy.example", 1, HTTP_PROXY_PLAIN, &proxy),
			 -EPROTONOSUPPORT);
	assert_int_equal(http_proxy_parse("sock://proxy.example", 1, HTTP_PROXY_PLAIN, &proxy),
			 -EPROTONOSUPPORT);
	memset(longer, 'x', sizeof(longer));
	strcpy(longer + sizeof(longer) - 10, "@example");
	assert_int_equal(http_proxy_parse(longer, 1, HTTP_PROXY_PLAIN, &proxy), -EINVAL);
	assert_string_equal(proxy.user, "kept");
}

static void scheme_is_read(const char *server, enum http_proxy_kind want)
{
	struct http_proxy proxy;

	assert_int_equal(http_proxy_parse(server, 1080, HTTP_PROXY_SOCKS5, &proxy), 0);
	assert_int_equal(proxy.kind, want);
	assert_string_equal(proxy.url.host, "p.example");
	assert_string_equal(proxy.user, strchr(server, '@') ? "joe" : "");
}

static void scheme_of_a_server_goes_before_its_type(void **state)
{
	(void)state;
	scheme_is_read("p.example", HTTP_PROXY_SOCKS5);
	scheme_is_read("http://p.example", HTTP_PROXY_PLAIN);
	scheme_is_read("HTTPS://joe@p.example", HTTP_PROXY_TLS);
	scheme_is_read("socks4://p.example", HTTP_PROXY_SOCKS4);
	scheme_is_read("socks4a://p.example", HTTP_PROXY_SOCKS4);
	scheme_is_read("socks://p.example", HTTP_PROXY_SOCKS5);
	scheme_is_read("socks5h://joe:a@p.example/", HTTP_PROXY_SOCKS5);
}

static void names_tell_kind_and_nothing_secret(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	http_proxy_name(HTTP_PROXY_PLAIN, "p.example", 3128, &out);
	strbuf_add(&out, " ");
	http_proxy_name(HTTP_PROXY_TLS, "192.0.2.7", 443, &out);
	strbuf_add(&out, " ");
	http_proxy_name(HTTP_PROXY_SOCKS5, "2001:db8::7", 1080, &out);
	strbuf_add(&out, " ");
	http_proxy_name(HTTP_PROXY_DIRECT, "", 0, &out);
	assert_string_equal(strbuf_str(&out), "p.example:3128 https://192.0.2.7:443 "
					      "socks5://[2001:db8::7]:1080 DIRECT");
	strbuf_fini(&out);
}

static bool excepts(const char *exceptions, const char *url)
{
	struct http_url target;

	assert_int_equal(http_url_parse(url, &target), 0);
	return http_proxy_excepts(exceptions, &target);
}

static void exceptions_are_those_of_eve(void **state)
{
	(void)state;
	assert_false(excepts("", "https://a.example/"));
	assert_true(excepts("*", "https://a.example/"));
	assert_true(excepts("x, *", "http://192.0.2.7/"));
	assert_true(excepts("192.0.2.0/24", "http://192.0.2.7/"));
	assert_false(excepts("192.0.2.0/24", "http://192.0.3.7/"));
	assert_false(
		excepts("192.0.2.0/24", "http://a.example/")); /* its address is not asked for */
	assert_true(excepts("2001:db8::/32", "http://[2001:db8::7]/"));
	assert_true(excepts("192.0.2.7", "https://192.0.2.7/"));
	assert_true(excepts("192.0.2.7:443", "https://192.0.2.7/"));
	assert_false(excepts("192.0.2.7:80", "https://192.0.2.7/"));
	assert_true(excepts("2001:db8::7", "http://[2001:db8::7]/"));
	assert_true(excepts("[2001:db8::7]:80", "http://[2001:db8::7]/"));
	assert_false(excepts("[2001:db8::7]:81", "http://[2001:db8::7]/"));
	assert_true(excepts("plant.example", "https://plant.example/"));
	assert_true(excepts("PLANT.example", "https://a.b.plant.EXAMPLE/"));
	assert_false(excepts("plant.example", "https://explant.example/"));
	assert_false(excepts("plant.example:80", "https://plant.example/"));
	assert_true(excepts(".plant.example", "https://a.plant.example/"));
	assert_false(excepts(".plant.example", "https://plant.example/"));
	assert_true(excepts("*.plant.example", "https://a.plant.example/"));
	assert_false(excepts("*.plant.example", "https://plant.example/"));
	assert_true(excepts("one.example two.example", "https://two.example/"));
}

static void what_is_told_of_a_refused_one_has_no_user(void **state)
{
	(void)state;
	assert_string_equal(http_proxy_without_user("https://joe:s3@cret@proxy.example:3128"),
			    "proxy.example:3128");
	assert_string_equal(http_proxy_without_user("https://proxy.example"),
			    "https://proxy.example");
	assert_string_equal(http_proxy_without_user("joe:s3cret@"), "");
}

static void what_is_no_exception_excepts_nobody(void **state)
{
	static const char *const bad[] = { ",,,", ".", "*.",  ":443", "[",    "[]",
					   "]:",  "/", "1/2", "a:b:", "::/0", "192.0.2.7/64" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(excepts(bad[i], "https://a.example/"));
		assert_false(excepts(bad[i], "https://192.0.2.7/"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_read_as_people_write_them),
		cmocka_unit_test(what_is_no_server_is_refused),
		cmocka_unit_test(scheme_of_a_server_goes_before_its_type),
		cmocka_unit_test(names_tell_kind_and_nothing_secret),
		cmocka_unit_test(exceptions_are_those_of_eve),
		cmocka_unit_test(what_is_told_of_a_refused_one_has_no_user),
		cmocka_unit_test(what_is_no_exception_excepts_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
