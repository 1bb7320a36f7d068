/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/golden.h"

#include <errno.h>

#include "base/http_url.h"

static void parts_of_a_url_are_told_apart(void **state)
{
	static const struct {
		const char *text, *host, *path;
		bool tls, is_address;
		uint16_t port;
	} good[] = {
		{ "http://example.org", "example.org", "/", false, false, 80 },
		{ "HTTPS://example.org/", "example.org", "/", true, false, 443 },
		{ "https://a_b-c.example:8443/x/y?z=1", "a_b-c.example", "/x/y?z=1", true, false,
		  8443 },
		{ "http://192.0.2.1:81?q", "192.0.2.1", "/?q", false, true, 81 },
		{ "https://[2001:db8::1]/p", "2001:db8::1", "/p", true, true, 443 },
		{ "http://[2001:db8::1]:8080", "2001:db8::1", "/", false, true, 8080 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct http_url url;

		assert_int_equal(http_url_parse(good[i].text, &url), 0);
		assert_string_equal(url.host, good[i].host);
		assert_string_equal(url.path, good[i].path);
		assert_int_equal(url.tls, good[i].tls);
		assert_int_equal(url.port, good[i].port);
		assert_int_equal(ipaddr_is_set(&url.addr), good[i].is_address);
	}
}

static void what_is_no_url_of_ours_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"example.org",
		"ftp://example.org/",
		"http://",
		"http:///path",
		"http://a..b/",
		"http://.a/",
		"http://user@example.org/",
		"http://user:pw@example.org/",
		"http://example.org:0/",
		"http://example.org:65536/",
		"http://example.org:/",
		"http://example.org:8x/",
		"http://example.org:-1/",
		"http://example.org/a b",
		"http://example.org/#there",
		"http://example.org/\n",
		"http://2001:db8::1/",
		"http://[192.0.2.1]/",
		"http://[2001:db8::1/",
		"http://[example.org]/",
		"http://ex%61mple.org/",
	};
	struct http_url url = { .port = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (http_url_parse(bad[i], &url) != -EINVAL)
			fail_msg("%s", bad[i]);
	assert_int_equal(url.port, 7);
}

static void longest_url_fits_and_a_longer_one_is_refused(void **state)
{
	char text[HTTP_URL_MAX + 8];
	struct http_url url;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "http://h?", 9);
	text[HTTP_URL_MAX - 2] = '\0';
	assert_int_equal(http_url_parse(text, &url), 0);
	text[HTTP_URL_MAX - 2] = 'x';
	text[HTTP_URL_MAX - 1] = '\0';
	assert_int_equal(http_url_parse(text, &url), -ENAMETOOLONG);
	memset(text + 7, 'h', 64); /* a label of a name: 63 at most */
	text[7 + 64] = '\0';
	assert_int_equal(http_url_parse(text, &url), -EINVAL);
}

static void list_is_taken_apart_at_blanks_and_commas(void **state)
{
	const char *list = " http://a, https://b/c\thttp://d ";
	char url[HTTP_URL_MAX];

	(void)state;
	assert_int_equal(http_url_next(&list, url), 1);
	assert_string_equal(url, "http://a");
	assert_int_equal(http_url_next(&list, url), 1);
	assert_string_equal(url, "https://b/c");
	assert_int_equal(http_url_next(&list, url), 1);
	assert_int_equal(http_url_next(&list, url), 0);
	list = "http://a nonsense";
	assert_int_equal(http_url_next(&list, url), 1);
	assert_int_equal(http_url_next(&list, url), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_a_url_are_told_apart),
		cmocka_unit_test(what_is_no_url_of_ours_is_refused),
		cmocka_unit_test(longest_url_fits_and_a_longer_one_is_refused),
		cmocka_unit_test(list_is_taken_apart_at_blanks_and_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
