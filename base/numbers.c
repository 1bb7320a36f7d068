/* SPDX-License-Identifier: Apache-2.0 */
#include "base/numbers.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/stored.h"
#include "base/strbuf.h"

struct group {
	struct hmap_node node;
	uint64_t *used; /* bitmap, bit 0 = first */
	uint32_t hint; /* no free number below this one */
	unsigned int members;
	size_t len; /* of the name; names are not NUL-terminated slices */
	char name[];
};

struct number {
	struct hmap_node node;
	struct group *group;
	uint32_t value;
	char name[];
};

struct numbers {
	struct stored *stored;
	uint32_t first, last;
	struct hmap by_name, groups;
	bool dirty;
};

static size_t group_len(const char *name)
{
	const char *slash = strchr(name, '/');

	return slash ? (size_t)(slash - name) : 0;
}

static struct group *group_get(struct numbers *n, const char *name)
{
	size_t len = group_len(name);
	uint32_t hash = hash_bytes(name, len, 0);
	struct hmap_node *node;
	struct group *g;

	hmap_for_each_match(node, &n->groups, hash)
	{
		g = container_of(node, struct group, node);
		if (g->len == len && memcmp(g->name, name, len) == 0)
			return g;
	}
	g = xcalloc(1, sizeof(*g) + len);
	g->used = xcalloc((n->last - n->first) / 64 + 1, sizeof(*g->used));
	g->hint = n->first;
	g->len = len;
	memcpy(g->name, name, len);
	hmap_insert(&n->groups, &g->node, hash);
	return g;
}

static bool group_has(const struct numbers *n, const struct group *g, uint32_t value)
{
	uint32_t bit = value - n->first;

	return g->used[bit / 64] >> (bit % 64) & 1;
}

static void group_put(struct numbers *n, struct group *g)
{
	if (g->members)
		return;
	hmap_remove(&n->groups, &g->node);
	free(g->used);
	free(g);
}

static struct number *number_find(const struct numbers *n, const char *name)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &n->by_name, hash_string(name))
	{
		struct number *num = container_of(node, struct number, node);

		if (strcmp(num->name, name) == 0)
			return num;
	}
	return NULL;
}

static void number_add(struct numbers *n, struct group *g, const char *name, uint32_t value)
{
	size_t len = strlen(name) + 1;
	struct number *num = xcalloc(1, sizeof(*num) + len);
	uint32_t bit = value - n->first;

	memcpy(num->name, name, len);
	num->group = g;
	num->value = value;
	g->used[bit / 64] |= 1ull << (bit % 64);
	g->members++;
	hmap_insert(&n->by_name, &num->node, hash_string(name));
}

static void number_drop(struct numbers *n, struct number *num)
{
	struct group *g = num->group;
	uint32_t bit = num->value - n->first;

	hmap_remove(&n->by_name, &num->node);
	g->used[bit / 64] &= ~(1ull << (bit % 64));
	if (num->value < g->hint)
		g->hint = num->value;
	g->members--;
	group_put(n, g);
	n->dirty = true;
	free(num);
}

static int numbers_parse_line(struct numbers *n, const char *line)
{
	char *name;
	unsigned long value = strtoul(line, &name, 10);
	struct group *g;

	if (name == line || *name != ' ' || !name[1] || value < n->first || value > n->last)
		return -EINVAL;
	name++;
	g = group_get(n, name);
	if (group_has(n, g, (uint32_t)value) || number_find(n, name))
		return -EINVAL;
	number_add(n, g, name, (uint32_t)value);
	return 0;
}

/* One "NUMBER NAME" a line. */
static int numbers_parse(struct numbers *n, char *text)
{
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			return -EINVAL;
		*end = '\0';
		if (numbers_parse_line(n, line) < 0)
			return -EINVAL;
	}
	return 0;
}

static void numbers_clear(struct numbers *n)
{
	struct hmap_node *node, *tmp;

	hmap_for_each_safe (node, tmp, &n->by_name)
		number_drop(n, container_of(node, struct number, node));
	n->dirty = false;
}

static int numbers_load(const char *text, size_t len, void *arg, struct pbjson_error *err)
{
	_cleanup_(freep) char *copy = xmemdup(text, len + 1);
	struct numbers *n = arg;

	if (strlen(copy) == len && numbers_parse(n, copy) == 0)
		return 0;
	snprintf(err->why, sizeof(err->why), "not a list of numbers and names");
	numbers_clear(n);
	return -EINVAL;
}

int numbers_open(const struct numbers_conf *conf, struct numbers **ret)
{
	const struct stored_conf stored = { .base = conf->base,
					    .run_path = conf->run_path,
					    .state_path = conf->state_path,
					    .durable = 1 };
	struct numbers *n = xcalloc(1, sizeof(*n));
	int r;

	n->first = conf->first;
	n->last = conf->last;
	hmap_init(&n->by_name);
	hmap_init(&n->groups);
	r = stored_new(&stored, &n->stored);
	if (r < 0) {
		numbers_free(n);
		return r;
	}
	(void)stored_load(n->stored, numbers_load, n); /* without, the map is empty */
	*ret = n;
	return 0;
}

struct numbers *numbers_free(struct numbers *n)
{
	struct hmap_node *node, *tmp;

	if (!n)
		return NULL;
	numbers_clear(n);
	hmap_for_each_safe (node, tmp, &n->groups)
		group_put(n, container_of(node, struct group, node));
	hmap_fini(&n->by_name);
	hmap_fini(&n->groups);
	stored_free(n->stored);
	free(n);
	return NULL;
}

uint32_t numbers_find(const struct numbers *n, const char *name)
{
	const struct number *num = number_find(n, name);

	return num ? num->value : 0;
}

int numbers_get(struct numbers *n, const char *name, uint32_t *ret)
{
	uint32_t value = numbers_find(n, name);
	struct group *g;

	if (value) {
		*ret = value;
		return 0;
	}
	g = group_get(n, name);
	for (value = g->hint; value <= n->last && group_has(n, g, value); value++)
		;
	if (value > n->last) {
		group_put(n, g);
		return -ENOSPC;
	}
	g->hint = value + 1;
	number_add(n, g, name, value);
	n->dirty = true;
	*ret = value;
	return 0;
}

void numbers_release(struct numbers *n, const char *name)
{
	struct number *num = number_find(n, name);

	if (num)
		number_drop(n, num);
}

void numbers_retain(struct numbers *n, bool (*keep)(const char *name, void *arg), void *arg)
{
	struct hmap_node *node, *tmp;

	hmap_for_each_safe (node, tmp, &n->by_name) {
		struct number *num = container_of(node, struct number, node);

		if (!keep(num->name, arg))
			number_drop(n, num);
	}
}

int numbers_sync(struct numbers *n)
{
	struct strbuf text = STRBUF_INIT;
	struct hmap_node *node;
	int r;

	if (!n->dirty)
		return 0;
	hmap_for_each (node, &n->by_name) {
		const struct number *num = container_of(node, struct number, node);

		strbuf_addu(&text, num->value);
		strbuf_addc(&text, ' ');
		strbuf_add(&text, num->name);
		strbuf_addc(&text, '\n');
	}
	r = stored_put(n->stored, &text);
	n->dirty = r < 0;
	return r;
}
