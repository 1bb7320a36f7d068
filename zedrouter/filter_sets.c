/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/filter_sets.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "base/hmap.h"

#define INET(set, ...)                                                                             \
	{                                                                                          \
		.family = NFPROTO_INET, .name = set, .key = { __VA_ARGS__ }                        \
	}
#define INET_MAP(set, datum, ...)                                                                  \
	{                                                                                          \
		.family = NFPROTO_INET, .name = set, .data = { datum }, .key = { __VA_ARGS__ }     \
	}
#define INET_NAT(set, addr, ...)                                                                   \
	{                                                                                          \
		.family = NFPROTO_INET, .name = set, .data = { addr, NFT_TYPE_PORT },              \
		.key = { __VA_ARGS__ }                                                             \
	}
#define BRIDGE(set, ...)                                                                           \
	{                                                                                          \
		.family = NFPROTO_BRIDGE, .name = set, .key = { __VA_ARGS__ }                      \
	}
#define BRIDGE_MAP(set, datum, ...)                                                                \
	{                                                                                          \
		.family = NFPROTO_BRIDGE, .name = set, .data = { datum }, .key = { __VA_ARGS__ }   \
	}

#define IFNAME_ NFT_TYPE_IFNAME
#define IP4 NFT_TYPE_IPV4
#define IP6 NFT_TYPE_IPV6
#define MAC NFT_TYPE_ETHER
#define MARK NFT_TYPE_MARK
#define PROTO NFT_TYPE_PROTO
#define PORT NFT_TYPE_PORT

/* clang-format off */
static const struct dp_nft_set sets[ZR_SETS] = {
	[ZR_SET_BRIDGES] = INET("bridges", IFNAME_),
	[ZR_SET_APP_PORTS] = INET("app_ports", IFNAME_),
	[ZR_SET_FLOW_MARKS] = INET_MAP("flow_marks", MARK, MARK, IFNAME_),
	[ZR_SET_UPLINKS] = INET("uplinks", MARK, IFNAME_),
	[ZR_SET_PEERS] = INET("peers", MARK, IFNAME_),
	[ZR_SET_CONNECTED] = INET("connected", MARK),
	[ZR_SET_GATEWAYS4] = INET("gateways4", IFNAME_, IP4),
	[ZR_SET_GATEWAYS6] = INET("gateways6", IFNAME_, IP6),
	[ZR_SET_VIF4] = INET_MAP("vif4", MARK, IFNAME_, IP4),
	[ZR_SET_VIF6] = INET_MAP("vif6", MARK, IFNAME_, IP6),
	[ZR_SET_VIF4_DNAT] = INET_MAP("vif4_dnat", MARK, IFNAME_, IP4),
	[ZR_SET_VIF6_DNAT] = INET_MAP("vif6_dnat", MARK, IFNAME_, IP6),
	[ZR_SET_PORTMAP4] = INET_NAT("portmap4", IP4, IFNAME_, IP4, PROTO, PORT),
	[ZR_SET_PORTMAP6] = INET_NAT("portmap6", IP6, IFNAME_, IP6, PROTO, PORT),
	[ZR_SET_HAIRPIN4] = INET_NAT("hairpin4", IP4, IP4, PROTO, PORT),
	[ZR_SET_HAIRPIN6] = INET_NAT("hairpin6", IP6, IP6, PROTO, PORT),
	[ZR_SET_HOSTS_OUT4] = INET_MAP("hosts_out4", NFT_TYPE_VERDICT, MARK),
	[ZR_SET_HOSTS_OUT6] = INET_MAP("hosts_out6", NFT_TYPE_VERDICT, MARK),
	[ZR_SET_HOSTS_IN4] = INET_MAP("hosts_in4", NFT_TYPE_VERDICT, MARK),
	[ZR_SET_HOSTS_IN6] = INET_MAP("hosts_in6", NFT_TYPE_VERDICT, MARK),
	[ZR_SET_VIFS] = BRIDGE("vifs", IFNAME_),
	[ZR_SET_VIF_ID] = BRIDGE_MAP("vif_id", MARK, IFNAME_),
	[ZR_SET_VIF_MAC] = BRIDGE("vif_mac", IFNAME_, MAC),
	[ZR_SET_VIF_IP4] = BRIDGE("vif_ip4", IFNAME_, IP4),
	[ZR_SET_VIF_IP6] = BRIDGE("vif_ip6", IFNAME_, IP6),
	[ZR_SET_VIF_ARP] = BRIDGE("vif_arp", IFNAME_, MAC, IP4),
};
/* clang-format on */

static void set_table(struct dp_nft_set *set, const char *table)
{
	assert(strlen(table) < sizeof(set->table));
	strcpy(set->table, table);
}

struct dp_nft_set zr_set(enum zr_set set, const char *table)
{
	struct dp_nft_set s = sets[set];

	set_table(&s, table);
	return s;
}

/* acl4e0 { VIF . remote . protocol . fport }, acl4r0 { VIF . remote . protocol . lport . fport } */
struct dp_nft_set zr_acl_set(int family, unsigned int layer, bool exact, const char *table)
{
	struct dp_nft_set s = {
		.family = NFPROTO_INET,
		.key = { MARK, family == AF_INET ? IP4 : IP6, PROTO, PORT, exact ? 0 : PORT },
		.data = { NFT_TYPE_VERDICT },
		.interval = !exact,
	};

	snprintf(s.name, sizeof(s.name), "acl%c%c%u", family == AF_INET ? '4' : '6',
		 exact ? 'e' : 'r', layer);
	set_table(&s, table);
	return s;
}

/* host4_bn1_example.com; of a longer domain a hash, which no domain looks like. */
struct dp_nft_set zr_host_set(int family, const struct ifname *bridge, const char *domain,
			      const char *table)
{
	struct dp_nft_set s = {
		.family = NFPROTO_INET,
		.key = { family == AF_INET ? IP4 : IP6 },
		.dynamic = true,
	};
	char lower[256] = "";
	size_t n = 0, len;

	for (; n < sizeof(lower) - 1 && domain[n]; n++)
		lower[n] = (char)tolower((unsigned char)domain[n]);
	len = (size_t)snprintf(s.name, sizeof(s.name), "host%c_%s_%s",
			       family == AF_INET ? '4' : '6', bridge->str, lower);
	if (len >= sizeof(s.name) || lower[0] == '_') {
		memset(s.name, 0, sizeof(s.name));
		snprintf(s.name, sizeof(s.name), "host%c_%.6s__%08" PRIx32 "%08" PRIx32,
			 family == AF_INET ? '4' : '6', bridge->str, hash_bytes(lower, n, 1),
			 hash_bytes(lower, n, 2));
	}
	set_table(&s, table);
	return s;
}
