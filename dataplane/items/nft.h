/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Specs of nftables objects. A table bears our mark by its name (dataplane/mark.h); everything in
 * it is ours. Keys are FAMILY/TABLE, FAMILY/TABLE/NAME, and for elements FAMILY/TABLE/NAME@TAG.
 *
 * One flush of the engine is one transaction: packets see all of it or nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dp.h"

struct ifname;
struct ipaddr;
struct nft_elems; /* dataplane/nft/elems.h */
struct nft_rules; /* dataplane/nft/rule.h */

#define DP_NFT_NAME 32 /* bytes of a name with its NUL; the kernel would take 256 */
#define DP_NFT_FIELDS 5 /* of a concatenated key: nft packs their types into 32 bits */

/* nft add table FAMILY NAME */
struct dp_nft_table {
	uint8_t family; /* NFPROTO_INET, NFPROTO_BRIDGE, … of linux/netfilter.h */
	char name[DP_NFT_NAME];
};
extern const struct dp_type dp_nft_table_type;

/* Where a base chain hangs. An empty type: a chain that is only jumped to. */
struct dp_nft_hook {
	char type[8]; /* "filter", "nat", "route" */
	uint8_t hook; /* NF_INET_FORWARD, …; NF_BR_* in the bridge family */
	uint8_t policy; /* NF_ACCEPT, NF_DROP */
	int32_t priority;
};

/*
 * A chain with all its rules, in order: replaced as a whole in one transaction. Which rules a
 * chain in the kernel has is known by a hash that each rule carries in its user data.
 */
struct dp_nft_chain {
	uint8_t family;
	char table[DP_NFT_NAME], name[DP_NFT_NAME];
	struct dp_nft_hook hook;
	struct nft_rules *rules; /* shared, counted; NULL: none, or only observed */
	uint64_t hash; /* of the rules; filled by copying when rules is set */
	uint16_t count; /* rules; likewise */
};
extern const struct dp_type dp_nft_chain_type;

struct dp_nft_count {
	uint64_t packets, bytes;
};
/*
 * What the counters of a chain in our table say now: ret[i] of rule i, for the first n rules; those
 * without a counter (and those that are not there) stay as they are. Asks the kernel. 0 or -errno;
 * -ENOENT: no such chain, or no rule of ours in it.
 */
int dp_nft_chain_counts(struct dp *dp, uint8_t family, const char *chain, struct dp_nft_count *ret,
			unsigned int n);

enum nft_type { /* of a field of a key or datum */
		NFT_TYPE_NONE,
		NFT_TYPE_IFNAME, /* 16 bytes, zero-filled */
		NFT_TYPE_IPV4,
		NFT_TYPE_IPV6,
		NFT_TYPE_ETHER, /* MAC address */
		NFT_TYPE_PROTO, /* inet_proto, 1 byte */
		NFT_TYPE_PORT, /* inet_service, network order */
		NFT_TYPE_MARK, /* host order */
		NFT_TYPE_VERDICT, /* of a map's data only */
};

/* nft add set|map FAMILY TABLE NAME { type KEY [: DATA]; flags … } */
struct dp_nft_set {
	uint8_t family;
	char table[DP_NFT_NAME], name[DP_NFT_NAME];
	uint8_t key[DP_NFT_FIELDS]; /* enum nft_type, ended by NFT_TYPE_NONE when shorter */
	uint8_t data[2]; /* enum nft_type; NFT_TYPE_NONE: a set, not a map */
	bool interval; /* keys may be ranges, field by field; must not overlap */
	bool dynamic; /* others fill it, a DNS server say: its contents are none of ours */
};
extern const struct dp_type dp_nft_set_type;
/* nft get element FAMILY TABLE NAME { ADDR }: asks the kernel whether that address is in a set of ours
 * of one field. 1, 0 (also when there is no such set) or -errno. */
int dp_nft_set_has(struct dp *dp, const struct dp_nft_set *set, const struct ipaddr *addr);

/*
 * Elements of one set or map that belong together (to one app interface, say) and are diffed
 * element by element. Several tags share a set; no two may hold the same key. The kernel keeps
 * the tag with each element, as its comment.
 */
struct dp_nft_elems {
	uint8_t family;
	char table[DP_NFT_NAME], set[DP_NFT_NAME];
	char tag[DP_NFT_NAME];
	struct nft_elems *elems; /* shared, counted, sorted; NULL: none */
};
extern const struct dp_type dp_nft_elems_type;
/* Wants them, complete, under a tag; nothing when there are none. Takes elems. */
void dp_want_nft_elems(struct dp_graph *g, const struct dp_nft_set *set, struct nft_elems *elems,
		       const struct ifname *tag);
