/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/flows.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "zedrouter/filter.h"
#include "zedrouter/uplinks.h"

#define INSTANCE_SHIFT 10
#define PORT_SHIFT 24

/* ---- Sets of ports ---- */

static void add_all(struct zr_portset *set, const struct zr_portset *more)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(set->word); i++)
		set->word[i] |= more->word[i];
}

/* The number after n in the set; 256: there is none. */
static unsigned int next_of(const struct zr_portset *set, unsigned int n)
{
	do
		n++;
	while (n < 256 && !zr_portset_has(set, n));
	return n;
}

static struct zr_portset usable_ports(const struct zr_ports *ports, int family)
{
	struct zr_portset set = { 0 };

	for (unsigned int i = 0; i < ports->count; i++)
		if ((family == AF_INET6 ? ports->port[i].usable6 : ports->port[i].usable4) &&
		    !ports->port[i].over_quota)
			zr_portset_add(&set, zr_port_number(&ports->port[i]));
	return set;
}

/* ---- One instance ---- */

/* By its own label (i is 0) or that of a static route; may be NULL. */
static const struct zr_uplink *uplink_of(const struct zr_ni *ni, unsigned int i)
{
	return i ? ni->routes[i - 1].uplink : ni->uplink;
}

/* Milliseconds until flows have to leave ports that are dearer; -1: never, 0: by now. */
static int64_t drain_left_ms(const struct zr_ni *ni, struct mono now)
{
	int64_t left;

	if (!ni->drain_s)
		return -1;
	if (!ni->drains)
		return 0;
	left = 1000 * (int64_t)ni->drain_s - mono_diff_ms(now, ni->cheaper_at);
	return left > 0 ? left : 0;
}

/* By all its labels: where flows can be, and where new ones begin. */
static struct zr_portset usable_of(const struct zr_ni *ni)
{
	struct zr_portset set = { 0 };

	for (unsigned int i = 0; i <= ni->nroutes; i++)
		if (uplink_of(ni, i))
			add_all(&set, &uplink_of(ni, i)->usable);
	return set;
}

static struct zr_portset cheap_of(const struct zr_ni *ni)
{
	struct zr_portset set = { 0 };

	for (unsigned int i = 0; i <= ni->nroutes; i++)
		if (uplink_of(ni, i))
			add_all(&set, &uplink_of(ni, i)->cheap);
	return set;
}

/* Where its flows may be. */
static struct zr_portset ports_of(const struct zr_ni *ni, struct mono now)
{
	return drain_left_ms(ni, now) ? usable_of(ni) : cheap_of(ni);
}

enum fate { FATE_NONE, FATE_STAYS, FATE_KEPT, FATE_DRAINED, FATE_MOVED };

/*
 * Of the flows it may have by this port. Those of a static route look like the others, so all are kept
 * when one of the labels by which they can have come here has no other port.
 */
static enum fate ni_fate(const struct zr_ni *ni, unsigned int port, struct mono now)
{
	const struct zr_portset usable = ports_of(ni, now);
	bool concerned = false, other = false;

	if (!ni->number || !zr_portset_has(&ni->flows, port))
		return FATE_NONE;
	if (zr_portset_has(&usable, port))
		return FATE_STAYS;
	for (unsigned int i = 0; i <= ni->nroutes; i++) {
		const struct zr_uplink *u = uplink_of(ni, i);
		bool had = u && zr_portset_has(&u->had, port);

		if (had && !u->in_use)
			return FATE_KEPT;
		if (u && zr_portset_has(&u->usable, port))
			return ni->reroutes ? FATE_STAYS : FATE_DRAINED;
		concerned |= had;
		other |= u && u->in_use;
	}
	if (!concerned && !other)
		return FATE_KEPT;
	return ni->reroutes ? FATE_STAYS : FATE_MOVED;
}

/* ---- One port ---- */

/* What came by a port that works has no other way: draining is for what left by it. */
static void add_order(struct zr_flows_change *c, uint32_t mark, uint32_t mask)
{
	c->order[c->orders++] = (struct ct_flush_order){
		.family = c->family,
		.mark = c->mark | mark,
		.mask = ZR_MARK_PORT | mask | (c->drained ? ZR_MARK_INBOUND : 0),
	};
}

/*
 * An order is a walk through all flows of the kernel. One for each instance; or, when all of them
 * move and there are many, one for each bit of their numbers: together they are for whoever's number
 * is not 0, which is the node's.
 */
static void add_orders(struct zr_flows_change *c, const uint16_t *numbers, bool all)
{
	unsigned int bits = 0;
	uint16_t any = 0;

	for (unsigned int i = 0; i < c->moved; i++)
		any |= numbers[i];
	while (any >> bits)
		bits++;
	c->order = xcalloc(c->moved > bits ? c->moved : bits, sizeof(*c->order));
	all &= c->moved > bits;
	for (unsigned int i = 0; i < (all ? bits : c->moved); i++)
		if (all)
			add_order(c, 1u << (INSTANCE_SHIFT + i), 1u << (INSTANCE_SHIFT + i));
		else
			add_order(c, (uint32_t)numbers[i] << INSTANCE_SHIFT, ZR_MARK_INSTANCE);
}

static void port_left(struct zr_model *m, unsigned int port, struct mono now,
		      struct zr_flows_change *c)
{
	const enum fate wanted = c->drained ? FATE_DRAINED : FATE_MOVED;
	_cleanup_(freep) uint16_t *numbers = xcalloc(m->instances.count + 1, sizeof(*numbers));
	struct hmap_node *node;
	bool all = true;

	hmap_for_each (node, &m->instances) {
		struct zr_ni *ni = container_of(node, struct zr_ni, node);
		enum fate fate;

		if (ni->subnet.addr.family != c->family)
			continue;
		fate = ni_fate(ni, port, now);
		all &= fate == FATE_NONE || fate == wanted;
		c->kept += fate == FATE_KEPT;
		if (fate != wanted)
			continue;
		numbers[c->moved++] = ni->number;
		ni->flows.word[port / 64] &= ~((uint64_t)1 << port % 64);
	}
	if (c->moved)
		add_orders(c, numbers, all);
}

static void tell(struct zr_model *m, unsigned int port, struct mono now,
		 const struct zr_flows_change *about, zr_flows_fn *fn, void *arg)
{
	struct zr_flows_change c = *about;

	port_left(m, port, now, &c);
	if (c.back || c.moved)
		fn(&c, arg);
	free(c.order);
}

static const char *label_of(const struct zr_ports *ports, unsigned int port)
{
	for (unsigned int i = 0; ports && i < ports->count; i++)
		if (zr_port_number(&ports->port[i]) == port)
			return ports->port[i].label;
	return "";
}

/* ---- All ---- */

/* Ports by which instances may have flows, and which are not for all of those who may. */
static struct zr_portset note_flows(struct zr_model *m, int family, struct mono now)
{
	struct zr_portset lost = { 0 };
	struct hmap_node *node;

	hmap_for_each (node, &m->instances) {
		struct zr_ni *ni = container_of(node, struct zr_ni, node);
		struct zr_portset usable;

		if (ni->subnet.addr.family != family)
			continue;
		for (unsigned int i = 0; !m->followed && i <= ni->nroutes; i++)
			if (uplink_of(ni, i))
				add_all(&ni->flows, &uplink_of(ni, i)->had);
		usable = ports_of(ni, now);
		for (unsigned int i = 0; i < ARRAY_SIZE(lost.word); i++)
			lost.word[i] |= ni->flows.word[i] & ~usable.word[i];
		add_all(&ni->flows, &usable);
	}
	return lost;
}

static void follow_family(struct zr_model *m, const struct zr_ports *was, uint8_t family,
			  struct mono now, zr_flows_fn *fn, void *arg)
{
	struct zr_portset *before = &m->for_apps[family == AF_INET6];
	struct zr_portset usable = usable_ports(&m->ports, family);
	struct zr_portset news = note_flows(m, family, now);

	add_all(&news, &usable);
	for (unsigned int port = next_of(&news, 0); port < 256; port = next_of(&news, port)) {
		struct zr_flows_change c = {
			.port = label_of(&m->ports, port),
			.family = family,
			.mark = (uint32_t)port << PORT_SHIFT,
			.back = zr_portset_has(&usable, port) && !zr_portset_has(before, port),
		};

		if (!c.port[0])
			c.port = label_of(was, port);
		tell(m, port, now, &c, fn, arg);
		c.back = false;
		c.drained = true;
		tell(m, port, now, &c, fn, arg);
	}
	*before = usable;
}

static bool is_empty(const struct zr_portset *set)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(set->word); i++)
		if (set->word[i])
			return false;
	return true;
}

/* A cheaper port came, costs or the label changed; flows of before a restart may be anywhere. */
static void note_costs(const struct zr_model *m, struct zr_ni *ni, struct mono now)
{
	const struct zr_portset usable = usable_of(ni), cheap = cheap_of(ni);

	for (unsigned int i = 0; !m->followed && i <= ni->nroutes; i++)
		if (uplink_of(ni, i))
			add_all(&ni->begun, &uplink_of(ni, i)->had);
	if (is_empty(&cheap))
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(cheap.word); i++) {
		if (!(ni->begun.word[i] & usable.word[i] & ~cheap.word[i]))
			continue;
		ni->drains = true;
		ni->cheaper_at = now;
	}
	ni->begun = cheap;
}

static int64_t next_drained_ms(const struct zr_model *m, struct mono now)
{
	struct hmap_node *node;
	int64_t next = -1;

	hmap_for_each (node, &m->instances) {
		int64_t left = drain_left_ms(container_of(node, struct zr_ni, node), now);

		if (left > 0 && (next < 0 || left < next))
			next = left;
	}
	return next;
}

static void note_draining(struct zr_model *m, struct mono now)
{
	struct hmap_node *node;

	hmap_for_each (node, &m->instances) {
		struct zr_ni *ni = container_of(node, struct zr_ni, node);
		const struct zr_portset usable = usable_of(ni), cheap = cheap_of(ni);
		bool drains = drain_left_ms(ni, now) > 0;

		for (unsigned int i = 0; i < ARRAY_SIZE(ni->draining.word); i++) {
			uint64_t word =
				drains ? ni->flows.word[i] & usable.word[i] & ~cheap.word[i] : 0;

			ni->untold |= word != ni->draining.word[i];
			ni->draining.word[i] = word;
		}
	}
}

int64_t zr_flows_follow(struct zr_model *m, const struct zr_ports *was, struct mono now,
			zr_flows_fn *fn, void *arg)
{
	struct hmap_node *node;

	hmap_for_each (node, &m->instances)
		note_costs(m, container_of(node, struct zr_ni, node), now);
	follow_family(m, was, AF_INET, now, fn, arg);
	follow_family(m, was, AF_INET6, now, fn, arg);
	m->followed = true;
	note_draining(m, now);
	return next_drained_ms(m, now);
}
