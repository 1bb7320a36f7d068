/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that write zedrouter's rules share: filter_base.c tells who writes what. */
#pragma once

#include "dataplane/dp.h"
#include "dataplane/nft/rule.h"
#include "zedrouter/filter.h"
#include "zedrouter/filter_sets.h"

struct rule_base { /* what is being written */
	struct dp_graph *g;
	const char *table;
	uint8_t family;
};

struct nft_rules *rules_begin(const struct rule_base *b);
/* Takes r. hook NULL: a chain that is only jumped to. */
void rules_want(const struct rule_base *b, const char *chain, const struct dp_nft_hook *hook,
		struct nft_rules *r);

void rule_to(struct nft_rules *r, const char *chain); /* goto */
void rule_jump(struct nft_rules *r, const char *chain);
void rule_pass(struct nft_rules *r);
/* Each reason for which something is dropped has its counter: nft list chain … */
void rule_drop(struct nft_rules *r);
void rule_protocol(struct nft_rules *r, uint8_t number);
void rule_udp(struct nft_rules *r, uint16_t sport, uint16_t dport); /* sport 0: any */
void rule_icmp6(struct nft_rules *r, uint8_t type);

#define ESTABLISHED NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_ESTABLISHED | NFT_STATE_RELATED)
#define KEY_IN NFT_KEY({ NFT_F_IIFNAME, 0 })
#define KEY_OUT NFT_KEY({ NFT_F_OIFNAME, 0 })
#define KEY_VIF_IN NFT_KEY({ NFT_F_MARK, ZR_MARK_VIF }, { NFT_F_IIFNAME, 0 })
#define KEY_VIF_OUT NFT_KEY({ NFT_F_MARK, ZR_MARK_VIF }, { NFT_F_OIFNAME, 0 })
#define KEY_INSTANCE_IN NFT_KEY({ NFT_F_MARK, ZR_MARK_INSTANCE }, { NFT_F_IIFNAME, 0 })
#define KEY_INSTANCE_OUT NFT_KEY({ NFT_F_MARK, ZR_MARK_INSTANCE }, { NFT_F_OIFNAME, 0 })

void rules_forward(const struct rule_base *b); /* filter_forward.c */
void rules_acl(const struct rule_base *b);

/* The four walks of access lists: where they stand, and the fields of an entry in a packet. */
struct acl_keys {
	const char *chain, *maps; /* the second one is the rest of the first */
	enum zr_set hosts; /* that leads to the steps */
	int family;
	bool out; /* from the app; else towards it */
	uint32_t mask; /* of the mark */
	enum nft_field remote, lport, fport;
};
extern const struct acl_keys acl_keys[4];
void rules_input(const struct rule_base *b); /* filter_input.c */
void rules_nat(const struct rule_base *b); /* filter_nat.c: translation, marks, MSS */
void rules_bridge(const struct rule_base *b); /* filter_bridge.c */
