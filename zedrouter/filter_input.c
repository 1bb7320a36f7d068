/* SPDX-License-Identifier: Apache-2.0 */
/* What apps may ask of the node itself. */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <linux/netfilter.h>

#include "zedrouter/filter_rules.h"

/*
 * Frames to 01:80:c2:00:00:0x are not bridged: they come up on the port itself, past the check of
 * the bridge table (br_handle_frame()), and may hold an IP packet. So does everything from a port
 * that is not enslaved yet.
 */
static void chain_guard(const struct rule_base *b)
{
	const struct dp_nft_hook hook = { "filter", NF_INET_PRE_ROUTING, NF_ACCEPT, -300 };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	nft_in(r, KEY_IN, "app_ports");
	rule_drop(r);
	rules_want(b, "guard", &hook, r);
}

static void chain_input(const struct rule_base *b)
{
	const struct dp_nft_hook hook = { "filter", NF_INET_LOCAL_IN, NF_ACCEPT, 0 };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r); /* known by its mark, or at least by where it comes from */
	nft_any(r, NFT_MASKED(NFT_F_MARK, ZR_MARK_VIF));
	rule_to(r, "input_app");
	nft_rule(r); /* whatever else reaches the node is not our business */
	nft_in(r, KEY_IN, "bridges");
	rule_to(r, "input_app");
	rules_want(b, "input", &hook, r);
}

static void chain_input_app(const struct rule_base *b)
{
	static const uint8_t nd[] = { ND_ROUTER_SOLICIT, ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	nft_any(r, ESTABLISHED);
	rule_pass(r);
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_NFPROTO), NFPROTO_IPV4);
	rule_udp(r, 68, 67); /* DHCP */
	rule_pass(r);
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_NFPROTO), NFPROTO_IPV6);
	rule_udp(r, 546, 547); /* DHCPv6 */
	rule_pass(r);
	for (size_t i = 0; i < sizeof(nd); i++) {
		nft_rule(r);
		rule_icmp6(r, nd[i]);
		rule_pass(r);
	}
	nft_rule(r);
	nft_in(r, NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_IP_DADDR, 0 }), "gateways4");
	rule_to(r, "input_gateway");
	nft_rule(r);
	nft_in(r, NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_IP6_DADDR, 0 }), "gateways6");
	rule_to(r, "input_gateway");
	nft_rule(r);
	rule_drop(r);
	rules_want(b, "input_app", NULL, r);
}

/* To the address of the app's own bridge. */
static void chain_input_gateway(const struct rule_base *b)
{
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	rule_udp(r, 0, 53); /* DNS */
	rule_pass(r);
	nft_rule(r);
	rule_protocol(r, IPPROTO_TCP);
	nft_eq(r, NFT_PLAIN(NFT_F_TH_DPORT), 53);
	rule_pass(r);
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_NFPROTO), NFPROTO_IPV4);
	rule_protocol(r, IPPROTO_ICMP);
	nft_eq(r, NFT_PLAIN(NFT_F_ICMP_TYPE), ICMP_ECHO);
	rule_pass(r);
	nft_rule(r);
	rule_icmp6(r, ICMP6_ECHO_REQUEST);
	rule_pass(r);
	nft_rule(r);
	rule_drop(r);
	rules_want(b, "input_gateway", NULL, r);
}

void rules_input(const struct rule_base *b)
{
	chain_guard(b);
	chain_input(b);
	chain_input_app(b);
	chain_input_gateway(b);
}
