/* SPDX-License-Identifier: Apache-2.0 */
/* Specs of addresses, routes, rules, neighbours; IPv4 and IPv6 alike. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "dataplane/dp.h"

/* ip address add PREFIX dev NAME. Key: NAME/PREFIX. Foreign ones (DHCP) are observed. */
struct dp_addr {
	struct ifname ifname;
	struct prefix prefix; /* host bits kept: 10.0.0.1/24 */
	bool noprefixroute;
	bool nodad;
	/* observed only, not part of diff: */
	bool tentative, dadfailed;
};
extern const struct dp_type dp_addr_type;

enum dp_route_kind {
	DP_ROUTE_UNICAST,
	DP_ROUTE_UNREACHABLE,
	DP_ROUTE_BLACKHOLE,
	DP_ROUTE_LOCAL,
};

struct dp_nexthop {
	struct ifname ifname; /* empty: the kernel finds it from the gateway */
	struct ipaddr gateway; /* unset: on-link */
	uint8_t weight; /* 1..255 in a multipath route; 0 = 1 */
	bool onlink; /* gateway need not be within a connected prefix */
};

#define DP_NEXTHOPS 8

/*
 * ip nexthop replace id ID group MEMBER,WEIGHT/… type resilient, and its members. Key:
 * FAMILY/NUMBER. Routes refer to it by dp_nhgroup_id(): replacing the group moves them all, how many
 * there may be.
 *
 * A member whose link goes down or loses its carrier is taken out of the group by the kernel at
 * that instant; the last one takes the group with it, and the group its routes. A member of
 * weight 1 beside one of weight 255 is a standby: no flow comes to it before that.
 */
struct dp_nhgroup {
	uint8_t family;
	uint16_t number; /* 1..DP_NHGROUPS */
	uint8_t members;
	struct dp_nhmember {
		uint8_t slot; /* 1..255: which one it is, whatever its place in the list */
		struct dp_nexthop way; /* with interface and weight */
	} member[DP_NEXTHOPS];
	bool broken; /* observed only: not a group of this kind, or without one */
	bool asleep; /* observed only: no member's link runs, so the kernel has nothing of it */
};
extern const struct dp_type dp_nhgroup_type;

#define DP_NHGROUPS 4095
uint32_t dp_nhgroup_id(uint8_t family, uint16_t number); /* the kernel's id of the group */

/* ip route replace PREFIX … table TABLE. Key: FAMILY/TABLE/PREFIX/METRIC. */
struct dp_route {
	struct prefix dst; /* 0.0.0.0/0, ::/0: default */
	uint32_t table;
	uint32_t metric;
	enum dp_route_kind kind;
	struct ipaddr prefsrc;
	uint32_t nhid; /* dp_nhgroup_id(), and nexthops is 0; 0: none */
	uint8_t nexthops; /* used of nexthop[]; 0 for the kinds without */
	struct dp_nexthop nexthop[DP_NEXTHOPS];
	uint8_t protocol; /* observed only, of one that is not ours */
};
extern const struct dp_type dp_route_type;

/* ip rule add pref PREF from … iif … fwmark … lookup TABLE. Key: all fields. */
struct dp_rule {
	uint8_t family;
	uint32_t priority;
	struct prefix from, to; /* unset: any */
	struct ifname iif, oif; /* empty: any */
	uint32_t fwmark, fwmask;
	uint32_t table; /* 0 with l3mdev */
	bool l3mdev;
	bool unreachable; /* action instead of lookup */
	bool suppress_default; /* suppress_prefixlength 0 */
};
extern const struct dp_type dp_rule_type;

/* ip neigh replace ADDR lladdr MAC dev NAME nud permanent | ip neigh add proxy ADDR dev NAME.
 * Key: NAME/ADDR or NAME/proxy/ADDR. */
struct dp_neigh {
	struct ifname ifname;
	struct ipaddr addr;
	struct mac mac; /* unset with proxy */
	bool proxy;
};
extern const struct dp_type dp_neigh_type;

/* A route of the main table that a DHCP client makes beyond its networks: never wanted, only removed.
 * See stray_route.c. */
struct dp_stray_route {
	struct ifname ifname;
	struct prefix dst;
	uint32_t metric;
	uint8_t protocol;
	bool on_link; /* not by way of a router */
};
extern const struct dp_type dp_stray_route_type;
