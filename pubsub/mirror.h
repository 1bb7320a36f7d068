/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subscriber's copy of a table: for each key the packed bytes (to tell what changed) and the
 * decoded message. It outlives the connection; keys carry the number of the connection they were
 * last seen in, so that what a restarted publisher does not publish again can be told.
 */
#pragma once

#include <stdint.h>

#include "base/hmap.h"
#include "pubsub/frame.h"

struct ps_value {
	struct hmap_node by_key; /* or .next: among those ps_mirror_take_stale() returns */
	ProtobufCMessage *msg; /* NULL in a mirror without desc */
	uint32_t seen; /* mirror.round it was last published in */
	uint32_t len, size; /* of the packed bytes: used, room for */
	uint8_t key_len;
	char key[]; /* NUL-ended; the packed bytes follow */
};

static inline uint8_t *ps_value_data(const struct ps_value *v)
{
	return (uint8_t *)(uintptr_t)v->key + v->key_len + 1;
}

static inline struct ps_value *ps_value_next(const struct ps_value *v)
{
	return v->by_key.next ? container_of(v->by_key.next, struct ps_value, by_key) : NULL;
}

struct ps_mirror {
	const ProtobufCMessageDescriptor *desc; /* NULL: packed bytes only */
	struct hmap keys;
	uint32_t round;
	size_t fresh; /* keys seen in this round */
	size_t bytes;
};

void ps_mirror_init(struct ps_mirror *m, const ProtobufCMessageDescriptor *desc);
void ps_mirror_fini(struct ps_mirror *m);
void ps_mirror_new_round(struct ps_mirror *m); /* a new connection: nothing is seen yet */

/*
 * 1: changed, with the value in *ret and what was decoded before in *ret_was (NULL: new; the
 * caller frees it). 0: it was so already. -EBADMSG: does not decode, -ENOSPC, -ENOMEM.
 */
int ps_mirror_set(struct ps_mirror *m, const struct ps_frame_view *frame, struct ps_value **ret,
		  ProtobufCMessage **ret_was);
/* Takes a key out; the caller frees it with ps_value_free(). NULL: absent. */
struct ps_value *ps_mirror_take(struct ps_mirror *m, const char *key, size_t key_len);
/* Takes out all keys that were not seen in this round; chained, the caller's to free. */
struct ps_value *ps_mirror_take_stale(struct ps_mirror *m);
void ps_value_free(struct ps_value *v);

struct ps_value *ps_mirror_find(const struct ps_mirror *m, const char *key, size_t key_len);
