/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hmap.h"
#include "base/list.h"

#define N 5000

struct entry {
	struct hmap_node node;
	unsigned int number;
};

static struct entry *find(const struct hmap *m, unsigned int number, uint32_t hash)
{
	struct hmap_node *node;

	hmap_for_each_match(node, m, hash) if (container_of(node, struct entry, node)->number ==
					       number) return container_of(node, struct entry,
									   node);
	return NULL;
}

static uint32_t hash_of(unsigned int number)
{
	return hash_bytes(&number, sizeof(number), 0);
}

static void finds_exactly_what_was_inserted_and_not_removed(void **state)
{
	_cleanup_(freep) struct entry *entries = xcalloc(N, sizeof(*entries));
	struct hmap m;

	(void)state;
	hmap_init(&m);
	assert_null(find(&m, 0, hash_of(0)));
	for (unsigned int i = 0; i < N; i++) {
		entries[i].number = i;
		hmap_insert(&m, &entries[i].node, hash_of(i));
	}
	assert_int_equal(m.count, N);
	for (unsigned int i = 0; i < N; i += 2)
		hmap_remove(&m, &entries[i].node);
	assert_int_equal(m.count, N / 2);
	for (unsigned int i = 0; i < N; i++)
		assert_ptr_equal(find(&m, i, hash_of(i)), i % 2 ? &entries[i] : NULL);
	hmap_fini(&m);
}

static void equal_hashes_live_side_by_side(void **state)
{
	struct entry entries[20] = { 0 };
	struct hmap m;

	(void)state;
	hmap_init(&m);
	for (unsigned int i = 0; i < 20; i++) {
		entries[i].number = i;
		hmap_insert(&m, &entries[i].node, 42);
	}
	for (unsigned int i = 0; i < 20; i++)
		assert_ptr_equal(find(&m, i, 42), &entries[i]);
	assert_null(find(&m, 0, 43));
	hmap_fini(&m);
}

static void iteration_sees_each_once_and_survives_removal(void **state)
{
	struct entry entries[100] = { 0 };
	struct hmap_node *node, *tmp;
	unsigned int seen = 0;
	struct hmap m;

	(void)state;
	hmap_init(&m);
	hmap_for_each (node, &m)
		fail();
	for (unsigned int i = 0; i < 100; i++)
		hmap_insert(&m, &entries[i].node, hash_of(i));
	hmap_for_each (node, &m)
		container_of(node, struct entry, node)->number++;
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(entries[i].number, 1);
	hmap_for_each_safe (node, tmp, &m) {
		hmap_remove(&m, node);
		memset(node, 0xee, sizeof(*node));
		seen++;
	}
	assert_int_equal(seen, 100);
	assert_int_equal(m.count, 0);
	assert_null(hmap_first(&m));
	hmap_fini(&m);
}

static void hash_spreads_similar_keys(void **state)
{
	enum { KEYS = 1 << 16 };
	_cleanup_(freep) uint8_t *low = xcalloc(KEYS, 1), *high = xcalloc(KEYS, 1);
	unsigned int worst = 0;
	char key[64];

	(void)state;
	for (unsigned int i = 0; i < KEYS; i++) {
		uint32_t hash;

		snprintf(key, sizeof(key), "ni/%08x-0000-4000-8000-000000000000/route", i);
		hash = hash_string(key);
		low[hash % KEYS]++;
		high[hash >> 16]++;
	}
	for (unsigned int i = 0; i < KEYS; i++) {
		worst = low[i] > worst ? low[i] : worst;
		worst = high[i] > worst ? high[i] : worst;
	}
	assert_in_range(worst, 2, 12); /* of random numbers: 8 or 9 */
}

static void hash_depends_on_every_byte_length_and_seed(void **state)
{
	uint8_t zero[100] = { 0 }, key[100] = { 0 };
	uint32_t seen[101];

	(void)state;
	for (unsigned int n = 0; n <= 100; n++) {
		seen[n] = hash_bytes(zero, n, 0);
		for (unsigned int i = 0; i < n; i++) {
			assert_int_not_equal(seen[i], seen[n]);
			key[i] = 1;
			assert_int_not_equal(hash_bytes(key, n, 0), seen[n]);
			key[i] = 0;
		}
		assert_int_not_equal(hash_bytes(zero, n, 1), seen[n]);
	}
	assert_int_equal(hash_string("abc"), hash_bytes("abc", 3, 0));
}

static void list_keeps_order_and_removal_is_harmless_twice(void **state)
{
	struct item {
		struct list link;
		int number;
	} items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } }, *item, *tmp;
	struct list head = LIST_INIT(head);
	int expected = 0;

	(void)state;
	assert_null(list_first(&head, struct item, link));
	for (int i = 0; i < 3; i++)
		list_append(&head, &items[i].link);
	list_for_each (item, &head, link)
		assert_int_equal(item->number, expected++);
	list_remove(&items[1].link);
	list_remove(&items[1].link);
	assert_true(list_empty(&items[1].link));
	assert_ptr_equal(list_first(&head, struct item, link), &items[0]);
	list_for_each_safe (item, tmp, &head, link)
		list_remove(&item->link);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_exactly_what_was_inserted_and_not_removed),
		cmocka_unit_test(equal_hashes_live_side_by_side),
		cmocka_unit_test(iteration_sees_each_once_and_survives_removal),
		cmocka_unit_test(hash_spreads_similar_keys),
		cmocka_unit_test(hash_depends_on_every_byte_length_and_seed),
		cmocka_unit_test(list_keeps_order_and_removal_is_harmless_twice),
	};

	return cmocka_run_group_tests_name("hmap", tests, NULL, NULL);
}
