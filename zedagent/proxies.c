/* SPDX-License-Identifier: Apache-2.0 */
/* Proxies of a network; what is wrong with them is nim's to say, as for other sources of ports. */
#include "base/cleanup.h"
#include "base/http_proxy.h"
#include "base/pac.h"
#include "base/strbuf.h"
#include "zedagent/map.h"

static Ew__ProxyServer *map_server(const EVE_COMMON(ProxyConfig) * proxies,
				   EVE_COMMON(ProxyProto) proto, enum http_proxy_kind kind)
{
	struct http_proxy proxy;
	Ew__ProxyServer *out;
	size_t i = 0;
	int r;

	while (i < proxies->n_proxies && proxies->proxies[i]->proto != proto)
		i++;
	if (i == proxies->n_proxies)
		return NULL;
	out = xcalloc(1, sizeof(*out));
	ew__proxy_server__init(out);
	r = http_proxy_parse(proxies->proxies[i]->server, proxies->proxies[i]->port, kind, &proxy);
	if (r < 0) {
		za_set(&out->host, http_proxy_without_user(proxies->proxies[i]->server));
		za_set(&out->error, http_proxy_why(r));
		return out;
	}
	out->kind = (Ew__ProxyKind)proxy.kind;
	za_set(&out->host, proxy.url.host);
	out->port = proxy.url.port;
	za_set(&out->user, proxy.user);
	za_set(&out->password, proxy.password);
	return out;
}

static void map_cas(const EVE_COMMON(ProxyConfig) * proxies, Ew__ProxyConfig *out)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < proxies->n_proxycertpem; i++)
		if (proxies->proxycertpem[i].len)
			strbuf_addf(&text, "%.*s\n", (int)proxies->proxycertpem[i].len,
				    (const char *)proxies->proxycertpem[i].data);
	za_set(&out->ca_pem, strbuf_str(&text));
}

static void map_pac(const EVE_COMMON(ProxyConfig) * proxies, Ew__ProxyConfig *out)
{
	char *text = NULL;

	if (!*proxies->pacfile) {
		if (proxies->networkproxyenable)
			za_set(&out->pac_url, proxies->networkproxyurl);
		out->discover = proxies->networkproxyenable && !*proxies->networkproxyurl;
		return;
	}
	if (pac_text_decode(proxies->pacfile, &text) < 0)
		za_set(&out->error, PAC_TEXT_WHY);
	else
		za_set(&out->pac_text, text);
	free(text);
}

Ew__ProxyConfig *za_map_proxies(const EVE_COMMON(ProxyConfig) * proxies)
{
	Ew__ProxyConfig *out;

	if (!proxies)
		return NULL;
	if (!proxies->n_proxies && !proxies->n_proxycertpem && !*proxies->pacfile &&
	    !proxies->networkproxyenable)
		return NULL;
	out = xcalloc(1, sizeof(*out));
	ew__proxy_config__init(out);
	out->http =
		map_server(proxies, EVE_VALUE(COMMON__PROXY_PROTO, PROXY_HTTP), HTTP_PROXY_PLAIN);
	out->https =
		map_server(proxies, EVE_VALUE(COMMON__PROXY_PROTO, PROXY_HTTPS), HTTP_PROXY_PLAIN);
	out->socks =
		map_server(proxies, EVE_VALUE(COMMON__PROXY_PROTO, PROXY_SOCKS), HTTP_PROXY_SOCKS5);
	za_set(&out->exceptions, proxies->exceptions);
	map_cas(proxies, out);
	map_pac(proxies, out);
	return out;
}
