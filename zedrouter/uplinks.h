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
};

/* Adds a user; freed by the first zr_uplinks_purge() after the last one has left. */
struct zr_uplink *zr_uplink_use(struct zr_model *m, const char *label, int family, bool sharing);
void zr_uplink_leave(struct zr_uplink *u); /* NULL is fine */
void zr_uplinks_purge(struct zr_model *m);
/* The ports changed; was: before. Chooses anew. */
void zr_uplinks_choose(struct zr_model *m, const struct zr_ports *was);
/* The name its number is kept under. */
bool zr_uplink_has_name(const struct zr_model *m, const char *name);

/*
 * Pure: ports in use and standby, given the one that was first in use (index; -1: none). Those that
 * are not held come first, then the lowest cost; among equals the former first one, then the order
 * of the ports.
 */
void zr_uplink_pick(const struct zr_ports *ports, int current, struct zr_uplink *u);

/* Index of the port that comes first; -1: none is usable. NULL: no uplink. */
static inline int zr_uplink_first(const struct zr_uplink *u)
{
	return u && u->in_use ? u->port[0] : -1;
}
bool zr_uplink_uses(const struct zr_uplink *u, int port);
