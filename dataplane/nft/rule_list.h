/* SPDX-License-Identifier: Apache-2.0 */
/* A list of rules: while it is written (rule.c) and after (rule_list.c). */
#pragma once

#include <libnftnl/rule.h>

#include "base/strbuf.h"
#include "dataplane/nft/rule.h"

struct rule_end { /* where one rule ends, in payload and text */
	size_t payload, text;
};

struct use {
	char name[DP_NFT_NAME];
	bool set;
};

struct nft_rules {
	unsigned int refs;
	uint8_t family;
	uint16_t count;
	uint64_t hash; /* 0: not ended yet */
	struct nftnl_rule *rule; /* the one being written */
	uint16_t ethertype; /* it has matched this protocol already */
	struct strbuf payload, text; /* of all rules; texts are NUL-terminated */
	struct rule_end *ends;
	struct use *uses;
	size_t n_uses;
};

/* The rules look up this set, or go to this chain. */
void rules_use(struct nft_rules *r, const char *name, bool set);
