/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node needs of each port, and why:
 *
 *   main table        default via GW dev PORT metric 5000+rank   the node's own traffic; +64 while
 *                                                                the port is held, +128 while
 *                                                                nothing beyond it answers
 *   table 500+number  connected prefixes, default via GW         traffic bound to this port
 *   rule 15000        from ADDR lookup 500+number                answers leave where they came in
 *   rule 900          fwmark MARK/0xff000000 lookup 500+number   flows of apps stay on the port
 *                                                                they started on while it works
 *                                                                and is not over its quota
 */
#include "nim/intent.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "nim/addressing.h"
#include "nim/firewall/firewall.h"
#include "nim/wireless/wireless.h"

#define PRIORITY_MARK 900
#define PRIORITY_SOURCE 15000
#define METRIC_MGMT 5000
#define METRIC_APPS 10000
#define METRIC_LEASE 100 /* behind connected ones */
#define VENDOR_CLASS "LFEDGE-EVE" /* DHCP option 60, as EVE says it */
#define METRIC_HELD NIM_PORTS /* on top: behind all that are not */
#define METRIC_BEHIND (2 * NIM_PORTS) /* on top: behind those as well */

/* No link is set up before the firewall stands for it. */
static void intent_link(struct dp_graph *g, const struct nim_config *config,
			const struct nim_port *port, uint32_t mtu_bytes)
{
	struct dp_vlan vlan = port->vlan;
	struct dp_bond bond = port->bond;

	vlan.mtu_bytes = bond.mtu_bytes = mtu_bytes;
	if (port->lower == NIM_LOWER_VLAN)
		dp_want(g, &dp_vlan_type, &vlan);
	else if (port->lower == NIM_LOWER_BOND)
		dp_want(g, &dp_bond_type, &bond);
	else
		dp_want(g, &dp_linkset_type,
			&(struct dp_linkset){
				.ifname = port->ifname, .mtu_bytes = mtu_bytes, .up = true });
	nim_firewall_first(g, port);
	for (unsigned int i = 0; port->lower == NIM_LOWER_BOND && i < port->nlowers; i++)
		dp_want(g, &dp_bond_member_type,
			&(struct dp_bond_member){ .ifname = config->ports[port->lowers[i]].ifname,
						  .bond = port->ifname });
}

static void intent_sysctls(struct dp_graph *g, const struct nim_port *port,
			   const struct nim_iface *iface)
{
	uint32_t mtu6 = nim_port_mtu6(port, iface);
	char mtu[16];

	char four[sizeof("ipv4/conf/") + IFNAMSIZ], six[sizeof("ipv6/conf/") + IFNAMSIZ];

	snprintf(four, sizeof(four), "ipv4/conf/%s", port->ifname.str);
	snprintf(six, sizeof(six), "ipv6/conf/%s", port->ifname.str);
	/* Strict filtering drops answers that come in by another port than the main table's. */
	dp_want_sysctl(g, four, "rp_filter", "2");
	if (port->ipv4) {
		/* Each port speaks for its own addresses only: else two in one subnet answer for one
		 * another, and what is sent to one comes in by the other. */
		dp_want_sysctl(g, four, "arp_ignore", "1");
		dp_want_sysctl(g, four, "arp_announce", "2");
		/* An address that goes, the boot's say, takes no others of its subnet along. */
		dp_want_sysctl(g, four, "promote_secondaries", "1");
	}
	if (!port->ipv6)
		return;
	dp_want_sysctl(g, six, "keep_addr_on_down", "1");
	if (mtu6) {
		snprintf(mtu, sizeof(mtu), "%u", mtu6);
		dp_want_sysctl(g, six, "mtu", mtu);
	}
	if (port->dhcp == NIM_DHCP_CLIENT) {
		/* dhcpcd listens to router advertisements and switches the kernel's ear off. */
		dp_want_sysctl(g, six, "accept_ra", "0");
		return;
	}
	/* A forwarding node ignores router advertisements unless told 2, and our choice of default
	 * route has to come before the kernel's (net/ipv6/ndisc.c, ndisc_router_discovery). */
	dp_want_sysctl(g, six, "accept_ra", "2");
	dp_want_sysctl(g, six, "ra_defrtr_metric", "20000");
}

/* A modem's connection has no DHCP: ip addr add ADDRESS dev PORT */
static void intent_bearer(struct dp_graph *g, const struct nim_port *port,
			  const struct nim_air *bearer)
{
	for (unsigned int i = 0; bearer && i < bearer->naddrs; i++)
		if (!nim_port_has_addr(port, &bearer->addrs[i]))
			dp_want(g, &dp_addr_type,
				&(struct dp_addr){ .ifname = port->ifname,
						   .prefix = bearer->addrs[i] });
}

static void intent_addresses(struct dp_graph *g, const struct nim_port *port,
			     const struct nim_iface *iface, const char *vendor_class)
{
	struct dp_dhcpcd dhcpcd = { .ifname = port->ifname,
				    .ipv4 = port->ipv4,
				    .ipv6 = port->ipv6,
				    .since_s = iface->client_since_s };

	if (port->dhcp == NIM_DHCP_NONE)
		return;
	for (unsigned int i = 0; i < port->naddrs; i++)
		dp_want(g, &dp_addr_type,
			&(struct dp_addr){ .ifname = port->ifname, .prefix = port->addrs[i] });
	for (unsigned int i = 0; port->candidate && i < port->candidate->naddrs; i++)
		if (!nim_port_has_addr(port, &port->candidate->addrs[i]))
			dp_want(g, &dp_addr_type,
				&(struct dp_addr){ .ifname = port->ifname,
						   .prefix = port->candidate->addrs[i] });
	if (ipaddr_is_set(&iface->boot_kept.addr))
		dp_want(g, &dp_addr_type,
			&(struct dp_addr){ .ifname = port->ifname, .prefix = iface->boot_kept });
	strcpy(dhcpcd.vendor_class, vendor_class);
	if (port->dhcp == NIM_DHCP_CLIENT && port->wireless == NIM_WIRELESS_CELLULAR)
		intent_bearer(g, port, iface->wireless);
	else if (port->dhcp == NIM_DHCP_CLIENT)
		dp_want(g, &dp_dhcpcd_type, &dhcpcd);
}

static void want_default(struct dp_graph *g, const struct nim_port *port,
			 const struct ipaddr *gateway, uint32_t table, uint32_t metric)
{
	if (!ipaddr_is_set(gateway))
		return;
	dp_want(g, &dp_route_type,
		&(struct dp_route){ .dst = { .addr = { .family = gateway->family } },
				    .table = table,
				    .metric = metric,
				    .nexthops = 1,
				    .nexthop = { { .ifname = port->ifname,
						   .gateway = *gateway,
						   .onlink = true } } });
}

/* An IPv6 route without a metric gets 1024 (IP6_RT_PRIO_USER); the kernel's connected ones 256. */
static uint32_t connected_metric(int family)
{
	return family == AF_INET6 ? 256 : 0;
}

/* Option 121. They belong to the port's traffic alone: in the main table whoever answers DHCP
 * there would take that of all ports. */
static void intent_lease_routes(struct dp_graph *g, const struct nim_port *port,
				const struct nim_iface *iface)
{
	const struct nim_lease *lease = &iface->lease4;

	if (port->dhcp != NIM_DHCP_CLIENT || port->ignore.gateways)
		return;
	for (unsigned int i = 0; i < lease->nroutes; i++)
		dp_want(g, &dp_route_type,
			&(struct dp_route){
				.dst = lease->routes[i].dst,
				.table = nim_port_table(port),
				.metric = METRIC_LEASE,
				.nexthops = 1,
				.nexthop = {
					{ .ifname = port->ifname,
					  .gateway = lease->routes[i].gateway,
					  .onlink = ipaddr_is_set(&lease->routes[i].gateway) } } });
}

static void intent_routes(struct dp_graph *g, const struct nim_port *port,
			  const struct nim_iface *iface, const struct nim_port_view *view)
{
	uint32_t table = nim_port_table(port);

	for (unsigned int i = 0; i < iface->naddrs; i++) {
		const struct prefix *p = &iface->addrs[i];

		if (!nim_subnet_seen_before(iface, i) && p->len < ipaddr_bits(&p->addr))
			dp_want(g, &dp_route_type,
				&(struct dp_route){ .dst = prefix_network(p),
						    .table = table,
						    .metric = connected_metric(p->addr.family),
						    .nexthops = 1,
						    .nexthop = { { .ifname = port->ifname } } });
		dp_want(g, &dp_rule_type,
			&(struct dp_rule){ .family = p->addr.family,
					   .priority = PRIORITY_SOURCE,
					   .from = prefix_host(&p->addr),
					   .table = table });
	}
	intent_lease_routes(g, port, iface);
	want_default(g, port, &view->gateway4, table, 0);
	want_default(g, port, &view->gateway6, table, 1024);
}

static void intent_mark(struct dp_graph *g, const struct nim_port *port, bool usable, int family)
{
	if (!usable)
		return;
	dp_want(g, &dp_rule_type,
		&(struct dp_rule){ .family = (uint8_t)family,
				   .priority = PRIORITY_MARK,
				   .fwmark = nim_port_mark(port),
				   .fwmask = NIM_MARK_MASK,
				   .table = nim_port_table(port) });
}

void nim_port_scope(const struct nim_port *port, char ret[sizeof("port/") + NIM_LABEL])
{
	snprintf(ret, sizeof("port/") + NIM_LABEL, "port/%s", port->label);
}

struct dp_graph *nim_intent_port(const struct nim_config *config, const struct nim_facts *facts,
				 const struct nim_view *view, unsigned int port)
{
	const struct nim_port *p = &config->ports[port];
	char scope[sizeof("port/") + NIM_LABEL];
	struct dp_graph *g;

	nim_port_scope(p, scope);
	g = dp_graph_new(scope);
	nim_firewall_port(g, p);
	if (p->error[0])
		return g;
	intent_link(g, config, p, nim_port_mtu(config, facts, port));
	if (!p->is_l3 || !p->number)
		return g;
	intent_sysctls(g, p, &facts->ifaces[port]);
	intent_addresses(g, p, &facts->ifaces[port], config->no_vendor_class ? "" : VENDOR_CLASS);
	intent_routes(g, p, &facts->ifaces[port], &view->ports[port]);
	if (facts->ifaces[port].over_quota) /* flows of apps look for another port */
		return g;
	intent_mark(g, p, view->ports[port].usable4, AF_INET);
	intent_mark(g, p, view->ports[port].usable6, AF_INET6);
	return g;
}

static uint32_t extra_metric(bool behind, bool held)
{
	return behind ? METRIC_BEHIND : held ? METRIC_HELD : 0;
}

uint32_t nim_port_metric(const struct nim_port *port, const struct nim_port_view *view)
{
	return (port->is_mgmt ? METRIC_MGMT : METRIC_APPS) + view->rank;
}

struct dp_graph *nim_intent_node(const struct nim_config *config, const struct nim_view *view)
{
	struct dp_graph *g = dp_graph_new("node");

	if (!config->nports)
		return g;
	dp_want_sysctl(g, "ipv4", "ip_forward", "1");
	dp_want_sysctl(g, "ipv6/conf/all", "forwarding", "1");
	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port *port = &config->ports[i];
		const struct nim_port_view *pv = &view->ports[i];
		uint32_t metric = nim_port_metric(port, pv);

		if (pv->usable4)
			want_default(g, port, &pv->gateway4, RT_TABLE_MAIN,
				     metric + extra_metric(pv->behind4, pv->held4));
		if (pv->usable6)
			want_default(g, port, &pv->gateway6, RT_TABLE_MAIN,
				     metric + extra_metric(pv->behind6, pv->held6));
	}
	return g;
}
