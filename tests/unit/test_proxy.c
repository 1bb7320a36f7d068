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
#include "conntest/request.h"
#include "nim/facts.h"
#include "nim/proxy/pac_eval.h"
#include "nim/proxy/proxy_ways.h"
#include "nim/proxy/wpad.h"

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

/* ---- PAC and what else is configured ---- */

static void pac_goes_before_servers_and_exceptions(void **state)
{
	Ew__ProxyServer https = server(EW__PROXY_KIND__PROXY_PLAIN, "known.example");
	Ew__ProxyConfig config = EW__PROXY_CONFIG__INIT;
	struct nim_port port = { .proxy = &config };
	struct nim_iface iface = { 0 };
	static struct pac_ways said;
	Ew__ConnPort *msg = xcalloc(1, sizeof(*msg));
	struct strbuf out = STRBUF_INIT;
	struct arena arena = { 0 };
	uint8_t packed[512];
	size_t len;

	(void)state;
	assert_false(proxy_has_pac(NULL));
	config.https = &https;
	config.exceptions = (char *)(uintptr_t) "*";
	https.user = (char *)(uintptr_t) "joe";
	https.password = (char *)(uintptr_t) "secret";
	assert_false(proxy_has_pac(&config));
	config.pac_text = (char *)(uintptr_t) "file";
	config.discover = true;
	assert_true(proxy_has_pac(&config));
	len = ew__conn_pac__pack(proxy_pac(&port, &iface, &arena), packed);
	ew__conn_port__init(msg);
	msg->pac = ew__conn_pac__unpack(NULL, len, packed);
	assert_int_equal(msg->pac->n_urls, 0); /* the file is there */
	assert_int_equal(
		pac_result_parse("PROXY other.example:3128; PROXY KNOWN.example:3128; "
				 "HTTPS known.example:3128; SOCKS5 known.example:1; DIRECT",
				 said.way, &said.n),
		0);
	proxy_ways_of_pac(msg, &said, 1);
	assert_null(msg->pac);
	add_names(msg->ways[0], &out);
	assert_string_equal(strbuf_str(&out),
			    "other.example:3128; KNOWN.example:3128 as joe:secret; "
			    "https://known.example:3128; "
			    "socks5://known.example:1; DIRECT");
	ew__conn_port__free_unpacked(msg, NULL);
	strbuf_fini(&out);
	arena_fini(&arena);
}

/* ---- Where the file is ---- */

static void urls_are(const struct nim_port *port, const struct nim_iface *iface, const char *want)
{
	const Ew__ConnPac *pac;
	struct strbuf out = STRBUF_INIT;
	struct arena arena = { 0 };

	pac = proxy_pac(port, iface, &arena);
	assert_int_equal(pac->n_urls, pac->n_origins);
	assert_true(pac->n_urls <= WPAD_URLS);
	for (size_t i = 0; i < pac->n_urls; i++)
		strbuf_addf(&out, "%s%d %s", i ? "\n" : "", pac->origins[i], pac->urls[i]);
	assert_string_equal(strbuf_str(&out), want);
	strbuf_fini(&out);
	arena_fini(&arena);
}

static void wpad_asks_dhcp_and_then_each_domain_but_the_top(void **state)
{
	Ew__ProxyConfig config = EW__PROXY_CONFIG__INIT;
	static struct nim_port port;
	static struct nim_iface iface;

	(void)state;
	port.proxy = &config;
	config.discover = true;
	urls_are(&port, &iface, "");
	strcpy(iface.lease4.domain, "lab.plant.example.com");
	urls_are(&port, &iface,
		 "3 http://wpad.lab.plant.example.com/wpad.dat\n"
		 "3 http://wpad.plant.example.com/wpad.dat\n"
		 "3 http://wpad.example.com/wpad.dat");
	strcpy(iface.lease4.wpad_url, "https://192.0.2.7/a");
	strcpy(port.domain, "example.net"); /* goes before DHCP's */
	urls_are(&port, &iface, "2 https://192.0.2.7/a\n3 http://wpad.example.net/wpad.dat");
	strcpy(port.domain, "lan");
	urls_are(&port, &iface, "2 https://192.0.2.7/a"); /* wpad.lan may be wpad.com */
	strcpy(port.domain, "com.");
	urls_are(&port, &iface, "2 https://192.0.2.7/a");
	strcpy(port.domain, "a.b.c.d.e.f.g.h.i.j");
	urls_are(&port, &iface,
		 "2 https://192.0.2.7/a\n"
		 "3 http://wpad.a.b.c.d.e.f.g.h.i.j/wpad.dat\n"
		 "3 http://wpad.b.c.d.e.f.g.h.i.j/wpad.dat\n"
		 "3 http://wpad.c.d.e.f.g.h.i.j/wpad.dat\n"
		 "3 http://wpad.d.e.f.g.h.i.j/wpad.dat\n"
		 "3 http://wpad.e.f.g.h.i.j/wpad.dat\n"
		 "3 http://wpad.f.g.h.i.j/wpad.dat\n"
		 "3 http://wpad.g.h.i.j/wpad.dat");
	config.pac_url = (char *)(uintptr_t) "http://192.0.2.8/b";
	urls_are(&port, &iface, "1 http://192.0.2.8/b");
}

static void nobody_climbs_above_what_one_owner_can_have(void **state)
{
	static const struct {
		const char *url;
		Ew__PacOrigin origin;
		bool asked;
	} urls[] = {
		{ "http://wpad.plant.co.uk/wpad.dat", EW__PAC_ORIGIN__PAC_DNS, true },
		{ "http://wpad.co.uk/wpad.dat", EW__PAC_ORIGIN__PAC_DNS, false },
		{ "http://wpad.uk/wpad.dat", EW__PAC_ORIGIN__PAC_DNS, false },
		{ "http://wpad.example.com/wpad.dat", EW__PAC_ORIGIN__PAC_DNS, true },
		{ "http://wpad.dyndns.org/wpad.dat", EW__PAC_ORIGIN__PAC_DNS, false },
		{ "http://wpad.plant.internal/wpad.dat", EW__PAC_ORIGIN__PAC_DNS, true },
		{ "http://wpad.co.uk/wpad.dat", EW__PAC_ORIGIN__PAC_URL,
		  true }, /* somebody says so */
		{ "http://wpad.co.uk/wpad.dat", EW__PAC_ORIGIN__PAC_DHCP, true },
	};
	Ew__ConnRequest msg = EW__CONN_REQUEST__INIT;
	Ew__ConnPort port = EW__CONN_PORT__INIT, *ports[] = { &port };
	Ew__ConnPac pac = EW__CONN_PAC__INIT;
	char ifname[] = "eth0", *texts[ARRAY_SIZE(urls)];
	Ew__PacOrigin origins[ARRAY_SIZE(urls)];
	static struct request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		texts[i] = (char *)(uintptr_t)urls[i].url;
		origins[i] = urls[i].origin;
	}
	pac.urls = texts;
	pac.origins = origins;
	pac.n_urls = pac.n_origins = ARRAY_SIZE(urls);
	port.ifname = ifname;
	port.pac = &pac;
	msg.ports = ports;
	msg.n_ports = 1;
	assert_int_equal(request_load(&msg, &request), 0);
	assert_int_equal(request.pacs[0]->nurls, ARRAY_SIZE(urls));
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		assert_int_equal(request.pacs[0]->urls[i] != NULL, urls[i].asked);
	request_fini(&request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socks_is_for_what_has_none_of_its_own),
		cmocka_unit_test(pac_goes_before_servers_and_exceptions),
		cmocka_unit_test(nobody_climbs_above_what_one_owner_can_have),
		cmocka_unit_test(wpad_asks_dhcp_and_then_each_domain_but_the_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
