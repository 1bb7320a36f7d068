/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A local network instance number N:
 *
 *   bnN   bridge with the gateway address; VIF ports are isolated, so that apps of one instance
 *         talk through the bridge address (proxy ARP, proxy NDP) and meet the same rules as all
 *   table 800+N   subnet dev bnN
 *                 the selected port's subnets
 *                 default by the group of next hops of its label, which others follow as well
 *                 unreachable default, metric 4294967295
 *   rule 10000    iif bnN lookup 800+N   (with VRF: bnN is enslaved to vrfN, which has that table)
 *   rule 11000    to SUBNET lookup 800+N
 *   dnsmasq       on bnN
 */
#include "zedrouter/intent.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "zedrouter/dnsmasq.h"
#include "zedrouter/filter_sets.h"
#include "zedrouter/uplinks.h"

#define PRIORITY_HAIRPIN 950
#define PRIORITY_FROM 10000
#define PRIORITY_TO 11000
#define METRIC_LAST 4294967295u

struct dp_graph *zr_intent_node(const struct zr_intent_conf *conf, const struct zr_model *m)
{
	struct dp_graph *g = dp_graph_new("node");

	if (!m->instances.count)
		return g;
	dp_want_sysctl(g, "ipv4", "ip_forward", "1");
	dp_want_sysctl(g, "ipv6/conf/all", "forwarding", "1");
	/* A group that is replaced is told once, and not once more for each route by it. */
	dp_want_sysctl(g, "ipv4", "nexthop_compat_mode", "0");
	if (m->vrf) {
		/* Servers bound to a bridge address hear what comes in through the bridge's VRF. */
		dp_want_sysctl(g, "ipv4", "udp_l3mdev_accept", "1");
		dp_want_sysctl(g, "ipv4", "tcp_l3mdev_accept", "1");
		/* dnsmasq binds the bridge's address but no device: to bind() an address inside a VRF
		 * is not a local one (__inet_bind(), ipv6_chk_addr()). */
		dp_want_sysctl(g, "ipv4", "ip_nonlocal_bind", "1");
		dp_want_sysctl(g, "ipv6", "ip_nonlocal_bind", "1");
	}
	if (m->br_netfilter) {
		/* DNAT on the bridge itself would hand a frame to the isolated port of another app,
		 * where it is lost. */
		dp_want_sysctl(g, "bridge", "bridge-nf-call-iptables", "0");
		dp_want_sysctl(g, "bridge", "bridge-nf-call-ip6tables", "0");
		dp_want_sysctl(g, "bridge", "bridge-nf-call-arptables", "0");
	}
	zr_filter_base(g, conf->table);
	return g;
}

/* ---- Ports ---- */

static void filter_port(struct zr_filter_ports *all, const struct zr_port *port)
{
	unsigned int n = all->count++;

	for (unsigned int i = 0; i < port->naddrs; i++)
		all->addrs[n][i] = port->addrs[i].addr;
	for (unsigned int i = 0; i < port->nlabels; i++)
		all->labels[n][i] = port->labels[i];
	all->labels[n][port->nlabels] = port->label;
	all->port[n] = (struct zr_filter_port){
		.ifname = port->ifname,
		.addrs = all->addrs[n],
		.n_addrs = port->naddrs,
		.labels = all->labels[n],
		.n_labels = port->nlabels + 1u,
	};
}

struct zr_filter_ports *zr_filter_ports(const struct zr_model *m, const char *label)
{
	struct zr_filter_ports *all = xcalloc(1, sizeof(*all));

	for (unsigned int i = 0; i < m->ports.count; i++)
		if (label[0] && zr_port_serves(&m->ports.port[i], label))
			filter_port(all, &m->ports.port[i]);
	return all;
}

/* ---- Uplinks ---- */

/* Far from each other: a standby gets no flow (dataplane/items/inet.h). */
#define WEIGHT_IN_USE 255
#define WEIGHT_STANDBY 1

static void intent_group(struct dp_graph *g, const struct zr_ports *ports,
			 const struct zr_uplink *u)
{
	struct dp_nhgroup group = { .family = u->family, .number = u->number };

	for (unsigned int i = 0; i < u->count; i++) {
		const struct zr_port *port = &ports->port[u->port[i]];

		group.member[group.members++] = (struct dp_nhmember){
			.slot = (uint8_t)(port->mark >> 24),
			.way = { .ifname = port->ifname,
				 .gateway = u->family == AF_INET6 ? port->gateway6 : port->gateway4,
				 .weight = i < u->in_use ? WEIGHT_IN_USE : WEIGHT_STANDBY,
				 .onlink = true },
		};
	}
	dp_want(g, &dp_nhgroup_type, &group);
}

struct dp_graph *zr_intent_uplinks(const struct zr_model *m)
{
	struct dp_graph *g = dp_graph_new("uplinks");
	struct hmap_node *node;
	bool sharing = false;

	hmap_for_each (node, &m->uplinks) {
		const struct zr_uplink *u = container_of(node, struct zr_uplink, node);

		if (u->users && u->in_use && u->number)
			intent_group(g, &m->ports, u);
		sharing |= u->users && u->sharing;
	}
	if (sharing) { /* by ports, too: one app or one server may have many flows */
		dp_want_sysctl(g, "ipv4", "fib_multipath_hash_policy", "1");
		dp_want_sysctl(g, "ipv6", "fib_multipath_hash_policy", "1");
	}
	return g;
}

/* ---- Instances ---- */

void zr_ni_scope(const char *uuid, char ret[ZR_SCOPE])
{
	snprintf(ret, ZR_SCOPE, "ni/%s", uuid);
}

static void vrf_name(const struct zr_ni *ni, struct ifname *ret)
{
	snprintf(ret->str, sizeof(ret->str), "vrf%u", ni->number);
}

static void intent_bridge(struct dp_graph *g, const struct zr_model *m, const struct zr_ni *ni)
{
	struct dp_bridge bridge = {
		.ifname = ni->bridge,
		.mac = { { 0x02, 0x16, 0x3f, 0, (uint8_t)(ni->number >> 8), (uint8_t)ni->number } },
		.mtu_bytes = zr_ni_mtu(m, ni),
	};

	if (m->vrf) {
		vrf_name(ni, &bridge.vrf);
		dp_want(g, &dp_vrf_type,
			&(struct dp_vrf){ .ifname = bridge.vrf, .table = zr_ni_table(ni) });
	}
	dp_want(g, &dp_bridge_type, &bridge);
	dp_want(g, &dp_addr_type,
		&(struct dp_addr){ .ifname = ni->bridge,
				   .prefix = { .addr = ni->gateway, .len = ni->subnet.len },
				   .noprefixroute = true,
				   .nodad = true });
}

static void intent_bridge_sysctls(struct dp_graph *g, const struct zr_ni *ni)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "ipv4/conf/%s", ni->bridge.str);
	if (ni->subnet.addr.family == AF_INET) {
		/* Isolated ports: the bridge answers ARP for the other apps and passes packets on
		 * over the interface they came from, without telling apps a shorter way. */
		dp_want_sysctl(g, dir, "proxy_arp_pvlan", "1");
		dp_want_sysctl(g, dir, "send_redirects", "0");
		snprintf(dir, sizeof(dir), "ipv4/neigh/%s", ni->bridge.str);
		dp_want_sysctl(g, dir, "proxy_delay", "0");
		return;
	}
	snprintf(dir, sizeof(dir), "ipv6/conf/%s", ni->bridge.str);
	dp_want_sysctl(g, dir, "proxy_ndp", "1");
	snprintf(dir, sizeof(dir), "ipv6/neigh/%s", ni->bridge.str);
	dp_want_sysctl(g, dir, "proxy_delay", "0");
}

static struct prefix default_prefix(int family)
{
	return (struct prefix){ .addr = { .family = (uint8_t)family } };
}

static void want_route(struct dp_graph *g, const struct zr_ni *ni, const struct prefix *dst,
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
			     const struct zr_uplink *u)
{
	if (u->in_use && u->number)
		dp_want(g, &dp_route_type,
			&(struct dp_route){ .dst = *dst,
					    .table = zr_ni_table(ni),
					    .metric = dst->addr.family == AF_INET6 ? 1024 : 0,
					    .nhid = dp_nhgroup_id(u->family, u->number) });
}

static bool seen_before(const struct prefix *list, unsigned int n, const struct prefix *p)
{
	for (unsigned int i = 0; i < n; i++)
		if (prefix_equal(&list[i], p))
			return true;
	return false;
}

static void intent_uplink(struct dp_graph *g, const struct zr_model *m, const struct zr_ni *ni)
{
	int family = ni->subnet.addr.family;
	const struct zr_uplink *u = ni->uplink;
	const struct ipaddr none = { 0 };
	const struct prefix def = default_prefix(family);
	struct prefix subnets[ZR_WAYS * ZR_PORT_ADDRS];
	unsigned int n = 0;

	for (unsigned int p = 0; p < u->in_use; p++) {
		const struct zr_port *port = &m->ports.port[u->port[p]];

		for (unsigned int i = 0; i < port->naddrs; i++) {
			struct prefix *subnet = &subnets[n];

			*subnet = prefix_network(&port->addrs[i]);
			if (subnet->addr.family != family ||
			    subnet->len == ipaddr_bits(&subnet->addr) ||
			    seen_before(subnets, n, subnet))
				continue;
			want_route(g, ni, subnet, &port->ifname, &none);
			n++;
		}
	}
	want_group_route(g, ni, &def, u);
}

static void intent_static_routes(struct dp_graph *g, const struct zr_model *m,
				 const struct zr_ni *ni)
{
	for (unsigned int i = 0; i < ni->nroutes; i++) {
		const struct zr_static_route *r = &ni->routes[i];

		if (r->uplink && !ipaddr_is_set(&r->gateway))
			want_group_route(g, ni, &r->dst, r->uplink);
		else if (r->uplink && r->uplink->in_use)
			want_route(g, ni, &r->dst, &m->ports.port[r->uplink->port[0]].ifname,
				   &r->gateway);
		else if (!r->uplink && ipaddr_is_set(&r->gateway) &&
			 prefix_contains(&ni->subnet, &r->gateway))
			want_route(g, ni, &r->dst, &ni->bridge, &r->gateway);
	}
}

static bool has_static_default(const struct zr_ni *ni)
{
	for (unsigned int i = 0; i < ni->nroutes; i++)
		if (ni->routes[i].dst.len == 0)
			return true;
	return false;
}

static void intent_routing(struct dp_graph *g, const struct zr_model *m, const struct zr_ni *ni)
{
	uint8_t family = ni->subnet.addr.family;
	const struct ipaddr none = { 0 };

	want_route(g, ni, &ni->subnet, &ni->bridge, &none);
	intent_static_routes(g, m, ni);
	if (ni->uplink && !has_static_default(ni))
		intent_uplink(g, m, ni);
	dp_want(g, &dp_route_type,
		&(struct dp_route){ .dst = default_prefix(family),
				    .table = zr_ni_table(ni),
				    .metric = METRIC_LAST,
				    .kind = DP_ROUTE_UNREACHABLE });
	if (!m->vrf)
		dp_want(g, &dp_rule_type,
			&(struct dp_rule){ .family = family,
					   .priority = PRIORITY_FROM,
					   .iif = ni->bridge,
					   .table = zr_ni_table(ni) });
	dp_want(g, &dp_rule_type,
		&(struct dp_rule){ .family = family,
				   .priority = PRIORITY_TO,
				   .to = ni->subnet,
				   .table = zr_ni_table(ni) });
	dp_want(g, &dp_rule_type,
		&(struct dp_rule){ .family = family,
				   .priority = PRIORITY_HAIRPIN,
				   .to = ni->subnet,
				   .fwmark = ZR_MARK_HAIRPIN,
				   .fwmask = ZR_MARK_HAIRPIN,
				   .table = zr_ni_table(ni) });
}

/* By its own label, or that of a static route. */
static bool port_serves_ni(const struct zr_port *port, const struct zr_ni *ni)
{
	if (ni->uplink && zr_port_serves(port, ni->port_label))
		return true;
	for (unsigned int i = 0; i < ni->nroutes; i++)
		if (ni->routes[i].uplink && zr_port_serves(port, ni->routes[i].uplink->label))
			return true;
	return false;
}

static uint32_t *vif_numbers(const struct zr_ni *ni, size_t *ret_n)
{
	const struct zr_vif *vif;
	uint32_t *numbers;
	size_t n = 0;

	list_for_each (vif, &ni->vifs, of_ni)
		n++;
	numbers = xcalloc(n + 1, sizeof(*numbers));
	n = 0;
	list_for_each (vif, &ni->vifs, of_ni)
		if (vif->number)
			numbers[n++] = vif->number;
	*ret_n = n;
	return numbers;
}

static void intent_filter(struct dp_graph *g, const struct zr_intent_conf *conf,
			  const struct zr_model *m, const struct zr_ni *ni)
{
	struct zr_filter_uplink uplinks[ZR_PORTS];
	_cleanup_(freep) uint32_t *vifs = NULL;
	struct zr_filter_instance fi = {
		.number = ni->number,
		.bridge = ni->bridge,
		.gateways = { ni->gateway },
		.uplinks = uplinks,
	};

	for (unsigned int i = 0; i < m->ports.count; i++)
		if (port_serves_ni(&m->ports.port[i], ni))
			uplinks[fi.n_uplinks++] = (struct zr_filter_uplink){
				.ifname = m->ports.port[i].ifname,
				.mark = m->ports.port[i].mark,
			};
	vifs = vif_numbers(ni, &fi.n_vifs);
	fi.vifs = vifs;
	if (m->vrf)
		vrf_name(ni, &fi.vrf);
	zr_filter_instance(g, conf->table, &fi);
}

/* ---- dnsmasq ---- */

/* Wants a file "dnsmasq/<bridge>.<part>" with this content and adds its stamp to text. */
static void want_file(struct dp_graph *g, const struct zr_ni *ni, const char *part,
		      struct strbuf *content, struct strbuf *stamps)
{
	struct dp_file file = { .content = content->str ? content->str : (char[1]){ "" } };
	char one[DP_STAMP];

	snprintf(file.name, sizeof(file.name), "dnsmasq/%s.%s", ni->bridge.str, part);
	dp_want(g, &dp_file_type, &file);
	dp_stamp(strbuf_str(content), one);
	strbuf_add(stamps, one);
	strbuf_reset(content);
}

static void want_listed(struct dp_graph *g, const struct zr_intent_conf *conf,
			const struct zr_ni *ni)
{
	_cleanup_(freep) const char **names = NULL;
	size_t n;

	names = zr_dnsmasq_listed(ni, &n);
	for (size_t i = 0; i < n; i++)
		zr_filter_host(g, conf->table, &ni->bridge, names[i]);
}

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

static void intent_dnsmasq(struct dp_graph *g, const struct zr_intent_conf *conf,
			   const struct zr_model *m, const struct zr_ni *ni)
{
	struct strbuf text = STRBUF_INIT, stamps = STRBUF_INIT;
	struct dp_dnsmasq dnsmasq = { .ifname = ni->bridge };
	char name[3][128], path[3][256];
	static const char *const parts[] = { "hosts", "dhcp-hosts", "servers" };
	struct strbuf key = STRBUF_INIT;

	for (unsigned int i = 0; i < 3; i++) {
		snprintf(name[i], sizeof(name[i]), "dnsmasq/%s.%s", ni->bridge.str, parts[i]);
		dp_file_path(conf->run_dir, conf->owner, name[i], path[i]);
	}
	zr_dnsmasq_hosts(ni, &text);
	want_file(g, ni, "hosts", &text, &stamps);
	zr_dnsmasq_dhcp_hosts(ni, &text);
	want_file(g, ni, "dhcp-hosts", &text, &stamps);
	zr_dnsmasq_servers(m, ni, &text);
	want_file(g, ni, "servers", &text, &stamps);
	dp_stamp(strbuf_str(&stamps), dnsmasq.hosts_stamp);
	strbuf_reset(&stamps);

	zr_dnsmasq_conf(m, ni,
			&(struct zr_dnsmasq_paths){ .hosts = path[0],
						    .dhcp_hosts = path[1],
						    .servers = path[2],
						    .table = conf->table },
			&text);
	want_file(g, ni, "conf", &text, &stamps);
	dp_stamp(strbuf_str(&stamps), dnsmasq.stamp);
	snprintf(dnsmasq.name, sizeof(dnsmasq.name), "%s", ni->bridge.str);
	snprintf(dnsmasq.conf_file, sizeof(dnsmasq.conf_file), "dnsmasq/%s.conf", ni->bridge.str);
	want_listed(g, conf, ni);
	dp_want(g, &dp_dnsmasq_type, &dnsmasq);
	for (unsigned int i = 0; i < 3; i++)
		dp_after(g, &dp_file_type, name[i]);
	/* It binds the bridge address at start. */
	strbuf_addf(&key, "%s/", ni->bridge.str);
	prefix_format(&(struct prefix){ .addr = ni->gateway, .len = ni->subnet.len }, &key);
	dp_after(g, &dp_addr_type, strbuf_str(&key));
	after_listed(g, conf, ni);
	strbuf_fini(&key);
	strbuf_fini(&text);
	strbuf_fini(&stamps);
}

struct dp_graph *zr_intent_ni(const struct zr_intent_conf *conf, const struct zr_model *m,
			      const struct zr_ni *ni)
{
	char scope[ZR_SCOPE];
	struct dp_graph *g;

	zr_ni_scope(ni->uuid, scope);
	g = dp_graph_new(scope);
	if (!zr_ni_works(ni))
		return g;
	intent_filter(g, conf, m, ni);
	intent_bridge(g, m, ni);
	intent_bridge_sysctls(g, ni);
	intent_routing(g, m, ni);
	if (!ni->dnsmasq_off)
		intent_dnsmasq(g, conf, m, ni);
	return g;
}
