/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at flows one after the other, forgets those that must end and writes marks of others:
 * conntrack -L -f FAMILY [--orig-src SRC] [--reply-src TO] [-m MARK/MASK], then conntrack -D or -U of some.
 *
 * The kernel walks through its table and tells of the flows that are asked for. They are read in
 * pieces, one in a turn of the loop, and what was decided about a piece is carried out
 * before the next one is read. To forget a flow of before the walk that has ended and begun anew
 * meanwhile is not possible: each has an identity.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct ct_walk;
struct event_base;

struct ct_flow {
	struct ipaddr src, dst; /* of its first packet, before any translation */
	struct ipaddr to; /* whom that packet reached: dst, or what it was translated to */
	uint8_t protocol;
	uint16_t sport, dport, to_port; /* 0 when its protocol has none */
	uint32_t mark;
	bool mapped; /* dst or dport was translated */
};

struct ct_walk_conf {
	struct event_base *base;
	uint32_t mark, mask; /* only flows whose mark & mask is mark; mask 0: all */
	/* false: it is forgotten. Bits that look changes in mark change in the flow. */
	bool (*look)(const struct ct_flow *flow, uint32_t *mark, void *arg);
	/* The walk is over; err: 0, or the first -errno that the kernel said. May start the next one. */
	void (*done)(int err, void *arg);
	void *arg;
};

/* Copies conf. NULL: no memory. */
struct ct_walk *ct_walk_new(const struct ct_walk_conf *conf);
/* Gives up a walk without done(); NULL is fine. */
struct ct_walk *ct_walk_free(struct ct_walk *w);

/*
 * Starts one, unless one is under way: -EBUSY. src and to: only flows with these (borrowed; NULL:
 * any). Of IPv6 the kernel tells of all flows whatever is asked for. 0 or -errno; done() comes in a later turn.
 */
int ct_walk_start(struct ct_walk *w, int family, const struct ipaddr *src, const struct ipaddr *to);
