/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/uplinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/numbers.h"
#include "base/strbuf.h"

/* One space of numbers for all ("GROUP/REST" in numbers.h), of labels and of their ports; a label may
 * be anything. */
static char *number_name(const struct zr_uplink *u)
{
	return xasprintf("uplink/%c%s", u->sharing ? '+' : '-', u->label);
}

static uint32_t uplink_hash(const char *label, int family, bool sharing)
{
	return hash_string(label) + (family == AF_INET6) + 2 * sharing;
}

static struct zr_uplink *find(const struct zr_model *m, const char *label, int family, bool sharing)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &m->uplinks, uplink_hash(label, family, sharing))
	{
		struct zr_uplink *u = container_of(node, struct zr_uplink, node);

		if (u->family == family && u->sharing == sharing && strcmp(u->label, label) == 0)
			return u;
	}
	return NULL;
}

/* ---- The choice ---- */

static bool is_usable(const struct zr_port *port, const struct zr_uplink *u)
{
	return (u->family == AF_INET6 ? port->usable6 : port->usable4) &&
	       zr_port_serves(port, u->label);
}

static bool is_held(const struct zr_port *port, const struct zr_uplink *u)
{
	return u->family == AF_INET6 ? port->held6 : port->held4;
}

/* As in EVE: only EVE's own labels of what leads to the controller want that somebody far is reached. A
 * label of the user's may select private networks. */
static bool wants_far(const struct zr_uplink *u)
{
	return strcmp(u->label, "uplink") == 0 || strcmp(u->label, "freeuplink") == 0;
}

static bool is_behind(const struct zr_port *port, const struct zr_uplink *u)
{
	return wants_far(u) && (u->family == AF_INET6 ? port->behind6 : port->behind4);
}

static bool is_before(const struct zr_ports *ports, const struct zr_uplink *u, unsigned int a,
		      unsigned int b, int current)
{
	if (is_behind(&ports->port[a], u) != is_behind(&ports->port[b], u))
		return is_behind(&ports->port[b], u);
	if (is_held(&ports->port[a], u) != is_held(&ports->port[b], u))
		return is_held(&ports->port[b], u);
	if (ports->port[a].cost != ports->port[b].cost)
		return ports->port[a].cost < ports->port[b].cost;
	if ((int)a == current || (int)b == current)
		return (int)a == current;
	return a < b;
}

static int next_best(const struct zr_ports *ports, const struct zr_uplink *u, int current)
{
	int best = -1;

	for (unsigned int i = 0; i < ports->count; i++)
		if (is_usable(&ports->port[i], u) && !memchr(u->port, (int)i, u->count) &&
		    (best < 0 || is_before(ports, u, i, (unsigned int)best, current)))
			best = (int)i;
	return best;
}

void zr_uplink_pick(const struct zr_ports *ports, int current, struct zr_uplink *u)
{
	int next;

	u->in_use = u->count = 0;
	while (u->label[0] && u->count < ZR_WAYS && (next = next_best(ports, u, current)) >= 0) {
		bool shares =
			u->sharing && u->count + 1 < ZR_WAYS && u->count &&
			ports->port[next].cost == ports->port[u->port[0]].cost &&
			is_behind(&ports->port[next], u) ==
				is_behind(&ports->port[u->port[0]], u) &&
			is_held(&ports->port[next], u) == is_held(&ports->port[u->port[0]], u);

		if (u->count && !shares) { /* the standby */
			u->port[u->count++] = (uint8_t)next;
			return;
		}
		u->port[u->count++] = (uint8_t)next;
		u->in_use++;
	}
}

bool zr_uplink_uses(const struct zr_uplink *u, int port)
{
	return u && port >= 0 && memchr(u->port, port, u->in_use);
}

static bool is_in(const struct zr_port *port, const struct prefix *subnet)
{
	for (unsigned int i = 0; i < port->naddrs; i++) {
		struct prefix own = prefix_network(&port->addrs[i]);

		if (prefix_equal(&own, subnet))
			return true;
	}
	return false;
}

/* Of the ports in that subnet: the first one in use, or the first one. */
static unsigned int link_owner(const struct zr_uplink *u, const struct zr_ports *ports,
			       const struct prefix *subnet)
{
	for (unsigned int i = 0; i < u->in_use; i++)
		if (u->link[u->port[i]] && is_in(&ports->port[u->port[i]], subnet))
			return u->port[i];
	for (unsigned int i = 0; i < ports->count; i++)
		if (u->link[i] && is_in(&ports->port[i], subnet))
			return i;
	return ZR_PORTS;
}

/* Not of an address that is a network of its own. */
static bool has_subnet(const struct prefix *addr, int family)
{
	return addr->addr.family == family && addr->len < ipaddr_bits(&addr->addr);
}

static bool is_listed(const struct zr_link *list, unsigned int n, const struct prefix *subnet)
{
	for (unsigned int i = 0; i < n; i++)
		if (prefix_equal(&list[i].subnet, subnet))
			return true;
	return false;
}

unsigned int zr_uplink_links(const struct zr_uplink *u, const struct zr_ports *ports,
			     struct zr_link ret[ZR_LINKS])
{
	unsigned int n = 0;

	for (unsigned int p = 0; u->in_use && p < ports->count; p++) {
		for (unsigned int i = 0; u->link[p] && i < ports->port[p].naddrs; i++) {
			struct prefix subnet = prefix_network(&ports->port[p].addrs[i]);

			if (!has_subnet(&ports->port[p].addrs[i], u->family) ||
			    link_owner(u, ports, &subnet) != p || is_listed(ret, n, &subnet))
				continue;
			ret[n++] = (struct zr_link){ subnet, p, u->link[p] };
		}
	}
	return n;
}

static char *link_name(const struct zr_uplink *u, unsigned int port)
{
	return xasprintf("uplink/%u%c%s", port, u->sharing ? '+' : '-', u->label);
}

static uint16_t link_number(struct zr_model *m, const struct zr_uplink *u,
			    const struct zr_port *port)
{
	uint32_t number = 0;

	if (!zr_port_number(port) || !zr_port_serves(port, u->label))
		return 0;
	for (unsigned int i = 0; i < port->naddrs; i++) {
		_cleanup_(freep) char *name = NULL;

		if (!has_subnet(&port->addrs[i], u->family))
			continue;
		name = link_name(u, zr_port_number(port));
		if (numbers_get(m->uplink_numbers, name, &number) < 0)
			return 0; /* apps go by the gateway */
		return (uint16_t)number;
	}
	return 0;
}

/* After the choice. */
static void note_ports(struct zr_model *m, struct zr_uplink *u)
{
	bool better = u->in_use && !is_behind(&m->ports.port[u->port[0]], u);

	memset(u->link, 0, sizeof(u->link));
	u->usable = u->cheap = (struct zr_portset){ 0 };
	for (unsigned int i = 0; i < m->ports.count; i++) {
		const struct zr_port *port = &m->ports.port[i];

		u->link[i] = link_number(m, u, port);
		if (zr_port_matches(port, u->label))
			zr_portset_add(&u->had, zr_port_number(port));
		if (!is_usable(port, u) || (better && is_behind(port, u)))
			continue;
		zr_portset_add(&u->usable, zr_port_number(port));
		if (u->in_use && port->cost <= m->ports.port[u->port[0]].cost)
			zr_portset_add(&u->cheap, zr_port_number(port));
	}
}

/* ---- Users ---- */

struct zr_uplink *zr_uplink_use(struct zr_model *m, const char *label, int family, bool sharing)
{
	struct zr_uplink *u = find(m, label, family, sharing);
	_cleanup_(freep) char *name = NULL;
	uint32_t number = 0;

	if (u) {
		u->users++;
		return u;
	}
	u = xcalloc(1, sizeof(*u));
	snprintf(u->label, sizeof(u->label), "%s", label);
	u->family = (uint8_t)family;
	u->sharing = sharing;
	u->users = 1;
	name = number_name(u);
	if (numbers_get(m->uplink_numbers, name, &number) == 0)
		u->number = (uint16_t)number;
	zr_uplink_pick(&m->ports, -1, u);
	note_ports(m, u);
	hmap_insert(&m->uplinks, &u->node, uplink_hash(label, family, sharing));
	return u;
}

void zr_uplink_leave(struct zr_uplink *u)
{
	if (u)
		u->users--;
}

static void release_numbers(struct zr_model *m, const struct zr_uplink *u, const char *name)
{
	numbers_release(m->uplink_numbers, name);
	for (unsigned int port = 1; port < 256; port++) {
		_cleanup_(freep) char *link = NULL;

		if (!zr_portset_has(&u->had, port))
			continue;
		link = link_name(u, port);
		numbers_release(m->uplink_numbers, link);
	}
}

void zr_uplinks_purge(struct zr_model *m)
{
	struct hmap_node *node, *tmp;

	hmap_for_each_safe (node, tmp, &m->uplinks) {
		struct zr_uplink *u = container_of(node, struct zr_uplink, node);
		_cleanup_(freep) char *name = number_name(u);

		if (u->users)
			continue;
		hmap_remove(&m->uplinks, &u->node);
		if (!zr_uplink_has_name(m, name))
			release_numbers(m, u, name);
		free(u->told);
		free(u);
	}
}

bool zr_uplink_has_name(const struct zr_model *m, const char *name)
{
	const size_t group = strlen("uplink/");
	struct hmap_node *node;

	if (strncmp(name, "uplink/", group) != 0)
		return false;
	name += group;
	name += strspn(name, "0123456789"); /* of one of its ports */
	hmap_for_each (node, &m->uplinks) {
		_cleanup_(freep) char *own =
			number_name(container_of(node, struct zr_uplink, node));

		if (strcmp(own + group, name) == 0)
			return true;
	}
	return false;
}

void zr_uplinks_choose(struct zr_model *m, const struct zr_ports *was)
{
	struct hmap_node *node;

	hmap_for_each (node, &m->uplinks) {
		struct zr_uplink *u = container_of(node, struct zr_uplink, node);
		const struct zr_uplink before = *u;
		int first = zr_uplink_first(u);

		zr_uplink_pick(&m->ports,
			       first < 0 ? -1 : zr_port_find(&m->ports, was->port[first].label), u);
		note_ports(m, u);
		u->touched = zr_uplink_touched(&before, was, u, &m->ports);
	}
}

bool zr_uplink_news(const struct zr_ports *ports, struct zr_uplink *u, struct strbuf *out)
{
	_cleanup_(strbuf_fini) struct strbuf now = STRBUF_INIT;

	for (unsigned int i = 0; i < u->in_use; i++)
		strbuf_addf(&now, "%s%s", i ? "," : "", ports->port[u->port[i]].label);
	if (strcmp(strbuf_str(&now), u->told ? u->told : "") == 0)
		return false;
	strbuf_add(out, now.len ? now.str : "none");
	free(u->told);
	u->told = now.len ? strbuf_take(&now) : NULL;
	return true;
}
