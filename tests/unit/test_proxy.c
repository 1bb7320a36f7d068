/* SPDX-License-Identifier: Apache-2.0 */
/* By whom a port asks for a URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/http_proxy.h"
#include "base/strbuf.h"
#include "conntest.pb-c.h"
#include "nim/proxy/proxy_ways.h"

static void add_names(const Ew__ConnWays *ways, struct strbuf *out)
{
	for (size_t i = 0; i < ways->n_ways; i++) {
		const Ew__ProxyServer *s = ways->ways[i];

		strbuf_add(out, i ? "; " : "");
		http_proxy_name((enum http_proxy_kind)s->kind, s->host, s->port, out);
		if (s->user[0])
			strbuf_addf(out, " as %s:%s", s->user, s->password);
	}
}

static Ew__ProxyServer server(Ew__ProxyKind kind, const char *host)
{
	Ew__ProxyServer s = EW__PROXY_SERVER__INIT;

	s.kind = kind;
	s.host = (char *)(uintptr_t)host;
	s.port = 3128;
	return s;
}

static void ways_are(const Ew__ProxyConfig *config, const char *url, const char *want)
{
	struct strbuf out = STRBUF_INIT;
	struct arena arena = { 0 };

	add_names(proxy_ways_static(config, url, &arena), &out);
	assert_string_equal(strbuf_str(&out), want);
	strbuf_fini(&out);
	arena_fini(&arena);
}

static void socks_is_for_what_has_none_of_its_own(void **state)
{
	Ew__ProxyServer http = server(EW__PROXY_KIND__PROXY_PLAIN, "h.example"),
			https = server(EW__PROXY_KIND__PROXY_TLS, "t.example"),
			socks = server(EW__PROXY_KIND__PROXY_SOCKS5, "s.example");
	Ew__ProxyConfig config = EW__PROXY_CONFIG__INIT;

	(void)state;
	ways_are(&config, "https://a.example/", "");
	config.socks = &socks;
	ways_are(&config, "https://a.example/", "socks5://s.example:3128");
	ways_are(&config, "http://a.example/", "socks5://s.example:3128");
	config.http = &http;
	ways_are(&config, "https://a.example/", "socks5://s.example:3128");
	ways_are(&config, "http://a.example/", "h.example:3128");
	config.https = &https;
	ways_are(&config, "https://a.example/", "https://t.example:3128");
	config.exceptions = (char *)(uintptr_t) "a.example";
	ways_are(&config, "https://a.example/", "");
	ways_are(&config, "https://b.example/", "https://t.example:3128");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socks_is_for_what_has_none_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
