/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EVE's last resort: a port configuration made of what the machine has, each Ethernet interface a
 * management port by DHCP. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LAST_RESORT_KEY "lastresort" /* as in EVE */

struct Ew__DpcEntry;
struct arena;
struct dp_link;
struct dpc_list;

/*
 * May it be a port? Ethernet with broadcast, of hardware or one end of a veth (what a node in a
 * container has for a card), not of ours, not the port of somebody else's bridge or bond, and by
 * its name neither wireless nor one of EVE's own. master: its bridge or bond; NULL: it has none.
 */
bool last_resort_takes(const struct dp_link *link, const struct dp_link *master);

/* In the order of their numbers: eth2 before eth10. NULL without any that may be a port. Freed by
 * ew__dpc_entry__free_unpacked(). */
struct Ew__DpcEntry *last_resort_entry(const struct dp_link *links, size_t n);

struct last_resort_state {
	bool known; /* the item network.fallback.any.eth is */
	bool enabled; /* by it */
	bool due; /* nothing else is expected any more */
};

/*
 * Should it stand in the list? With the item, always; without, when there is no other port
 * configuration and none is expected, from then on until there is one that works.
 */
bool last_resort_wanted(const struct dpc_list *list, const struct last_resort_state *state);
/* The list has nothing but the last resort, if that. */
bool last_resort_is_alone(const struct dpc_list *list);
