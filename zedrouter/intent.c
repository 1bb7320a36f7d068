/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A local network instance number N, but for what depends on the ports in use (way.c):
 *
 *   bnN   bridge with the gateway address; VIF ports are isolated, so that apps of one instance
 *         talk through the bridge address (proxy ARP, proxy NDP) and meet the same rules as all
 *   table 800+N   subnet dev bnN
 *                 unreachable default, metric 4294967295
 *   rule 10000    iif bnN lookup 800+N   (with VRF: bnN is enslaved to vrfN, which has that table)
 *   rule 11000    to SUBNET lookup 800+N
 *   files         of dnsmasq
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
#include "zedrouter/way.h"

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

/* ---- Instances ---- */

void zr_ni_scope(const char *uuid, char ret[ZR_SCOPE])
{
	snprintf(ret, ZR_SCOPE, "ni/%s", uuid);
}

void zr_way_scope(const char *uuid, char ret[ZR_SCOPE])
{
	snprintf(ret, ZR_SCOPE, "ni/%s/way", uuid);
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

static void intent_routing(struct dp_graph *g, const struct zr_model *m, const struct zr_ni *ni)
{
	uint8_t family = ni->subnet.addr.family;
	const struct ipaddr none = { 0 };

	zr_want_route(g, ni, &ni->subnet, &ni->bridge, &none);
	for (unsigned int i = 0; i < ni->nroutes; i++) {
		const struct zr_static_route *r = &ni->routes[i];

		if (!r->uplink && ipaddr_is_set(&r->gateway) &&
		    prefix_contains(&ni->subnet, &r->gateway))
			zr_want_route(g, ni, &r->dst, &ni->bridge, &r->gateway);
	}
	dp_want(g, &dp_route_type,
		&(struct dp_route){ .dst = { .addr = { .family = family } },
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

/* ---- DHCP and DNS server: what it reads; zr_intent_way() runs it ---- */

static void want_file(struct dp_graph *g, const struct zr_ni *ni, const char *part,
		      struct strbuf *content)
{
	struct dp_file file = { .content = content->str ? content->str : (char[1]){ "" } };

	zr_dnsmasq_file(ni, part, file.name);
	dp_want(g, &dp_file_type, &file);
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

static void intent_files(struct dp_graph *g, const struct zr_intent_conf *conf,
			 const struct zr_model *m, const struct zr_ni *ni, struct zr_stamps *stamps)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT, lists = STRBUF_INIT;
	struct zr_dnsmasq_paths paths;

	zr_dnsmasq_hosts(ni, &text);
	want_file(g, ni, "hosts", &text);
	strbuf_add(&lists, strbuf_str(&text));
	strbuf_reset(&text);
	zr_dnsmasq_dhcp_hosts(ni, &text);
	want_file(g, ni, "dhcp-hosts", &text);
	strbuf_addf(&lists, "--\n%s", strbuf_str(&text));
	dp_stamp(strbuf_str(&lists), stamps->hosts);
	strbuf_reset(&text);
	zr_dnsmasq_paths(conf, ni, &paths);
	zr_dnsmasq_conf(m, ni, &paths, conf->table, &text);
	want_file(g, ni, "conf", &text);
	dp_stamp(strbuf_str(&text), stamps->conf);
	want_listed(g, conf, ni);
}

struct dp_graph *zr_intent_ni(const struct zr_intent_conf *conf, const struct zr_model *m,
			      const struct zr_ni *ni, struct zr_stamps *ret_stamps)
{
	char scope[ZR_SCOPE];
	struct dp_graph *g;

	*ret_stamps = (struct zr_stamps){ 0 };
	zr_ni_scope(ni->uuid, scope);
	g = dp_graph_new(scope);
	if (!zr_ni_works(ni))
		return g;
	intent_filter(g, conf, m, ni);
	intent_bridge(g, m, ni);
	intent_bridge_sysctls(g, ni);
	intent_routing(g, m, ni);
	if (!ni->dnsmasq_off)
		intent_files(g, conf, m, ni, ret_stamps);
	return g;
}
