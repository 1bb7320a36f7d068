/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt that ended says about its port. Pure. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "nim/conn/conn_result.h"

#define CONN_ATTEMPT_NAME (2 * INET6_ADDRSTRLEN + 24)

/* How one name resolution ended. */
enum conn_dns {
	CONN_DNS_FOUND,
	CONN_DNS_PENDING, /* no answer so far */
	CONN_DNS_NO_SERVER,
	CONN_DNS_NO_NAME, /* there is no such name */
	CONN_DNS_NO_ADDRESS, /* the name has none of this family */
	CONN_DNS_TEMPORARY, /* server failure; nobody listens there */
	CONN_DNS_FAILED, /* refused, or nonsense */
};
void conn_judge_dns(enum conn_dns dns, const char *host, const char *servers,
		    struct conn_result *ret);
/* Of two ends of one question to several servers, the one that says more. */
enum conn_dns conn_dns_better(enum conn_dns a, enum conn_dns b);

/* What came of a URL that was asked for a document. */
struct conn_document {
	const char *text; /* not for its text's sake but with NUL */
	size_t len;
	bool too_long;
	const char *type, *cache_control; /* NULL: none was told */
	const char *elsewhere; /* where it is instead, with 30x; NULL: nowhere */
};

/* Who has made an HTTP status that came by a proxy without a tunnel, as far as it says so. */
enum conn_maker { CONN_MAKER_UNKNOWN, CONN_MAKER_PROXY, CONN_MAKER_TARGET };
/* From what came with it, NULL: it did not: Proxy-Status (RFC 9209), and X-Squid-Error, by which the
 * commonest proxy tells pages of its own. Via says nothing: proxies add it to these, too. */
enum conn_maker conn_maker(const char *proxy_status, const char *squid_error);

/* How one attempt at a URL ended: the last thing that was reached, and what was in the way. */
struct conn_attempt {
	char between[CONN_ATTEMPT_NAME]; /* "192.0.2.7 to 198.51.100.80" */
	unsigned int number; /* of what is traced; 0: nothing is */
	bool connected, secured; /* TCP, TLS */
	bool tls; /* the URL asks for it */
	bool proxied;
	bool at_proxy; /* it was not got through */
	unsigned int tunnel; /* HTTP status of the proxy to CONNECT; 0: none came */
	unsigned int status; /* of HTTP; 0: none came */
	enum conn_maker maker; /* of that, with proxied */
	bool timed_out;
	int err; /* errno of bind() and connect(); 0: it was none of these */
	long verify; /* X509_V_…; 0: it was not the certificate */
	const char *text; /* the library's words; borrowed for the call */
	const struct conn_document *document; /* the same; NULL: that was not asked for */
};
void conn_judge_attempt(const struct conn_attempt *attempt, int64_t now_s, struct conn_result *ret);

/* The same of a document: it is there, it is elsewhere (both CONN_OK), or why it is not, be it that
 * none came in time (attempt->document NULL). */
void conn_judge_document(const struct conn_attempt *attempt, int64_t now_s,
			 struct conn_result *ret);

/* Which of two failures tells more of a port: the one that got farther; at the same stage one
 * that another configuration would not mend. */
bool conn_tells_more(const struct conn_result *a, const struct conn_result *b);
