/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What depends on the ports in use. Of all who follow one label together:
 *
 *   group of next hops; one more into the subnets of each port
 *   name servers of the port that comes first
 *
 * and of instance number N:
 *
 *   table 800+N   default, static routes, and the subnets of the ports, by these groups
 *   dnsmasq       on bnN, told when what it reads has changed
 */
#include "zedrouter/way.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dataplane/items/inet.h"
#include "zedrouter/dnsmasq.h"
#include "zedrouter/filter_sets.h"
#include "zedrouter/intent.h"
#include "zedrouter/uplinks.h"

void zr_dnsmasq_file(const struct zr_ni *ni, const char *part, char ret[ZR_FILE])
{
	snprintf(ret, ZR_FILE, "dnsmasq/%s.%s", ni->bridge.str, part);
}

void zr_servers_file(const struct zr_uplink *u, char ret[ZR_FILE])
{
	snprintf(ret, ZR_FILE, "dnsmasq/uplink%u-%d.servers", (unsigned int)u->number,
		 u->family == AF_INET6 ? 6 : 4);
}

void zr_dnsmasq_paths(const struct zr_intent_conf *conf, const struct zr_ni *ni,
		      struct zr_dnsmasq_paths *ret)
{
	char name[ZR_FILE];

	zr_dnsmasq_file(ni, "hosts", name);
	dp_file_path(conf->run_dir, conf->owner, name, ret->hosts);
	zr_dnsmasq_file(ni, "dhcp-hosts", name);
	dp_file_path(conf->run_dir, conf->owner, name, ret->dhcp_hosts);
	zr_dnsmasq_file(ni, "options", name);
	dp_file_path(conf->run_dir, conf->owner, name, ret->options);
	ret->servers[0] = '\0';
	if (ni->uplink && ni->uplink->number) {
		zr_servers_file(ni->uplink, name);
		dp_file_path(conf->run_dir, conf->owner, name, ret->servers);
	}
}

/* ---- Uplinks ---- */

/* Far from each other: a standby gets no flow (dataplane/items/inet.h). */
#define WEIGHT_IN_USE 255
#define WEIGHT_STANDBY 1

static struct dp_nhmember by_gateway(const struct zr_ports *ports, const struct zr_uplink *u,
				     unsigned int i, uint8_t weight)
{
	const struct zr_port *port = &ports->port[u->port[i]];

	return (struct dp_nhmember){
		.slot = (uint8_t)zr_port_number(port),
		.way = { .ifname = port->ifname,
			 .gateway = u->family == AF_INET6 ? port->gateway6 : port->gateway4,
			 .weight = weight,
			 .onlink = true },
	};
}

static void intent_group(struct dp_graph *g, const struct zr_ports *ports,
			 const struct zr_uplink *u, uint16_t number)
{
	struct dp_nhgroup group = { .family = u->family, .number = number };

	for (unsigned int i = 0; i < u->count; i++)
		group.member[group.members++] =
			by_gateway(ports, u, i, i < u->in_use ? WEIGHT_IN_USE : WEIGHT_STANDBY);
	dp_want(g, &dp_nhgroup_type, &group);
}

/* The port itself, and whoever is next when it is lost. */
static void intent_link(struct dp_graph *g, const struct zr_ports *ports, const struct zr_uplink *u,
			unsigned int port)
{
	struct dp_nhgroup group = { .family = u->family, .number = u->link[port] };

	group.member[group.members++] = (struct dp_nhmember){
		.slot = (uint8_t)zr_port_number(&ports->port[port]),
		.way = { .ifname = ports->port[port].ifname, .weight = WEIGHT_IN_USE },
	};
	for (unsigned int i = 0; i < u->count && group.members < 2; i++)
		if (u->port[i] != port)
			group.member[group.members++] = by_gateway(ports, u, i, WEIGHT_STANDBY);
	dp_want(g, &dp_nhgroup_type, &group);
}

/* Is it the way out of an instance, and not only a static route's; of one with a server? */
static bool leads_out(const struct zr_model *m, const struct zr_uplink *u, bool with_server)
{
	struct hmap_node *node;

	hmap_for_each (node, &m->instances) {
		const struct zr_ni *ni = container_of(node, struct zr_ni, node);

		if (ni->uplink == u && zr_ni_works(ni) && !(with_server && ni->dnsmasq_off))
			return true;
	}
	return false;
}

/* One file for all who follow it. */
static void intent_servers(struct dp_graph *g, const struct zr_ports *ports,
			   const struct zr_uplink *u)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	struct dp_file file = { .content = (char[1]){ "" } };

	zr_dnsmasq_servers(ports, u, &text);
	if (text.len)
		file.content = text.str;
	zr_servers_file(u, file.name);
	dp_want(g, &dp_file_type, &file);
}

struct dp_graph *zr_intent_uplinks(const struct zr_model *m)
{
	struct dp_graph *g = dp_graph_new("uplinks");
	struct hmap_node *node;
	bool sharing = false;

	hmap_for_each (node, &m->uplinks) {
		const struct zr_uplink *u = container_of(node, struct zr_uplink, node);

		if (u->users && u->in_use && u->number)
			intent_group(g, &m->ports, u, u->number);
		if (u->number && leads_out(m, u, true))
			intent_servers(g, &m->ports, u);
		sharing |= u->users && u->sharing;
	}
	if (sharing) { /* by ports, too: one app or one server may have many flows */
		dp_want_sysctl(g, "ipv4", "fib_multipath_hash_policy", "1");
		dp_want_sysctl(g, "ipv6", "fib_multipath_hash_policy", "1");
	}
	return g;
}

/*
 * Into the subnets of a port there is a group, too: straight while the port is in use, else as
 * everywhere. So a change of ports is a few messages, however many instances have a route there.
 */
static void intent_links(struct dp_graph *g, const struct zr_ports *ports,
			 const struct zr_uplink *u)
{
	for (unsigned int p = 0; u->in_use && p < ports->count; p++) {
		if (!u->link[p])
			continue;
		if (zr_uplink_uses(u, (int)p))
			intent_link(g, ports, u, p);
		else
			intent_group(g, ports, u, u->link[p]);
	}
}

struct dp_graph *zr_intent_links(const struct zr_model *m)
{
	struct dp_graph *g = dp_graph_new("links");
	struct hmap_node *node;

	hmap_for_each (node, &m->uplinks) {
		const struct zr_uplink *u = container_of(node, struct zr_uplink, node);

		if (leads_out(m, u, false))
			intent_links(g, &m->ports, u);
	}
	return g;
}

/* ---- Routes ---- */

void zr_want_route(struct dp_graph *g, const struct zr_ni *ni, const struct prefix *dst,
		   const struct ifname *ifname, const struct ipaddr *gateway)
{
	bool v6 = dst->addr.family == AF_INET6;

	dp_want(g, &dp_route_type,
		&(struct dp_route){ .dst = *dst,
				    .table = zr_ni_table(ni),
				    .metric = v6 ? 1024 : 0,
				    .nexthops = 1,
				    .nexthop = { { .ifname = *ifname,
						   .gateway = *gateway,
						   .onlink = ipaddr_is_set(gateway) } } });
}

static void want_group_route(struct dp_graph *g, const struct zr_ni *ni, const struct prefix *dst,
			     uint16_t number)
{
	uint8_t family = dst->addr.family;

	if (number)
		dp_want(g, &dp_route_type,
			&(struct dp_route){ .dst = *dst,
					    .table = zr_ni_table(ni),
					    .metric = family == AF_INET6 ? 1024 : 0,
					    .nhid = dp_nhgroup_id(family, number) });
}

static bool has_static_route(const struct zr_ni *ni, const struct prefix *dst)
{
	for (unsigned int i = 0; i < ni->nroutes; i++)
		if (prefix_equal(&ni->routes[i].dst, dst))
			return true;
	return false;
}

static void intent_uplink(struct dp_graph *g, const struct zr_model *m, const struct zr_ni *ni)
{
	_cleanup_(freep) struct zr_link *links = xcalloc(ZR_LINKS, sizeof(*links));
	const struct prefix def = { .addr = { .family = ni->subnet.addr.family } };
	unsigned int n = zr_uplink_links(ni->uplink, &m->ports, links);

	for (unsigned int i = 0; i < n; i++)
		if (!has_static_route(ni, &links[i].subnet))
			want_group_route(g, ni, &links[i].subnet, links[i].number);
	if (ni->uplink->in_use)
		want_group_route(g, ni, &def, ni->uplink->number);
}

static void intent_static_routes(struct dp_graph *g, const struct zr_model *m,
				 const struct zr_ni *ni)
{
	for (unsigned int i = 0; i < ni->nroutes; i++) {
		const struct zr_static_route *r = &ni->routes[i];

		if (!r->uplink || !r->uplink->in_use)
			continue;
		if (!ipaddr_is_set(&r->gateway))
			want_group_route(g, ni, &r->dst, r->uplink->number);
		else
			zr_want_route(g, ni, &r->dst, &m->ports.port[r->uplink->port[0]].ifname,
				      &r->gateway);
	}
}

/* ---- DHCP and DNS server ---- */

/*
 * The server starts after its sets, and anew after sets that were lost: it fills them from what
 * others tell it, never from its cache.
 */
static void after_listed(struct dp_graph *g, const struct zr_intent_conf *conf,
			 const struct zr_ni *ni)
{
	static const int families[] = { AF_INET, AF_INET6 };
	_cleanup_(freep) const char **names = NULL;
	struct strbuf key = STRBUF_INIT;
	size_t n;

	names = zr_dnsmasq_listed(ni, &n);
	for (size_t i = 0; i < n * ARRAY_SIZE(families); i++) {
		struct dp_nft_set set =
			zr_host_set(families[i % 2], &ni->bridge, names[i / 2], conf->table);

		strbuf_reset(&key);
		dp_nft_set_type.key(&set, &key);
		dp_after(g, &dp_nft_set_type, strbuf_str(&key));
	}
	strbuf_fini(&key);
}

/* Wants the file of options and adds what the server reads again on SIGHUP to text. */
static void intent_told(struct dp_graph *g, const struct zr_model *m, const struct zr_ni *ni,
			struct strbuf *text)
{
	_cleanup_(strbuf_fini) struct strbuf options = STRBUF_INIT;
	struct dp_file file = { .content = (char[1]){ "" } };

	if (ni->uplink)
		zr_dnsmasq_servers(&m->ports, ni->uplink, text);
	zr_dnsmasq_options(m, ni, &options);
	if (options.len)
		file.content = options.str;
	zr_dnsmasq_file(ni, "options", file.name);
	dp_want(g, &dp_file_type, &file);
	strbuf_addf(text, "--\n%s", strbuf_str(&options));
}

static void after_file(struct dp_graph *g, const struct zr_ni *ni, const char *part)
{
	char name[ZR_FILE];

	zr_dnsmasq_file(ni, part, name);
	dp_after(g, &dp_file_type, name);
}

static void after_files(struct dp_graph *g, const struct zr_ni *ni)
{
	char name[ZR_FILE];

	after_file(g, ni, "hosts");
	after_file(g, ni, "dhcp-hosts");
	after_file(g, ni, "options");
	if (ni->uplink && ni->uplink->number) {
		zr_servers_file(ni->uplink, name);
		dp_after(g, &dp_file_type, name);
	}
}

static void intent_dnsmasq(struct dp_graph *g, const struct zr_intent_conf *conf,
			   const struct zr_model *m, const struct zr_ni *ni)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT, key = STRBUF_INIT;
	struct dp_dnsmasq dnsmasq = { .ifname = ni->bridge };

	strbuf_addf(&text, "%s\n", ni->stamps.hosts);
	intent_told(g, m, ni, &text);
	dp_stamp(strbuf_str(&text), dnsmasq.hosts_stamp);
	memcpy(dnsmasq.stamp, ni->stamps.conf, sizeof(dnsmasq.stamp));
	snprintf(dnsmasq.name, sizeof(dnsmasq.name), "%s", ni->bridge.str);
	zr_dnsmasq_file(ni, "conf", dnsmasq.conf_file);
	dp_want(g, &dp_dnsmasq_type, &dnsmasq);
	after_files(g, ni);
	/* It binds the bridge address at start. */
	strbuf_addf(&key, "%s/", ni->bridge.str);
	prefix_format(&(struct prefix){ .addr = ni->gateway, .len = ni->subnet.len }, &key);
	dp_after(g, &dp_addr_type, strbuf_str(&key));
	after_listed(g, conf, ni);
}

struct dp_graph *zr_intent_way(const struct zr_intent_conf *conf, const struct zr_model *m,
			       const struct zr_ni *ni)
{
	const struct prefix def = { .addr = { .family = ni->subnet.addr.family } };
	char scope[ZR_SCOPE];
	struct dp_graph *g;

	zr_way_scope(ni->uuid, scope);
	g = dp_graph_new(scope);
	if (!zr_ni_works(ni))
		return g;
	intent_static_routes(g, m, ni);
	if (ni->uplink && !has_static_route(ni, &def))
		intent_uplink(g, m, ni);
	if (!ni->dnsmasq_off)
		intent_dnsmasq(g, conf, m, ni);
	return g;
}
