/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations gone wrong: number n of kind k is always the same one. Some are still valid, as
 * chance has it; what matters is that none of them is half understood.
 */
#pragma once

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

struct za_random {
	uint64_t state;
};

static inline uint64_t za_random(struct za_random *r, uint64_t below)
{
	/* xorshift64*, S. Vigna */
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (r->state * 0x2545f4914f6cdd1dULL >> 16) % below;
}

/* ---- Bytes ---- */

static inline void za_mutate_truncate(struct strbuf *t, struct za_random *r)
{
	t->len = za_random(r, t->len);
	t->str[t->len] = '\0';
}

static inline void za_mutate_flip(struct strbuf *t, struct za_random *r)
{
	for (uint64_t n = 1 + za_random(r, 3); n > 0; n--)
		t->str[za_random(r, t->len)] ^= (char)(1 << za_random(r, 8));
}

static inline void za_mutate_byte(struct strbuf *t, struct za_random *r)
{
	static const char bytes[] = "{}[]\",:\\0-e.\x7f\xff\x01 ";

	t->str[za_random(r, t->len)] = bytes[za_random(r, sizeof(bytes))];
}

static inline void za_mutate_insert(struct strbuf *t, size_t at, const char *s, size_t n)
{
	_cleanup_(freep) char *rest = xmemdup(t->str + at, t->len - at + 1);
	size_t rest_len = t->len - at;

	t->len = at;
	strbuf_addmem(t, s, n);
	strbuf_addmem(t, rest, rest_len);
}

static inline void za_mutate_span(struct strbuf *t, struct za_random *r)
{
	size_t from = za_random(r, t->len), n = 1 + za_random(r, 200);
	_cleanup_(freep) char *span = NULL;

	n = n > t->len - from ? t->len - from : n;
	span = xmemdup(t->str + from, n);
	if (za_random(r, 2)) {
		memmove(t->str + from, t->str + from + n, t->len - from - n + 1);
		t->len -= n;
		return;
	}
	za_mutate_insert(t, za_random(r, t->len), span, n);
}

/* ---- JSON, as text ---- */

/* Behind some '{': a key given twice, or one that nobody knows. */
static inline void za_mutate_key(struct strbuf *t, struct za_random *r)
{
	static const char *const keys[] = { "\"id\":{},",     "\"uuid\":\"x\",", "\"name\":\"n\",",
					    "\"unknown\":1,", "\"\":0,",	 "\"ip\":null," };
	const char *at = strchr(t->str + za_random(r, t->len), '{');
	const char *key = keys[za_random(r, ARRAY_SIZE(keys))];

	za_mutate_insert(t, at ? (size_t)(at - t->str) + 1 : 1, key, strlen(key));
}

/* In place of some value: nesting deeper than anybody means. */
static inline void za_mutate_deep(struct strbuf *t, struct za_random *r)
{
	const char *at = strchr(t->str + za_random(r, t->len), ':');
	size_t levels = 1 + za_random(r, 3000);
	struct strbuf deep = STRBUF_INIT;

	for (size_t i = 0; i < levels; i++)
		strbuf_add(&deep, i % 2 ? "[" : "{\"a\":");
	strbuf_add(&deep, "0");
	for (size_t i = levels; i > 0; i--)
		strbuf_add(&deep, (i - 1) % 2 ? "]" : "}");
	strbuf_add(&deep, ",\"b\":");
	za_mutate_insert(t, at ? (size_t)(at - t->str) + 1 : t->len, deep.str, deep.len);
	strbuf_fini(&deep);
}

static inline void za_mutate_number(struct strbuf *t, struct za_random *r)
{
	static const char *const numbers[] = {
		"99999999999999999999", "-1",	"1e400", "4294967296", "2147483648",
		"-9223372036854775809", "0x10", "1.5",	 "00",	       "NaN"
	};
	const char *number = numbers[za_random(r, ARRAY_SIZE(numbers))];
	size_t at = za_random(r, t->len), n;

	at += strcspn(t->str + at, "0123456789");
	n = strspn(t->str + at, "0123456789");
	memmove(t->str + at, t->str + at + n, t->len - at - n + 1);
	t->len -= n;
	za_mutate_insert(t, at, number, strlen(number));
}

/* ---- JSON, as a tree ---- */

/* Counts the values below node; *nth becomes the container and key of number *left. */
struct za_spot {
	json_t *in;
	const char *key; /* NULL: array */
	size_t index, left;
};

static inline void za_find_spot(json_t *node, struct za_spot *spot)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(node)) {
		json_object_foreach(node, key, value)
		{
			if (spot->left-- == 0)
				spot->in = node, spot->key = key;
			if (!spot->in)
				za_find_spot(value, spot);
			if (spot->in)
				return;
		}
	} else if (json_is_array(node)) {
		json_array_foreach(node, i, value)
		{
			if (spot->left-- == 0)
				spot->in = node, spot->index = i;
			if (!spot->in)
				za_find_spot(value, spot);
			if (spot->in)
				return;
		}
	}
}

static inline struct za_spot za_random_spot(json_t *root, struct za_random *r)
{
	struct za_spot spot = { NULL, NULL, 0, 0 };

	for (size_t values = 1200; !spot.in; values = values / 2 + 1) {
		spot.left = za_random(r, values);
		za_find_spot(root, &spot);
	}
	return spot;
}

static inline json_t *za_spot_get(const struct za_spot *s)
{
	return s->key ? json_object_get(s->in, s->key) : json_array_get(s->in, s->index);
}

static inline void za_spot_set(const struct za_spot *s, json_t *value)
{
	if (s->key)
		json_object_set_new(s->in, s->key, value);
	else
		json_array_set_new(s->in, s->index, value);
}

static inline void za_tree_type(json_t *root, struct za_random *r)
{
	static const char *const values[] = { "null",  "true",	"5",	  "-1",
					      "1e300", "\"x\"", "[]",	  "{}",
					      "[{}]",  "\"\"",	"[null]", "\"\\u0001\"" };
	struct za_spot spot = za_random_spot(root, r);

	za_spot_set(&spot,
		    json_loads(values[za_random(r, ARRAY_SIZE(values))], JSON_DECODE_ANY, NULL));
}

static inline void za_tree_remove(json_t *root, struct za_random *r)
{
	struct za_spot spot = za_random_spot(root, r);

	if (spot.key)
		json_object_del(spot.in, spot.key);
	else
		json_array_remove(spot.in, spot.index);
}

/* One value where another belongs: references, addresses, enums, labels get mixed up. */
static inline void za_tree_exchange(json_t *root, struct za_random *r)
{
	struct za_spot from = za_random_spot(root, r), to = za_random_spot(root, r);

	za_spot_set(&to, json_deep_copy(za_spot_get(&from)));
}

/* An element twice: labels, UUIDs, addresses, ports clash. */
static inline void za_tree_double(json_t *root, struct za_random *r)
{
	struct za_spot spot;

	do
		spot = za_random_spot(root, r);
	while (spot.key);
	json_array_append_new(spot.in, json_deep_copy(za_spot_get(&spot)));
}

/* Texts, a little different. */
static inline void za_tree_text(json_t *root, struct za_random *r)
{
	struct za_spot spot;
	char *text;

	do
		spot = za_random_spot(root, r);
	while (!json_is_string(za_spot_get(&spot)) || !json_string_length(za_spot_get(&spot)));
	text = xstrdup(json_string_value(za_spot_get(&spot)));
	text[za_random(r, strlen(text))] = "09afz./:-_ "[za_random(r, 11)];
	za_spot_set(&spot, json_string(text));
	free(text);
}

/* ---- All ---- */

static void (*const za_mutate_text[])(struct strbuf *, struct za_random *) = {
	za_mutate_truncate, za_mutate_flip, za_mutate_byte,   za_mutate_span,
	za_mutate_key,	    za_mutate_deep, za_mutate_number,
};
static void (*const za_mutate_tree[])(json_t *, struct za_random *) = {
	za_tree_type, za_tree_remove, za_tree_exchange, za_tree_double, za_tree_text,
};
#define ZA_MUTATE_BYTES 4 /* the first of za_mutate_text suit binary, too */
#define ZA_MUTATIONS (ARRAY_SIZE(za_mutate_text) + ARRAY_SIZE(za_mutate_tree))

/* Mutation number n of a JSON text, in out. */
static inline void za_mutate_json(const char *json, size_t n, struct strbuf *out)
{
	struct za_random r = { .state = 0x9e3779b97f4a7c15ULL + n * 0x100000001b3ULL };
	size_t kind = n % ZA_MUTATIONS;
	json_t *root;
	char *text;

	strbuf_reset(out);
	if (kind < ARRAY_SIZE(za_mutate_text)) {
		strbuf_add(out, json);
		za_mutate_text[kind](out, &r);
		return;
	}
	root = json_loads(json, 0, NULL);
	for (uint64_t times = 1 + za_random(&r, 2); times > 0; times--)
		za_mutate_tree[kind - ARRAY_SIZE(za_mutate_text)](root, &r);
	text = json_dumps(root, 0);
	strbuf_add(out, text);
	free(text);
	json_decref(root);
}

static inline void za_mutate_binary(const void *data, size_t len, size_t n, struct strbuf *out)
{
	struct za_random r = { .state = 0xc2b2ae3d27d4eb4fULL + n * 0x100000001b3ULL };

	strbuf_reset(out);
	strbuf_addmem(out, data, len);
	za_mutate_text[n % ZA_MUTATE_BYTES](out, &r);
}
