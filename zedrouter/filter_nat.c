/* SPDX-License-Identifier: Apache-2.0 */
/* Translation of addresses, marks of flows and packets, TCP MSS. */
#include <netinet/in.h>

#include <linux/netfilter.h>

#include "zedrouter/filter_rules.h"

static void chain_dnat(const struct rule_base *b)
{
	const struct dp_nft_hook hook = { "nat", NF_INET_PRE_ROUTING, NF_ACCEPT, -100 };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	nft_dnat(r, NFPROTO_IPV4,
		 NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_IP_DADDR, 0 }, { NFT_F_L4PROTO, 0 },
			 { NFT_F_TH_DPORT, 0 }),
		 "portmap4");
	nft_rule(r);
	nft_dnat(r, NFPROTO_IPV6,
		 NFT_KEY({ NFT_F_IIFNAME, 0 }, { NFT_F_IP6_DADDR, 0 }, { NFT_F_L4PROTO, 0 },
			 { NFT_F_TH_DPORT, 0 }),
		 "portmap6");
	nft_rule(r);
	nft_in(r, KEY_IN, "bridges");
	nft_dnat(r, NFPROTO_IPV4,
		 NFT_KEY({ NFT_F_IP_DADDR, 0 }, { NFT_F_L4PROTO, 0 }, { NFT_F_TH_DPORT, 0 }),
		 "hairpin4");
	nft_rule(r);
	nft_in(r, KEY_IN, "bridges");
	nft_dnat(r, NFPROTO_IPV6,
		 NFT_KEY({ NFT_F_IP6_DADDR, 0 }, { NFT_F_L4PROTO, 0 }, { NFT_F_TH_DPORT, 0 }),
		 "hairpin6");
	rules_want(b, "dnat", &hook, r);
}

/*
 * Before routing, after DNAT. The mark of the flow has the same VIF, and its port. To conntrack a flow
 * is new until it is answered, and some never are: they stay on their port, too.
 */
static void chain_mark(const struct rule_base *b)
{
	const struct dp_nft_hook hook = { "filter", NF_INET_PRE_ROUTING, NF_ACCEPT, -99 };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	nft_in(r, KEY_IN, "bridges");
	nft_any(r, NFT_MASKED(NFT_F_CT_MARK, ZR_MARK_PORT));
	nft_copy_mark(r, NFT_F_MARK, NFT_F_CT_MARK, ZR_MARK_PORT | ZR_MARK_VIF);
	nft_rule(r);
	nft_in(r, KEY_IN, "bridges");
	nft_any(r, NFT_MASKED(NFT_F_CT_STATUS, NFT_STATUS_DNAT));
	nft_set_bits(r, NFT_F_MARK, ~ZR_MARK_HAIRPIN, ZR_MARK_HAIRPIN);
	rules_want(b, "mark", &hook, r);
}

static void chain_snat(const struct rule_base *b)
{
	const struct dp_nft_hook hook = { "nat", NF_INET_POST_ROUTING, NF_ACCEPT, 100 };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r); /* IPv6 too (NAT66): the prefix of a local instance is nobody's outside */
	nft_in(r, KEY_INSTANCE_OUT, "uplinks");
	nft_masquerade(r);
	nft_rule(r); /* from app to app by the address of a port: the answer must come back here */
	nft_in(r, KEY_IN, "bridges");
	nft_in(r, KEY_OUT, "bridges");
	nft_any(r, NFT_MASKED(NFT_F_CT_STATUS, NFT_STATUS_DNAT));
	nft_masquerade(r);
	rules_want(b, "snat", &hook, r);
}

static void chain_clamp(const struct rule_base *b)
{
	const struct dp_nft_hook hook = { "filter", NF_INET_FORWARD, NF_ACCEPT, -150 };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r); /* tcp flags & (syn | rst) == syn */
	rule_protocol(r, IPPROTO_TCP);
	nft_eq(r, NFT_MASKED(NFT_F_TCP_FLAGS, 0x06), 0x02);
	nft_clamp_mss(r);
	rules_want(b, "clamp", &hook, r);
}

void rules_nat(const struct rule_base *b)
{
	chain_dnat(b);
	chain_mark(b);
	chain_snat(b);
	chain_clamp(b);
}
