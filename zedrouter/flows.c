/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/flows.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedrouter/filter.h"
#include "zedrouter/uplinks.h"

#define INSTANCE_SHIFT 10

static bool for_apps(const struct zr_port *port, int family)
{
	return port && (family == AF_INET6 ? port->usable6 : port->usable4) && !port->over_quota;
}

static const struct zr_port *port_now(const struct zr_model *m, const struct zr_port *was)
{
	int i = zr_port_find(&m->ports, was->label);

	return i >= 0 && m->ports.port[i].mark == was->mark ? &m->ports.port[i] : NULL;
}

enum fate { FATE_NONE, FATE_KEPT, FATE_MOVED };

/* Of the flows an instance may have by this port. A static route may lead there, too. */
static enum fate ni_fate(const struct zr_ni *ni, const struct zr_port *port, int family)
{
	enum fate fate = FATE_NONE;

	if (ni->subnet.addr.family != family || !ni->number)
		return FATE_NONE;
	for (unsigned int i = 0; i <= ni->nroutes; i++) {
		const struct zr_uplink *u = i ? ni->routes[i - 1].uplink : ni->uplink;

		if (!u || !zr_port_matches(port, u->label))
			continue;
		if (!u->in_use)
			return FATE_KEPT;
		fate = FATE_MOVED;
	}
	return fate;
}

static void add_order(struct zr_flows_change *c, uint32_t mark, uint32_t mask)
{
	c->order[c->orders++] = (struct ct_flush_order){
		.family = c->family,
		.mark = c->mark | mark,
		.mask = ZR_MARK_PORT | mask,
	};
}

/*
 * An order is a walk through all flows of the kernel. One for each instance; or, when all of them
 * move and there are many, one for each bit of their numbers: together they are for whoever's number
 * is not 0, which is the node's.
 */
static void add_orders(const struct zr_model *m, const struct zr_port *port,
		       struct zr_flows_change *c, uint16_t highest)
{
	unsigned int bits = 0;
	struct hmap_node *node;

	while (highest >> bits)
		bits++;
	c->order = xcalloc(c->moved > bits ? c->moved : bits, sizeof(*c->order));
	if (!c->kept && c->moved > bits) {
		for (unsigned int i = 0; i < bits; i++)
			add_order(c, 1u << (INSTANCE_SHIFT + i), 1u << (INSTANCE_SHIFT + i));
		return;
	}
	hmap_for_each (node, &m->instances) {
		const struct zr_ni *ni = container_of(node, struct zr_ni, node);

		if (ni_fate(ni, port, c->family) == FATE_MOVED)
			add_order(c, (uint32_t)ni->number << INSTANCE_SHIFT, ZR_MARK_INSTANCE);
	}
}

static void port_lost(const struct zr_model *m, const struct zr_port *port,
		      struct zr_flows_change *c)
{
	uint16_t highest = 0;
	struct hmap_node *node;

	hmap_for_each (node, &m->instances) {
		const struct zr_ni *ni = container_of(node, struct zr_ni, node);
		enum fate fate = ni_fate(ni, port, c->family);

		c->moved += fate == FATE_MOVED;
		c->kept += fate == FATE_KEPT;
		if (fate != FATE_NONE && ni->number > highest)
			highest = ni->number;
	}
	if (c->moved)
		add_orders(m, port, c, highest);
}

void zr_flows_follow(const struct zr_model *m, const struct zr_ports *was, zr_flows_fn *fn,
		     void *arg)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	for (unsigned int i = 0; i < was->count * ARRAY_SIZE(families); i++) {
		const struct zr_port *port = &was->port[i / 2];
		struct zr_flows_change c = {
			.port = port->label,
			.family = families[i % 2],
			.mark = port->mark,
		};
		bool then = for_apps(port, c.family);

		c.back = for_apps(port_now(m, port), c.family);
		if (!port->mark || then == c.back)
			continue;
		if (!c.back)
			port_lost(m, port, &c);
		fn(&c, arg);
		free(c.order);
	}
}
