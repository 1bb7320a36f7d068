/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting elements, and the numbers and names of an app interface. */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "zedrouter/filter_vif.h"

struct zr_batch zr_batch_of(const struct dp_nft_set *set)
{
	return (struct zr_batch){ *set, nft_elems_new(set) };
}

struct zr_batch zr_batch_begin(enum zr_set set, const char *table)
{
	struct dp_nft_set s = zr_set(set, table);

	return zr_batch_of(&s);
}

struct nft_elem zr_batch_add(struct zr_batch *b)
{
	return nft_elems_add(b->elems);
}

void zr_batch_finish(struct dp_graph *g, struct zr_batch *b, const struct ifname *tag)
{
	dp_want_nft_elems(g, &b->set, b->elems, tag);
	b->elems = NULL;
}

uint32_t zr_vif_id(const struct zr_filter_vif *vif)
{
	return vif->instance << 10 | vif->number;
}

uint32_t zr_list_id(const struct zr_filter_vif *vif, enum zr_variant variant)
{
	switch (variant) {
	case ZR_VARIANT_EGRESS:
		break;
	case ZR_VARIANT_INGRESS:
		return zr_vif_id(vif) | ZR_MARK_INGRESS;
	case ZR_VARIANT_DNAT:
		return zr_vif_id(vif) | ZR_MARK_DNAT;
	}
	return zr_vif_id(vif);
}

void zr_limit_name(const struct zr_filter_vif *vif, uint32_t ace, char name[DP_NFT_NAME])
{
	memset(name, 0, DP_NFT_NAME);
	snprintf(name, DP_NFT_NAME, "limit_%s_%u", vif->ifname.str, ace);
}
