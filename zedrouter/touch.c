/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change of ports means to those who follow an uplink: field by field, as their graphs read
 * them. With hundreds of instances on a label it decides what a fail-over costs.
 */
#include <string.h>

#include "base/cleanup.h"
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

/* ---- Routes: by groups, so that it does not count which ports are in use ---- */

static bool link_is_in(const struct zr_link *list, unsigned int n, const struct zr_link *link)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i].number == link->number && prefix_equal(&list[i].subnet, &link->subnet))
			return true;
	return false;
}

static unsigned int routes_touched(const struct zr_uplink *was, const struct zr_ports *was_ports,
				   const struct zr_uplink *now, const struct zr_ports *now_ports)
{
	_cleanup_(freep) struct zr_link *a = xcalloc(2 * ZR_LINKS, sizeof(*a));
	struct zr_link *b = a + ZR_LINKS;
	unsigned int na = zr_uplink_links(was, was_ports, a);
	unsigned int nb = zr_uplink_links(now, now_ports, b);

	if (!was->in_use && now->in_use)
		return ZR_TOUCH_ROUTES | ZR_TOUCH_WAY;
	if (na != nb || !was->in_use != !now->in_use)
		return ZR_TOUCH_ROUTES;
	for (unsigned int i = 0; i < na; i++)
		if (!link_is_in(b, nb, &a[i]))
			return ZR_TOUCH_ROUTES;
	return 0;
}

/* ---- The port that comes first ---- */

static unsigned int subnets(const struct zr_port *port, int family, struct prefix *ret)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < port->naddrs; i++)
		if (port->addrs[i].addr.family == family)
			ret[n++] = prefix_network(&port->addrs[i]);
	return n;
}

/* The server speaks for it. */
static unsigned int first_touched(const struct zr_port *a, const struct zr_port *b, int family)
{
	struct prefix was[ZR_PORT_ADDRS], now[ZR_PORT_ADDRS];
	unsigned int nwas = subnets(a, family, was), nnow = subnets(b, family, now);
	unsigned int touched = 0;

	if (!ifname_equal(&a->ifname, &b->ifname))
		touched |= ZR_TOUCH_FIRST | ZR_TOUCH_SERVER;
	if (lists_differ(a->dns, a->ndns, b->dns, b->ndns, sizeof(*a->dns)) ||
	    lists_differ(a->ntp, a->nntp, b->ntp, b->nntp, ZR_NAME) ||
	    lists_differ(was, nwas, now, nnow, sizeof(*was)))
		touched |= ZR_TOUCH_SERVER;
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

	touched |= routes_touched(was, was_ports, now, now_ports);
	for (unsigned int i = 0; i < was->in_use || i < now->in_use; i++) {
		const struct zr_port *a = i < was->in_use ? &was_ports->port[was->port[i]] : &none;
		const struct zr_port *b = i < now->in_use ? &now_ports->port[now->port[i]] : &none;

		if (strcmp(a->label, b->label) != 0)
			touched |= ZR_TOUCH_STATUS;
		if (i == 0)
			touched |= first_touched(a, b, now->family);
	}
	if (strcmp(standby(was, was_ports), standby(now, now_ports)) != 0)
		touched |= ZR_TOUCH_STATUS;
	return touched;
}
