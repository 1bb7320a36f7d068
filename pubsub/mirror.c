/* SPDX-License-Identifier: Apache-2.0 */
#include "pubsub/mirror.h"

#include <errno.h>

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

/*
 * Makes room for len packed bytes in v (NULL: a new value). Too much room is given back. The value
 * may move; it is in the table afterwards. NULL: no memory, v is as it was.
 */
static struct ps_value *value_fit(struct ps_mirror *m, struct ps_value *v,
				  const struct ps_frame_view *frame, uint32_t hash)
{
	size_t len = frame->data_len;
	struct ps_value *fit;

	if (v && len <= v->size && (v->size <= 4096 || len >= v->size / 4))
		return v;
	if (v)
		hmap_remove(&m->keys, &v->by_key);
	fit = realloc(v, sizeof(*v) + frame->key_len + 1 + len);
	if (fit && !v) {
		*fit = (struct ps_value){ .seen = m->round - 1 };
		fit->key_len = (uint8_t)frame->key_len;
		memcpy(fit->key, frame->key, frame->key_len);
		fit->key[frame->key_len] = 0;
	}
	if (fit)
		fit->size = (uint32_t)len;
	if (fit || v)
		hmap_insert(&m->keys, fit ? &fit->by_key : &v->by_key, hash);
	return fit;
}

static int check_room(const struct ps_mirror *m, const struct ps_value *v, size_t len)
{
	if (!v && m->keys.count >= PS_KEYS_MAX)
		return -ENOSPC;
	return m->bytes - (v ? v->len : 0) + len > PS_TABLE_MAX ? -ENOSPC : 0;
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
	struct ps_value *fit;
	int r;

	if (v && v->len == frame->data_len &&
	    memcmp(ps_value_data(v), frame->data, frame->data_len) == 0) {
		value_seen(m, v);
		return 0;
	}
	if (m->desc) {
		msg = protobuf_c_message_unpack(m->desc, NULL, frame->data_len, frame->data);
		if (!msg)
			return -EBADMSG;
	}
	r = check_room(m, v, frame->data_len);
	if (r == 0) {
		fit = value_fit(m, v, frame, hash);
		r = fit ? 0 : -ENOMEM;
	}
	if (r < 0) {
		msg_free(msg);
		return r;
	}
	v = fit;
	if (frame->data_len)
		memcpy(ps_value_data(v), frame->data, frame->data_len);
	m->bytes = m->bytes - v->len + frame->data_len;
	v->len = (uint32_t)frame->data_len;
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
		v->by_key.next = stale ? &stale->by_key : NULL;
		stale = v;
	}
	return stale;
}
