/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What zedrouter wants of nftables: pure functions that add items to a scope.
 *
 * Two tables of ours, one of family inet and one of family bridge. Their chains and sets are the
 * same on every node and are wanted once, by zr_filter_base(), in a scope of their own. Ports,
 * network instances and app interfaces are *elements* of those sets, each with a function of its
 * own for its own scope, so nothing is recompiled when one of them comes, goes or changes.
 *
 * Scopes may come in any order (elements wait for their sets) and before the interfaces exist
 * (everything is by name). An app interface whose elements are not there yet is shut: unknown
 * bridge ports may send nothing into the node.
 *
 * Who a packet belongs to is decided once, where it enters: the bridge table checks the sender
 * (interface, MAC, IP; ARP and ND too) and writes the number of the app interface into the
 * packet mark. See docs/acl.md for the walk of a packet through the chains.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct dp_graph;
struct zr_acl;

/*
 * Packet mark: the port (of established flows, restored from the flow: nim's fwmark rules look
 * at it), and who sent it. Flow mark (ct mark): the port a flow from or to an app is bound to, and
 * the app's interface.
 */
#define ZR_MARK_PORT 0xff000000u
#define ZR_MARK_INSTANCE 0x003ffc00u /* number of the network instance << 10 */
#define ZR_MARK_VIF 0x003fffffu /* instance << 10 | number of the VIF within it */
/*
 * Set (packet mark) before routing on what an app sends to a port-mapped address of this node,
 * and on the answers. An app of another instance is reached only with a rule for each instance
 * `ip rule add fwmark 0x00400000/0x00400000 to SUBNET lookup 800+N` before the one that binds an
 * instance to its own table. Within one instance it works without.
 */
#define ZR_MARK_HAIRPIN 0x00400000u
/* Flow mark, of one that somebody outside began: it cannot go by another port than that it came by. */
#define ZR_MARK_INBOUND 0x00400000u

#define ZR_INSTANCES 4095 /* highest number of an instance, the N of bnN */
#define ZR_VIFS 1023 /* highest number of a VIF within its instance */

/* The chains and sets themselves; table: dp_mark(owner)->nft_table. */
void zr_filter_base(struct dp_graph *g, const char *table);

/* A port that port maps are opened on. */
struct zr_filter_port {
	struct ifname ifname;
	const struct ipaddr *addrs; /* for port maps; without link-local ones */
	size_t n_addrs;
	const char *const *labels; /* logical and shared ones, for port maps */
	size_t n_labels;
};

struct zr_filter_uplink { /* a port whose label fits and that may carry an instance's traffic */
	struct ifname ifname;
	uint32_t mark; /* in ZR_MARK_PORT; 0: flows are not bound to it */
};

struct zr_filter_instance {
	uint32_t number; /* 1..ZR_INSTANCES */
	struct ifname bridge;
	struct ifname vrf; /* the bridge is enslaved to it; empty: none */
	struct ipaddr gateways[2]; /* ours on the bridge, unset ones are skipped */
	const struct zr_filter_uplink *uplinks;
	size_t n_uplinks;
	const uint32_t *vifs; /* numbers of its app interfaces */
	size_t n_vifs;
};
void zr_filter_instance(struct dp_graph *g, const char *table, const struct zr_filter_instance *ni);

/* The sets that the DNS server of the bridge fills with what this domain stands for. */
void zr_filter_host(struct dp_graph *g, const char *table, const struct ifname *bridge,
		    const char *domain);

struct zr_filter_vif {
	struct ifname ifname; /* the node's end, "nbu1x1" */
	struct ifname bridge;
	uint32_t instance; /* number of its network instance */
	uint32_t number; /* 1..ZR_VIFS, unique within the instance, stable over restarts */
	struct mac mac; /* the app's */
	const struct ipaddr *addrs; /* the app's, IPv4 and IPv6 */
	size_t n_addrs;
	const struct zr_acl *acl; /* NULL: everything is dropped */
	const struct zr_filter_port *ports; /* of its instance: where port maps are opened */
	size_t n_ports;
};
void zr_filter_vif(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif);
