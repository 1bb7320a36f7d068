/* SPDX-License-Identifier: Apache-2.0 */
/* The table of items: by type and key, one allocation each. */
#include "dataplane/graph/engine.h"

#include <assert.h>

/* ---- Kinds ---- */

static uint32_t hash_pointer(const void *p)
{
	return (uint32_t)((uintptr_t)p >> 4) * 2654435761u;
}

struct kind *kind_find(const struct dp *dp, const struct dp_type *type)
{
	struct hmap_node *n;

	hmap_for_each_match(n, &dp->kinds, hash_pointer(type))
	{
		struct kind *kind = container_of(n, struct kind, node);

		if (kind->type == type)
			return kind;
	}
	return NULL;
}

struct kind *kind_get(struct dp *dp, const struct dp_type *type)
{
	struct kind *kind = kind_find(dp, type);

	if (kind)
		return kind;
	kind = xcalloc(1, sizeof(*kind));
	kind->type = type;
	hmap_init(&kind->items);
	hmap_insert(&dp->kinds, &kind->node, hash_pointer(type));
	list_append(&dp->kind_order, &kind->list);
	return kind;
}

void kind_free(struct dp *dp, struct kind *kind)
{
	struct hmap_node *n, *tmp;
	struct watch *w;

	hmap_for_each_safe (n, tmp, &kind->items)
		item_free(dp, container_of(n, struct item, node));
	hmap_fini(&kind->items);
	while ((w = kind->watches)) {
		kind->watches = w->next;
		free(w);
	}
	hmap_remove(&dp->kinds, &kind->node);
	list_remove(&kind->list);
	free(kind);
}

/* ---- Finding and making ---- */

struct item *item_find(const struct kind *kind, const char *key, uint32_t hash)
{
	struct hmap_node *n;

	hmap_for_each_match(n, &kind->items, hash)
	{
		struct item *it = container_of(n, struct item, node);

		if (strcmp(it->key, key) == 0)
			return it;
	}
	return NULL;
}

struct item *item_get(struct dp *dp, struct kind *kind, const char *key, size_t len)
{
	uint32_t hash = hash_bytes(key, len, 0);
	struct item *it = item_find(kind, key, hash);

	if (it)
		return it;
	it = xcalloc(1, sizeof(*it) + len + 1);
	it->kind = kind;
	memcpy(it->key, key, len);
	list_init(&it->work);
	list_init(&it->tell);
	hmap_insert(&kind->items, &it->node, hash);
	dp->counts.items++;
	dp->by_state[DP_ABSENT]++;
	return it;
}

struct item *item_of_spec(struct dp *dp, struct kind *kind, const void *spec)
{
	strbuf_reset(&dp->keybuf);
	kind->type->key(spec, &dp->keybuf);
	return item_get(dp, kind, strbuf_str(&dp->keybuf), dp->keybuf.len);
}

struct item *item_lookup(const struct dp *dp, const struct dp_type *type, const char *key)
{
	const struct kind *kind = kind_find(dp, type);
	size_t len = strlen(key);

	return kind ? item_find(kind, key, hash_bytes(key, len, 0)) : NULL;
}

void item_free(struct dp *dp, struct item *it)
{
	edges_unlink_all(it);
	timer_unset(dp, it);
	spec_unref(it->kind->type, it->have);
	spec_unref(it->kind->type, it->maybe);
	trouble_free(it->trouble);
	list_remove(&it->work);
	list_remove(&it->tell);
	hmap_remove(&it->kind->items, &it->node);
	dp->by_state[it->state]--;
	dp->counts.items--;
	free(it);
}

void item_gc(struct dp *dp, struct item *it)
{
	if (it->have || it->maybe || it->claims || it->users || it->op || it->queue != Q_NONE ||
	    !list_empty(&it->tell))
		return;
	edges_drop(dp, it, USE_WANT | USE_HAVE);
	item_free(dp, it);
}

/* ---- Changing ---- */

void item_enqueue(struct dp *dp, struct item *it, enum queue queue)
{
	if (it->queue == queue)
		return;
	list_remove(&it->work);
	it->queue = queue;
	if (queue != Q_NONE)
		list_append(&dp->queues[queue], &it->work);
}

void item_dirty(struct dp *dp, struct item *it)
{
	item_enqueue(dp, it, Q_DIRTY);
	engine_schedule(dp);
}

/* Keeps each scope's number of problems, so that asking for one costs nothing while all is well. */
static void item_count_problem(struct item *it)
{
	bool bad = it->state == DP_WAITING || it->state == DP_FAILED;
	struct claim *c;

	if (bad == it->bad)
		return;
	it->bad = bad;
	for (c = it->claims; c; c = c->next)
		if (!c->differs)
			c->scope->problems += bad ? 1 : -1;
}

void item_set_state(struct dp *dp, struct item *it, enum dp_state state)
{
	if (it->state != state) {
		dp->by_state[it->state]--;
		dp->by_state[state]++;
		it->state = state;
		item_count_problem(it);
		list_remove(&it->tell); /* told in the order in which things settled */
	}
	if ((it->state != it->told || it->retold) && list_empty(&it->tell))
		list_append(&dp->tell, &it->tell);
}

void item_set_have(struct dp *dp, struct item *it, struct spec *spec)
{
	struct spec *was = it->have;

	it->have = spec;
	if (it->kind->watches && (was || spec) &&
	    !(was && spec && spec_equal(it->kind->type, was->data, spec->data)))
		engine_watch_event(dp, it, was, spec);
	spec_unref(it->kind->type, was);
	edges_users_refresh(dp, it, false);
	item_dirty(dp, it);
}

/* Gone for certain: whatever the system removes together with it is gone too. */
void item_forget(struct dp *dp, struct item *it)
{
	struct edge *e;

	for (e = it->users; e; e = e->next_user) {
		if (!(e->use & USE_HAVE))
			continue;
		/* Just seen: what it hangs on now is not known yet. */
		if ((e->flags & DP_FALLS_WITH) && !e->from->new_have)
			e->from->fell = true;
		else if (e->flags & DP_FOLLOW)
			e->from->stale = true;
		item_dirty(dp, e->from);
	}
	spec_unref(it->kind->type, it->maybe);
	it->maybe = NULL;
	it->ours = it->observed = it->recreate = it->stale = it->unsure = it->fell = false;
	it->new_have = false;
	edges_drop(dp, it, USE_HAVE);
	if (it->have)
		item_set_have(dp, it, NULL);
	else
		item_dirty(dp, it);
}
