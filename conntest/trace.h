/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test did, step by step, for people: one line each, with milliseconds since it began.
 *
 *	    0 dns web.example A: 192.168.1.1 is asked
 *	    2 dns web.example A: 192.168.1.1 says 203.0.113.80
 *	    2 #1 192.168.1.2 to 203.0.113.80 port 443: asked for https://web.example/
 *	    3 #1 TCP is connected
 *	    9 #1 certificate 0: CN = web.example, by CN = root, until 2030-01-01T00:00:00Z
 *	   10 #1 SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384
 *	   10 #1 > GET / HTTP/1.1
 *	   12 #1 < HTTP/1.1 200 OK
 *
 * Printable ASCII, bounded, and without secrets: of headers whose values are not known to be harmless
 * only the name is there, and of what curl says by itself only what is known to hold none.
 */
#pragma once

#include <curl/curl.h>
#include <openssl/x509.h>
#include <stddef.h>

#include "base/mono.h"
#include "nim/conn/conn_trace.h"

#define TRACE_LINE 160 /* bytes of a line; the rest of it is cut off */
#define TRACE_HEADERS 32 /* lines of headers of one attempt, both ways together */

struct strbuf;
struct trace;

struct trace *trace_new(struct mono begun);
struct trace *trace_free(struct trace *t); /* NULL is fine */
/* NULL: nobody wants it. Lines that do not fit into CONN_TRACE bytes are counted. */
void trace_add(struct trace *t, struct mono now, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));
/* The whole of it so far: borrowed until this is asked again. */
const char *trace_text(struct trace *t);

/* ---- One attempt ---- */

struct trace_attempt { /* embedded; an all-zero one traces nothing */
	struct trace *trace; /* borrowed */
	unsigned int number;
	unsigned int headers; /* lines of them so far */
};

void trace_attempt_begin(struct trace_attempt *a, struct trace *t);
void trace_attempt_add(struct trace_attempt *a, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));
/* What is asked for, but for its query. between: "192.168.1.2 to 203.0.113.80". */
void trace_attempt_asked(struct trace_attempt *a, const char *between, unsigned int port,
			 const char *url);
/* Has the handle tell it. a is borrowed while it runs. */
void trace_attempt_curl(struct trace_attempt *a, CURL *easy);
/* What somebody shows to TLS; depth 0 is his own. error: X509_V_… */
void trace_attempt_cert(struct trace_attempt *a, X509 *cert, int depth, int error);

/* ---- Pure ---- */

/* One line of a head, without its end: status line, request line without its query, or a header
 * without its value unless that is harmless. Foreign bytes. */
void trace_header(const char *line, size_t len, struct strbuf *out);
/* Whether what curl says of an attempt may be told. */
bool trace_is_harmless(const char *said);
