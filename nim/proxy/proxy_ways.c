/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/proxy/proxy_ways.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/http_proxy.h"
#include "conntest.pb-c.h"
#include "nim/facts.h"
#include "nim/proxy/pac_eval.h"
#include "nim/proxy/wpad.h"

static Ew__ConnWays *ways_new(unsigned int max, struct arena *arena)
{
	Ew__ConnWays *ways = arena_alloc(arena, sizeof(*ways));

	ew__conn_ways__init(ways);
	ways->ways = arena_alloc(arena, max * sizeof(Ew__ProxyServer *));
	return ways;
}

struct Ew__ConnWays *proxy_ways_static(const struct Ew__ProxyConfig *config, const char *url,
				       struct arena *arena)
{
	Ew__ConnWays *ways = ways_new(1, arena);
	Ew__ProxyServer *server;
	struct http_url target;

	if (http_url_parse(url, &target) < 0 || http_proxy_excepts(config->exceptions, &target))
		return ways;
	server = target.tls ? config->https : config->http;
	if (!server)
		server = config->socks;
	if (server)
		ways->ways[ways->n_ways++] = server;
	return ways;
}

/* ---- PAC ---- */

bool proxy_has_pac(const struct Ew__ProxyConfig *config)
{
	return config && (config->pac_text[0] || config->pac_url[0] || config->discover);
}

static void add_urls(const struct nim_port *port, const struct nim_iface *iface, Ew__ConnPac *pac,
		     struct arena *arena)
{
	const Ew__ProxyConfig *config = port->proxy;

	pac->urls = arena_alloc(arena, WPAD_URLS * sizeof(char *));
	pac->origins = arena_alloc(arena, WPAD_URLS * sizeof(Ew__PacOrigin));
	if (config->pac_url[0]) {
		pac->urls[pac->n_urls++] = config->pac_url;
		pac->origins[pac->n_origins++] = EW__PAC_ORIGIN__PAC_URL;
	} else if (!config->pac_text[0]) {
		wpad_urls(port, iface, pac, arena);
	}
}

struct Ew__ConnPac *proxy_pac(const struct nim_port *port, const struct nim_iface *iface,
			      struct arena *arena)
{
	const struct Ew__ProxyConfig *config = port->proxy;
	Ew__ProxyServer *const servers[] = { config->http, config->https, config->socks };
	Ew__ConnPac *pac = arena_alloc(arena, sizeof(*pac));

	ew__conn_pac__init(pac);
	pac->text = (ProtobufCBinaryData){ strlen(config->pac_text), (uint8_t *)config->pac_text };
	add_urls(port, iface, pac, arena);
	pac->servers = arena_alloc(arena, sizeof(servers));
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		if (servers[i] && servers[i]->user[0])
			pac->servers[pac->n_servers++] = servers[i];
	return pac;
}

static Ew__ProxyServer *server_of(const Ew__ConnPac *pac, const struct http_proxy *way)
{
	Ew__ProxyServer *server = xcalloc(1, sizeof(*server));

	ew__proxy_server__init(server);
	server->kind = (Ew__ProxyKind)way->kind;
	if (way->kind == HTTP_PROXY_DIRECT)
		return server;
	server->host = xstrdup(way->url.host);
	server->port = way->url.port;
	for (size_t i = 0; i < pac->n_servers && !server->user[0]; i++) {
		const Ew__ProxyServer *known = pac->servers[i];

		if (known->kind != server->kind || known->port != server->port ||
		    strcasecmp(known->host, server->host) != 0)
			continue;
		server->user = xstrdup(known->user);
		server->password = xstrdup(known->password);
	}
	return server;
}

void proxy_ways_of_pac(struct Ew__ConnPort *port, const struct pac_ways *ways, unsigned int n)
{
	Ew__ConnPac *pac = take_ptr(port->pac);

	port->ways = xcalloc(n + 1, sizeof(Ew__ConnWays *));
	for (unsigned int i = 0; i < n; i++) {
		Ew__ConnWays *msg = port->ways[port->n_ways++] = xcalloc(1, sizeof(*msg));

		ew__conn_ways__init(msg);
		msg->ways = xcalloc(ways[i].n + 1, sizeof(Ew__ProxyServer *));
		for (unsigned int j = 0; j < ways[i].n; j++)
			msg->ways[msg->n_ways++] = server_of(pac, &ways[i].way[j]);
	}
	ew__conn_pac__free_unpacked(pac, NULL);
}
