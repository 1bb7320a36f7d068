/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hmap.h"

#include <assert.h>

#define HMAP_FIRST_BUCKETS 8

void hmap_init(struct hmap *m)
{
	*m = (struct hmap){ 0 };
}

void hmap_fini(struct hmap *m)
{
	free(m->buckets);
	hmap_init(m);
}

static void hmap_link(struct hmap *m, struct hmap_node *node)
{
	struct hmap_node **bucket = &m->buckets[node->hash & m->mask];

	node->next = *bucket;
	*bucket = node;
}

static void hmap_grow(struct hmap *m)
{
	size_t n_old = m->buckets ? m->mask + 1 : 0;
	size_t n_new = n_old ? n_old * 2 : HMAP_FIRST_BUCKETS;
	_cleanup_(freep) struct hmap_node **old = m->buckets;

	m->buckets = xcalloc(n_new, sizeof(m->buckets[0]));
	m->mask = n_new - 1;
	for (size_t i = 0; i < n_old; i++) {
		for (struct hmap_node *node = old[i], *next; node; node = next) {
			next = node->next;
			hmap_link(m, node);
		}
	}
}

void hmap_insert(struct hmap *m, struct hmap_node *node, uint32_t hash)
{
	if (!m->buckets || m->count > m->mask)
		hmap_grow(m);
	node->hash = hash;
	hmap_link(m, node);
	m->count++;
}

void hmap_remove(struct hmap *m, struct hmap_node *node)
{
	struct hmap_node **at = &m->buckets[node->hash & m->mask];

	while (*at != node) {
		assert(*at); /* it must be in this map */
		at = &(*at)->next;
	}
	*at = node->next;
	node->next = NULL;
	m->count--;
}

static struct hmap_node *hmap_first_from(const struct hmap *m, size_t bucket)
{
	for (; m->buckets && bucket <= m->mask; bucket++)
		if (m->buckets[bucket])
			return m->buckets[bucket];
	return NULL;
}

struct hmap_node *hmap_first(const struct hmap *m)
{
	return m->count ? hmap_first_from(m, 0) : NULL;
}

struct hmap_node *hmap_next(const struct hmap *m, const struct hmap_node *node)
{
	return node->next ? node->next : hmap_first_from(m, (node->hash & m->mask) + 1);
}
