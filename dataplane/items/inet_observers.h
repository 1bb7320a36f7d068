/* SPDX-License-Identifier: Apache-2.0 */
/* What dataplane/nl/observers.c listens to for the types of dataplane/items/inet.h. */
#pragma once

#include "dataplane/items/inet.h"
#include "dataplane/nl/rtnl.h"

/* For routes: the need of this next hop id, if it is the id of one of our groups. */
void nhgroup_need(struct dp_deps *deps, uint32_t nhid);

/* Reads the routes of one family, of a protocol (0: any) and a table (RT_TABLE_UNSPEC: any); none when
 * there is no such table yet, or no IPv6. 0 or -errno. */
int route_dump_some(struct dp *dp, uint8_t family, uint8_t protocol, uint8_t table,
		    rtnl_msg_fn *seen);

extern const struct rtnl_observer dp_addr_observer, dp_route_observer, dp_rule_observer,
	dp_neigh_observer, dp_nhgroup_observer, dp_stray_route_observer;
