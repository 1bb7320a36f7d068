/* SPDX-License-Identifier: Apache-2.0 */
/* What is traced of a connectivity test: bounded, printable, without secrets; and what nim keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "conntest.pb-c.h"
#include "conntest/trace.h"
#include "nim/conn/conn_request.h"

static struct mono ms(uint64_t n)
{
	return (struct mono){ n * 1000000 + 1 };
}

/* ---- Lines ---- */

static void line_has_its_time_and_is_printable_and_short(void **state)
{
	struct trace *t = trace_new(ms(1000));
	char longer[2 * TRACE_LINE + 1], want[TRACE_LINE + 16];

	(void)state;
	trace_add(NULL, ms(1000), "nobody wants it");
	trace_add(t, ms(1012), "one\ttwo\r\n\x80\x7f");
	assert_string_equal(trace_text(t), "    12 one?two????\n");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	trace_add(t, ms(1013), "%s", longer);
	snprintf(want, sizeof(want), "    13 %.*s...\n", TRACE_LINE - 3, longer);
	assert_string_equal(strchr(trace_text(t), '\n') + 1, want);
	trace_free(t);
}

static void what_does_not_fit_is_counted(void **state)
{
	struct trace *t = trace_new(ms(0));
	const char *text;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		trace_add(t, ms(i), "line %u of a thousand", i);
	text = trace_text(t);
	assert_true(strlen(text) < CONN_TRACE);
	assert_true(strlen(text) > CONN_TRACE - 100);
	assert_non_null(strstr(text, " lines are left out\n"));
	trace_add(t, ms(0), "x"); /* it is asked for more than once */
	text = trace_text(t);
	assert_true(strlen(text) < CONN_TRACE);
	assert_ptr_equal(strstr(text, "left out"), strrchr(text, 'l'));
	trace_free(t);
	t = trace_new(ms(0));
	for (unsigned int i = 0; i < CONN_TRACE / TRACE_LINE; i++)
		trace_add(t, ms(i), "%*s", TRACE_LINE, "");
	trace_add(t, ms(0), "short"); /* would fit, behind what is missing */
	text = trace_text(t);
	assert_null(strstr(text, "short"));
	assert_non_null(strstr(text, "... 3 lines are left out\n"));
	trace_free(t);
}

/* ---- Heads ---- */

static void only_what_is_known_to_be_harmless_is_shown(void **state)
{
	static const char *const lines[][2] = {
		{ "GET /a HTTP/1.1", "GET /a HTTP/1.1" },
		{ "GET /a?key=4711 HTTP/1.1", "GET /a?*** HTTP/1.1" },
		{ "GET http://x.example?k HTTP/1.0", "GET http://x.example?*** HTTP/1.0" },
		{ "HTTP/1.1 200 OK: fine", "HTTP/1.1 200 OK: fine" },
		{ "CONNECT [2001:db8::1]:443 HTTP/1.1", "CONNECT [2001:db8::1]:443 HTTP/1.1" },
		{ "host: web.example", "host: web.example" },
		{ "Content-Type:text/html", "Content-Type: text/html" },
		{ "Authorization: Basic am9l", "Authorization: ***" },
		{ "Proxy-Authorization: Basic am9l", "Proxy-Authorization: ***" },
		{ "Cookie: a=b", "Cookie: ***" },
		{ "Set-Cookie:   a=b", "Set-Cookie: ***" },
		{ "X-Soft-Serial: 4711", "X-Soft-Serial: ***" },
		{ "X-Anything:", "X-Anything: " },
		{ "Hosts: x", "Hosts: ***" },
		{ "Set-Cookie : a=b", "Set-Cookie : ***" },
		{ "Set Cookie: a=b", "Set Cookie: ***" },
		{ " folded=secret", "***" },
		{ "\tfolded: secret HTTP/1.1", "***" },
		{ "a=b", "***" },
		{ "Location: /", "Location: /" },
		{ "Location: http://x.example/a?b#c", "Location: http://x.example/a***" },
		{ "Location: http://joe:s3@x.example/", "Location: ***" },
		{ "WWW-Authenticate: Digest nonce=x", "WWW-Authenticate: Digest***" },
		{ "", "" },
		{ ":", "***" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;

		trace_header(lines[i][0], strlen(lines[i][0]), &out);
		assert_string_equal(strbuf_str(&out), lines[i][1]);
	}
	assert_true(trace_is_harmless("SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384"));
	assert_false(trace_is_harmless("Proxy auth using Basic with user 'joe'"));
	assert_false(trace_is_harmless("SOCKS5 GSS-API"));
	assert_false(trace_is_harmless(""));
}

static void an_url_is_told_without_its_query(void **state)
{
	struct trace *t = trace_new(mono_now());
	struct trace_attempt a;

	(void)state;
	trace_attempt_begin(&a, t);
	trace_attempt_asked(&a, "192.0.2.2 to 192.0.2.3", 80, "http://x.example/pac?key=4711");
	assert_non_null(strstr(trace_text(t), " port 80: asked for http://x.example/pac?***\n"));
	trace_free(t);
}

/* ---- What nim believes ---- */

static void read_trace(const char *text, const char *want)
{
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	struct conn_report got;
	uint8_t *packed;
	size_t len;

	report.port = 1;
	report.said_case = EW__CONN_REPORT__SAID_TRACE;
	report.trace = (char *)(uintptr_t)text;
	packed = xcalloc(1, ew__conn_report__get_packed_size(&report));
	len = ew__conn_report__pack(&report, packed);
	assert_int_equal(conn_report_read(packed, len, 1, &got), -EBADMSG); /* no such port */
	assert_int_equal(conn_report_read(packed, len, 2, &got), 0);
	assert_int_equal(got.kind, CONN_REPORT_TRACE);
	assert_string_equal(got.trace, want);
	free(got.trace);
	free(packed);
}

/* Who asks once it is known that a port is tested finds what was done. */
static void a_verdict_has_what_was_done_until_then(void **state)
{
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	Ew__ConnVerdict verdict = EW__CONN_VERDICT__INIT;
	struct conn_report got;
	uint8_t packed[128];

	(void)state;
	verdict.outcome = EW__TEST_OUTCOME__TEST_OK;
	verdict.stage = EW__TEST_STAGE__TEST_STAGE_DONE;
	report.said_case = EW__CONN_REPORT__SAID_VERDICT;
	report.verdict = &verdict;
	assert_int_equal(conn_report_read(packed, ew__conn_report__pack(&report, packed), 1, &got),
			 0);
	assert_null(got.trace);
	verdict.trace = (char *)(uintptr_t) "one\ntwo\t\nth";
	assert_int_equal(conn_report_read(packed, ew__conn_report__pack(&report, packed), 1, &got),
			 0);
	assert_int_equal(got.kind, CONN_REPORT_VERDICT);
	assert_string_equal(got.trace, "one\ntwo?\n");
	free(got.trace);
}

static void nim_takes_whole_printable_lines(void **state)
{
	_cleanup_(freep) char *much = xcalloc(1, 3 * CONN_TRACE + 1);
	_cleanup_(freep) char *most = xcalloc(1, CONN_TRACE + 1);

	(void)state;
	read_trace("", "");
	read_trace("no end", "");
	read_trace("one\ntwo\nth", "one\ntwo\n");
	read_trace("\x1b[31m\t\x80\n", "?[31m??\n");
	for (size_t i = 0; i < 3 * CONN_TRACE; i++)
		much[i] = i % 10 == 9 ? '\n' : 'x';
	memcpy(most, much, CONN_TRACE / 10 * 10);
	read_trace(much, most);
}

/* ---- What nim keeps ---- */

static struct nim_config config;

static char *print(const struct conn_traces *traces, const char *label)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	conn_traces_print(traces, label, out);
	fclose(out);
	return text;
}

static void expect(const struct conn_traces *traces, const char *label, const char *want)
{
	_cleanup_(freep) char *text = print(traces, label);

	assert_string_equal(text, want);
}

static void last_one_of_each_kind_is_kept_of_each_port(void **state)
{
	struct conn_traces traces = { 0 };

	(void)state;
	memset(&config, 0, sizeof(config));
	strcpy(config.ports[0].label, "a");
	config.nports = 1;
	expect(&traces, "", "");
	conn_traces_put(&traces, "a", CONN_TRACE_FAILED, "old\n", 0);
	conn_traces_put(&traces, "a", CONN_TRACE_PASSED, "good\n", 1000);
	conn_traces_put(&traces, "a", CONN_TRACE_FAILED, "new\n", 2000);
	conn_traces_put(&traces, "b", CONN_TRACE_PASSED, "b\n", 3000);
	conn_traces_put(&traces, "b", CONN_TRACE_CANDIDATE, "c\n", 4000);
	expect(&traces, "a",
	       "a: the last test that passed, 1970-01-01T00:00:01Z\ngood\n\n"
	       "a: the last test that failed, 1970-01-01T00:00:02Z\nnew\n");
	conn_traces_forget_others(&traces, &config);
	expect(&traces, "b",
	       "b: the last test that failed of a configuration being tried, "
	       "1970-01-01T00:00:04Z\nc\n");
	assert_int_equal(traces.bytes, strlen("good\nnew\nc\n"));
	conn_traces_fini(&traces);
	assert_int_equal(traces.bytes, 0);
}

static void all_together_are_bounded_and_the_oldest_goes_first(void **state)
{
	_cleanup_(freep) char *text = xcalloc(1, CONN_TRACE + 1), *left = NULL;
	struct conn_traces traces = { 0 };
	char label[16];

	(void)state;
	memset(text, 'x', CONN_TRACE);
	for (unsigned int i = 0; i < 3 * 64; i++) {
		snprintf(label, sizeof(label), "port%u", i);
		conn_traces_put(&traces, label, CONN_TRACE_PASSED, text, 0);
		assert_true(traces.bytes <= CONN_TRACES);
	}
	assert_int_equal(traces.n, CONN_TRACES / CONN_TRACE);
	expect(&traces, "port0", "");
	left = print(&traces, label);
	assert_true(strlen(left) > CONN_TRACE);
	conn_traces_fini(&traces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_has_its_time_and_is_printable_and_short),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(only_what_is_known_to_be_harmless_is_shown),
		cmocka_unit_test(an_url_is_told_without_its_query),
		cmocka_unit_test(nim_takes_whole_printable_lines),
		cmocka_unit_test(a_verdict_has_what_was_done_until_then),
		cmocka_unit_test(last_one_of_each_kind_is_kept_of_each_port),
		cmocka_unit_test(all_together_are_bounded_and_the_oldest_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
