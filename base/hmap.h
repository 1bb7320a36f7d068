/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive chained hash map: 16 bytes a node, one pointer a bucket, grows by doubling. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct hmap_node {
	struct hmap_node *next;
	uint32_t hash;
};

struct hmap {
	struct hmap_node **buckets;
	size_t mask; /* number of buckets - 1; buckets == NULL while empty */
	size_t count;
};

void hmap_init(struct hmap *m);
void hmap_fini(struct hmap *m); /* frees the buckets, not the nodes */
void hmap_insert(struct hmap *m, struct hmap_node *node, uint32_t hash); /* duplicates allowed */
void hmap_remove(struct hmap *m, struct hmap_node *node);

uint32_t hash_bytes(const void *p, size_t n, uint32_t seed);
uint32_t hash_string(const char *s);

/* First node with this hash, then the next one; NULL when there are no more. */
static inline struct hmap_node *hmap_next_match(struct hmap_node *n, uint32_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

static inline struct hmap_node *hmap_first_match(const struct hmap *m, uint32_t hash)
{
	return m->buckets ? hmap_next_match(m->buckets[hash & m->mask], hash) : NULL;
}

#define hmap_for_each_match(node, m, hash_)                                                        \
	for ((node) = hmap_first_match(m, hash_); (node);                                          \
	     (node) = hmap_next_match((node)->next, hash_))

/* Any order. hmap_for_each_safe: the current node may be removed and freed. */
struct hmap_node *hmap_first(const struct hmap *m);
struct hmap_node *hmap_next(const struct hmap *m, const struct hmap_node *node);

#define hmap_for_each(node, m) for ((node) = hmap_first(m); (node); (node) = hmap_next(m, node))
#define hmap_for_each_safe(node, tmp, m)                                                           \
	for ((node) = hmap_first(m); (node) && ((tmp) = hmap_next(m, node), 1); (node) = (tmp))
