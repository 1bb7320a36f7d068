/* SPDX-License-Identifier: Apache-2.0 */
/* What is listened to: one line per kind of kernel message; of a link, one for its kind and one for
 * its type. */
#include "dataplane/items/inet_observers.h"
#include "dataplane/nl/link_msg.h"
#include "dataplane/nl/rtnl.h"

/* Links first: the others carry interface indexes, and links give them names. */
const struct rtnl_observer *const rtnl_observers[] = {
	&dp_link_observer,
	&dp_brvlan_observer,
	&dp_addr_observer,
	&dp_nhgroup_observer,
	&dp_route_observer,
	&dp_rule_observer,
	&dp_neigh_observer,
	&dp_stray_route_observer,
	NULL,
};

extern const struct link_kind dp_bridge_kind, dp_veth_kind, dp_tap_kind, dp_vlan_kind, dp_bond_kind,
	dp_vrf_kind, dp_dummy_kind, dp_brport_kind, dp_bond_member_kind;

const struct link_kind *const link_kinds[] = {
	&dp_bridge_kind, &dp_veth_kind,	 &dp_tap_kind,	  &dp_vlan_kind,	&dp_bond_kind,
	&dp_vrf_kind,	 &dp_dummy_kind, &dp_brport_kind, &dp_bond_member_kind, NULL,
};

const struct dp_type *const link_types[] = {
	&dp_link_type, &dp_linkset_type, &dp_bridge_type, &dp_veth_type,
	&dp_tap_type,  &dp_vlan_type,	 &dp_bond_type,	  &dp_bond_member_type,
	&dp_vrf_type,  &dp_dummy_type,	 &dp_brport_type, NULL,
};

link_follower_fn *const link_followers[] = {
	dp_linkset_follow,
	dp_veth_follow,
	bond_state_follow,
	NULL,
};
