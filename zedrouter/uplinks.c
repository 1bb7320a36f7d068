/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/uplinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/numbers.h"
#include "base/strbuf.h"

/* One space of numbers for all ("GROUP/REST" in numbers.h); a label may be anything. */
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

/* After the choice. */
static void note_ports(const struct zr_ports *ports, struct zr_uplink *u)
{
	bool better = u->in_use && !is_behind(&ports->port[u->port[0]], u);

	for (unsigned int i = 0; i < ports->count; i++)
		if (zr_port_matches(&ports->port[i], u->label))
			zr_portset_add(&u->had, zr_port_number(&ports->port[i]));
	u->usable = (struct zr_portset){ 0 };
	for (unsigned int i = 0; i < ports->count; i++)
		if (is_usable(&ports->port[i], u) && !(better && is_behind(&ports->port[i], u)))
			zr_portset_add(&u->usable, zr_port_number(&ports->port[i]));
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
	note_ports(&m->ports, u);
	hmap_insert(&m->uplinks, &u->node, uplink_hash(label, family, sharing));
	return u;
}

void zr_uplink_leave(struct zr_uplink *u)
{
	if (u)
		u->users--;
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
			numbers_release(m->uplink_numbers, name);
		free(u->told);
		free(u);
	}
}

bool zr_uplink_has_name(const struct zr_model *m, const char *name)
{
	struct hmap_node *node;

	hmap_for_each (node, &m->uplinks) {
		_cleanup_(freep) char *own =
			number_name(container_of(node, struct zr_uplink, node));

		if (strcmp(own, name) == 0)
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
		note_ports(&m->ports, u);
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
