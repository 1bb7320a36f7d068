/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/trace.h"

#include <ctype.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"

#define END_BYTES 40 /* for "… 12345 lines are left out" */

struct trace {
	struct mono begun;
	struct strbuf text;
	struct strbuf told; /* of trace_text() */
	unsigned int left_out; /* lines */
	unsigned int attempts;
};

struct trace *trace_new(struct mono begun)
{
	struct trace *t = xcalloc(1, sizeof(*t));

	t->begun = begun;
	return t;
}

struct trace *trace_free(struct trace *t)
{
	if (!t)
		return NULL;
	strbuf_fini(&t->text);
	strbuf_fini(&t->told);
	free(t);
	return NULL;
}

static void add_line(struct trace *t, struct mono now, struct strbuf *line)
{
	_cleanup_(strbuf_fini) struct strbuf head = STRBUF_INIT;

	for (size_t i = 0; i < line->len; i++)
		if (line->str[i] < ' ' || line->str[i] > '~')
			line->str[i] = '?';
	if (line->len > TRACE_LINE)
		memcpy(line->str + TRACE_LINE - 3, "...", strlen("...") + 1);
	strbuf_addf(&head, "%6lld %s\n", (long long)mono_diff_ms(now, t->begun), strbuf_str(line));
	if (t->left_out || t->text.len + head.len > CONN_TRACE - END_BYTES)
		t->left_out++;
	else
		strbuf_addmem(&t->text, head.str, head.len);
}

void trace_add(struct trace *t, struct mono now, const char *fmt, ...)
{
	_cleanup_(strbuf_fini) struct strbuf line = STRBUF_INIT;
	va_list ap;

	if (!t)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&line, fmt, ap);
	va_end(ap);
	add_line(t, now, &line);
}

const char *trace_text(struct trace *t)
{
	strbuf_reset(&t->told);
	strbuf_addmem(&t->told, strbuf_str(&t->text), t->text.len);
	if (t->left_out)
		strbuf_addf(&t->told, "... %u lines are left out\n", t->left_out);
	return strbuf_str(&t->told);
}

/* ---- Heads ---- */

/* Who is asked, who answers, what kind of answer: nothing by which anybody is let in. */
static bool has_harmless_value(const char *name, size_t len)
{
	static const char *const names[] = {
		"Accept",
		"Age",
		"Cache-Control",
		"Connection",
		"Content-Length",
		"Content-Type",
		"Date",
		"Host",
		"Proxy-Agent",
		"Proxy-Connection",
		"Proxy-Status",
		"Retry-After",
		"Server",
		"Strict-Transport-Security",
		"Transfer-Encoding",
		"User-Agent",
		"Via",
		"X-Cache",
		"X-Request-Id",
		"X-Squid-Error",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
			return true;
	return false;
}

/* "Location: https://login.example/?***": where it leads to is what one wants to know. */
static size_t harmless_part(const char *name, size_t name_len, const char *value, size_t len)
{
	static const char *const authenticate[] = { "WWW-Authenticate", "Proxy-Authenticate" };
	size_t n = 0;

	if (has_harmless_value(name, name_len))
		return len;
	if (name_len == strlen("Location") && strncasecmp(name, "Location", name_len) == 0) {
		while (n < len && value[n] != '?' && value[n] != '#' && value[n] != '@')
			n++;
		return n < len && value[n] == '@' ? 0 : n;
	}
	for (size_t i = 0; i < ARRAY_SIZE(authenticate); i++)
		if (strlen(authenticate[i]) == name_len &&
		    strncasecmp(authenticate[i], name, name_len) == 0)
			while (n < len && value[n] != ' ')
				n++;
	return n;
}

static bool begins(const char *text, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* "http://x.example/pac?***": a query may be what lets somebody in. */
static void add_url(const char *url, size_t len, struct strbuf *out)
{
	const char *query = memchr(url, '?', len);

	strbuf_addmem(out, url, query ? (size_t)(query - url) : len);
	strbuf_add(out, query ? "?***" : "");
}

/* "HTTP/1.1 200 OK", "GET /a HTTP/1.1". */
static bool add_first_line(const char *line, size_t len, struct strbuf *out)
{
	const char *version = memrchr(line, ' ', len);
	size_t before = version ? (size_t)(version - line) : 0;

	if (begins(line, len, "HTTP/")) {
		strbuf_addmem(out, line, len);
		return true;
	}
	if (!before || !isupper((unsigned char)line[0]) || !begins(version, len - before, " HTTP/"))
		return false;
	add_url(line, before, out);
	strbuf_addmem(out, version, len - before);
	return true;
}

/* A line that goes on with the value of the one before it (RFC 9112, 5.2) has no name. */
void trace_header(const char *line, size_t len, struct strbuf *out)
{
	const char *colon = memchr(line, ':', len), *value;
	size_t name_len, value_len, shown;

	if (add_first_line(line, len, out))
		return;
	name_len = colon && !isspace((unsigned char)line[0]) ? (size_t)(colon - line) : 0;
	if (!name_len) {
		strbuf_add(out, len ? "***" : "");
		return;
	}
	value = colon + 1;
	value_len = len - name_len - 1;
	while (value_len && *value == ' ') {
		value++;
		value_len--;
	}
	shown = harmless_part(line, name_len, value, value_len);
	strbuf_addmem(out, line, name_len);
	strbuf_add(out, ": ");
	strbuf_addmem(out, value, shown);
	strbuf_add(out, shown < value_len ? "***" : "");
}

/* ---- One attempt ---- */

void trace_attempt_begin(struct trace_attempt *a, struct trace *t)
{
	*a = (struct trace_attempt){ .trace = t };
	if (t)
		a->number = ++t->attempts;
}

void trace_attempt_add(struct trace_attempt *a, const char *fmt, ...)
{
	_cleanup_(strbuf_fini) struct strbuf line = STRBUF_INIT;
	va_list ap;

	if (!a->trace)
		return;
	strbuf_addf(&line, "#%u ", a->number);
	va_start(ap, fmt);
	strbuf_vaddf(&line, fmt, ap);
	va_end(ap);
	add_line(a->trace, mono_now(), &line);
}

void trace_attempt_asked(struct trace_attempt *a, const char *between, unsigned int port,
			 const char *url)
{
	_cleanup_(strbuf_fini) struct strbuf shown = STRBUF_INIT;

	add_url(url, strlen(url), &shown);
	trace_attempt_add(a, "%s port %u: asked for %s", between, port, strbuf_str(&shown));
}

static void add_head(struct trace_attempt *a, char way, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		size_t shown = line && text[line - 1] == '\r' ? line - 1 : line;
		_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;

		trace_header(text, shown, &out);
		if (shown && a->headers++ < TRACE_HEADERS)
			trace_attempt_add(a, "%c %s", way, strbuf_str(&out));
		line += end != NULL;
		text += line;
		len -= line;
	}
}

/* curl's own words, but for those of users, of what is sent, and of itself. */
bool trace_is_harmless(const char *said)
{
	static const char *const beginnings[] = {
		"SSL connection using ",
		"SSL certificate problem: ",
		"SSL: ",
		"CONNECT tunnel",
		"CONNECT phase completed",
		"SOCKS4",
		"SOCKS5 request granted",
		"SOCKS5 connect to ",
		"Recv failure",
		"Send failure",
		"Empty reply",
	};

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (strncmp(said, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static void add_words(struct trace_attempt *a, const char *text, size_t len)
{
	_cleanup_(freep) char *said = xstrndup(text, len);

	said[strcspn(said, "\r\n")] = '\0';
	if (strncmp(said, "Connected to ", strlen("Connected to ")) == 0)
		trace_attempt_add(a, "TCP is connected");
	else if (trace_is_harmless(said))
		trace_attempt_add(a, "%s", said);
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	struct trace_attempt *a = arg;

	(void)easy;
	if (type == CURLINFO_TEXT)
		add_words(a, data, len);
	else if (type == CURLINFO_HEADER_OUT)
		add_head(a, '>', data, len);
	else if (type == CURLINFO_HEADER_IN)
		add_head(a, '<', data, len);
	return 0;
}

void trace_attempt_curl(struct trace_attempt *a, CURL *easy)
{
	if (!a->trace)
		return;
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, a);
}

/* ---- Certificates ---- */

/* "CN = web.example, O = plant", escaped as RFC 2253 has it. */
static void add_name(X509_NAME *name, struct strbuf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;

	if (!bio)
		abort();
	X509_NAME_print_ex(bio, name, 0,
			   ASN1_STRFLGS_RFC2253 | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_SPC_EQ);
	len = BIO_get_mem_data(bio, &text);
	strbuf_addmem(out, text, len > 0 ? (size_t)len : 0);
	BIO_free(bio);
}

static void add_time(const ASN1_TIME *at, struct strbuf *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(at, &tm) == 1)
		rfc3339_format(timegm(&tm), 0, out);
	else
		strbuf_add(out, "?");
}

void trace_attempt_cert(struct trace_attempt *a, X509 *cert, int depth, int error)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	if (!a->trace || !cert)
		return;
	add_name(X509_get_subject_name(cert), &text);
	strbuf_add(&text, ", by ");
	add_name(X509_get_issuer_name(cert), &text);
	strbuf_add(&text, ", ");
	add_time(X509_get0_notBefore(cert), &text);
	strbuf_add(&text, " to ");
	add_time(X509_get0_notAfter(cert), &text);
	if (error)
		trace_attempt_add(a, "certificate %d: %s", depth,
				  X509_verify_cert_error_string(error));
	trace_attempt_add(a, "certificate %d: %s", depth, strbuf_str(&text));
}
