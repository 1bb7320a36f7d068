/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules, the same on every node:
 *
 *	bridge prerouting          is the sender who it says it is? mark: its VIF
 *	inet   prerouting  -300    guard: apps come in by their bridge only
 *	                   -100    dnat: port maps, from outside and from apps
 *	                    -99    mark: flows get their port back
 *	       forward     -150    clamp: TCP MSS
 *	                      0    forward: from_app or from_port, access lists, uplinks
 *	       input          0    input: what apps may ask of the node itself
 *	       postrouting  100    snat: masquerade
 */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "zedrouter/filter_rules.h"

void rules_want(const struct rule_base *b, const char *name, const struct dp_nft_hook *hook,
		struct nft_rules *r)
{
	struct dp_nft_chain chain = { .family = b->family, .rules = r };

	nft_rules_end(r);
	if (hook)
		chain.hook = *hook;
	snprintf(chain.table, sizeof(chain.table), "%s", b->table);
	snprintf(chain.name, sizeof(chain.name), "%s", name);
	dp_want(b->g, &dp_nft_chain_type, &chain);
	nft_rules_unref(r);
}

struct nft_rules *rules_begin(const struct rule_base *b)
{
	return nft_rules_new(b->family);
}

void rule_to(struct nft_rules *r, const char *chain)
{
	nft_verdict(r, NFT_GOTO, chain);
}

void rule_jump(struct nft_rules *r, const char *chain)
{
	nft_verdict(r, NFT_JUMP, chain);
}

void rule_pass(struct nft_rules *r)
{
	nft_verdict(r, NF_ACCEPT, NULL);
}

void rule_drop(struct nft_rules *r)
{
	nft_counter(r);
	nft_verdict(r, NF_DROP, NULL);
}

void rule_protocol(struct nft_rules *r, uint8_t number)
{
	nft_eq(r, NFT_PLAIN(NFT_F_L4PROTO), number);
}

void rule_udp(struct nft_rules *r, uint16_t sport, uint16_t dport)
{
	rule_protocol(r, IPPROTO_UDP);
	if (sport)
		nft_eq(r, NFT_PLAIN(NFT_F_TH_SPORT), sport);
	nft_eq(r, NFT_PLAIN(NFT_F_TH_DPORT), dport);
}

void rule_icmp6(struct nft_rules *r, uint8_t type)
{
	rule_protocol(r, IPPROTO_ICMPV6);
	nft_eq(r, NFT_PLAIN(NFT_F_ICMPV6_TYPE), type);
}

/* ---- All of it ---- */

static void want_sets(struct dp_graph *g, const char *table)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct dp_nft_set set;

	for (int i = 0; i < ZR_SETS; i++) {
		set = zr_set((enum zr_set)i, table);
		dp_want(g, &dp_nft_set_type, &set);
	}
	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (unsigned int layer = 0; layer < 2 * ZR_ACL_LAYERS; layer++) {
			set = zr_acl_set(families[f], layer / 2, layer % 2, table);
			dp_want(g, &dp_nft_set_type, &set);
		}
}

static void want_table(struct dp_graph *g, const char *table, uint8_t family)
{
	struct dp_nft_table t = { .family = family };

	snprintf(t.name, sizeof(t.name), "%s", table);
	dp_want(g, &dp_nft_table_type, &t);
}

void zr_filter_base(struct dp_graph *g, const char *table)
{
	const struct rule_base inet = { g, table, NFPROTO_INET };
	const struct rule_base bridge = { g, table, NFPROTO_BRIDGE };

	want_table(g, table, NFPROTO_INET);
	want_table(g, table, NFPROTO_BRIDGE);
	want_sets(g, table);
	rules_forward(&inet);
	rules_acl(&inet);
	rules_input(&inet);
	rules_nat(&inet);
	rules_bridge(&bridge);
}
