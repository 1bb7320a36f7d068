/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/judge.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#include "base/pac.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"

static void say(struct conn_result *ret, enum conn_outcome outcome, enum conn_stage stage,
		const char *fmt, ...) __attribute__((__format__(__printf__, 4, 5)));

static void say(struct conn_result *ret, enum conn_outcome outcome, enum conn_stage stage,
		const char *fmt, ...)
{
	va_list ap;

	*ret = (struct conn_result){ .outcome = outcome, .stage = stage };
	va_start(ap, fmt);
	vsnprintf(ret->why, sizeof(ret->why), fmt, ap);
	va_end(ap);
}

void conn_judge_dns(enum conn_dns dns, const char *host, const char *servers,
		    struct conn_result *ret)
{
	switch (dns) {
	case CONN_DNS_FOUND:
		say(ret, CONN_OK, CONN_STAGE_DONE, "%s", "");
		return;
	case CONN_DNS_PENDING:
		say(ret, CONN_FAILED, CONN_STAGE_DNS, "no answer from %s for %.60s", servers, host);
		return;
	case CONN_DNS_NO_SERVER:
		say(ret, CONN_NOT_READY, CONN_STAGE_DNS, "no DNS server to ask for %.60s", host);
		return;
	case CONN_DNS_NO_NAME:
		say(ret, CONN_FAILED, CONN_STAGE_DNS, "%s: there is no %.60s", servers, host);
		return;
	case CONN_DNS_NO_ADDRESS:
		say(ret, CONN_FAILED, CONN_STAGE_DNS, "%s: %.60s has no address", servers, host);
		return;
	case CONN_DNS_TEMPORARY:
		say(ret, CONN_NOT_READY, CONN_STAGE_DNS, "%s cannot answer for %.60s now", servers,
		    host);
		return;
	case CONN_DNS_FAILED:
		say(ret, CONN_FAILED, CONN_STAGE_DNS, "%s refuses to answer for %.60s", servers,
		    host);
		return;
	}
}

/* Silence says less than an error, and a name that is not there says more than a server that has a
 * bad moment. */
enum conn_dns conn_dns_better(enum conn_dns a, enum conn_dns b)
{
	static const int rank[] = {
		[CONN_DNS_NO_SERVER] = 0, [CONN_DNS_PENDING] = 1, [CONN_DNS_FAILED] = 2,
		[CONN_DNS_TEMPORARY] = 3, [CONN_DNS_NO_NAME] = 4, [CONN_DNS_NO_ADDRESS] = 5,
		[CONN_DNS_FOUND] = 6,
	};

	return rank[a] >= rank[b] ? a : b;
}

/* ---- Attempts ---- */

static void judge_connect(const struct conn_attempt *a, struct conn_result *ret)
{
	if (a->err == EADDRNOTAVAIL)
		say(ret, CONN_NOT_READY, CONN_STAGE_ADDRESS, "%s: the address is gone", a->between);
	else if (a->err == ECONNREFUSED && !a->proxied)
		say(ret, CONN_REMOTE, CONN_STAGE_TCP, "%s: connection refused", a->between);
	else if (a->err)
		say(ret, CONN_FAILED, CONN_STAGE_TCP, "%s: %s", a->between, strerror(a->err));
	else if (a->timed_out)
		say(ret, CONN_FAILED, CONN_STAGE_TCP, "%s: no answer", a->between);
	else
		say(ret, CONN_FAILED, CONN_STAGE_TCP, "%s: %s", a->between, a->text);
}

/* TLS of the proxy itself, SOCKS, or silence: its faults are never those of the far end. */
static void judge_at_proxy(const struct conn_attempt *a, struct conn_result *ret)
{
	if (a->verify)
		say(ret, CONN_FAILED, CONN_STAGE_TCP, "%s: %s", a->between,
		    X509_verify_cert_error_string(a->verify));
	else if (a->timed_out)
		say(ret, CONN_FAILED, CONN_STAGE_TCP, "%s: connected, but no way through so far",
		    a->between);
	else
		say(ret, CONN_FAILED, CONN_STAGE_TCP, "%s: %s", a->between, a->text);
}

/* A parameter of that name, outside of quoted strings (RFC 8941 4.2): "p; error=dns_timeout". */
static bool has_parameter(const char *list, const char *name)
{
	bool quoted = false;

	for (const char *c = list; *c; c++) {
		if (quoted && *c == '\\' && c[1])
			c++;
		else if (*c == '"')
			quoted = !quoted;
		else if (!quoted && *c == ';' &&
			 strncmp(c + 1 + strspn(c + 1, " "), name, strlen(name)) == 0)
			return true;
	}
	return false;
}

enum conn_maker conn_maker(const char *proxy_status, const char *squid_error)
{
	if (squid_error || (proxy_status && has_parameter(proxy_status, "error=")))
		return CONN_MAKER_PROXY;
	if (proxy_status && has_parameter(proxy_status, "received-status="))
		return CONN_MAKER_TARGET;
	return CONN_MAKER_UNKNOWN;
}

static bool is_refused(const struct conn_attempt *a)
{
	unsigned int status = a->tunnel ? a->tunnel : a->status;

	return a->proxied && (status == 407 || (a->tunnel && status / 100 != 2) ||
			      (!a->tunnel && status / 100 == 5 && a->maker == CONN_MAKER_PROXY));
}

static void judge_proxy(const struct conn_attempt *a, struct conn_result *ret)
{
	unsigned int status = a->tunnel ? a->tunnel : a->status;

	if (status == 407)
		say(ret, CONN_FAILED, CONN_STAGE_TCP,
		    "%s: HTTP 407, it wants another user or password", a->between);
	else
		say(ret, CONN_FAILED, CONN_STAGE_TCP, "%s: HTTP %u, no way through", a->between,
		    status);
}

/* A certificate out of its dates is the far end's fault, or that of our clock: so that is told. */
static void judge_tls(const struct conn_attempt *a, int64_t now_s, struct conn_result *ret)
{
	bool dates = a->verify == X509_V_ERR_CERT_HAS_EXPIRED ||
		     a->verify == X509_V_ERR_CERT_NOT_YET_VALID;
	struct strbuf now = STRBUF_INIT;

	rfc3339_format(now_s, 0, &now);
	if (dates)
		say(ret, CONN_REMOTE, CONN_STAGE_TLS, "%s: %s, at %s of our clock", a->between,
		    X509_verify_cert_error_string(a->verify), strbuf_str(&now));
	else if (a->verify)
		say(ret, CONN_FAILED, CONN_STAGE_TLS, "%s: %s", a->between,
		    X509_verify_cert_error_string(a->verify));
	else if (a->timed_out)
		say(ret, CONN_FAILED, CONN_STAGE_TLS, "%s: connected, but no answer to TLS",
		    a->between);
	else
		say(ret, CONN_FAILED, CONN_STAGE_TLS, "%s: %s", a->between, a->text);
	strbuf_fini(&now);
}

static bool is_good(unsigned int status)
{
	return status == 200 || status == 201 || status == 204 || status == 304;
}

static void judge_http(const struct conn_attempt *a, struct conn_result *ret)
{
	if (a->status >= 500 && a->status <= 511 && a->proxied && !a->tls &&
	    a->maker == CONN_MAKER_UNKNOWN)
		say(ret, CONN_REMOTE, CONN_STAGE_HTTP, "%s: HTTP %u, of the proxy or the far end",
		    a->between, a->status);
	else if (a->status >= 500 && a->status <= 511)
		say(ret, CONN_REMOTE, CONN_STAGE_HTTP, "%s: HTTP %u", a->between, a->status);
	else if (a->status >= 300 && a->status <= 399)
		say(ret, CONN_FAILED, CONN_STAGE_HTTP,
		    "%s: HTTP %u, sent elsewhere: a log-in page of this network?", a->between,
		    a->status);
	else if (a->status && !is_good(a->status))
		say(ret, CONN_FAILED, CONN_STAGE_HTTP, "%s: HTTP %u", a->between, a->status);
	else if (a->timed_out)
		say(ret, CONN_FAILED, CONN_STAGE_HTTP, "%s: no answer to the request", a->between);
	else
		say(ret, CONN_FAILED, CONN_STAGE_HTTP, "%s: %s", a->between, a->text);
}

void conn_judge_attempt(const struct conn_attempt *a, int64_t now_s, struct conn_result *ret)
{
	if (is_good(a->status) && !a->timed_out && !*a->text)
		say(ret, CONN_OK, CONN_STAGE_DONE, "%s", "");
	else if (is_refused(a))
		judge_proxy(a, ret);
	else if (!a->connected)
		judge_connect(a, ret);
	else if (a->at_proxy)
		judge_at_proxy(a, ret);
	else if (a->tls && !a->secured)
		judge_tls(a, now_s, ret);
	else
		judge_http(a, ret);
}

/* What the server of a file does is for nobody but its owner to mend: CONN_REMOTE is of targets. */
static void judge_no_document(const struct conn_attempt *a, int64_t now_s, struct conn_result *ret)
{
	conn_judge_attempt(a, now_s, ret);
	if (ret->outcome == CONN_OK)
		say(ret, CONN_FAILED, CONN_STAGE_HTTP, "%s: HTTP %u, without a file", a->between,
		    a->status);
	if (ret->outcome == CONN_REMOTE)
		ret->outcome = CONN_FAILED;
}

void conn_judge_document(const struct conn_attempt *a, int64_t now_s, struct conn_result *ret)
{
	const struct conn_document *d = a->document;

	if (!d)
		judge_no_document(a, now_s, ret);
	else if (d->too_long)
		say(ret, CONN_FAILED, CONN_STAGE_HTTP, "%s: longer than %u KiB", a->between,
		    PAC_TEXT_MAX >> 10);
	else if (*a->text || (!d->elsewhere && a->status != 200))
		judge_no_document(a, now_s, ret);
	else if (!d->elsewhere && !pac_is_type(d->type))
		say(ret, CONN_FAILED, CONN_STAGE_HTTP, "%s: it is of type '%.60s'", a->between,
		    d->type ? d->type : "");
	else if (!d->elsewhere && (!d->len || memchr(d->text, '\0', d->len)))
		say(ret, CONN_FAILED, CONN_STAGE_HTTP, "%s: it is no text", a->between);
	else
		say(ret, CONN_OK, CONN_STAGE_DONE, "%s", "");
}

bool conn_tells_more(const struct conn_result *a, const struct conn_result *b)
{
	if (a->stage != b->stage)
		return a->stage > b->stage;
	return a->outcome == CONN_REMOTE && b->outcome != CONN_REMOTE;
}
