/* SPDX-License-Identifier: Apache-2.0 */
#include "pubsub/mirror.h"

#include <errno.h>
#include <stdbool.h>

#include "base/cleanup.h"

void ps_mirror_init(struct ps_mirror *m, const ProtobufCMessageDescriptor *desc)
{
	*m = (struct ps_mirror){ .desc = desc };
	hmap_init(&m->keys);
}

static void msg_free(ProtobufCMessage *msg)
{
	if (msg)
		protobuf_c_message_free_unpacked(msg, NULL);
}

void ps_value_free(struct ps_value *v)
{
	msg_free(v->msg);
	free(v->data);
	free(v);
}

void ps_mirror_fini(struct ps_mirror *m)
{
	struct hmap_node *n, *tmp;

	hmap_for_each_safe (n, tmp, &m->keys) {
		hmap_remove(&m->keys, n);
		ps_value_free(container_of(n, struct ps_value, by_key));
	}
	hmap_fini(&m->keys);
}

void ps_mirror_new_round(struct ps_mirror *m)
{
	m->round++;
	m->fresh = 0;
}

static struct ps_value *find(const struct ps_mirror *m, const char *key, size_t key_len,
			     uint32_t hash)
{
	struct hmap_node *n;

	hmap_for_each_match(n, &m->keys, hash)
	{
		struct ps_value *v = container_of(n, struct ps_value, by_key);

		if (v->key_len == key_len && memcmp(v->key, key, key_len) == 0)
			return v;
	}
	return NULL;
}

struct ps_value *ps_mirror_find(const struct ps_mirror *m, const char *key, size_t key_len)
{
	return find(m, key, key_len, hash_bytes(key, key_len, 0));
}

/* An empty value outside the table. */
static struct ps_value *value_new(const struct ps_mirror *m, const char *key, size_t key_len)
{
	struct ps_value *v;

	if (m->keys.count >= PS_KEYS_MAX)
		return NULL;
	v = xcalloc(1, sizeof(*v) + key_len + 1);
	memcpy(v->key, key, key_len);
	v->key_len = (uint8_t)key_len;
	return v;
}

static int value_store(struct ps_mirror *m, struct ps_value *v, const struct ps_frame_view *frame)
{
	size_t len = frame->data_len;

	if (m->bytes - v->len + len > PS_TABLE_MAX)
		return -ENOSPC;
	if (len > v->size || (v->size > 4096 && len < v->size / 4)) {
		uint8_t *data = realloc(v->data, len);

		if (!data && len)
			return -ENOMEM;
		v->data = len ? data : NULL;
		v->size = (uint32_t)len;
	}
	if (len)
		memcpy(v->data, frame->data, len);
	m->bytes = m->bytes - v->len + len;
	v->len = (uint32_t)len;
	return 0;
}

static void value_seen(struct ps_mirror *m, struct ps_value *v)
{
	m->fresh += v->seen != m->round;
	v->seen = m->round;
}

int ps_mirror_set(struct ps_mirror *m, const struct ps_frame_view *frame, struct ps_value **ret,
		  ProtobufCMessage **ret_was)
{
	uint32_t hash = hash_bytes(frame->key, frame->key_len, 0);
	struct ps_value *v = find(m, frame->key, frame->key_len, hash);
	ProtobufCMessage *msg = NULL;
	bool is_new = !v;
	int r;

	if (v && v->len == frame->data_len &&
	    (!v->len || memcmp(v->data, frame->data, frame->data_len) == 0)) {
		value_seen(m, v);
		return 0;
	}
	if (m->desc) {
		msg = protobuf_c_message_unpack(m->desc, NULL, frame->data_len, frame->data);
		if (!msg)
			return -EBADMSG;
	}
	if (is_new)
		v = value_new(m, frame->key, frame->key_len);
	r = v ? value_store(m, v, frame) : -ENOSPC;
	if (r < 0) {
		msg_free(msg);
		if (is_new && v)
			ps_value_free(v);
		return r;
	}
	if (is_new) {
		v->seen = m->round - 1;
		hmap_insert(&m->keys, &v->by_key, hash);
	}
	value_seen(m, v);
	*ret_was = v->msg;
	v->msg = msg;
	*ret = v;
	return 1;
}

static struct ps_value *take(struct ps_mirror *m, struct ps_value *v)
{
	hmap_remove(&m->keys, &v->by_key);
	m->bytes -= v->len;
	m->fresh -= v->seen == m->round;
	return v;
}

struct ps_value *ps_mirror_take(struct ps_mirror *m, const char *key, size_t key_len)
{
	struct ps_value *v = ps_mirror_find(m, key, key_len);

	return v ? take(m, v) : NULL;
}

struct ps_value *ps_mirror_take_stale(struct ps_mirror *m)
{
	struct ps_value *stale = NULL;
	struct hmap_node *n, *tmp;

	if (m->fresh == m->keys.count)
		return NULL;
	hmap_for_each_safe (n, tmp, &m->keys) {
		struct ps_value *v = container_of(n, struct ps_value, by_key);

		if (v->seen == m->round)
			continue;
		take(m, v);
		v->next = stale;
		stale = v;
	}
	return stale;
}
