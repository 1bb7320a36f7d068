/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that write the elements of app interfaces share. */
#pragma once

#include "dataplane/dp.h"
#include "dataplane/nft/elems.h"
#include "zedrouter/filter.h"
#include "zedrouter/filter_sets.h"

struct zr_batch { /* elements of one set and tag */
	struct dp_nft_set set;
	struct nft_elems *elems;
};
struct zr_batch zr_batch_of(const struct dp_nft_set *set);
struct zr_batch zr_batch_begin(enum zr_set set, const char *table);
struct nft_elem zr_batch_add(struct zr_batch *b);
/* Wants them, if there are any. */
void zr_batch_finish(struct dp_graph *g, struct zr_batch *b, const struct ifname *tag);

uint32_t zr_vif_id(const struct zr_filter_vif *vif);
/* Under which number a list is looked up: the id, and which of its variants. */
uint32_t zr_list_id(const struct zr_filter_vif *vif, enum zr_variant variant);
void zr_limit_name(const struct zr_filter_vif *vif, uint32_t ace, char name[DP_NFT_NAME]);

/* The steps of its list, if there are any: chains of its own, and the way to them. */
void zr_filter_steps(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif);
