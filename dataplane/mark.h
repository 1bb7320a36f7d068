/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mark a daemon puts on what it makes, so that its next run knows its own. Set atomically
 * with the object's creation wherever the kernel lets us:
 *  - links: the link group (set with RTM_NEWLINK, unlike alias or alternative name),
 *  - routes, next hops, rules, addresses, neighbours: the protocol number,
 *  - nftables: the table name,
 *  - files and processes: their folder under the run directory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Marks of packets and flows are one space for all daemons:
 *
 *	0xff000000  the port (its number): of a flow, the one it is bound to
 *	0x00c00000  zedrouter's own (zedrouter/filter.h)
 *	0x003fffff  of a flow, what it is: instance << 10 | interface of an app (zedrouter); with
 *	            instance 0 a flow of the node itself, by EVE's number for its kind:
 */
#define DP_FLOW_INSTANCE 0x003ffc00u
enum dp_flow {
	DP_FLOW_SSH = 1,
	DP_FLOW_VNC = 2,
	DP_FLOW_OUTPUT = 5, /* begun by the node */
	DP_FLOW_PING = 9,
	DP_FLOW_DHCP = 10,
};

struct dp_mark {
	const char *owner; /* "nim" */
	uint8_t protocol; /* rtm_protocol, FRA_PROTOCOL, IFA_PROTO, NDA_PROTOCOL */
	uint32_t link_group;
	const char *nft_table; /* "edgeway-nim": each family's table of ours */
};

/* nim 237, zedrouter 238, domainmgr 239; any other owner (tests) 240. Never NULL. */
const struct dp_mark *dp_mark(const char *owner);
