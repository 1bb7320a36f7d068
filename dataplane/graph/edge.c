/* SPDX-License-Identifier: Apache-2.0 */
/* Needs: edges between items, found by asking the type, kept while the answer stays the same. */
#include "dataplane/graph/engine.h"

struct dp_deps {
	struct dp *dp;
	struct item *it;
	unsigned int use;
	struct edge **next; /* where the answer is expected to go on */
};

/* A modify must not take away under a user what it needs: whoever needs it goes first. */
static bool edge_lasts(const struct edge *e)
{
	const struct item *to = e->to;

	if (to->doomed)
		return false;
	return !to->changing || !e->ok || !item_want(to) || e->ok(item_want(to)->data);
}

bool edge_counts(const struct edge *e)
{
	return !(e->flags & DP_FIRST) || !item_present(e->from);
}

bool edge_refresh(struct edge *e)
{
	const struct item *to = e->to;
	bool there = to->have && !to->refused && (!e->ok || e->ok(to->have->data));
	bool met = there && edge_lasts(e);

	if (there == e->there && met == e->met)
		return false;
	e->there = there;
	e->met = met;
	return true;
}

/*
 * An item appeared, changed or went: those whose need is met or unmet now are judged. all: what is
 * to become of it changed, which concerns everything that hangs on it even if its need was unmet.
 */
void edges_users_refresh(struct dp *dp, struct item *it, bool all)
{
	struct edge *e;

	for (e = it->users; e; e = e->next_user) {
		bool met = e->met, changed = edge_refresh(e);

		if (!met && e->met)
			trouble_need_met(dp, e->from);
		if (changed || (all && (e->use & USE_HAVE)))
			item_dirty(dp, e->from);
	}
}

static void edge_unblock(struct dp *dp, struct edge *e)
{
	if (!e->blocks)
		return;
	e->blocks = false;
	if (--e->to->blockers == 0 && dp)
		item_dirty(dp, e->to);
}

static void edge_free(struct dp *dp, struct edge *e)
{
	edge_unblock(dp, e);
	*e->pprev_user = e->next_user;
	if (e->next_user)
		e->next_user->pprev_user = e->pprev_user;
	if (dp && !e->to->users)
		item_dirty(dp, e->to); /* perhaps nothing but a name any more */
	free(e);
}

static struct edge *edge_new(struct item *from, struct item *to, unsigned int flags,
			     bool (*ok)(const void *have))
{
	struct edge *e = xcalloc(1, sizeof(*e));

	e->from = from;
	e->to = to;
	e->ok = ok;
	e->flags = flags;
	e->next_user = to->users;
	e->pprev_user = &to->users;
	if (to->users)
		to->users->pprev_user = &e->next_user;
	to->users = e;
	edge_refresh(e);
	return e;
}

static bool edge_is(const struct edge *e, const struct dp_type *type, const char *key,
		    unsigned int flags, bool (*ok)(const void *have))
{
	return e->to->kind->type == type && e->flags == flags && e->ok == ok &&
	       strcmp(e->to->key, key) == 0;
}

void dp_need(struct dp_deps *deps, const struct dp_type *type, const char *key, unsigned int flags,
	     bool (*ok)(const void *have))
{
	struct item *it = deps->it;
	struct edge **p = deps->next, *e;

	if (type == it->kind->type && strcmp(key, it->key) == 0)
		return;
	/* Nearly always the same answer in the same order as last time. */
	if (!*p || !edge_is(*p, type, key, flags, ok)) {
		for (p = &it->needs; *p && !edge_is(*p, type, key, flags, ok);)
			p = &(*p)->next_need;
	}
	if (!*p) {
		struct item *to = item_get(deps->dp, kind_get(deps->dp, type), key, strlen(key));

		e = edge_new(it, to, flags, ok);
		p = deps->next;
		e->next_need = *p;
		*p = e;
	}
	(*p)->use |= deps->use;
	deps->next = &(*p)->next_need;
}

static void edges_begin(struct dp *dp, struct item *it, unsigned int use, struct dp_deps *deps)
{
	struct edge *e;

	for (e = it->needs; e; e = e->next_need)
		e->use &= ~use;
	*deps = (struct dp_deps){ .dp = dp, .it = it, .use = use, .next = &it->needs };
}

static void edges_end(struct dp *dp, struct item *it)
{
	struct edge **p = &it->needs, *e;

	while ((e = *p)) {
		if (e->use) {
			p = &e->next_need;
			continue;
		}
		*p = e->next_need;
		edge_free(dp, e);
	}
}

void edges_want(struct dp *dp, struct item *it)
{
	const struct spec *want = item_want(it);
	const struct after *after;
	struct dp_deps deps;

	edges_begin(dp, it, USE_WANT, &deps);
	if (want) {
		if (it->kind->type->needs)
			it->kind->type->needs(want->data, &deps);
		for (after = it->claims->afters; after; after = after->next)
			dp_need(&deps, after->type, after->key, after->flags, NULL);
	}
	edges_end(dp, it);
}

void edges_have(struct dp *dp, struct item *it)
{
	const struct spec *have = it->have ?: it->maybe;
	struct dp_deps deps;

	edges_begin(dp, it, USE_HAVE, &deps);
	if (have && it->kind->type->needs)
		it->kind->type->needs(have->data, &deps);
	edges_end(dp, it);
}

void edges_have_from_want(struct dp *dp, struct item *it, bool keep)
{
	struct edge *e;

	for (e = it->needs; e; e = e->next_need) {
		if (e->use & USE_WANT)
			e->use |= USE_HAVE;
		else if (!keep)
			e->use &= ~USE_HAVE;
	}
	edges_end(dp, it);
}

void edges_drop(struct dp *dp, struct item *it, unsigned int use)
{
	struct edge *e;

	for (e = it->needs; e; e = e->next_need)
		e->use &= ~use;
	edges_end(dp, it);
}

/* What exists must go before what it needs may go, unless it goes by itself together with it. */
void edges_block(struct dp *dp, struct item *it)
{
	bool present = item_present(it) || it->op;
	bool clear = it->doomed && !it->op && it->blockers == 0;
	struct edge *e;

	for (e = it->needs; e; e = e->next_need) {
		bool blocks = present && (e->use & USE_HAVE) &&
			      !(clear && (e->flags & DP_FALLS_WITH)) &&
			      (it->doomed || !(e->flags & DP_FIRST));

		if (!blocks) {
			edge_unblock(dp, e);
		} else if (!e->blocks) {
			e->blocks = true;
			if (e->to->blockers++ == 0 && e->to->doomed)
				item_dirty(dp, e->to);
		}
	}
}

/* At the end of the engine: no consequences. */
void edges_unlink_all(struct item *it)
{
	struct edge *e, *next;

	for (e = it->needs; e; e = next) {
		next = e->next_need;
		edge_free(NULL, e);
	}
	it->needs = NULL;
	for (e = it->users; e; e = next) {
		struct edge **p = &e->from->needs;

		next = e->next_user;
		while (*p != e)
			p = &(*p)->next_need;
		*p = e->next_need;
		edge_free(NULL, e);
	}
}
