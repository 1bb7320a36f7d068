/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher's table and the cursors in it, without sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "pubsub/table.h"

#define KEYS 12

/* A subscriber: its cursor and what it was told. */
struct fan {
	struct ps_cursor cursor;
	bool there, synced;
	int has[KEYS]; /* value, or -1 */
	unsigned int frames; /* delivered: SET and DELETE */
	char heard[512]; /* "a1 b2 -a S" */
};

static int set(struct ps_table *t, int key, int value)
{
	uint8_t frame[64];
	char name = (char)('a' + key);
	size_t at = ps_frame_head(frame, PS_FRAME_SET, &name, 1, sizeof(value));

	memcpy(frame + at, &value, sizeof(value));
	return ps_table_set(t, frame, at + sizeof(value));
}

static int del(struct ps_table *t, int key)
{
	char name = (char)('a' + key);

	return ps_table_delete(t, &name, 1);
}

static void fan_join(struct ps_table *t, struct fan *f)
{
	memset(f, 0, sizeof(*f));
	f->there = true;
	for (int i = 0; i < KEYS; i++)
		f->has[i] = -1;
	ps_cursor_add(t, &f->cursor, 0);
}

static void fan_leave(struct ps_table *t, struct fan *f)
{
	ps_cursor_remove(t, &f->cursor);
	f->there = false;
}

/* Synced is a promise: whatever was in the table from the join until now has arrived. */
static void check_promise(const struct ps_table *t, const struct fan *f)
{
	const struct ps_entry *e = NULL;

	while ((e = ps_table_next(t, e))) {
		if (e->made_seq <= f->cursor.until)
			assert_int_not_equal(f->has[e->frame->bytes[PS_HEAD] - 'a'], -1);
	}
}

static void fan_hear(const struct ps_table *t, struct fan *f, const struct ps_frame *frame)
{
	size_t n = strlen(f->heard);
	int key, value = -1;

	if (frame == t->synced_frame) {
		assert_false(f->synced);
		f->synced = true;
		check_promise(t, f);
		if (n < sizeof(f->heard) - 20)
			strcpy(f->heard + n, n ? " S" : "S");
		return;
	}
	key = frame->bytes[PS_HEAD] - 'a';
	if (frame->bytes[4] == PS_FRAME_SET && frame->len == PS_HEAD + 1 + sizeof(value))
		memcpy(&value, frame->bytes + PS_HEAD + 1, sizeof(value));
	f->has[key] = value;
	f->frames++;
	if (n < sizeof(f->heard) - 20 && value < 0)
		sprintf(f->heard + n, "%s-%c", n ? " " : "", 'a' + key);
	else if (n < sizeof(f->heard) - 20)
		sprintf(f->heard + n, "%s%c%d", n ? " " : "", 'a' + key, value);
}

/* Delivers at most max frames. */
static void fan_read(struct ps_table *t, struct fan *f, unsigned int max)
{
	struct ps_place place;
	struct ps_frame *frame;

	ps_cursor_place(&f->cursor, &place);
	while (max-- && (frame = ps_place_next(t, &f->cursor, &place)))
		fan_hear(t, f, frame);
	ps_cursor_move(&f->cursor, &place);
	ps_table_sweep(t);
}

static int setup(void **state)
{
	struct ps_table *t = xcalloc(1, sizeof(*t));

	*state = t;
	return ps_table_init(t, false);
}

static int setup_stream(void **state)
{
	struct ps_table *t = xcalloc(1, sizeof(*t));

	*state = t;
	return ps_table_init(t, true);
}

static int teardown(void **state)
{
	ps_table_fini(*state);
	free(*state);
	return 0;
}

static void same_bytes_are_no_change(void **state)
{
	struct ps_table *t = *state;

	assert_int_equal(set(t, 0, 1), 1);
	assert_int_equal(set(t, 0, 1), 0);
	assert_int_equal(set(t, 0, 2), 1);
	assert_int_equal(del(t, 0), 1);
	assert_int_equal(del(t, 0), 0);
	assert_int_equal(del(t, 1), 0);
	assert_int_equal(t->live, 0);
	assert_int_equal(t->bytes, 0);
	assert_int_equal(t->keys.count, 0); /* nobody had seen it: no tombstone */
}

static void slow_reader_gets_each_key_once_with_its_last_value(void **state)
{
	struct ps_table *t = *state;
	struct fan slow, fast;

	ps_table_set_synced(t);
	fan_join(t, &slow);
	fan_join(t, &fast);
	fan_read(t, &slow, 100);
	for (int round = 0; round < 50; round++) {
		for (int key = 0; key < 4; key++)
			set(t, key, round);
		fan_read(t, &fast, 100);
	}
	fan_read(t, &slow, 100);
	assert_string_equal(slow.heard, "S a49 b49 c49 d49");
	assert_int_equal(fast.frames, 200);
	assert_int_equal(t->merged, 49 * 4);
	fan_leave(t, &slow);
	fan_leave(t, &fast);
}

static void delete_and_recreate_merge_for_a_slow_reader(void **state)
{
	struct ps_table *t = *state;
	struct fan f;

	set(t, 0, 1);
	set(t, 1, 1);
	ps_table_set_synced(t);
	fan_join(t, &f);
	fan_read(t, &f, 100);
	del(t, 0);
	set(t, 0, 2); /* is one change */
	set(t, 1, 2);
	del(t, 1); /* is gone, however it was changed before */
	set(t, 2, 1);
	del(t, 2); /* never was */
	fan_read(t, &f, 100);
	assert_string_equal(f.heard, "a1 b1 S a2 -b");
	fan_leave(t, &f);
}

static void hot_keys_do_not_delay_synced(void **state)
{
	struct ps_table *t = *state;
	struct fan f;

	for (int key = 0; key < 6; key++)
		set(t, key, 0);
	ps_table_set_synced(t);
	fan_join(t, &f);
	for (int i = 1; !f.synced; i++) { /* two changes for each frame it can take */
		assert_true(i <= 7);
		set(t, i % 6, i);
		set(t, (i + 1) % 6, i);
		fan_read(t, &f, 1);
	}
	fan_leave(t, &f);
}

static void synced_waits_for_the_publisher(void **state)
{
	struct ps_table *t = *state;
	struct fan idle, lagging;

	set(t, 0, 1);
	fan_join(t, &idle);
	fan_join(t, &lagging);
	fan_read(t, &idle, 100);
	fan_read(t, &lagging, 1);
	set(t, 1, 1);
	set(t, 2, 1);
	fan_read(t, &idle, 100);
	fan_read(t, &lagging, 1); /* is live, but behind */
	assert_false(idle.synced || lagging.synced);
	ps_table_set_synced(t);
	fan_read(t, &idle, 100);
	fan_read(t, &lagging, 100);
	assert_string_equal(idle.heard, "a1 b1 c1 S");
	assert_true(lagging.synced);
	assert_int_equal(lagging.has[2], 1);
	fan_leave(t, &idle);
	fan_leave(t, &lagging);
}

static void stopped_reader_does_not_make_tombstones_pile_up(void **state)
{
	struct ps_table *t = *state;
	struct fan stopped, fast;

	set(t, 0, 1);
	set(t, 1, 1);
	ps_table_set_synced(t);
	fan_join(t, &stopped);
	fan_join(t, &fast);
	fan_read(t, &stopped, 2);
	for (int i = 0; i < 1000; i++) { /* one-time keys, each seen by the fast one */
		uint8_t frame[64];
		char name[16];
		size_t n = (size_t)sprintf(name, "once-%d", i);

		ps_frame_head(frame, PS_FRAME_SET, name, n, 0);
		frame[PS_HEAD] = 'l'; /* fan knows keys by their first byte */
		name[0] = 'l';
		ps_table_set(t, frame, PS_HEAD + n);
		fan_read(t, &fast, 100);
		ps_table_delete(t, name, n);
		fan_read(t, &fast, 100);
		assert_true(t->keys.count < 100);
	}
	del(t, 0); /* this one it has seen */
	fan_read(t, &stopped, 100);
	assert_int_equal(stopped.has[0], -1);
	assert_int_equal(stopped.has[1], 1);
	fan_leave(t, &stopped);
	fan_leave(t, &fast);
}

static void table_refuses_more_than_its_bytes(void **state)
{
	struct ps_table *t = *state;

	set(t, 0, 1);
	t->bytes = PS_TABLE_MAX - 4;
	assert_int_equal(set(t, 1, 1), -ENOSPC);
	t->bytes = PS_HEAD + 1 + 4;
	t->live = PS_KEYS_MAX;
	assert_int_equal(set(t, 1, 1), -ENOSPC);
	assert_int_equal(set(t, 0, 2), 1);
	t->live = 1;
}

static void add_record(struct ps_table *t)
{
	uint8_t frame[PS_HEAD + 8];

	ps_frame_head(frame, PS_FRAME_RECORD, NULL, 0, 8);
	assert_int_equal(ps_table_append(t, frame, sizeof(frame)), 1);
}

/* Reads all; returns the sequence number of the first record, and checks that none is skipped. */
static uint64_t read_records(struct ps_table *t, struct ps_cursor *c, unsigned int *ret_n,
			     bool *ret_synced)
{
	uint64_t first = 0, last = 0;
	struct ps_place place;
	struct ps_frame *f;

	*ret_n = 0;
	*ret_synced = false;
	ps_cursor_place(c, &place);
	while ((f = ps_place_next(t, c, &place))) {
		uint64_t seq;

		if (f == t->synced_frame) {
			*ret_synced = true;
			continue;
		}
		seq = ps_get_le64(f->bytes + PS_HEAD);
		assert_true(!last || seq == last + 1);
		first = first ? first : seq;
		last = seq;
		(*ret_n)++;
	}
	ps_cursor_move(c, &place);
	ps_table_sweep(t);
	return first;
}

static void stream_keeps_the_last_records_and_counts_the_rest(void **state)
{
	struct ps_table *t = *state;
	struct ps_cursor early, late;
	unsigned int n;
	bool synced;

	t->max_records = 10;
	ps_cursor_add(t, &early, 0);
	for (int i = 0; i < 5; i++)
		add_record(t);
	assert_int_equal(read_records(t, &early, &n, &synced), 1);
	assert_int_equal(n, 5);
	assert_true(synced);
	for (int i = 0; i < 25; i++)
		add_record(t);
	assert_int_equal(t->live, 10);
	assert_int_equal(t->dropped, 15);
	ps_cursor_add(t, &late, 0);
	assert_int_equal(read_records(t, &late, &n, &synced), 21);
	assert_int_equal(n, 10);
	assert_true(synced);
	assert_int_equal(read_records(t, &early, &n, &synced), 21);
	assert_int_equal(n, 10);
	ps_cursor_remove(t, &early);
	ps_cursor_remove(t, &late);
}

static void stream_resumes_behind_the_last_record_read(void **state)
{
	struct ps_table *t = *state;
	const uint64_t after[] = { 0, 3, 20, 99 }, first[] = { 11, 11, 0, 0 };
	struct ps_cursor c;
	unsigned int n;
	bool synced;

	t->max_records = 10;
	for (int i = 0; i < 20; i++)
		add_record(t);
	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		ps_cursor_add(t, &c, after[i]);
		assert_int_equal(read_records(t, &c, &n, &synced), first[i]);
		assert_true(synced);
		ps_cursor_remove(t, &c);
	}
	ps_cursor_add(t, &c, 15);
	assert_int_equal(read_records(t, &c, &n, &synced), 16);
	ps_cursor_remove(t, &c);
}

static void random_step(struct ps_table *t, struct fan *fans, int *model, unsigned int *seed)
{
	struct fan *f = &fans[rand_r(seed) % 5];
	int key = rand_r(seed) % KEYS, what = rand_r(seed) % 1000;

	if (what < 400) {
		model[key] = rand_r(seed) % 5;
		set(t, key, model[key]);
	} else if (what < 600) {
		model[key] = -1;
		del(t, key);
	} else if (what < 602)
		ps_table_set_synced(t);
	else if (what < 640 && !f->there)
		fan_join(t, f);
	else if (what < 650 && f->there)
		fan_leave(t, f);
	else if (f->there)
		fan_read(t, f, (unsigned int)rand_r(seed) % 6);
	assert_true(t->dead <= 2 * KEYS + 64);
}

/* Any order of changes, reads, comings and goings: who reads to the end has exactly the table. */
static void random_life_ends_with_equal_tables(void **state)
{
	(void)state;
	for (unsigned int life = 1; life <= 100; life++) {
		struct fan fans[5] = { 0 };
		unsigned int seed = life;
		struct ps_table t;
		int model[KEYS];

		assert_int_equal(ps_table_init(&t, false), 0);
		memset(model, -1, sizeof(model));
		for (int step = 0; step < 2000; step++)
			random_step(&t, fans, model, &seed);
		ps_table_set_synced(&t);
		for (int i = 0; i < 5; i++) {
			if (!fans[i].there)
				continue;
			fan_read(&t, &fans[i], UINT32_MAX);
			assert_true(ps_cursor_idle(&t, &fans[i].cursor));
			assert_true(fans[i].synced);
			assert_memory_equal(fans[i].has, model, sizeof(model));
			fan_leave(&t, &fans[i]);
		}
		ps_table_fini(&t);
	}
}

#define table_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define stream_test(f) cmocka_unit_test_setup_teardown(f, setup_stream, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		table_test(same_bytes_are_no_change),
		table_test(slow_reader_gets_each_key_once_with_its_last_value),
		table_test(delete_and_recreate_merge_for_a_slow_reader),
		table_test(hot_keys_do_not_delay_synced),
		table_test(synced_waits_for_the_publisher),
		table_test(stopped_reader_does_not_make_tombstones_pile_up),
		table_test(table_refuses_more_than_its_bytes),
		stream_test(stream_keeps_the_last_records_and_counts_the_rest),
		stream_test(stream_resumes_behind_the_last_record_read),
		cmocka_unit_test(random_life_ends_with_equal_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
