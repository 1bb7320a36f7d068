/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/proxy/proxy_ways.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/http_proxy.h"
#include "conntest.pb-c.h"

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
