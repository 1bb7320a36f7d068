/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sets and maps of zedrouter's nftables: what the rules of filter_base.c look up and the
 * elements of filter.c go into.
 */
#pragma once

#include "dataplane/items/nft.h"
#include "zedrouter/acl.h"

enum zr_set {
	/* inet */
	ZR_SET_BRIDGES, /* where apps come in: bridges, and the VRFs they are in */
	ZR_SET_APP_PORTS, /* the app interfaces, as ports of their bridges */
	ZR_SET_FLOW_MARKS, /* VIF . port it may use : mark of such a flow */
	ZR_SET_UPLINKS, /* instance . port it may use */
	ZR_SET_PEERS, /* instance . its own bridge */
	ZR_SET_CONNECTED, /* instance that has an uplink at all */
	ZR_SET_GATEWAYS4, /* bridge . our address on it */
	ZR_SET_GATEWAYS6,
	ZR_SET_VIF4, /* bridge . address of an app : its VIF, as receiver */
	ZR_SET_VIF6,
	ZR_SET_VIF4_DNAT, /* the same for port-mapped flows */
	ZR_SET_VIF6_DNAT,
	ZR_SET_PORTMAP4, /* port . address . protocol . port : app . its port */
	ZR_SET_PORTMAP6,
	ZR_SET_HAIRPIN4, /* address of a port . protocol . port : app . its port */
	ZR_SET_HAIRPIN6,
	ZR_SET_HOSTS_OUT4, /* VIF : where its steps stand, of lists that name hosts */
	ZR_SET_HOSTS_OUT6,
	ZR_SET_HOSTS_IN4, /* receiver : the same */
	ZR_SET_HOSTS_IN6,
	/* bridge */
	ZR_SET_VIFS, /* all app interfaces */
	ZR_SET_VIF_ID, /* app interface : its number */
	ZR_SET_VIF_MAC, /* app interface . MAC */
	ZR_SET_VIF_IP4, /* app interface . address */
	ZR_SET_VIF_IP6,
	ZR_SET_VIF_ARP, /* app interface . MAC . address */
	ZR_SETS,
};

struct dp_nft_set zr_set(enum zr_set set, const char *table);
/* What a domain and all below it stand for, as the DNS server of one bridge learns it. */
struct dp_nft_set zr_host_set(int family, const struct ifname *bridge, const char *domain,
			      const char *table);
struct dp_nft_set zr_acl_set(int family, unsigned int layer, bool exact, const char *table);

/* Bits of the number of a VIF as receiver, which choose the variant of its access list. */
#define ZR_MARK_INGRESS 0x00800000u /* ZR_VARIANT_INGRESS: its list differs by direction */
#define ZR_MARK_DNAT 0x00400000u /* ZR_VARIANT_DNAT */
#define ZR_MARK_RECEIVER 0x00ffffffu
/* Flow mark: every packet of the flow goes through the access list, for its limit. */
#define ZR_MARK_LIMITED 0x00800000u
