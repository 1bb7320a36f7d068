/* SPDX-License-Identifier: Apache-2.0 */
#include "pubsub/table.h"

#include <errno.h>

#include "base/cleanup.h"

static bool is_dead(const struct ps_entry *e)
{
	return e->frame->bytes[4] == PS_FRAME_DELETE;
}

int ps_table_init(struct ps_table *t, bool stream)
{
	struct ps_frame *synced = ps_frame_new(PS_HEAD);

	if (!synced)
		return -ENOMEM;
	ps_frame_head(synced->bytes, PS_FRAME_SYNCED, NULL, 0, 0);
	*t = (struct ps_table){
		.stream = stream,
		.synced = stream, /* what a stream holds at any time is all of it */
		.synced_frame = synced,
		.max_records = PS_RECORDS_DEFAULT,
	};
	hmap_init(&t->keys);
	list_init(&t->changes);
	list_init(&t->made);
	list_init(&t->graves);
	list_init(&t->cursors);
	return 0;
}

static void entry_free(struct ps_table *t, struct ps_entry *e)
{
	if (is_dead(e))
		t->dead--;
	else {
		t->live--;
		t->bytes -= e->frame->len;
	}
	if (!t->stream)
		hmap_remove(&t->keys, &e->by_key);
	list_remove(&e->change.link);
	list_remove(&e->made.link);
	ps_frame_unref(e->frame);
	free(e);
}

void ps_table_fini(struct ps_table *t)
{
	struct ps_node *n, *tmp;

	if (!t->synced_frame)
		return;
	list_for_each_safe (n, tmp, &t->changes, link)
		entry_free(t, n->entry);
	hmap_fini(&t->keys);
	t->synced_frame = ps_frame_unref(t->synced_frame);
}

static struct ps_entry *find_any(const struct ps_table *t, const char *key, size_t key_len,
				 uint32_t hash)
{
	struct hmap_node *n;

	hmap_for_each_match(n, &t->keys, hash)
	{
		struct ps_entry *e = container_of(n, struct ps_entry, by_key);

		if (e->frame->bytes[5] == key_len &&
		    memcmp(e->frame->bytes + PS_HEAD, key, key_len) == 0)
			return e;
	}
	return NULL;
}

struct ps_entry *ps_table_find(const struct ps_table *t, const char *key, size_t key_len)
{
	struct ps_entry *e = find_any(t, key, key_len, hash_bytes(key, key_len, 0));

	return e && !is_dead(e) ? e : NULL;
}

static struct ps_node *next_node(const struct list *head, const struct ps_node *n)
{
	const struct list *l = n->link.next;

	while (l != head && !list_entry(l, struct ps_node, link)->entry)
		l = l->next;
	return l != head ? list_entry(l, struct ps_node, link) : NULL;
}

struct ps_entry *ps_table_next(const struct ps_table *t, const struct ps_entry *e)
{
	const struct list *head = t->stream ? &t->changes : &t->made;
	const struct ps_node *from = list_entry(head, struct ps_node, link);
	struct ps_node *n;

	if (e)
		from = t->stream ? &e->change : &e->made;
	n = next_node(head, from);
	return n ? n->entry : NULL;
}

/* Puts a changed entry at the end, where it is news to everybody. */
static void entry_touch(struct ps_table *t, struct ps_entry *e)
{
	struct ps_cursor *c;

	if (e->seq > t->passed_seq) {
		list_for_each (c, &t->cursors, link)
			t->merged += c->seq < e->seq;
	}
	list_remove(&e->change.link);
	list_append(&t->changes, &e->change.link);
	e->seq = ++t->seq;
}

static void entry_make(struct ps_table *t, struct ps_entry *e)
{
	list_remove(&e->made.link); /* from the graves */
	list_append(&t->made, &e->made.link);
	e->made_seq = e->seq;
	t->live++;
	t->bytes += e->frame->len;
}

static struct ps_entry *entry_new(struct ps_table *t, struct ps_frame *f)
{
	struct ps_entry *e = xcalloc(1, sizeof(*e));

	e->change.entry = e->made.entry = e;
	e->frame = f;
	list_init(&e->change.link);
	list_init(&e->made.link);
	list_append(&t->changes, &e->change.link);
	e->seq = e->born_seq = ++t->seq;
	return e;
}

static int table_add(struct ps_table *t, const uint8_t *frame, size_t len, uint32_t hash)
{
	struct ps_entry *e;
	struct ps_frame *f;

	if (t->live >= PS_KEYS_MAX)
		return -ENOSPC;
	f = ps_frame_new(len);
	if (!f)
		return -ENOMEM;
	memcpy(f->bytes, frame, len);
	e = entry_new(t, f);
	hmap_insert(&t->keys, &e->by_key, hash);
	entry_make(t, e);
	return 1;
}

int ps_table_set(struct ps_table *t, const uint8_t *frame, size_t len)
{
	const char *key = (const char *)frame + PS_HEAD;
	uint32_t hash = hash_bytes(key, frame[5], 0);
	struct ps_entry *e = find_any(t, key, frame[5], hash);
	struct ps_frame *f;
	bool dead;

	if (e && e->frame->len == len && memcmp(e->frame->bytes, frame, len) == 0)
		return 0;
	if (t->bytes + len > PS_TABLE_MAX)
		return -ENOSPC;
	if (!e)
		return table_add(t, frame, len, hash);
	dead = is_dead(e);
	if (e->frame->refs == 1 && e->frame->len == len && !dead) {
		memcpy(e->frame->bytes, frame, len);
		entry_touch(t, e);
		return 1;
	}
	f = ps_frame_new(len);
	if (!f)
		return -ENOMEM;
	memcpy(f->bytes, frame, len);
	if (!dead)
		t->bytes = t->bytes - e->frame->len + len;
	ps_frame_unref(e->frame);
	e->frame = f;
	entry_touch(t, e);
	if (dead) {
		t->dead--;
		entry_make(t, e);
	}
	return 1;
}

/* Whether a cursor has delivered (or may have) the key of this tombstone, and not its end. */
static bool tombstone_needed(const struct ps_table *t, const struct ps_entry *e)
{
	const struct ps_cursor *c;

	list_for_each (c, &t->cursors, link) {
		uint64_t seen = c->seq > c->until ? c->seq : c->until;

		if (e->born_seq <= seen && c->seq < e->seq)
			return true;
	}
	return false;
}

int ps_table_delete(struct ps_table *t, const char *key, size_t key_len)
{
	struct ps_entry *e = ps_table_find(t, key, key_len);
	struct ps_frame *f;

	if (!e)
		return 0;
	f = ps_frame_new(PS_HEAD + key_len);
	if (!f)
		return -ENOMEM;
	ps_frame_head(f->bytes, PS_FRAME_DELETE, key, key_len, 0);
	t->live--;
	t->dead++;
	t->bytes -= e->frame->len;
	ps_frame_unref(e->frame);
	e->frame = f;
	list_remove(&e->made.link);
	list_append(&t->graves, &e->made.link);
	entry_touch(t, e);
	if (!tombstone_needed(t, e))
		entry_free(t, e);
	return 1;
}

void ps_table_trim(struct ps_table *t)
{
	struct ps_entry *e;

	while ((t->live > t->max_records || t->bytes > PS_STREAM_MAX) &&
	       (e = ps_table_next(t, NULL))) {
		const struct ps_cursor *c;

		if (e->seq > t->passed_seq) {
			list_for_each (c, &t->cursors, link)
				t->dropped += c->seq < e->seq;
		}
		entry_free(t, e);
	}
}

int ps_table_append(struct ps_table *t, const uint8_t *frame, size_t len)
{
	struct ps_frame *f = ps_frame_new(len);
	struct ps_entry *e;

	if (!f)
		return -ENOMEM;
	memcpy(f->bytes, frame, len);
	e = entry_new(t, f);
	ps_put_le64(f->bytes + PS_HEAD, e->seq);
	t->live++;
	t->bytes += len;
	ps_table_trim(t);
	return 1;
}

/* Everybody gets SYNCED behind a snapshot of now. Who has delivered everything: at once. */
void ps_table_set_synced(struct ps_table *t)
{
	struct ps_cursor *c;

	if (t->synced)
		return;
	t->synced = true;
	list_for_each (c, &t->cursors, link) {
		c->until = t->seq;
		if (c->phase == PS_SNAPSHOT)
			continue;
		c->phase = PS_SNAPSHOT;
		list_remove(&c->made.link);
		if (c->seq == t->seq)
			list_append(&t->made, &c->made.link);
		else
			list_insert(&t->made, &c->made.link);
	}
}

void ps_cursor_add(struct ps_table *t, struct ps_cursor *c, uint64_t after_seq)
{
	struct list *at = &t->changes; /* the cursor comes in front of this one */
	struct ps_entry *e = NULL;

	*c = (struct ps_cursor){ .phase = PS_SNAPSHOT, .seq = t->seq, .until = t->seq };
	if (t->stream) {
		while ((e = ps_table_next(t, e)) && e->seq <= after_seq)
			;
		if (e) {
			at = &e->change.link;
			c->seq = e->seq - 1;
		}
	}
	list_append(at, &c->change.link);
	list_insert(&t->made, &c->made.link);
	list_append(&t->cursors, &c->link);
	if (c->seq < t->passed_seq)
		t->passed_seq = c->seq;
}

void ps_cursor_remove(struct ps_table *t, struct ps_cursor *c)
{
	list_remove(&c->link);
	list_remove(&c->change.link);
	list_remove(&c->made.link);
	t->dead_kept = 0;
	ps_table_sweep(t);
}

void ps_cursor_place(const struct ps_cursor *c, struct ps_place *ret)
{
	*ret = (struct ps_place){
		.phase = c->phase,
		.synced = c->synced,
		.change = (struct ps_node *)&c->change,
		.made = (struct ps_node *)&c->made,
		.seq = c->seq,
	};
}

struct ps_frame *ps_place_next(const struct ps_table *t, const struct ps_cursor *c,
			       struct ps_place *place)
{
	struct ps_node *n;

	if (place->phase == PS_SNAPSHOT) {
		n = t->stream ? next_node(&t->changes, place->change)
			      : next_node(&t->made, place->made);
		if (n && (t->stream ? n->entry->seq : n->entry->made_seq) <= c->until) {
			if (t->stream) {
				place->change = n;
				place->seq = n->entry->seq;
			} else
				place->made = n;
			return n->entry->frame;
		}
		place->phase = PS_LIVE;
		if (t->synced && !place->synced) {
			place->synced = true;
			return t->synced_frame;
		}
	}
	n = next_node(&t->changes, place->change);
	if (!n) {
		place->seq = t->seq;
		return NULL;
	}
	place->change = n;
	place->seq = n->entry->seq;
	return n->entry->frame;
}

static void move_node(struct ps_node *cursor, struct ps_node *to)
{
	if (cursor == to)
		return;
	list_remove(&cursor->link);
	list_insert(&to->link, &cursor->link);
}

void ps_cursor_move(struct ps_cursor *c, const struct ps_place *place)
{
	c->phase = place->phase;
	c->synced = place->synced;
	c->seq = place->seq;
	move_node(&c->change, place->change);
	if (c->phase == PS_SNAPSHOT)
		move_node(&c->made, place->made);
}

bool ps_cursor_idle(const struct ps_table *t, const struct ps_cursor *c)
{
	return c->phase == PS_LIVE && c->seq == t->seq;
}

/* Amortised: a pass over the graves only after they have doubled. */
void ps_table_sweep(struct ps_table *t)
{
	const struct ps_cursor *c;
	struct ps_node *n, *tmp;
	uint64_t passed = t->seq;

	list_for_each (c, &t->cursors, link)
		passed = c->seq < passed ? c->seq : passed;
	t->passed_seq = passed;
	if (t->dead <= 2 * t->dead_kept + 64)
		return;
	list_for_each_safe (n, tmp, &t->graves, link) {
		if (!tombstone_needed(t, n->entry))
			entry_free(t, n->entry);
	}
	t->dead_kept = t->dead;
}
