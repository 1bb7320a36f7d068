/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Specs of network interfaces. Names are the keys. In a wish mtu_bytes 0 and an unset mac mean "as
 * it is": the kernel's default when it is made, never a difference afterwards. The specs begin
 * with ifname. Links without a field up are always up; down is observed only, and a difference.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "dataplane/dp.h"

/* Any interface there is, whatever its kind and owner; observed only. Others need this one. */
struct dp_link {
	struct ifname ifname;
	uint32_t ifindex;
	uint32_t mtu_bytes;
	uint32_t master; /* ifindex; 0: none */
	uint32_t group;
	struct mac mac;
	bool up; /* administratively */
	bool carrier;
	bool ethernet; /* with broadcast; bridges and wireless ones, too */
	char kind[16]; /* "bridge", "veth"…; "" for hardware */
};
extern const struct dp_type dp_link_type;
bool dp_link_is_up(const void *have); /* predicates for dp_need() */
bool dp_link_has_carrier(const void *have);

/* Administrative state and MTU of an interface somebody else made (a port). Prior value restored,
 * under another name too. A greater MTU than its driver takes is cut to that. */
struct dp_linkset {
	struct ifname ifname;
	uint32_t mtu_bytes;
	uint32_t max_mtu_bytes; /* observed; 0: any */
	bool up;
};
extern const struct dp_type dp_linkset_type;

/* ip link add NAME type bridge …; with vlan_filtering it has no VLAN at first, not even 1 */
struct dp_bridge {
	struct ifname ifname;
	struct mac mac; /* unset: the kernel's choice */
	uint32_t mtu_bytes;
	uint16_t group_fwd_mask;
	bool vlan_filtering;
	bool stp;
	bool down; /* observed */
	struct ifname vrf; /* enslaved to it; empty: none */
};
extern const struct dp_type dp_bridge_type;

/*
 * ip link add NAME type veth peer name PEER netns NETNS; one queue. Our mark is on our end only.
 * A peer in another namespace is looked at when the veth is made or adopted: it is brought up then
 * (peer_up), and what its owner does to it afterwards is the owner's affair.
 */
struct dp_veth {
	struct ifname ifname, peer;
	struct mac mac, peer_mac;
	uint32_t mtu_bytes;
	char peer_netns[64]; /* name under /run/netns; "": here */
	bool up; /* our end; the peer's too when peer_up */
	bool peer_up;
};
extern const struct dp_type dp_veth_type;

/* ip tuntap add NAME mode tap. vnet_hdr is as it is made: who attaches may change it. */
struct dp_tap {
	struct ifname ifname;
	struct mac mac;
	uint32_t mtu_bytes;
	uint32_t uid; /* may attach to it */
	bool multi_queue, vnet_hdr, up;
};
extern const struct dp_type dp_tap_type;

/* ip link add link PARENT name NAME type vlan id VID */
struct dp_vlan {
	struct ifname ifname, parent;
	uint16_t vid; /* 1..4094 */
	bool down; /* observed: although its parent is up */
	uint32_t mtu_bytes;
};
extern const struct dp_type dp_vlan_type;

/* The kernel's numbers: BOND_MODE_* of linux/if_bonding.h. */
enum dp_bond_mode {
	DP_BOND_RR,
	DP_BOND_ACTIVE_BACKUP,
	DP_BOND_XOR,
	DP_BOND_BROADCAST,
	DP_BOND_8023AD,
	DP_BOND_TLB,
	DP_BOND_ALB,
};

#define DP_BOND_ARP_TARGETS 16
struct dp_bond {
	struct ifname ifname;
	uint32_t mtu_bytes;
	enum dp_bond_mode mode;
	bool lacp_fast;
	bool down; /* observed */
	uint32_t miimon_ms, updelay_ms, downdelay_ms; /* MII monitor or */
	uint32_t arp_interval_ms; /* ARP monitor */
	struct in_addr arp_targets[DP_BOND_ARP_TARGETS];
	bool arp_validate; /* only answers to its own requests count, on active members */
};
extern const struct dp_type dp_bond_type;
/* LACP, TLB and ALB are monitored by MII only, at 100 ms when nothing is wished. */
bool dp_bond_takes_arp(enum dp_bond_mode mode);

/* ip link set NAME master BOND (down, enslave, the bond brings it up). Key: NAME. */
struct dp_bond_member {
	struct ifname ifname, bond;
};
extern const struct dp_type dp_bond_member_type;

/* ip link add NAME type vrf table TABLE */
struct dp_vrf {
	struct ifname ifname;
	bool down; /* observed */
	uint32_t table;
};
extern const struct dp_type dp_vrf_type;

struct dp_dummy {
	struct ifname ifname;
	struct mac mac;
	bool down; /* observed */
	uint32_t mtu_bytes;
};
extern const struct dp_type dp_dummy_type;

/* ip link set NAME master BRIDGE && bridge link set dev NAME isolated …
 * It falls with the bridge and with the link. Key: NAME. */
struct dp_brport {
	struct ifname ifname, bridge;
	bool isolated, learning, bpdu_guard, hairpin, neigh_suppress;
};
extern const struct dp_type dp_brport_type;

/* bridge vlan add dev NAME vid FIRST-LAST [pvid untagged] [self]. Key: NAME/FIRST-LAST. */
struct dp_brvlan {
	struct ifname ifname;
	uint16_t first, last;
	bool pvid, untagged;
	bool self; /* NAME is the bridge itself */
};
extern const struct dp_type dp_brvlan_type;
