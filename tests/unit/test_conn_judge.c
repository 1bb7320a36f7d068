/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt of conn-test that ended says about its port: the table of docs/nim.md. */
#include "tests/unit/golden.h"

#include <errno.h>
#include <openssl/x509_vfy.h>

#include "conntest/judge.h"

#define NOW 1772600767 /* 2026-03-04T05:06:07Z */

struct expected {
	struct conn_attempt attempt;
	enum conn_outcome outcome;
	enum conn_stage stage;
	const char *why; /* ends with */
};

static void check(const struct expected *e)
{
	struct conn_attempt attempt = e->attempt;
	struct conn_result result;
	size_t len = strlen(e->why);

	if (!attempt.text)
		attempt.text = "";
	strcpy(attempt.between, "192.0.2.7 to 198.51.100.80");
	conn_judge_attempt(&attempt, NOW, &result);
	assert_int_equal(result.outcome, e->outcome);
	assert_int_equal(result.stage, e->stage);
	assert_true(strlen(result.why) >= len);
	assert_string_equal(result.why + strlen(result.why) - len, e->why);
}

#define SECURED .connected = true, .secured = true, .tls = true

static const struct expected attempts[] = {
	{ { SECURED, .status = 200 }, CONN_OK, CONN_STAGE_DONE, "" },
	{ { SECURED, .status = 201 }, CONN_OK, CONN_STAGE_DONE, "" },
	{ { SECURED, .status = 204 }, CONN_OK, CONN_STAGE_DONE, "" },
	{ { SECURED, .status = 304 }, CONN_OK, CONN_STAGE_DONE, "" },
	{ { .connected = true, .status = 200 }, CONN_OK, CONN_STAGE_DONE, "" },
	{ { SECURED, .status = 202 }, CONN_FAILED, CONN_STAGE_HTTP, "HTTP 202" },
	{ { SECURED, .status = 301 }, CONN_FAILED, CONN_STAGE_HTTP, "network?" },
	{ { SECURED, .status = 400 }, CONN_FAILED, CONN_STAGE_HTTP, "HTTP 400" },
	{ { SECURED, .status = 499 }, CONN_FAILED, CONN_STAGE_HTTP, "HTTP 499" },
	{ { SECURED, .status = 500 }, CONN_REMOTE, CONN_STAGE_HTTP, "HTTP 500" },
	{ { SECURED, .status = 511 }, CONN_REMOTE, CONN_STAGE_HTTP, "HTTP 511" },
	{ { SECURED, .status = 512 }, CONN_FAILED, CONN_STAGE_HTTP, "HTTP 512" },
	{ { SECURED, .timed_out = true, .text = "t" },
	  CONN_FAILED,
	  CONN_STAGE_HTTP,
	  "no answer to the request" },
	{ { SECURED, .status = 200, .text = "transfer closed" },
	  CONN_FAILED,
	  CONN_STAGE_HTTP,
	  "transfer closed" },
	{ { .err = ECONNREFUSED, .text = "x" }, CONN_REMOTE, CONN_STAGE_TCP, "connection refused" },
	{ { .err = ECONNREFUSED, .proxied = true, .text = "x" },
	  CONN_FAILED,
	  CONN_STAGE_TCP,
	  "Connection refused" },
	{ { .connected = true, .tls = true, .proxied = true, .tunnel = 407, .text = "x" },
	  CONN_FAILED,
	  CONN_STAGE_TCP,
	  "HTTP 407, it wants another user or password" },
	{ { .connected = true, .tls = true, .proxied = true, .tunnel = 503, .text = "x" },
	  CONN_FAILED,
	  CONN_STAGE_TCP,
	  "HTTP 503, no way through" },
	{ { .connected = true, .proxied = true, .status = 407, .text = "x" },
	  CONN_FAILED,
	  CONN_STAGE_TCP,
	  "HTTP 407, it wants another user or password" },
	{ { .connected = true, .tls = true, .proxied = true, .tunnel = 200, .text = "x" },
	  CONN_FAILED,
	  CONN_STAGE_TLS,
	  "x" },
	{ { .connected = true, .tls = true, .proxied = true, .at_proxy = true, .text = "x" },
	  CONN_FAILED,
	  CONN_STAGE_TCP,
	  "x" },
	{ { .connected = true,
	    .tls = true,
	    .proxied = true,
	    .at_proxy = true,
	    .verify = X509_V_ERR_CERT_HAS_EXPIRED,
	    .text = "x" },
	  CONN_FAILED, /* not the far end's fault, as that of the target would be */
	  CONN_STAGE_TCP,
	  "certificate has expired" },
	{ { .connected = true, .proxied = true, .at_proxy = true, .timed_out = true, .text = "x" },
	  CONN_FAILED,
	  CONN_STAGE_TCP,
	  "connected, but no way through so far" },
	{ { .err = EHOSTUNREACH, .text = "x" }, CONN_FAILED, CONN_STAGE_TCP, "No route to host" },
	{ { .err = EADDRNOTAVAIL, .text = "x" },
	  CONN_NOT_READY,
	  CONN_STAGE_ADDRESS,
	  "the address is gone" },
	{ { .timed_out = true, .text = "x" }, CONN_FAILED, CONN_STAGE_TCP, "no answer" },
	{ { .connected = true, .tls = true, .text = "x", .verify = X509_V_ERR_CERT_HAS_EXPIRED },
	  CONN_REMOTE,
	  CONN_STAGE_TLS,
	  "certificate has expired, at 2026-03-04T05:06:07Z of our clock" },
	{ { .connected = true, .tls = true, .text = "x", .verify = X509_V_ERR_CERT_NOT_YET_VALID },
	  CONN_REMOTE,
	  CONN_STAGE_TLS,
	  "certificate is not yet valid, at 2026-03-04T05:06:07Z of our clock" },
	{ { .connected = true,
	    .tls = true,
	    .text = "x",
	    .verify = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	  CONN_FAILED,
	  CONN_STAGE_TLS,
	  "unable to get local issuer certificate" },
	{ { .connected = true, .tls = true, .text = "x", .verify = X509_V_ERR_HOSTNAME_MISMATCH },
	  CONN_FAILED,
	  CONN_STAGE_TLS,
	  "hostname mismatch" },
	{ { .connected = true, .tls = true, .timed_out = true, .text = "x" },
	  CONN_FAILED,
	  CONN_STAGE_TLS,
	  "connected, but no answer to TLS" },
	{ { .connected = true, .tls = true, .text = "reset" },
	  CONN_FAILED,
	  CONN_STAGE_TLS,
	  "reset" },
};

#define BY_PROXY .connected = true, .proxied = true, .text = ""

/* A plain request by a proxy: what it answers may be its own. */
static const struct expected proxied[] = {
	{ { BY_PROXY, .status = 503, .maker = CONN_MAKER_PROXY },
	  CONN_FAILED,
	  CONN_STAGE_TCP,
	  "HTTP 503, no way through" },
	{ { BY_PROXY, .status = 503, .maker = CONN_MAKER_TARGET },
	  CONN_REMOTE,
	  CONN_STAGE_HTTP,
	  "80: HTTP 503" },
	{ { BY_PROXY, .status = 503 },
	  CONN_REMOTE,
	  CONN_STAGE_HTTP,
	  "HTTP 503, of the proxy or the far end" },
	{ { BY_PROXY, .status = 404, .maker = CONN_MAKER_PROXY },
	  CONN_FAILED,
	  CONN_STAGE_HTTP,
	  "HTTP 404" },
	{ { SECURED, .proxied = true, .tunnel = 200, .status = 503, .maker = CONN_MAKER_TARGET },
	  CONN_REMOTE,
	  CONN_STAGE_HTTP,
	  "80: HTTP 503" },
};

static void server_error_is_the_far_ends_unless_the_proxy_says_it_is_its_own(void **state)
{
	static const struct {
		const char *proxy_status, *squid_error;
		enum conn_maker maker;
	} headers[] = {
		{ NULL, NULL, CONN_MAKER_UNKNOWN },
		{ NULL, "ERR_DNS_FAIL 0", CONN_MAKER_PROXY },
		{ "plant", NULL, CONN_MAKER_UNKNOWN },
		{ "plant; error=dns_timeout", NULL, CONN_MAKER_PROXY },
		{ "a; received-status=200, plant;error=http_request_denied", NULL,
		  CONN_MAKER_PROXY },
		{ "plant; received-status=503", NULL, CONN_MAKER_TARGET },
		{ "plant; details=\"\\\"; error=no\"; received-status=503", NULL,
		  CONN_MAKER_TARGET },
		{ "\"; error=x", NULL, CONN_MAKER_UNKNOWN },
		{ "\\", NULL, CONN_MAKER_UNKNOWN },
		{ ";", NULL, CONN_MAKER_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		assert_int_equal(conn_maker(headers[i].proxy_status, headers[i].squid_error),
				 headers[i].maker);
	for (size_t i = 0; i < ARRAY_SIZE(proxied); i++)
		check(&proxied[i]);
}

static void outcome_follows_from_where_it_ended_and_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		check(&attempts[i]);
}

/* Its server is no target: that it has a bad day is no reason to think well of the port. */
static void document_that_does_not_come_is_a_failure(void **state)
{
	static const struct conn_document none = { .text = "" };
	static const struct {
		struct conn_attempt attempt;
		enum conn_stage stage;
	} list[] = {
		{ { SECURED, .status = 503, .timed_out = true, .text = "t" }, CONN_STAGE_HTTP },
		{ { SECURED, .status = 200, .timed_out = true, .text = "t" }, CONN_STAGE_HTTP },
		{ { .timed_out = true, .text = "t" }, CONN_STAGE_TCP },
		{ { SECURED, .status = 503, .text = "", .document = &none }, CONN_STAGE_HTTP },
		{ { .err = ECONNREFUSED, .text = "x", .document = &none }, CONN_STAGE_TCP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		struct conn_result result;

		conn_judge_document(&list[i].attempt, NOW, &result);
		assert_int_equal(result.outcome, CONN_FAILED);
		assert_int_equal(result.stage, list[i].stage);
	}
}

static void dns_that_may_mend_itself_is_not_ready(void **state)
{
	static const struct {
		enum conn_dns dns;
		enum conn_outcome outcome;
	} list[] = {
		{ CONN_DNS_FOUND, CONN_OK },
		{ CONN_DNS_PENDING, CONN_FAILED },
		{ CONN_DNS_NO_SERVER, CONN_NOT_READY },
		{ CONN_DNS_NO_NAME, CONN_FAILED },
		{ CONN_DNS_NO_ADDRESS, CONN_FAILED },
		{ CONN_DNS_TEMPORARY, CONN_NOT_READY },
		{ CONN_DNS_FAILED, CONN_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		struct conn_result result;

		conn_judge_dns(list[i].dns, "c.example", "192.0.2.53", &result);
		assert_int_equal(result.outcome, list[i].outcome);
		assert_int_equal(result.stage,
				 list[i].dns == CONN_DNS_FOUND ? CONN_STAGE_DONE : CONN_STAGE_DNS);
		assert_true(list[i].dns == CONN_DNS_FOUND || strstr(result.why, "c.example"));
	}
	assert_int_equal(conn_dns_better(CONN_DNS_PENDING, CONN_DNS_FOUND), CONN_DNS_FOUND);
	assert_int_equal(conn_dns_better(CONN_DNS_NO_NAME, CONN_DNS_TEMPORARY), CONN_DNS_NO_NAME);
}

static void the_failure_that_got_farther_tells_more(void **state)
{
	struct conn_result tcp = { .outcome = CONN_FAILED, .stage = CONN_STAGE_TCP };
	struct conn_result refused = { .outcome = CONN_REMOTE, .stage = CONN_STAGE_TCP };
	struct conn_result http = { .outcome = CONN_FAILED, .stage = CONN_STAGE_HTTP };

	(void)state;
	assert_true(conn_tells_more(&http, &refused));
	assert_false(conn_tells_more(&refused, &http));
	assert_true(conn_tells_more(&refused, &tcp));
	assert_false(conn_tells_more(&tcp, &refused));
	assert_false(conn_tells_more(&tcp, &tcp));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_error_is_the_far_ends_unless_the_proxy_says_it_is_its_own),
		cmocka_unit_test(outcome_follows_from_where_it_ended_and_why),
		cmocka_unit_test(document_that_does_not_come_is_a_failure),
		cmocka_unit_test(dns_that_may_mend_itself_is_not_ready),
		cmocka_unit_test(the_failure_that_got_farther_tells_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
