/* SPDX-License-Identifier: Apache-2.0 */
/* Proxies of HTTP (RFC 9110 7.3, CONNECT 9.3.6) and SOCKS (RFC 1928) as EVE configures them: a
 * server for each protocol, and who is asked without one. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/http_url.h"

struct strbuf;

#define HTTP_PROXY_AUTH 128 /* bytes with NUL */
#define HTTP_PROXY_WAYS 8 /* to one target, of which one after the other is tried */

enum http_proxy_kind { /* as ProxyKind of api/bus/config.proto */
		       HTTP_PROXY_PLAIN,
		       HTTP_PROXY_TLS, /* http as well, and the proxy itself is spoken to by TLS */
		       HTTP_PROXY_SOCKS4, /* 4a: the proxy resolves names, as all of them do */
		       HTTP_PROXY_SOCKS5,
		       HTTP_PROXY_DIRECT, /* none: the target itself is asked; all else is unused */
};

struct http_proxy {
	enum http_proxy_kind kind;
	struct http_url url; /* host, addr and port */
	char user[HTTP_PROXY_AUTH], password[HTTP_PROXY_AUTH]; /* "" = none */
};

/*
 * server: "proxy.example", "http://proxy.example/", "user:password@proxy.example", each also with a
 * port, which goes before the other one. Its scheme (http, https, socks4, socks4a, socks, socks5,
 * socks5h) goes before kind. -EINVAL: it is none, or has no port; -EPROTONOSUPPORT: of another
 * scheme.
 */
int http_proxy_parse(const char *server, uint32_t port, enum http_proxy_kind kind,
		     struct http_proxy *ret);

/* What may be told of a server that is refused: without "user:password@". Points into server. */
const char *http_proxy_without_user(const char *server);

/* Of a host without brackets, as http_proxy_parse() gives it. -EINVAL */
int http_proxy_of(const char *host, uint32_t port, enum http_proxy_kind kind,
		  struct http_proxy *ret);
/* What to tell of such an error. */
const char *http_proxy_why(int err);
/* "proxy.example:3128", "socks5://[2001:db8::7]:1080", "DIRECT": without user and password. */
void http_proxy_name(enum http_proxy_kind kind, const char *host, uint32_t port,
		     struct strbuf *out);

/*
 * Whether a list of exceptions, by commas or blanks, has the target: "*"; "192.0.2.0/24";
 * "192.0.2.7", "[2001:db8::7]"; "example.com", with all below it; ".example.com" or "*.example.com",
 * only what is below it. Each but the first two may have ":PORT". What is none of these fits nobody.
 */
bool http_proxy_excepts(const char *exceptions, const struct http_url *target);
