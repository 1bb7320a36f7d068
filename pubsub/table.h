/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher's table: one packed frame for each key, kept once however many subscribers there
 * are. Entries stand in two lists: `changes`, where whatever changes moves to the end, and `made`,
 * in the order of creation. A subscriber is a cursor in both: everything in front of it has been
 * delivered. So a value that changes twice before a slow subscriber gets to it is sent once (its
 * first place is gone), and nobody's slowness costs memory.
 *
 *     changes:  [a] [c] |slow [d] [b] |fast, idle
 *
 * A new subscriber first walks `made` (a hot key cannot run away from it there: synced is certain
 * to come), then the changes since it joined. A deleted key leaves a tombstone in `changes`, until
 * every subscriber that has seen the key has passed it. A stream is the same with records that
 * never move and fall off the front.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hmap.h"
#include "base/list.h"
#include "pubsub/frame.h"

struct ps_entry;

struct ps_node { /* a place in one of the two lists */
	struct list link;
	struct ps_entry *entry; /* NULL: a cursor */
};

struct ps_entry {
	struct ps_node change, made;
	struct hmap_node by_key;
	struct ps_frame *frame; /* SET; of a tombstone DELETE; of a stream RECORD */
	uint64_t seq; /* of the last change: ascending along `changes` */
	uint64_t made_seq; /* when it came into `made`: ascending there */
	uint64_t born_seq; /* when the key was first seen by anyone */
};

struct ps_table {
	bool stream;
	bool synced; /* the publisher has filled it */
	struct hmap keys; /* tombstones included */
	struct list changes, made;
	struct list graves; /* of tombstones, through their `made` */
	struct list cursors;
	struct ps_frame *synced_frame;
	uint64_t seq; /* of the last change */
	uint64_t passed_seq; /* every cursor is at least here; a lower bound */
	size_t live, dead, dead_kept; /* entries, tombstones, those the last sweep had to keep */
	size_t bytes; /* in frames of live entries */
	size_t max_records;
	uint64_t merged, dropped;
};

enum ps_phase { PS_SNAPSHOT, PS_LIVE };

struct ps_place { /* how far a subscriber is */
	enum ps_phase phase;
	bool synced; /* SYNCED is sent */
	struct ps_node *change, *made; /* last ones passed, or the cursor itself */
	uint64_t seq; /* passed in changes */
};

struct ps_cursor {
	struct list link; /* in table->cursors */
	struct ps_node change, made; /* entry NULL */
	enum ps_phase phase;
	bool synced;
	uint64_t seq; /* passed in changes */
	uint64_t until; /* the snapshot holds what was made up to here */
};

int ps_table_init(struct ps_table *t, bool stream);
void ps_table_fini(struct ps_table *t); /* no cursor may be left */

/* frame: bytes of a SET, copied. 1: changed, 0: it was so already, -ENOSPC, -ENOMEM. */
int ps_table_set(struct ps_table *t, const uint8_t *frame, size_t len);
int ps_table_delete(struct ps_table *t, const char *key, size_t key_len); /* 1, or 0: absent */
int ps_table_append(struct ps_table *t, const uint8_t *frame, size_t len); /* RECORD, number set */
void ps_table_set_synced(struct ps_table *t);
void ps_table_trim(struct ps_table *t); /* a stream to its limits */

/* The entry of a key that is not deleted, or NULL. */
struct ps_entry *ps_table_find(const struct ps_table *t, const char *key, size_t key_len);
struct ps_entry *ps_table_next(const struct ps_table *t,
			       const struct ps_entry *e); /* NULL: first */

/* after_seq: streams only, the last record the subscriber has; 0 none. */
void ps_cursor_add(struct ps_table *t, struct ps_cursor *c, uint64_t after_seq);
void ps_cursor_remove(struct ps_table *t, struct ps_cursor *c);

/*
 * Walking: from the cursor's place frame by frame as far as one likes; then the cursor is moved to
 * the place reached. The table must not change in between. NULL: nothing more.
 */
void ps_cursor_place(const struct ps_cursor *c, struct ps_place *ret);
struct ps_frame *ps_place_next(const struct ps_table *t, const struct ps_cursor *c,
			       struct ps_place *place);
void ps_cursor_move(struct ps_cursor *c, const struct ps_place *place);
bool ps_cursor_idle(const struct ps_table *t, const struct ps_cursor *c); /* nothing to deliver */

/* Frees tombstones nobody needs, when it pays; call after cursors have moved. */
void ps_table_sweep(struct ps_table *t);
