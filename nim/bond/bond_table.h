/* SPDX-License-Identifier: Apache-2.0 */
/* Bonds and members as last heard of, and what is told of them. Pure. */
#pragma once

#include "dataplane/nl/bond_state.h"
#include "nim/config.h"

enum nim_churn { NIM_CHURN_UNKNOWN, NIM_CHURN_NONE, NIM_CHURN_MONITORING, NIM_CHURN_CHURNED };

struct nim_bond_churn { /* LACP: of one side */
	enum nim_churn state;
	uint32_t count; /* of churns */
};

struct nim_bond_member {
	struct bond_member_state state;
	struct nim_bond_churn actor, partner;
};

#define NIM_BOND_MEMBERS (NIM_PORTS) /* of all bonds: each is a port */

struct nim_bond_table {
	struct bond_state *bonds[NIM_PORTS]; /* owned; those beyond are not looked at */
	struct nim_bond_member *members[NIM_BOND_MEMBERS]; /* owned */
	unsigned int nbonds, nmembers;
};

void nim_bond_table_fini(struct nim_bond_table *t); /* an all-zero one is fine */

/* True: something is other than before. ret_was: what it was, zeroed where it is new. */
bool nim_bond_put(struct nim_bond_table *t, const struct bond_state *bond,
		  struct bond_state *ret_was);
bool nim_bond_put_member(struct nim_bond_table *t, const struct bond_member_state *member,
			 struct bond_member_state *ret_was);
/* This interface is no bond and no member. True: it was; ret_was is set when it was a member. */
bool nim_bond_remove(struct nim_bond_table *t, uint32_t ifindex, struct bond_member_state *ret_was);

const struct bond_state *nim_bond_find(const struct nim_bond_table *t, uint32_t ifindex);

/* LACP is still negotiating on this bond: a member that works is not in the aggregator in use, or
 * is out of step. */
bool nim_bond_unsettled(const struct nim_bond_table *t, const struct bond_state *bond);

/* Takes churn from the text of /proc/net/bonding/NAME. True: something is other than before. */
bool nim_bond_read_churn(struct nim_bond_table *t, const char *text);

struct arena;
struct Ew__DeviceNetworkStatus;
void nim_bond_table_status(const struct nim_bond_table *t, const struct nim_config *config,
			   struct Ew__DeviceNetworkStatus *status, struct arena *arena);
