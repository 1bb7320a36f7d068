/* SPDX-License-Identifier: Apache-2.0 */
/* How a field of enum nft_field is loaded: the table behind dataplane/nft/rule.h. */
#pragma once

#include "dataplane/nft/rule.h"

enum nft_field_kind { NFT_KIND_META, NFT_KIND_CT, NFT_KIND_CT_ORIGINAL, NFT_KIND_PAYLOAD };

struct nft_field_info {
	const char *text; /* in nft's language */
	enum nft_field_kind kind;
	uint8_t size; /* bytes */
	uint16_t key; /* NFT_META_*, NFT_CT_*, or the base of a payload */
	uint8_t offset; /* of a payload */
	bool network_order; /* of numbers */
	uint16_t ethertype; /* only in packets of this protocol; 0: in any */
};
extern const struct nft_field_info nft_fields[]; /* by enum nft_field */
