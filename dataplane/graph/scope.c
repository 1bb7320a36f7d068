/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intended state once it is submitted: scopes hold claims, an item's first claim is its wish. A
 * scope is compared with its new graph wish by wish; what stayed the same is not looked at again.
 */
#include "dataplane/graph/engine.h"

#include <errno.h>

/* ---- Scopes ---- */

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

static uint32_t claim_hash(const struct scope *s, const struct item *it)
{
	uintptr_t p[] = { (uintptr_t)s, (uintptr_t)it };

	return hash_bytes(p, sizeof(p), 0);
}

static struct claim *claim_find(const struct dp *dp, const struct scope *s, const struct item *it,
				uint32_t hash)
{
	struct hmap_node *n;

	if (it->claims && it->claims->scope == s)
		return it->claims;
	hmap_for_each_match(n, &dp->claims, hash)
	{
		struct claim *c = container_of(n, struct claim, node);

		if (c->scope == s && c->item == it)
			return c;
	}
	return NULL;
}

static bool claim_bad(const struct claim *c)
{
	return c->differs || c->item->bad;
}

/* Is this wish the owner's too? Says so when that changes: the item itself may be fine. */
static void claim_compare(struct dp *dp, struct claim *c)
{
	const struct item *it = c->item;
	const struct claim *owner = it->claims;
	bool was_bad = claim_bad(c);
	bool differs = c != owner && c->spec != owner->spec &&
		       it->kind->type->diff(owner->spec->data, c->spec->data) != DP_SAME;

	if (differs == c->differs)
		return;
	c->differs = differs;
	c->scope->problems += claim_bad(c) - was_bad;
	dp->differing += differs ? 1 : -1;
	if (list_empty(&c->tell))
		list_append(&dp->tell_claims, &c->tell);
	engine_schedule(dp);
}

/* The owner's wish is another one, or gone; or says the same in other bytes. */
static void item_want_changed(struct dp *dp, struct item *it, bool same)
{
	struct claim *c;

	if (!same) {
		it->settled = it->drift = it->held = false;
		trouble_new_wish(dp, it);
	}
	if (!it->claims)
		it->released = true;
	edges_want(dp, it);
	for (c = it->claims; c; c = c->next)
		claim_compare(dp, c);
	item_dirty(dp, it);
}

static struct claim *claim_new(struct dp *dp, struct scope *s, struct item *it, uint32_t hash)
{
	struct claim *c = xcalloc(1, sizeof(*c));

	c->scope = s;
	c->item = it;
	c->pprev = it->claims ? it->claims_end : &it->claims;
	*c->pprev = c;
	it->claims_end = &c->next;
	list_init(&c->tell);
	list_append(&s->claims, &c->list);
	hmap_insert(&dp->claims, &c->node, hash);
	s->count++;
	s->problems += claim_bad(c);
	return c;
}

static void claim_free(struct dp *dp, struct claim *c)
{
	*c->pprev = c->next;
	if (c->next)
		c->next->pprev = c->pprev;
	else
		c->item->claims_end = c->pprev;
	c->scope->count--;
	c->scope->problems -= claim_bad(c);
	dp->differing -= c->differs;
	hmap_remove(&dp->claims, &c->node);
	list_remove(&c->list);
	list_remove(&c->tell);
	spec_unref(c->item->kind->type, c->spec);
	afters_free(c->afters);
	free(c);
}

static void claim_drop(struct dp *dp, struct claim *c)
{
	struct item *it = c->item;
	bool owner = it->claims == c;

	claim_free(dp, c);
	if (owner)
		item_want_changed(dp, it, false);
}

static bool afters_equal(const struct after *a, const struct after *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (a->type != b->type || a->flags != b->flags || strcmp(a->key, b->key) != 0)
			return false;
	return a == b;
}

static bool spec_says_same(const struct dp_type *type, const struct spec *a, const struct spec *b)
{
	return type->diff(a->data, b->data) == DP_SAME && type->diff(b->data, a->data) == DP_SAME;
}

/* Takes spec. What exists exactly so is kept once. */
static void claim_take_spec(struct claim *c, struct spec *spec)
{
	const struct dp_type *type = c->item->kind->type;
	struct spec *have = c->item->have;

	spec_unref(type, c->spec);
	if (have && spec_equal(type, have->data, spec->data)) {
		spec_unref(type, spec);
		spec = spec_ref(have);
	}
	c->spec = spec;
}

/* Takes spec, and *afters unless NULL (then they stay as they are). */
static void claim_set(struct dp *dp, struct scope *s, struct item *it, struct spec *spec,
		      struct after **afters)
{
	const struct dp_type *type = it->kind->type;
	uint32_t hash = claim_hash(s, it);
	struct claim *c = claim_find(dp, s, it, hash);
	bool same = c && spec_says_same(type, c->spec, spec);
	bool same_afters = !afters || (c && afters_equal(c->afters, *afters));

	if (!c)
		c = claim_new(dp, s, it, hash);
	c->generation = dp->generation;
	if (same && same_afters && spec_equal(type, c->spec->data, spec->data)) {
		spec_unref(type, spec);
		return;
	}
	claim_take_spec(c, spec);
	if (!same_afters) {
		afters_free(c->afters);
		c->afters = take_ptr(*afters);
	}
	if (c == it->claims)
		item_want_changed(dp, it, same && same_afters);
	else
		claim_compare(dp, c);
}

/* ---- Submitting ---- */

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
	list_for_each (w, &g->wishes, list) {
		struct item *it = item_get(dp, kind_get(dp, w->type), w->key, w->len);

		claim_set(dp, s, it, spec_ref(w->spec), &w->afters);
	}
	if (s->count > g->count) {
		list_for_each_safe (c, tmp, &s->claims, list) {
			if (c->generation != dp->generation)
				claim_drop(dp, c);
		}
	}
	scope_gc(dp, s);
	dp_graph_free(g);
	return 0;
}

int dp_patch(struct dp *dp, const char *scope, const struct dp_type *type, const void *data)
{
	struct spec *spec;
	struct item *it;
	int r;

	r = spec_new(type, data, &spec);
	if (r < 0)
		return r;
	it = item_of_spec(dp, kind_get(dp, type), data);
	if (!it->key[0]) {
		spec_unref(type, spec);
		item_gc(dp, it);
		return -EINVAL;
	}
	claim_set(dp, scope_get(dp, scope), it, spec, NULL);
	return 0;
}

int dp_unpatch(struct dp *dp, const char *scope, const struct dp_type *type, const char *key)
{
	struct scope *s = scope_find(dp, scope);
	struct item *it = item_lookup(dp, type, key);
	struct claim *c = s && it ? claim_find(dp, s, it, claim_hash(s, it)) : NULL;

	if (!c)
		return -ENOENT;
	claim_drop(dp, c);
	scope_gc(dp, s);
	return 0;
}

void scopes_free(struct dp *dp)
{
	struct hmap_node *n, *tmp;
	struct claim *c, *next;

	hmap_for_each_safe (n, tmp, &dp->scopes) {
		struct scope *s = container_of(n, struct scope, node);

		list_for_each_safe (c, next, &s->claims, list)
			claim_free(dp, c);
		hmap_remove(&dp->scopes, &s->node);
		free(s);
	}
	hmap_fini(&dp->scopes);
	hmap_fini(&dp->claims);
}
