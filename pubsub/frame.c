/* SPDX-License-Identifier: Apache-2.0 */
#include "pubsub/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define HELLO_MAGIC 0x53505745u /* "EWPS" */

struct ps_frame *ps_frame_new(size_t len)
{
	struct ps_frame *f;

	f = malloc(sizeof(*f) + len);
	if (!f)
		return NULL;
	f->refs = 1;
	f->len = (uint32_t)len;
	return f;
}

struct ps_frame *ps_frame_ref(struct ps_frame *f)
{
	f->refs++;
	return f;
}

struct ps_frame *ps_frame_unref(struct ps_frame *f)
{
	if (f && --f->refs == 0)
		free(f);
	return NULL;
}

size_t ps_frame_head(uint8_t *p, enum ps_frame_type type, const void *key, size_t key_len,
		     size_t data_len)
{
	uint32_t length = htole32((uint32_t)(key_len + data_len));

	memcpy(p, &length, sizeof(length));
	p[4] = (uint8_t)type;
	p[5] = (uint8_t)key_len;
	p[6] = p[7] = 0;
	if (key_len)
		memcpy(p + PS_HEAD, key, key_len);
	return PS_HEAD + key_len;
}

/* Which frames have a key and how long their data may be; true when this one keeps to it. */
static bool shape_ok(enum ps_frame_type type, size_t key_len, size_t data_len)
{
	switch (type) {
	case PS_FRAME_HELLO:
		return !key_len && data_len <= PS_HELLO_MAX - PS_HEAD;
	case PS_FRAME_REFUSED:
		return !key_len && data_len < PS_WHY_MAX;
	case PS_FRAME_SET:
		return key_len && data_len <= PS_MSG_MAX;
	case PS_FRAME_DELETE:
		return key_len && !data_len;
	case PS_FRAME_SYNCED:
		return !key_len && !data_len;
	case PS_FRAME_RECORD:
		return !key_len && data_len >= 8 && data_len <= PS_MSG_MAX + 8;
	}
	return false;
}

ssize_t ps_frame_parse(const uint8_t *p, size_t n, struct ps_frame_view *ret, size_t *need)
{
	size_t key_len, total;
	uint32_t length;

	if (n < PS_HEAD) {
		*need = PS_HEAD;
		return 0;
	}
	memcpy(&length, p, sizeof(length));
	length = le32toh(length);
	key_len = p[5];
	if (p[6] || p[7] || key_len > length ||
	    !shape_ok((enum ps_frame_type)p[4], key_len, length - key_len))
		return -EBADMSG;
	total = PS_HEAD + (size_t)length;
	if (n < total) {
		*need = total;
		return 0;
	}
	if (memchr(p + PS_HEAD, 0, key_len))
		return -EBADMSG;
	*ret = (struct ps_frame_view){
		.type = (enum ps_frame_type)p[4],
		.key = (const char *)p + PS_HEAD,
		.key_len = key_len,
		.data = p + PS_HEAD + key_len,
		.data_len = length - key_len,
	};
	return (ssize_t)total;
}

/* magic (4), version (2), kind (1), 0 (1), epoch (8), seq (8), then three NUL-ended names. */
#define HELLO_FIXED 24

static size_t put_name(uint8_t *p, const char *name, size_t size)
{
	size_t len = strnlen(name, size - 1);

	memcpy(p, name, len);
	p[len] = 0;
	return len + 1;
}

size_t ps_hello_pack(const struct ps_hello *hello, uint8_t *buf)
{
	uint32_t magic = htole32(HELLO_MAGIC);
	uint16_t version = htole16(hello->version);
	uint8_t *p = buf + PS_HEAD;
	size_t n = HELLO_FIXED;

	memcpy(p, &magic, sizeof(magic));
	memcpy(p + 4, &version, sizeof(version));
	p[6] = (uint8_t)hello->kind;
	p[7] = 0;
	ps_put_le64(p + 8, hello->epoch);
	ps_put_le64(p + 16, hello->seq);
	n += put_name(p + n, hello->topic, sizeof(hello->topic));
	n += put_name(p + n, hello->message, sizeof(hello->message));
	n += put_name(p + n, hello->agent, sizeof(hello->agent));
	ps_frame_head(buf, PS_FRAME_HELLO, NULL, 0, n);
	return PS_HEAD + n;
}

/* Takes one NUL-ended name that fits size from the n bytes at *p. */
static int get_name(const uint8_t **p, size_t *n, char *ret, size_t size)
{
	size_t len = strnlen((const char *)*p, *n);

	if (len == *n || len >= size)
		return -EBADMSG;
	memcpy(ret, *p, len + 1);
	*p += len + 1;
	*n -= len + 1;
	return 0;
}

int ps_hello_unpack(const struct ps_frame_view *frame, struct ps_hello *ret)
{
	const uint8_t *p = frame->data;
	size_t n = frame->data_len;
	struct ps_hello hello;
	uint32_t magic;
	uint16_t version;

	if (frame->type != PS_FRAME_HELLO || n < HELLO_FIXED)
		return -EBADMSG;
	memcpy(&magic, p, sizeof(magic));
	memcpy(&version, p + 4, sizeof(version));
	if (le32toh(magic) != HELLO_MAGIC || (p[6] != PS_STATE && p[6] != PS_STREAM))
		return -EBADMSG;
	hello.version = le16toh(version);
	hello.kind = (enum ps_kind)p[6];
	hello.epoch = ps_get_le64(p + 8);
	hello.seq = ps_get_le64(p + 16);
	p += HELLO_FIXED;
	n -= HELLO_FIXED;
	if (get_name(&p, &n, hello.topic, sizeof(hello.topic)) < 0 ||
	    get_name(&p, &n, hello.message, sizeof(hello.message)) < 0 ||
	    get_name(&p, &n, hello.agent, sizeof(hello.agent)) < 0)
		return -EBADMSG;
	*ret = hello;
	return 0;
}

const char *ps_hello_mismatch(const struct ps_hello *ours, const struct ps_hello *theirs,
			      char why[static PS_WHY_MAX])
{
	if (ours->version != theirs->version)
		snprintf(why, PS_WHY_MAX, "%s speaks bus version %u, %s version %u", ours->agent,
			 ours->version, theirs->agent, theirs->version);
	else if (strcmp(ours->topic, theirs->topic) != 0)
		snprintf(why, PS_WHY_MAX, "%s serves topic %s here, not %s", ours->agent,
			 ours->topic, theirs->topic);
	else if (ours->kind != theirs->kind || strcmp(ours->message, theirs->message) != 0)
		snprintf(why, PS_WHY_MAX, "topic %s is a %s of %s for %s, a %s of %s for %s",
			 ours->topic, ours->kind == PS_STATE ? "table" : "stream", ours->message,
			 ours->agent, theirs->kind == PS_STATE ? "table" : "stream",
			 theirs->message, theirs->agent);
	else
		return NULL;
	return why;
}

ssize_t ps_key_len(const char *key)
{
	size_t len = strnlen(key, PS_KEY_MAX + 1);

	return len && len <= PS_KEY_MAX ? (ssize_t)len : -EINVAL;
}
