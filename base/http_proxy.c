/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_proxy.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

/* ---- Servers ---- */

static bool take_auth(const char *text, size_t len, char ret[HTTP_PROXY_AUTH])
{
	if (len >= HTTP_PROXY_AUTH)
		return false;
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

/* Takes "user:password@" off. NULL: too long. */
static const char *take_user(const char *text, struct http_proxy *proxy)
{
	const char *at = strrchr(text, '@'), *colon;

	if (!at)
		return text;
	colon = memchr(text, ':', (size_t)(at - text));
	if (!colon)
		colon = at;
	if (!take_auth(text, (size_t)(colon - text), proxy->user) ||
	    (colon < at && !take_auth(colon + 1, (size_t)(at - colon - 1), proxy->password)))
		return NULL;
	return at + 1;
}

static bool has_port(const char *host)
{
	const char *end = strrchr(host, ']');

	return strchr(end ? end : host, ':') != NULL;
}

/* Takes "scheme://" off. NULL: another one. */
static const char *take_scheme(const char *text, enum http_proxy_kind *kind)
{
	static const struct {
		const char *name;
		enum http_proxy_kind kind;
	} schemes[] = {
		{ "http", HTTP_PROXY_PLAIN },	  { "https", HTTP_PROXY_TLS },
		{ "socks4", HTTP_PROXY_SOCKS4 },  { "socks4a", HTTP_PROXY_SOCKS4 },
		{ "socks", HTTP_PROXY_SOCKS5 },	  { "socks5", HTTP_PROXY_SOCKS5 },
		{ "socks5h", HTTP_PROXY_SOCKS5 },
	};
	const char *end = strstr(text, "://");

	if (!end)
		return text;
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (strlen(schemes[i].name) != (size_t)(end - text) ||
		    strncasecmp(text, schemes[i].name, (size_t)(end - text)) != 0)
			continue;
		*kind = schemes[i].kind;
		return end + 3;
	}
	return NULL;
}

int http_proxy_parse(const char *server, uint32_t port, enum http_proxy_kind kind,
		     struct http_proxy *ret)
{
	_cleanup_(freep) char *host = NULL, *url = NULL;
	struct http_proxy proxy = { .kind = kind };
	const char *text = take_scheme(server, &proxy.kind);
	int r;

	if (!text)
		return -EPROTONOSUPPORT;
	text = take_user(text, &proxy);
	if (!text)
		return -EINVAL;
	host = xstrndup(text, strcspn(text, "/"));
	if (!has_port(host) && (port == 0 || port > UINT16_MAX))
		return -EINVAL;
	url = has_port(host) ? xasprintf("http://%s/", host)
			     : xasprintf("http://%s:%u/", host, port);
	r = http_url_parse(url, &proxy.url);
	if (r == 0)
		*ret = proxy;
	return r;
}

const char *http_proxy_without_user(const char *server)
{
	const char *at = strrchr(server, '@');

	return at ? at + 1 : server;
}

int http_proxy_of(const char *host, uint32_t port, enum http_proxy_kind kind,
		  struct http_proxy *ret)
{
	_cleanup_(freep) char *server = strchr(host, ':') ? xasprintf("[%s]", host) : xstrdup(host);

	if (strchr(host, '@') || strchr(host, '/'))
		return -EINVAL;
	return http_proxy_parse(server, port, kind, ret);
}

const char *http_proxy_why(int err)
{
	return err == -EPROTONOSUPPORT ? "is to be spoken to by http, https or SOCKS"
				       : "no host with a port from 1 to 65535";
}

void http_proxy_name(enum http_proxy_kind kind, const char *host, uint32_t port, struct strbuf *out)
{
	static const char *const schemes[] = {
		[HTTP_PROXY_PLAIN] = "",
		[HTTP_PROXY_TLS] = "https://",
		[HTTP_PROXY_SOCKS4] = "socks4://",
		[HTTP_PROXY_SOCKS5] = "socks5://",
	};
	const bool six = strchr(host, ':') != NULL;

	if ((size_t)kind < ARRAY_SIZE(schemes))
		strbuf_addf(out, "%s%s%s%s:%u", schemes[kind], six ? "[" : "", host, six ? "]" : "",
			    port);
	else
		strbuf_add(out, "DIRECT");
}

/* ---- Exceptions ---- */

/* Cuts ":PORT" off. False: it is another port, or none. */
static bool fits_port(char *word, uint16_t port)
{
	char *bracket = strrchr(word, ']'), *colon = strchr(bracket ? bracket : word, ':');
	struct ipaddr addr;
	char *end;

	if (!colon || (!bracket && ipaddr_parse(word, &addr) == 0)) /* an IPv6 address */
		return true;
	*colon = '\0';
	return isdigit((unsigned char)colon[1]) && strtoul(colon + 1, &end, 10) == port && !*end;
}

static bool fits_address(char *word, const struct http_url *target)
{
	size_t len = strlen(word);
	struct ipaddr addr;

	if (*word == '[' && word[len - 1] == ']') {
		word[len - 1] = '\0';
		word++;
	}
	return ipaddr_is_set(&target->addr) && ipaddr_parse(word, &addr) == 0 &&
	       ipaddr_equal(&addr, &target->addr);
}

static bool fits_domain(const char *word, const struct http_url *target)
{
	bool below_only = word[0] == '.' || strncmp(word, "*.", 2) == 0;
	const char *domain = word + (word[0] == '*') + (below_only ? 1 : 0);
	size_t len = strlen(domain), host = strlen(target->host);

	if (ipaddr_is_set(&target->addr) || !len)
		return false;
	if (host == len)
		return !below_only && strcasecmp(domain, target->host) == 0;
	return host > len && target->host[host - len - 1] == '.' &&
	       strcasecmp(target->host + host - len, domain) == 0;
}

static bool fits(char *word, const struct http_url *target)
{
	struct prefix prefix;

	if (strcmp(word, "*") == 0)
		return true;
	if (strchr(word, '/'))
		return ipaddr_is_set(&target->addr) && prefix_parse(word, &prefix) == 0 &&
		       prefix_contains(&prefix, &target->addr);
	if (!fits_port(word, target->port))
		return false;
	return fits_address(word, target) || fits_domain(word, target);
}

bool http_proxy_excepts(const char *exceptions, const struct http_url *target)
{
	_cleanup_(freep) char *list = xstrdup(exceptions);
	char *rest = list, *word;

	while ((word = strsep(&rest, ", \t\r\n")))
		if (*word && fits(word, target))
			return true;
	return false;
}
