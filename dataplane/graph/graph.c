/* SPDX-License-Identifier: Apache-2.0 */
/* Intended state while it is built: a graph is a list of wishes, one for each item. */
#include "dataplane/graph/engine.h"

#include <errno.h>

struct dp_graph *dp_graph_new(const char *scope)
{
	struct dp_graph *g = xcalloc(1, sizeof(*g) + strlen(scope) + 1);

	strcpy(g->scope, scope);
	hmap_init(&g->by_key);
	list_init(&g->wishes);
	return g;
}

void afters_free(struct after *a)
{
	struct after *next;

	for (; a; a = next) {
		next = a->next;
		free(a);
	}
}

static void wish_free(struct wish *w)
{
	spec_unref(w->type, w->spec);
	afters_free(w->afters);
	list_remove(&w->list);
	free(w);
}

struct dp_graph *dp_graph_free(struct dp_graph *g)
{
	struct wish *w, *tmp;

	if (!g)
		return NULL;
	list_for_each_safe (w, tmp, &g->wishes, list)
		wish_free(w);
	hmap_fini(&g->by_key);
	strbuf_fini(&g->keybuf);
	free(g);
	return NULL;
}

static struct wish *wish_find(const struct dp_graph *g, const struct dp_type *type, const char *key,
			      uint32_t hash)
{
	struct hmap_node *n;

	hmap_for_each_match(n, &g->by_key, hash)
	{
		struct wish *w = container_of(n, struct wish, node);

		if (w->type == type && strcmp(w->key, key) == 0)
			return w;
	}
	return NULL;
}

static void wish_add(struct dp_graph *g, const struct dp_type *type, struct spec *spec,
		     const char *key, size_t len, uint32_t hash)
{
	struct wish *w = xcalloc(1, sizeof(*w) + len + 1);

	memcpy(w->key, key, len);
	w->len = len;
	w->type = type;
	w->spec = spec;
	w->after_end = &w->afters;
	hmap_insert(&g->by_key, &w->node, hash);
	list_append(&g->wishes, &w->list);
	g->count++;
}

static int graph_want(struct dp_graph *g, const struct dp_type *type, const void *data)
{
	struct spec *spec;
	const char *key;
	struct wish *w;
	uint32_t hash;
	int r;

	strbuf_reset(&g->keybuf);
	type->key(data, &g->keybuf);
	key = strbuf_str(&g->keybuf);
	if (!*key)
		return -EINVAL;
	hash = hash_bytes(key, g->keybuf.len, 0);
	w = wish_find(g, type, key, hash);
	if (w && type->diff(w->spec->data, data) != DP_SAME)
		return -EEXIST;
	if (w) {
		/* Again, the same: dp_after() is about this one. */
		list_remove(&w->list);
		list_append(&g->wishes, &w->list);
		return 0;
	}
	r = spec_new(type, data, &spec);
	if (r == 0)
		wish_add(g, type, spec, key, g->keybuf.len, hash);
	return r;
}

void dp_want(struct dp_graph *g, const struct dp_type *type, const void *spec)
{
	int r = graph_want(g, type, spec);

	if (r < 0 && g->err == 0)
		g->err = r;
}

int dp_graph_error(const struct dp_graph *g)
{
	return g->err;
}

const char *dp_graph_scope(const struct dp_graph *g)
{
	return g->scope;
}

static void add_after(struct dp_graph *g, const struct dp_type *type, const char *key,
		      unsigned int flags)
{
	struct after *a;
	struct wish *w;

	if (list_empty(&g->wishes)) {
		g->err = g->err ?: -EINVAL;
		return;
	}
	w = list_entry(g->wishes.prev, struct wish, list);
	a = xcalloc(1, sizeof(*a) + strlen(key) + 1);
	a->type = type;
	a->flags = flags;
	strcpy(a->key, key);
	*w->after_end = a;
	w->after_end = &a->next;
}

void dp_after(struct dp_graph *g, const struct dp_type *type, const char *key)
{
	add_after(g, type, key, 0);
}

void dp_first(struct dp_graph *g, const struct dp_type *type, const char *key)
{
	add_after(g, type, key, DP_FIRST);
}

static int line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void dp_graph_print(const struct dp_graph *g, struct strbuf *out)
{
	char **lines = xcalloc(g->count, sizeof(*lines));
	const struct after *a;
	const struct wish *w;
	size_t n = 0, i;

	list_for_each (w, &g->wishes, list) {
		struct strbuf line = STRBUF_INIT;

		strbuf_addf(&line, "%s %s", w->type->name, w->key);
		if (w->type->print) {
			strbuf_addc(&line, ' ');
			w->type->print(w->spec->data, &line);
		}
		for (a = w->afters; a; a = a->next)
			strbuf_addf(&line, " %s=%s:%s", a->flags & DP_FIRST ? "first" : "after",
				    a->type->name, a->key);
		lines[n++] = strbuf_take(&line);
	}
	qsort(lines, n, sizeof(*lines), line_cmp);
	for (i = 0; i < n; i++) {
		strbuf_add(out, lines[i]);
		strbuf_addc(out, '\n');
		free(lines[i]);
	}
	free(lines);
}
