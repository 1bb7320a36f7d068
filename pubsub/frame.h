/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels on a bus socket, and what a stored table is made of. Little endian:
 *
 *     0        4      5         6     8                    8 + key_len
 *     | length | type | key_len | 0 0 | key (no NUL) ...   | data ...
 *
 * length counts what follows the head. A subscriber says HELLO and nothing more; the publisher
 * answers HELLO or REFUSED, then SET, DELETE, RECORD as they come and SYNCED once.
 */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "pubsub/ps.h"

#define PS_PROTOCOL 1 /* version; the layout of HELLO and REFUSED never changes */
#define PS_HEAD 8
#define PS_HELLO_MAX 512 /* bytes in a HELLO: all a subscriber may ever send */
#define PS_WHY_MAX 512 /* bytes in the reason of a REFUSED, NUL included */
#define PS_FRAME_MAX (PS_HEAD + PS_KEY_MAX + PS_MSG_MAX)

enum ps_frame_type {
	PS_FRAME_HELLO = 1,
	PS_FRAME_REFUSED, /* data: why, text */
	PS_FRAME_SET, /* key, data: packed message */
	PS_FRAME_DELETE, /* key */
	PS_FRAME_SYNCED,
	PS_FRAME_RECORD, /* data: sequence number (8 bytes), packed message */
};

/* A frame ready to send, shared by all who still have to. */
struct ps_frame {
	unsigned int refs;
	uint32_t len; /* with head */
	uint8_t bytes[];
};

struct ps_frame *ps_frame_new(size_t len); /* one reference; bytes unset; NULL: no memory */
struct ps_frame *ps_frame_ref(struct ps_frame *f);
struct ps_frame *ps_frame_unref(struct ps_frame *f); /* NULL is fine; returns NULL */

/* Writes head and key; the caller writes data behind them. Returns the offset of data. */
size_t ps_frame_head(uint8_t *p, enum ps_frame_type type, const void *key, size_t key_len,
		     size_t data_len);

struct ps_frame_view { /* points into the bytes parsed */
	enum ps_frame_type type;
	const char *key; /* not terminated */
	size_t key_len;
	const uint8_t *data;
	size_t data_len;
};

/*
 * Reads one frame from the start of n bytes. Returns its length; 0 when it is not complete, with
 * the number of bytes to have in *need; -EBADMSG: not a frame of ours, or over the limits.
 */
ssize_t ps_frame_parse(const uint8_t *p, size_t n, struct ps_frame_view *ret, size_t *need);

struct ps_hello {
	uint16_t version;
	enum ps_kind kind;
	uint64_t epoch; /* one run of a publisher; from a subscriber: the last it met, 0 none */
	uint64_t seq; /* streams: the last record the subscriber has */
	char topic[48]; /* name */
	char message[96]; /* full name of its protobuf type */
	char agent[32]; /* who speaks */
};

/* Packs into buf of PS_HELLO_MAX bytes; returns the length of the frame. Names too long are cut. */
size_t ps_hello_pack(const struct ps_hello *hello, uint8_t *buf);
int ps_hello_unpack(const struct ps_frame_view *frame, struct ps_hello *ret); /* -EBADMSG */
/* NULL when both may talk, else why not, written for the other side to read. */
const char *ps_hello_mismatch(const struct ps_hello *ours, const struct ps_hello *theirs,
			      char why[static PS_WHY_MAX]);

/* Length of a key: 1 to PS_KEY_MAX bytes; -EINVAL. */
ssize_t ps_key_len(const char *key);

static inline void ps_put_le64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint64_t ps_get_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}
