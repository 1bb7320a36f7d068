/* SPDX-License-Identifier: Apache-2.0 */
/* On the bridge, before it learns an address: is the sender who it says it is? */
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <linux/netfilter.h>

#include "zedrouter/filter_rules.h"

#define NF_BR_PRE_ROUTING 0 /* of linux/netfilter_bridge.h, which does not compile here */
#define MLD_V2_REPORT 143 /* RFC 3810 */

/*
 * Before the bridge learns an address. A tagged frame shows 0x8100 as its type and is dropped like
 * all that is not IP or ARP.
 */
static void chain_bridge(const struct rule_base *b)
{
	const struct dp_nft_hook hook = { "filter", NF_BR_PRE_ROUTING, NF_ACCEPT, -300 };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	nft_not_in(r, KEY_IN, "vifs");
	rule_pass(r);
	nft_rule(r);
	nft_not_in(r, NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_ETHER_SADDR, 0 }), "vif_mac");
	rule_drop(r);
	nft_rule(r);
	nft_set_from_map(r, NFT_F_MARK, KEY_IN, "vif_id");
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_ETHER_TYPE), ETHERTYPE_IP);
	rule_to(r, "from4");
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_ETHER_TYPE), ETHERTYPE_IPV6);
	rule_to(r, "from6");
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_ETHER_TYPE), ETHERTYPE_ARP);
	rule_to(r, "arp");
	nft_rule(r);
	rule_drop(r);
	rules_want(b, "prerouting", &hook, r);
}

static void chain_from4(const struct rule_base *b)
{
	const struct prefix unset = { .addr = { .family = AF_INET }, .len = 32 };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r); /* DHCP before it has an address */
	nft_eq_prefix(r, NFT_F_IP_SADDR, &unset);
	rule_udp(r, 68, 67);
	rule_pass(r);
	nft_rule(r); /* no DHCP server but ours */
	rule_protocol(r, IPPROTO_UDP);
	nft_eq(r, NFT_PLAIN(NFT_F_TH_SPORT), 67);
	rule_drop(r);
	nft_rule(r);
	rule_protocol(r, IPPROTO_ICMP);
	nft_eq(r, NFT_PLAIN(NFT_F_ICMP_TYPE), ICMP_REDIRECT);
	rule_drop(r);
	nft_rule(r);
	nft_in(r, NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_IP_SADDR, 0 }), "vif_ip4");
	rule_pass(r);
	nft_rule(r);
	rule_drop(r);
	rules_want(b, "from4", NULL, r);
}

static void drop_unless(struct nft_rules *r, enum nft_field field, uint32_t value)
{
	nft_rule(r);
	nft_ne(r, NFT_PLAIN(field), value);
	rule_drop(r);
}

static void chain_arp(const struct rule_base *b)
{
	const struct prefix unset = { .addr = { .family = AF_INET }, .len = 32 };
	struct nft_rules *r = rules_begin(b);

	drop_unless(r, NFT_F_ARP_HTYPE, 1); /* Ethernet */
	drop_unless(r, NFT_F_ARP_PTYPE, ETHERTYPE_IP);
	drop_unless(r, NFT_F_ARP_HLEN, 6);
	drop_unless(r, NFT_F_ARP_PLEN, 4);
	nft_rule(r);
	nft_in(r, NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_ARP_SHA, 0 }, { NFT_F_ARP_SPA, 0 }),
	       "vif_arp");
	rule_pass(r);
	nft_rule(r); /* a probe for its own address, RFC 5227 */
	nft_eq(r, NFT_PLAIN(NFT_F_ARP_OP), 1);
	nft_eq_prefix(r, NFT_F_ARP_SPA, &unset);
	nft_in(r, NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_ARP_SHA, 0 }, { NFT_F_ARP_TPA, 0 }),
	       "vif_arp");
	rule_pass(r);
	nft_rule(r);
	rule_drop(r);
	rules_want(b, "arp", NULL, r);
}

/* Duplicate address detection, router solicitation, multicast reports: from the address ::. */
static void accept_without_address(struct nft_rules *r)
{
	static const uint8_t types[] = { ND_NEIGHBOR_SOLICIT, ND_ROUTER_SOLICIT,
					 MLD_LISTENER_REPORT, MLD_V2_REPORT };
	const struct prefix unset = { .addr = { .family = AF_INET6 }, .len = 128 };

	for (size_t i = 0; i < sizeof(types); i++) {
		nft_rule(r);
		nft_eq_prefix(r, NFT_F_IP6_SADDR, &unset);
		rule_icmp6(r, types[i]);
		rule_pass(r);
	}
}

static struct prefix link_local(void)
{
	struct prefix p = { .addr = { .family = AF_INET6 }, .len = 10 };

	p.addr.byte[0] = 0xfe;
	p.addr.byte[1] = 0x80;
	return p;
}

static void chain_from6(const struct rule_base *b)
{
	const struct prefix local = link_local();
	struct nft_rules *r = rules_begin(b);

	nft_rule(r); /* no router but us */
	rule_icmp6(r, ND_ROUTER_ADVERT);
	rule_drop(r);
	nft_rule(r);
	rule_icmp6(r, ND_REDIRECT);
	rule_drop(r);
	nft_rule(r); /* it is the neighbour of no address but its own */
	rule_icmp6(r, ND_NEIGHBOR_ADVERT);
	nft_ne_prefix(r, NFT_F_ND_TARGET, &local);
	nft_not_in(r, NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_ND_TARGET, 0 }), "vif_ip6");
	rule_drop(r);
	nft_rule(r); /* no DHCPv6 server but ours */
	rule_protocol(r, IPPROTO_UDP);
	nft_eq(r, NFT_PLAIN(NFT_F_TH_SPORT), 547);
	rule_drop(r);
	nft_rule(r);
	nft_in(r, NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_IP6_SADDR, 0 }), "vif_ip6");
	rule_pass(r);
	nft_rule(r);
	nft_eq_prefix(r, NFT_F_IP6_SADDR, &local);
	rule_pass(r);
	accept_without_address(r);
	nft_rule(r);
	rule_drop(r);
	rules_want(b, "from6", NULL, r);
}

void rules_bridge(const struct rule_base *b)
{
	chain_bridge(b);
	chain_from4(b);
	chain_arp(b);
	chain_from6(b);
}
