/* SPDX-License-Identifier: Apache-2.0 */
/* Where each field of a rule is found: one line a field. */
#include "dataplane/nft/field.h"

#include <linux/netfilter/nf_tables.h>
#include <net/ethernet.h>

/* clang-format off */
#define META(text, size, key) { text, NFT_KIND_META, size, key, 0, false, 0 }
#define CT(text, size, key) { text, NFT_KIND_CT, size, key, 0, false, 0 }
#define ORIGINAL(text, size, key) { text, NFT_KIND_CT_ORIGINAL, size, key, 0, true, 0 }
#define ETHER(text, size, off) { text, NFT_KIND_PAYLOAD, size, NFT_PAYLOAD_LL_HEADER, off, true, 0 }
#define NET(text, size, off, type) \
	{ text, NFT_KIND_PAYLOAD, size, NFT_PAYLOAD_NETWORK_HEADER, off, true, type }
#define TRANSPORT(text, size, off) \
	{ text, NFT_KIND_PAYLOAD, size, NFT_PAYLOAD_TRANSPORT_HEADER, off, true, 0 }

const struct nft_field_info nft_fields[] = {
	[NFT_F_IIFNAME] = META("iifname", 16, NFT_META_IIFNAME),
	[NFT_F_OIFNAME] = META("oifname", 16, NFT_META_OIFNAME),
	[NFT_F_MARK] = META("meta mark", 4, NFT_META_MARK),
	[NFT_F_NFPROTO] = META("meta nfproto", 1, NFT_META_NFPROTO),
	[NFT_F_L4PROTO] = META("meta l4proto", 1, NFT_META_L4PROTO),
	[NFT_F_ETHER_SADDR] = ETHER("ether saddr", 6, 6),
	[NFT_F_ETHER_TYPE] = ETHER("ether type", 2, 12),
	[NFT_F_IP_SADDR] = NET("ip saddr", 4, 12, ETHERTYPE_IP),
	[NFT_F_IP_DADDR] = NET("ip daddr", 4, 16, ETHERTYPE_IP),
	[NFT_F_IP6_SADDR] = NET("ip6 saddr", 16, 8, ETHERTYPE_IPV6),
	[NFT_F_IP6_DADDR] = NET("ip6 daddr", 16, 24, ETHERTYPE_IPV6),
	[NFT_F_TH_SPORT] = TRANSPORT("th sport", 2, 0),
	[NFT_F_TH_DPORT] = TRANSPORT("th dport", 2, 2),
	[NFT_F_TCP_FLAGS] = TRANSPORT("tcp flags", 1, 13),
	[NFT_F_ICMP_TYPE] = TRANSPORT("icmp type", 1, 0),
	[NFT_F_ICMPV6_TYPE] = TRANSPORT("icmpv6 type", 1, 0),
	[NFT_F_ND_TARGET] = TRANSPORT("icmpv6 taddr", 16, 8),
	[NFT_F_ARP_HTYPE] = NET("arp htype", 2, 0, ETHERTYPE_ARP),
	[NFT_F_ARP_PTYPE] = NET("arp ptype", 2, 2, ETHERTYPE_ARP),
	[NFT_F_ARP_HLEN] = NET("arp hlen", 1, 4, ETHERTYPE_ARP),
	[NFT_F_ARP_PLEN] = NET("arp plen", 1, 5, ETHERTYPE_ARP),
	[NFT_F_ARP_OP] = NET("arp operation", 2, 6, ETHERTYPE_ARP),
	[NFT_F_ARP_SHA] = NET("arp saddr ether", 6, 8, ETHERTYPE_ARP),
	[NFT_F_ARP_SPA] = NET("arp saddr ip", 4, 14, ETHERTYPE_ARP),
	[NFT_F_ARP_TPA] = NET("arp daddr ip", 4, 24, ETHERTYPE_ARP),
	[NFT_F_CT_STATE] = CT("ct state", 4, NFT_CT_STATE),
	[NFT_F_CT_STATUS] = CT("ct status", 4, NFT_CT_STATUS),
	[NFT_F_CT_DIRECTION] = CT("ct direction", 1, NFT_CT_DIRECTION),
	[NFT_F_CT_MARK] = CT("ct mark", 4, NFT_CT_MARK),
	[NFT_F_CT_IP_DADDR] = ORIGINAL("ct original ip daddr", 4, NFT_CT_DST_IP),
	[NFT_F_CT_IP6_DADDR] = ORIGINAL("ct original ip6 daddr", 16, NFT_CT_DST_IP6),
	[NFT_F_CT_SPORT] = ORIGINAL("ct original proto-src", 2, NFT_CT_PROTO_SRC),
	[NFT_F_CT_DPORT] = ORIGINAL("ct original proto-dst", 2, NFT_CT_PROTO_DST),
};
/* clang-format on */
