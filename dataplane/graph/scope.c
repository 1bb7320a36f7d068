/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intended state once it is submitted: scopes hold claims, an item's first claim is its wish. A
 * scope is compared with its new graph wish by wish; what stayed the same costs no allocation.
 */
#include "dataplane/graph/engine.h"

#include <errno.h>

struct scope *scope_find(const struct dp *dp, const char *name)
{
	struct hmap_node *n;

	hmap_for_each_match(n, &dp->scopes, hash_string(name))
	{
		struct scope *s = container_of(n, struct scope, node);

		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

static struct scope *scope_get(struct dp *dp, const char *name)
{
	struct scope *s = scope_find(dp, name);

	if (s)
		return s;
	s = xcalloc(1, sizeof(*s) + strlen(name) + 1);
	strcpy(s->name, name);
	list_init(&s->claims);
	hmap_insert(&dp->scopes, &s->node, hash_string(name));
	dp->counts.scopes++;
	return s;
}

static void scope_gc(struct dp *dp, struct scope *s)
{
	if (s->count > 0)
		return;
	hmap_remove(&dp->scopes, &s->node);
	dp->counts.scopes--;
	free(s);
}

/* ---- Claims ---- */

static struct claim *claim_find(const struct scope *s, const struct item *it)
{
	struct claim *c = it->claims;

	while (c && c->scope != s)
		c = c->next;
	return c;
}

static bool claim_bad(const struct claim *c)
{
	return c->differs || c->item->bad;
}

/* Is this wish the owner's too? If not it waits for the owner to leave. */
static void claim_compare(struct claim *c)
{
	const struct claim *owner = c->item->claims;
	bool was_bad = claim_bad(c);

	c->differs = c != owner && c->spec != owner->spec &&
		     c->item->kind->type->diff(owner->spec->data, c->spec->data) != DP_SAME;
	c->scope->problems += (unsigned int)claim_bad(c) - (unsigned int)was_bad;
}

/* The owner's wish is a new one, or gone. */
static void item_want_changed(struct dp *dp, struct item *it)
{
	struct claim *c;

	it->settled = it->drift = it->held = false;
	if (!it->claims)
		it->released = true;
	trouble_reset(dp, it, true);
	edges_want(dp, it);
	for (c = it->claims; c; c = c->next)
		claim_compare(c);
	item_dirty(dp, it);
}

static void claim_changed(struct dp *dp, struct claim *c)
{
	if (c == c->item->claims)
		item_want_changed(dp, c->item);
	else
		claim_compare(c);
}

/* Takes spec and afters. */
static struct claim *claim_new(struct scope *s, struct item *it, struct spec *spec,
			       struct after *afters)
{
	struct claim *c = xcalloc(1, sizeof(*c)), **p = &it->claims;

	while (*p)
		p = &(*p)->next;
	*p = c;
	c->scope = s;
	c->item = it;
	c->spec = spec;
	c->afters = afters;
	list_append(&s->claims, &c->list);
	s->count++;
	s->problems += claim_bad(c);
	return c;
}

static void claim_free(struct dp *dp, struct claim *c)
{
	struct item *it = c->item;
	struct claim **p = &it->claims;
	bool owner = it->claims == c;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->scope->problems -= claim_bad(c);
	c->scope->count--;
	list_remove(&c->list);
	if (owner)
		item_want_changed(dp, it);
	spec_unref(it->kind->type, c->spec);
	afters_free(c->afters);
	free(c);
}

static bool afters_equal(const struct after *a, const struct after *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (a->type != b->type || strcmp(a->key, b->key) != 0)
			return false;
	return !a && !b;
}

/* Takes afters; spec is borrowed. */
static void claim_update(struct dp *dp, struct claim *c, struct spec *spec, struct after *afters)
{
	const struct dp_type *type = c->item->kind->type;
	bool same = type->diff(c->spec->data, spec->data) == DP_SAME;

	if (same && afters_equal(c->afters, afters)) {
		afters_free(afters);
		return;
	}
	if (!same) {
		spec_unref(type, c->spec);
		c->spec = spec_ref(spec);
	}
	afters_free(c->afters);
	c->afters = afters;
	claim_changed(dp, c);
}

/* ---- Submitting ---- */

static void submit_wish(struct dp *dp, struct scope *s, struct wish *w)
{
	struct item *it = item_get(dp, kind_get(dp, w->type), w->key, w->len);
	struct claim *c = claim_find(s, it);
	struct after *afters = take_ptr(w->afters);

	if (c) {
		claim_update(dp, c, w->spec, afters);
	} else {
		c = claim_new(s, it, spec_ref(w->spec), afters);
		claim_changed(dp, c);
	}
	c->generation = dp->generation;
}

int dp_submit(struct dp *dp, struct dp_graph *g)
{
	struct claim *c, *tmp;
	struct scope *s;
	struct wish *w;
	int r = g->err;

	if (r < 0) {
		dp_graph_free(g);
		return r;
	}
	dp->generation++;
	s = scope_get(dp, g->scope);
	list_for_each (w, &g->wishes, list)
		submit_wish(dp, s, w);
	if (s->count > g->count) {
		list_for_each_safe (c, tmp, &s->claims, list) {
			if (c->generation != dp->generation)
				claim_free(dp, c);
		}
	}
	scope_gc(dp, s);
	dp_graph_free(g);
	return 0;
}

int dp_patch(struct dp *dp, const char *scope, const struct dp_type *type, const void *data)
{
	struct item *it = item_of_spec(dp, kind_get(dp, type), data);
	struct scope *s = scope_get(dp, scope);
	struct claim *c = claim_find(s, it);
	struct spec *spec;
	int r;

	r = spec_new(type, data, &spec);
	if (r < 0) {
		scope_gc(dp, s);
		item_dirty(dp, it); /* perhaps only made for this */
		return r;
	}
	if (c) {
		claim_update(dp, c, spec, NULL);
		spec_unref(type, spec);
	} else {
		claim_changed(dp, claim_new(s, it, spec, NULL));
	}
	return 0;
}

int dp_unpatch(struct dp *dp, const char *scope, const struct dp_type *type, const char *key)
{
	struct item *it = item_lookup(dp, type, key);
	struct scope *s = scope_find(dp, scope);
	struct claim *c = it && s ? claim_find(s, it) : NULL;

	if (!c)
		return -ENOENT;
	claim_free(dp, c);
	scope_gc(dp, s);
	return 0;
}

/* At the end of the engine: no consequences. */
void scopes_free(struct dp *dp)
{
	struct hmap_node *n, *tmp;
	struct claim *c;

	hmap_for_each_safe (n, tmp, &dp->scopes) {
		struct scope *s = container_of(n, struct scope, node);

		while ((c = list_first(&s->claims, struct claim, list))) {
			c->item->claims = NULL;
			list_remove(&c->list);
			spec_unref(c->item->kind->type, c->spec);
			afters_free(c->afters);
			free(c);
		}
		free(s);
	}
	hmap_fini(&dp->scopes);
}
