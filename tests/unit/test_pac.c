/* SPDX-License-Identifier: Apache-2.0 */
/* PAC files: what their results mean, and what a run of pac-eval makes of good and hostile ones. */
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/pac.h"
#include "base/strbuf.h"
#include "conntest.pb-c.h"
#include "nim/proxy/pac_eval.h"
#include "nim/proxy/pac_load.h"
#include "paceval.pb-c.h"

static char *program;
static struct event_base *base;

/* ---- Results ---- */

static void add_names(const struct http_proxy *way, unsigned int n, struct strbuf *out)
{
	for (unsigned int i = 0; i < n; i++) {
		strbuf_add(out, i ? " " : "");
		http_proxy_name(way[i].kind, way[i].url.host, way[i].url.port, out);
	}
}

static void result_is(const char *result, const char *want)
{
	struct http_proxy ways[HTTP_PROXY_WAYS];
	struct strbuf out = STRBUF_INIT;
	unsigned int n = 77;

	if (!want) {
		assert_int_equal(pac_result_parse(result, ways, &n), -EINVAL);
		assert_int_equal(n, 77);
		return;
	}
	assert_int_equal(pac_result_parse(result, ways, &n), 0);
	add_names(ways, n, &out);
	assert_string_equal(strbuf_str(&out), want);
	strbuf_fini(&out);
}

static void result_is_a_list_of_ways(void **state)
{
	(void)state;
	result_is("DIRECT", "DIRECT");
	result_is("PROXY a.example:3128; SOCKS5 b.example:2; HTTPS c.example:3; DIRECT",
		  "a.example:3128 socks5://b.example:2 https://c.example:3 DIRECT");
	result_is(" proxy 192.0.2.7 ;\tSocks [2001:db8::7];;HTTP h;https s;socks4 f:4",
		  "192.0.2.7:80 socks4://[2001:db8::7]:1080 h:80 https://s:443 socks4://f:4");
	result_is("", "DIRECT");
	result_is(" ; ;", "DIRECT");
	result_is("null", "DIRECT");
	result_is("PROXY a:1;PROXY b:1;PROXY c:1;PROXY d:1;PROXY e:1;PROXY f:1;PROXY g:1;PROXY h:1;"
		  "PROXY i:1",
		  "a:1 b:1 c:1 d:1 e:1 f:1 g:1 h:1");
}

static void what_is_broken_in_a_result_is_passed_over(void **state)
{
	(void)state;
	result_is("QUIC q:443; PROXY a:1", "a:1");
	result_is("PROXY joe:secret@a:1; PROXY b:1", "b:1");
	result_is("PROXY http://a:1/; PROXY a/b:1; PROXY :1; PROXY a:0; PROXY a:70000; DIRECT",
		  "DIRECT");
	result_is("undefined", NULL);
	result_is("PROXY", NULL);
	result_is("PROXYa:1", NULL);
	result_is("a:3128", NULL);
	result_is("DIRECT a:1", NULL);
}

static void what_is_cut_of_a_result_is_no_way(void **state)
{
	static const char begin[] = "PROXY a:1; ";
	char text[PAC_RESULT_MAX + 32];

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, begin, strlen(begin));
	strcpy(text + PAC_RESULT_MAX - 10, "PROXY b.example:2");
	result_is(text, "a:1");
	text[PAC_RESULT_MAX - 1] = '\0';
	result_is(text, "a:1 b.e:80"); /* all of it */
	memset(text, ' ', strlen(begin));
	text[PAC_RESULT_MAX - 1] = 'x';
	result_is(text, NULL);
	memset(text, ' ', PAC_RESULT_MAX);
	result_is(text, NULL);
}

static void only_files_that_ask_for_names_get_some(void **state)
{
	static const char asks[] = "if (isInNet(host, \"10.0.0.0\", \"255.0.0.0\"))",
			  does_not[] = "return dnsDomainIs(host, \".example\");";

	(void)state;
	assert_true(pac_asks_for_names(asks, strlen(asks)));
	assert_false(pac_asks_for_names(does_not, strlen(does_not)));
	assert_false(pac_asks_for_names(asks, 8));
}

static void age_is_that_of_cache_control_and_an_hour_at_most(void **state)
{
	(void)state;
	assert_int_equal(pac_max_age_s(NULL), PAC_AGE_MAX_S);
	assert_int_equal(pac_max_age_s("public"), PAC_AGE_MAX_S);
	assert_int_equal(pac_max_age_s("public, Max-Age=60"), 60);
	assert_int_equal(pac_max_age_s("max-age=99999999999999999999999"), PAC_AGE_MAX_S);
	assert_int_equal(pac_max_age_s("max-age=-1"), PAC_AGE_MAX_S);
	assert_int_equal(pac_max_age_s("max-age=60, no-cache"), 0);
	assert_int_equal(pac_max_age_s("No-Store"), 0);
}

static void type_of_a_file_is_one_of_two(void **state)
{
	(void)state;
	assert_true(pac_is_type("application/x-ns-proxy-autoconfig"));
	assert_true(pac_is_type("Application/X-Javascript-Config; charset=utf-8"));
	assert_false(pac_is_type("application/x-ns-proxy-autoconfigs"));
	assert_false(pac_is_type("text/html"));
	assert_false(pac_is_type(NULL));
}

static void text_is_base64_with_or_without_line_ends(void **state)
{
	char *text = NULL;

	(void)state;
	assert_int_equal(pac_text_decode("ZnVu\r\nY3Rpb24=\n", &text), 0);
	assert_string_equal(text, "function");
	free(text);
	assert_int_equal(pac_text_decode("", &text), -EINVAL);
	assert_int_equal(pac_text_decode("!", &text), -EINVAL);
	assert_int_equal(pac_text_decode("YQBi", &text), -EINVAL); /* with NUL */
}

/* ---- What conn-test says of one ---- */

static void report_is(Ew__ConnReport *report, unsigned int nurls, int want)
{
	size_t len = protobuf_c_message_get_packed_size(&report->base);
	_cleanup_(freep) uint8_t *packed = xcalloc(1, len + 1);
	struct pac_report said = { .failure.outcome = CONN_UNTESTED };

	protobuf_c_message_pack(&report->base, packed);
	assert_int_equal(pac_report_read(packed, len, nurls, &said), want);
	assert_true(want < 0 ? !said.file : !said.file == (said.failure.outcome != CONN_UNTESTED));
	if (said.file)
		ew__conn_pac_file__free_unpacked(said.file, NULL);
}

static void only_a_file_that_was_asked_for_is_taken(void **state)
{
	Ew__ConnVerdict verdict = EW__CONN_VERDICT__INIT;
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	Ew__ConnPacFile file = EW__CONN_PAC_FILE__INIT;
	uint8_t text[] = "text";

	(void)state;
	report.said_case = EW__CONN_REPORT__SAID_PAC_FILE;
	report.pac_file = &file;
	report_is(&report, 0, 0); /* names only */
	report_is(&report, 1, -EBADMSG);
	file.text = (ProtobufCBinaryData){ 4, text };
	report_is(&report, 0, -EBADMSG);
	report_is(&report, 1, 0);
	file.text.len = 5; /* with the NUL */
	report_is(&report, 1, -EBADMSG);
	file.text.len = 4;
	file.url = 1;
	report_is(&report, 1, -EBADMSG);
	report_is(&report, 2, 0);
	report.port = 1;
	report_is(&report, 2, -EBADMSG);
	report.port = 0;
	report.said_case = EW__CONN_REPORT__SAID_VERDICT;
	report.verdict = &verdict;
	verdict.outcome = EW__TEST_OUTCOME__TEST_FAILED;
	verdict.stage = EW__TEST_STAGE__TEST_STAGE_DNS;
	report_is(&report, 1, 0);
	verdict.outcome = EW__TEST_OUTCOME__TEST_OK;
	verdict.stage = EW__TEST_STAGE__TEST_STAGE_DONE;
	report_is(&report, 1, -EBADMSG);
}

/* ---- Runs ---- */

static struct {
	struct strbuf text; /* the ways, or why there are none */
	bool done, good;
} seen;

static void on_done(const struct pac_ways *ways, const char *why, void *arg)
{
	seen.done = true;
	seen.good = !why;
	if (why)
		strbuf_add(&seen.text, why);
	for (unsigned int i = 0; !why && i < *(unsigned int *)arg; i++) {
		strbuf_add(&seen.text, i ? " | " : "");
		add_names(ways[i].way, ways[i].n, &seen.text);
	}
	event_base_loopbreak(base);
}

static const char *run_text(const char *text, size_t len, unsigned int nurls)
{
	static char url0[] = "http://www.example/a'b", url1[] = "https://10.1.2.3:8443/",
		    url2[] = "https://w.corp/", host0[] = "www.example", own[] = "192.0.2.7",
		    addr4[] = "10.9.9.9", addr6[] = "2001:db8::9";
	char *urls[] = { url0, url1, url2 }, *addrs[] = { addr4, addr6 };
	Ew__PacRequest request = EW__PAC_REQUEST__INIT;
	Ew__PacName name = EW__PAC_NAME__INIT, *names[] = { &name };
	struct pac_eval *eval;

	name.name = host0;
	name.addresses = addrs;
	name.n_addresses = 2;
	request.text = (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)text };
	request.own_address = own;
	request.urls = urls;
	request.n_urls = nurls;
	request.names = names;
	request.n_names = 1;
	strbuf_reset(&seen.text);
	seen.done = false;
	assert_int_equal(pac_eval_start(base, program, &request, on_done, &nurls, &eval), 0);
	while (!seen.done)
		event_base_dispatch(base);
	return strbuf_str(&seen.text);
}

static const char *run(const char *body)
{
	_cleanup_(freep) char *text = xasprintf("function FindProxyForURL(url, host) { %s }", body);

	return run_text(text, strlen(text), 1);
}

static void file_decides_for_each_url(void **state)
{
	static const char text[] =
		"function FindProxyForURL(url, host) {\n"
		"	if (shExpMatch(url, 'https:*') && host == '10.1.2.3') return 'DIRECT';\n"
		"	if (dnsDomainIs(host, '.corp')) return 'SOCKS5 s:1; DIRECT';\n"
		"	return 'PROXY ' + host + ':3128';\n"
		"}\n";

	(void)state;
	assert_string_equal(run_text(text, strlen(text), 3),
			    "www.example:3128 | DIRECT | socks5://s:1 DIRECT");
	assert_true(seen.good);
}

static void file_sees_our_address_and_the_names_it_was_given(void **state)
{
	(void)state;
	assert_string_equal(run("return 'PROXY ' + myIpAddress() + ':1';"), "192.0.2.7:1");
	assert_string_equal(run("return 'PROXY ' + dnsResolve(host) + ':1';"), "10.9.9.9:1");
	assert_string_equal(run("return isInNet(host, '10.0.0.0', '255.0.0.0') ? 'PROXY in:1' : "
				"'PROXY out:1';"),
			    "in:1");
	assert_string_equal(
		run("return dnsResolve('elsewhere.example') == null && "
		    "!isResolvable('localhost.example') ? 'PROXY unknown:1' : 'DIRECT'"),
		"unknown:1");
	assert_string_equal(run("return dnsResolve('192.0.2.9') == '192.0.2.9' ? 'PROXY same:1' : "
				"'DIRECT'"),
			    "same:1");
}

static void broken_file_is_told_of_in_the_words_of_the_engine(void **state)
{
	(void)state;
	assert_non_null(strstr(run("return }"), "SyntaxError"));
	assert_false(seen.good);
	assert_non_null(strstr(run("throw 'no'"), "uncaught exception: no"));
	assert_non_null(strstr(run("var a = 'x'; while (a.length < 4e6) a += a; throw a"),
			       "exception: xxx"));
	assert_non_null(strstr(run_text("var a;", 6, 1), "FindProxyForURL not defined"));
	assert_non_null(strstr(run_text("", 0, 1), "FindProxyForURL not defined"));
	assert_string_equal(run("return 'gopher\\n\"x'"), "no proxy is in its answer 'gopher??x'");
	assert_false(seen.good);
}

static void hostile_file_ends_within_its_limits(void **state)
{
	(void)state;
	assert_string_equal(run("while (1);"), "took more than 1 s of CPU");
	assert_non_null(strstr(run("return f(); function f() { return f(); }"), "recursion"));
	run("var a = 'x'; while (1) a += a;");
	assert_false(seen.good);
	run("var a = []; while (1) a.push(new Array(1000).join('x') + a.length);");
	assert_false(seen.good);
	run("var r = '(a*)*'; while (r.length < 20000) r = '(' + r + ')*'; "
	    "return new RegExp(r).test(new Array(5000).join('a') + 'b') ? 'DIRECT' : 'DIRECT';");
	run("var s = ''; for (var i = 0; i < 60000; i++) s += '['; return eval(s);");
	assert_false(seen.good);
	assert_string_equal(run("return 'DIRECT'"), "DIRECT"); /* and the next is well */
}

static void request_that_is_none_has_no_answer(void **state)
{
	_cleanup_(freep) char *longer = xcalloc(1, PAC_TEXT_MAX + 2);

	(void)state;
	assert_string_equal(run_text("a\0b", 3, 1), "pac-eval failed");
	memset(longer, ' ', PAC_TEXT_MAX + 1);
	assert_string_equal(run_text(longer, PAC_TEXT_MAX + 1, 1), "pac-eval failed");
	assert_non_null(strstr(run_text(longer, PAC_TEXT_MAX, 1), "not defined"));
}

static int setup(void **state)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	(void)state;
	if (n < 0)
		return -1;
	path[n] = '\0';
	base = event_base_new();
	*strstr(path, "/tests/unit/") = '\0';
	program = xasprintf("%s/bin/pac-eval", path);
	return base && access(program, X_OK) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	strbuf_fini(&seen.text);
	event_base_free(base);
	free(program);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(result_is_a_list_of_ways),
		cmocka_unit_test(what_is_broken_in_a_result_is_passed_over),
		cmocka_unit_test(what_is_cut_of_a_result_is_no_way),
		cmocka_unit_test(only_files_that_ask_for_names_get_some),
		cmocka_unit_test(age_is_that_of_cache_control_and_an_hour_at_most),
		cmocka_unit_test(type_of_a_file_is_one_of_two),
		cmocka_unit_test(text_is_base64_with_or_without_line_ends),
		cmocka_unit_test(only_a_file_that_was_asked_for_is_taken),
		cmocka_unit_test(file_decides_for_each_url),
		cmocka_unit_test(file_sees_our_address_and_the_names_it_was_given),
		cmocka_unit_test(broken_file_is_told_of_in_the_words_of_the_engine),
		cmocka_unit_test(hostile_file_ends_within_its_limits),
		cmocka_unit_test(request_that_is_none_has_no_answer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
