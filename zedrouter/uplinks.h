/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a label selects. Instances and static routes that name the same label follow one uplink per
 * IP version: the ports that new flows take now, and the one that would be next. In the kernel it is
 * one group of next hops, so that a change of ports is one message whoever follows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hmap.h"
#include "zedrouter/model.h"

struct strbuf;

#define ZR_WAYS 8 /* ports of one uplink, its standby included */

struct zr_uplink {
	struct hmap_node node; /* zr_model.uplinks */
	char label[ZR_NAME];
	uint8_t family;
	bool sharing; /* flows are spread over all ports of the lowest cost */
	unsigned int users;
	uint16_t number; /* of its group; 0: none is left */
	uint8_t port[ZR_WAYS]; /* indexes into zr_ports: those in use, then the standby */
	uint8_t in_use, count; /* 0: no port is usable; count: with the standby, if there is one */
	uint16_t link[ZR_PORTS]; /* by index of port: group that leads into its subnets; 0: none */
	struct zr_portset had; /* ports that ever had its label, */
	struct zr_portset usable; /* and those usable now, and not behind one in use, */
	struct zr_portset cheap; /* and of these the ones no dearer than the first in use */
	unsigned int touched; /* enum zr_touch, by the last change of ports */
	char *told; /* the ports in use an operator knows of; NULL: none */
};

/* What has to be made again of an instance that follows an uplink. */
enum zr_touch {
	ZR_TOUCH_SELF = 1 << 0, /* all of it */
	ZR_TOUCH_ROUTES = 1 << 1, /* its routes out: zr_intent_way() */
	ZR_TOUCH_SERVER = 1 << 2, /* what its DHCP and DNS server tells: as well */
	ZR_TOUCH_FIRST = 1 << 3, /* a static route by a gateway of the port that comes first */
	ZR_TOUCH_MAPS = 1 << 4, /* port maps of its apps */
	ZR_TOUCH_STATUS = 1 << 5, /* what is told of it */
	ZR_TOUCH_WAY = 1 << 6, /* there was no way out, and now there is */
};

/* Adds a user; freed by the first zr_uplinks_purge() after the last one has left. */
struct zr_uplink *zr_uplink_use(struct zr_model *m, const char *label, int family, bool sharing);
void zr_uplink_leave(struct zr_uplink *u); /* NULL is fine */
void zr_uplinks_purge(struct zr_model *m);
/* The ports changed; was: before. Chooses anew, and says by u->touched what that means. */
void zr_uplinks_choose(struct zr_model *m, const struct zr_ports *was);
/* The name its number is kept under. */
bool zr_uplink_has_name(const struct zr_model *m, const char *name);

/*
 * Pure: ports in use and standby, given the one that was first in use (index; -1: none). For the
 * labels uplink and freeuplink those by which somebody far is reached come first; then those that are
 * not held, then the lowest cost; among equals the former first one, then the order of the ports.
 */
void zr_uplink_pick(const struct zr_ports *ports, int current, struct zr_uplink *u);

/* Index of the port that comes first; -1: none is usable. NULL: no uplink. */
static inline int zr_uplink_first(const struct zr_uplink *u)
{
	return u && u->in_use ? u->port[0] : -1;
}
bool zr_uplink_uses(const struct zr_uplink *u, int port);

/* The subnets that its ports are in, each once, and the groups that lead there: of the port in use when
 * several are in it. */
struct zr_link {
	struct prefix subnet;
	unsigned int port; /* index */
	uint16_t number;
};
#define ZR_LINKS (ZR_PORTS * ZR_PORT_ADDRS)
unsigned int zr_uplink_links(const struct zr_uplink *u, const struct zr_ports *ports,
			     struct zr_link ret[ZR_LINKS]);

/*
 * Pure: enum zr_touch bits for those who follow an uplink that was `was` among those ports and is
 * now `now` among these. What reaches them through the group of next hops (a gateway, say) touches
 * nobody.
 */
unsigned int zr_uplink_touched(const struct zr_uplink *was, const struct zr_ports *was_ports,
			       const struct zr_uplink *now, const struct zr_ports *now_ports);

/* By its own label or that of a static route. */
static inline bool zr_ni_follows(const struct zr_ni *ni, const struct zr_uplink *u)
{
	if (ni->uplink == u)
		return true;
	for (unsigned int i = 0; i < ni->nroutes; i++)
		if (ni->routes[i].uplink == u)
			return true;
	return false;
}

/* Are other ports in use than an operator has been told of? Adds them, "a,b" or "none", and takes
 * them for told. */
bool zr_uplink_news(const struct zr_ports *ports, struct zr_uplink *u, struct strbuf *out);
