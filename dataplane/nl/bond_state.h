/* SPDX-License-Identifier: Apache-2.0 */
/* How bonds and their members are, as the kernel's link messages tell it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "dataplane/items/link.h"

enum bond_mii { BOND_MII_UP, BOND_MII_GOING_DOWN, BOND_MII_DOWN, BOND_MII_COMING_BACK };

struct bond_state { /* zero where the kernel says nothing */
	struct dp_bond settings; /* with what the kernel filled in */
	uint32_t ifindex;
	uint32_t arp_missed_max; /* answers missing before a member counts as dead */
	uint32_t active; /* ifindex of the member in use (active-backup, TLB, ALB); 0: none */
	struct { /* LACP, of the aggregator in use */
		uint16_t aggregator, ports, actor_key, partner_key;
		struct mac partner;
	} lacp;
};

/* State of an LACP port (IEEE 802.1AX, 6.4.2.3): in step with its partner. */
#define BOND_LACP_SYNC 0x08

struct bond_member_state {
	struct ifname ifname;
	uint32_t ifindex, master; /* ifindex of the bond */
	enum bond_mii mii; /* by the monitor, MII or ARP */
	bool active; /* it may carry traffic */
	uint32_t link_failures; /* since it became a member */
	uint16_t aggregator; /* LACP; 0: none */
	uint8_t actor_state, partner_state; /* LACP */
};

struct bond_ops {
	void (*bond)(const struct bond_state *bond, void *arg);
	void (*member)(const struct bond_member_state *member, void *arg);
	/* This interface is no bond and no member of one, now; most never were. */
	void (*neither)(uint32_t ifindex, void *arg);
};

/*
 * ops are called from the loop for each message about a link there is, at first by the engine's
 * dump (dp_adopt()), and from bond_reread(). One ops for a dp.
 */
void bond_watch(struct dp *dp, const struct bond_ops *ops, void *arg);

/* Asks the kernel for this interface now: it sends no message of some changes, above all of what
 * LACP negotiates. Not from within ops. */
void bond_reread(struct dp *dp, const struct ifname *ifname);
