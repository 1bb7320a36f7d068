/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change of ports means to those who follow an uplink: field by field, as their graphs read
 * them. With hundreds of instances on a label it decides what a fail-over costs.
 */
#include <string.h>

#include "zedrouter/uplinks.h"

static bool lists_differ(const void *a, size_t na, const void *b, size_t nb, size_t size)
{
	return na != nb || (na && memcmp(a, b, na * size) != 0);
}

/* ---- All ports of the label: filter, MTU, port maps ---- */

static unsigned int maps_touched(const struct zr_port *a, const struct zr_port *b)
{
	bool differs = lists_differ(a->addrs, a->naddrs, b->addrs, b->naddrs, sizeof(*a->addrs)) ||
		       lists_differ(a->labels, a->nlabels, b->labels, b->nlabels, ZR_NAME);

	return differs ? ZR_TOUCH_MAPS : 0;
}

static unsigned int port_touched(const struct zr_port *a, const struct zr_port *b,
				 const char *label)
{
	unsigned int touched = 0;

	if (zr_port_matches(a, label) != zr_port_matches(b, label) ||
	    zr_port_serves(a, label) != zr_port_serves(b, label))
		return ZR_TOUCH_SELF | ZR_TOUCH_MAPS;
	if (!zr_port_matches(a, label))
		return 0;
	if (!ifname_equal(&a->ifname, &b->ifname))
		touched |= ZR_TOUCH_SELF | ZR_TOUCH_MAPS;
	if (a->mark != b->mark || a->mtu_bytes != b->mtu_bytes)
		touched |= ZR_TOUCH_SELF;
	return touched | maps_touched(a, b);
}

static unsigned int ports_touched(const struct zr_ports *was, const struct zr_ports *now,
				  const char *label)
{
	unsigned int touched = 0;

	for (unsigned int i = 0; i < now->count; i++) {
		int old = zr_port_find(was, now->port[i].label);

		if (old >= 0)
			touched |= port_touched(&was->port[old], &now->port[i], label);
		else if (zr_port_matches(&now->port[i], label))
			touched |= ZR_TOUCH_SELF | ZR_TOUCH_MAPS;
	}
	for (unsigned int i = 0; i < was->count; i++)
		if (zr_port_find(now, was->port[i].label) < 0 &&
		    zr_port_matches(&was->port[i], label))
			touched |= ZR_TOUCH_SELF | ZR_TOUCH_MAPS;
	return touched;
}

/* ---- Ports in use: connected routes, what the DHCP and DNS server tells ---- */

static unsigned int subnets(const struct zr_port *port, int family, struct prefix *ret)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < port->naddrs; i++)
		if (port->addrs[i].addr.family == family)
			ret[n++] = prefix_network(&port->addrs[i]);
	return n;
}

static unsigned int way_touched(const struct zr_port *a, const struct zr_port *b, int family)
{
	struct prefix was[ZR_PORT_ADDRS], now[ZR_PORT_ADDRS];
	unsigned int nwas = subnets(a, family, was), nnow = subnets(b, family, now);
	unsigned int touched = 0;

	if (strcmp(a->label, b->label) != 0)
		touched |= ZR_TOUCH_STATUS;
	if (!ifname_equal(&a->ifname, &b->ifname) ||
	    lists_differ(was, nwas, now, nnow, sizeof(*was)))
		touched |= ZR_TOUCH_WAY;
	return touched;
}

/* The server speaks for the first port. Its DHCPv6 options are read at its start only. */
static unsigned int server_touched(const struct zr_port *a, const struct zr_port *b, int family)
{
	unsigned int touched = 0;

	if (lists_differ(a->dns, a->ndns, b->dns, b->ndns, sizeof(*a->dns)))
		touched |= ZR_TOUCH_WAY;
	if (lists_differ(a->ntp, a->nntp, b->ntp, b->nntp, ZR_NAME))
		touched |= family == AF_INET6 ? ZR_TOUCH_SELF : ZR_TOUCH_WAY;
	return touched;
}

static const char *standby(const struct zr_uplink *u, const struct zr_ports *ports)
{
	return u->count > u->in_use ? ports->port[u->port[u->in_use]].label : "";
}

unsigned int zr_uplink_touched(const struct zr_uplink *was, const struct zr_ports *was_ports,
			       const struct zr_uplink *now, const struct zr_ports *now_ports)
{
	static const struct zr_port none;
	unsigned int touched = ports_touched(was_ports, now_ports, now->label);

	for (unsigned int i = 0; i < was->in_use || i < now->in_use; i++) {
		const struct zr_port *a = i < was->in_use ? &was_ports->port[was->port[i]] : &none;
		const struct zr_port *b = i < now->in_use ? &now_ports->port[now->port[i]] : &none;

		touched |= way_touched(a, b, now->family);
		if (i == 0)
			touched |= server_touched(a, b, now->family);
	}
	if (strcmp(standby(was, was_ports), standby(now, now_ports)) != 0)
		touched |= ZR_TOUCH_STATUS;
	return touched;
}
