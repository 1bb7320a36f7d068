/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/addressing.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "dataplane/lease.h"
#include "dnsrelay/conf.h"

#define MTU_MIN4 576 /* RFC 791: what every host must accept */
#define MTU_MIN6 1280 /* RFC 8200, 5; the kernel drops IPv6 from a link below it */
#define LEN_MIN4 8 /* no network is larger than 10.0.0.0/8 */
#define LEN_MIN6 16

/* ---- What can be an address ---- */

static bool is_unicast(const struct ipaddr *a)
{
	if (a->family == AF_INET)
		return a->byte[0] != 0 && a->byte[0] != 127 && a->byte[0] < 224;
	return a->family == AF_INET6 && !IN6_IS_ADDR_UNSPECIFIED(&a->v6) &&
	       !IN6_IS_ADDR_LOOPBACK(&a->v6) && !IN6_IS_ADDR_MULTICAST(&a->v6) &&
	       !IN6_IS_ADDR_V4MAPPED(&a->v6);
}

bool nim_prefix_is_usable(const struct prefix *p)
{
	return is_unicast(&p->addr) && p->len >= (p->addr.family == AF_INET ? LEN_MIN4 : LEN_MIN6);
}

bool nim_port_has_addr(const struct nim_port *port, const struct prefix *p)
{
	for (unsigned int i = 0; i < port->naddrs; i++)
		if (prefix_equal(&port->addrs[i], p))
			return true;
	return false;
}

bool nim_addr_counts(const struct nim_port *port, const struct prefix *p)
{
	bool on_trial = port->candidate && nim_port_has_addr(port->candidate, p);

	return nim_prefix_is_usable(p) &&
	       (nim_port_has_addr(port, p) || (!port->ignore.addresses && !on_trial));
}

bool nim_subnet_seen_before(const struct nim_iface *iface, unsigned int addr)
{
	struct prefix subnet = prefix_network(&iface->addrs[addr]);

	for (unsigned int i = 0; i < addr; i++) {
		struct prefix other = prefix_network(&iface->addrs[i]);

		if (prefix_equal(&subnet, &other))
			return true;
	}
	return false;
}

/* ---- The configuration's part ---- */

static void refuse(struct nim_port *port, const char *what, const struct ipaddr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (!port->error[0])
		snprintf(port->error, sizeof(port->error), "%s: %s", what, ipaddr_str(addr, text));
}

static bool has_version(const struct nim_port *port, const struct ipaddr *addr)
{
	return addr->family == AF_INET ? port->ipv4 : port->ipv6;
}

static void check_gateway(struct nim_port *port, const struct ipaddr *gateway)
{
	if (!ipaddr_is_set(gateway))
		return;
	if (!is_unicast(gateway))
		refuse(port, "bad gateway", gateway);
	if (!has_version(port, gateway))
		refuse(port, "gateway of an IP version that the port is not to have", gateway);
	for (unsigned int i = 0; i < port->naddrs; i++)
		if (ipaddr_equal(&port->addrs[i].addr, gateway))
			refuse(port, "the gateway is the port's own address", gateway);
}

void nim_addressing_check(struct nim_port *port)
{
	if (port->dhcp == NIM_DHCP_NONE)
		return;
	for (unsigned int i = 0; i < port->naddrs; i++) {
		if (!nim_prefix_is_usable(&port->addrs[i]))
			refuse(port, "no address for a port", &port->addrs[i].addr);
		if (!has_version(port, &port->addrs[i].addr))
			refuse(port, "address of an IP version that the port is not to have",
			       &port->addrs[i].addr);
	}
	check_gateway(port, &port->gateway4);
	check_gateway(port, &port->gateway6);
}

/* ---- The lease's part ---- */

static bool is_own(const struct dp_lease *lease, const struct ipaddr *addr)
{
	for (unsigned int i = 0; i < lease->addrs; i++)
		if (ipaddr_equal(&lease->addr[i].addr, addr))
			return true;
	return false;
}

struct ipaddr nim_lease_gateway(const struct dp_lease *lease)
{
	for (unsigned int i = 0; i < lease->routers; i++)
		if (is_unicast(&lease->router[i]) && !is_own(lease, &lease->router[i]))
			return lease->router[i];
	return (struct ipaddr){ 0 };
}

bool nim_lease_route_is_usable(const struct dp_lease_route *route)
{
	uint8_t first = route->dst.addr.byte[0];

	if (route->dst.addr.family != AF_INET || !route->dst.len)
		return false;
	return first != 127 && first < 224 &&
	       (!ipaddr_is_set(&route->gateway) || is_unicast(&route->gateway));
}

void nim_lease_refuse(const struct dp_lease *lease, char ret[NIM_REFUSED])
{
	char addr[INET6_ADDRSTRLEN];

	ret[0] = '\0';
	for (unsigned int i = 0; i < lease->addrs; i++) {
		const struct prefix *p = &lease->addr[i];

		if (p->addr.family == AF_INET && !nim_prefix_is_usable(p))
			snprintf(ret, NIM_REFUSED,
				 "DHCP lease refused: %s/%u is no address for a port",
				 ipaddr_str(&p->addr, addr), p->len);
	}
}

/* ---- Both together ---- */

struct nim_gateways nim_port_gateways(const struct nim_port *port, const struct nim_iface *iface)
{
	struct nim_gateways gateways = { 0 };

	if (port->no_default_route || port->dhcp == NIM_DHCP_NONE)
		return gateways;
	gateways.v4 = port->gateway4;
	gateways.v6 = port->gateway6;
	if (port->dhcp != NIM_DHCP_CLIENT || port->ignore.gateways)
		return gateways;
	if (port->ipv4 && !ipaddr_is_set(&gateways.v4))
		gateways.v4 = ipaddr_is_set(&iface->lease4.gateway) ? iface->lease4.gateway
								    : iface->boot_gateway;
	if (port->ipv6 && !ipaddr_is_set(&gateways.v6))
		gateways.v6 = ipaddr_is_set(&iface->lease6.gateway) ? iface->lease6.gateway
								    : iface->ra_gateway;
	return gateways;
}

bool nim_port_needs_no_gateway(const struct nim_port *port)
{
	return port->no_default_route ||
	       (port->ignore.gateways && !ipaddr_is_set(&port->gateway4) &&
		!ipaddr_is_set(&port->gateway6));
}

static void add_ntp(const char **list, unsigned int *n, const char *server)
{
	for (unsigned int i = 0; i < *n; i++)
		if (strcasecmp(list[i], server) == 0)
			return;
	list[(*n)++] = server;
}

unsigned int nim_port_ntp(const struct nim_port *port, const struct nim_iface *iface,
			  const char *ret[NIM_PORT_NTP])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < port->nntp; i++)
		add_ntp(ret, &n, port->ntp[i]);
	if (port->ignore.ntp)
		return n;
	for (unsigned int i = 0; i < iface->lease4.nntp; i++)
		add_ntp(ret, &n, iface->lease4.ntp[i]);
	for (unsigned int i = 0; i < iface->lease6.nntp; i++)
		add_ntp(ret, &n, iface->lease6.ntp[i]);
	return n;
}

static void add_domain(char list[NIM_PORT_DOMAINS][NIM_LABEL], unsigned int *n, const char *name)
{
	if (!*name || strlen(name) >= NIM_LABEL || *n == NIM_PORT_DOMAINS)
		return;
	for (unsigned int i = 0; i < *n; i++)
		if (strcasecmp(list[i], name) == 0)
			return;
	strcpy(list[(*n)++], name);
}

static void add_search(char list[NIM_PORT_DOMAINS][NIM_LABEL], unsigned int *n, const char *search)
{
	_cleanup_(freep) char *copy = xstrdup(search);
	char *rest = copy;
	const char *name;

	while ((name = strsep(&rest, " ")))
		if (dns_domain_is_valid(name))
			add_domain(list, n, name);
}

unsigned int nim_port_domains(const struct nim_port *port, const struct nim_iface *iface,
			      char ret[NIM_PORT_DOMAINS][NIM_LABEL])
{
	unsigned int n = 0;

	add_domain(ret, &n, port->domain);
	if (n || port->ignore.dns)
		return n;
	add_domain(ret, &n, iface->lease4.domain);
	add_domain(ret, &n, iface->lease6.domain);
	add_search(ret, &n, iface->lease4.search);
	add_search(ret, &n, iface->lease6.search);
	return n;
}

/* ---- MTU ---- */

/* A port that carries others cannot shrink for the sake of its own addresses. */
static bool carries_others(const struct nim_config *config, const struct nim_port *port)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (config->ports[i].lower == NIM_LOWER_VLAN &&
		    ifname_equal(&config->ports[i].vlan.parent, &port->ifname))
			return true;
	return false;
}

uint32_t nim_port_mtu(const struct nim_config *config, const struct nim_facts *facts,
		      unsigned int port)
{
	const struct nim_port *p = &config->ports[port];
	const struct nim_iface *iface = &facts->ifaces[port];
	uint32_t mtu = iface->lease4.mtu_bytes;

	if (p->mtu_given || p->dhcp != NIM_DHCP_CLIENT || !p->ipv4 || carries_others(config, p))
		return p->mtu_bytes;
	if (mtu >= (p->ipv6 ? MTU_MIN6 : MTU_MIN4) && mtu < p->mtu_bytes)
		return mtu;
	return p->mtu_bytes;
}

/* As the kernel does it where it listens itself (net/ipv6/ndisc.c, ndisc_router_discovery()). */
uint32_t nim_port_mtu6(const struct nim_port *port, const struct nim_iface *iface)
{
	uint32_t mtu = iface->lease6.mtu_bytes;

	if (port->dhcp != NIM_DHCP_CLIENT || !port->ipv6)
		return 0;
	return mtu >= MTU_MIN6 && mtu < iface->mtu_bytes ? mtu : 0;
}
