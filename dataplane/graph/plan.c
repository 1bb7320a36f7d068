/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is still to do, in order: told from what exists and what is wanted alone, so that it may be
 * asked right after a submit, before anything has happened. No output: all is as wanted.
 *
 *     remove   route 4/254/10.1.0.0/16/0 via=10.0.0.1
 *     create   bridge bn1 mtu=1500
 *     wait     brport vif1 bridge=bn1 [needs link vif1]
 */
#include "dataplane/graph/engine.h"

#include <errno.h>

enum verb { VERB_NONE, VERB_REMOVE, VERB_MODIFY, VERB_RECREATE, VERB_CREATE, VERB_WAIT };

static const char *const verb_names[] = {
	[VERB_REMOVE] = "remove", [VERB_MODIFY] = "modify", [VERB_RECREATE] = "recreate",
	[VERB_CREATE] = "create", [VERB_WAIT] = "wait",
};

struct step {
	const struct item *item;
	enum verb verb;
	unsigned int waits_for; /* steps that come before this one */
};

struct plan {
	struct step *step; /* sorted by address of the item */
	size_t *ready; /* queue of steps that wait for none */
	size_t count, ready_count;
};

static enum verb verb_of_wanted(const struct item *it)
{
	const struct spec *have = it->have ?: it->maybe, *want = item_want(it);

	if (!it->kind->type->create)
		return it->have ? VERB_NONE : VERB_WAIT;
	if (!it->have)
		return VERB_CREATE;
	switch (it->kind->type->diff(have->data, want->data)) {
	case DP_SAME:
		return it->stale || it->doomed ? VERB_RECREATE
		       : it->unsure	       ? VERB_MODIFY
					       : VERB_NONE;
	case DP_MODIFY:
		return it->stale || !it->kind->type->modify ? VERB_RECREATE : VERB_MODIFY;
	case DP_RECREATE:
		return VERB_RECREATE;
	}
	return VERB_NONE;
}

static enum verb verb_of(const struct item *it)
{
	if (it->claims)
		return verb_of_wanted(it);
	if (!item_present(it) || !it->kind->type->create || (it->have && !it->ours))
		return VERB_NONE;
	return VERB_REMOVE;
}

static int step_cmp(const void *a, const void *b)
{
	const struct item *ia = ((const struct step *)a)->item,
			  *ib = ((const struct step *)b)->item;

	return ia < ib ? -1 : ia > ib;
}

static struct step *step_of(const struct plan *p, const struct item *it)
{
	const struct step key = { .item = it };

	return bsearch(&key, p->step, p->count, sizeof(key), step_cmp);
}

static void collect(const struct dp *dp, struct plan *p)
{
	const struct kind *kind;
	struct hmap_node *n;

	p->step = xcalloc(dp->counts.items + 1, sizeof(*p->step));
	p->ready = xcalloc(dp->counts.items + 1, sizeof(*p->ready));
	list_for_each (kind, &dp->kind_order, list) {
		hmap_for_each (n, &kind->items) {
			const struct item *it = container_of(n, struct item, node);
			enum verb verb = verb_of(it);

			if (verb != VERB_NONE)
				p->step[p->count++] = (struct step){ .item = it, .verb = verb };
		}
	}
	qsort(p->step, p->count, sizeof(*p->step), step_cmp);
}

static bool edge_orders(const struct plan *p, const struct edge *e)
{
	const struct step *from = step_of(p, e->from), *to = step_of(p, e->to);

	return from && to && (from->verb == VERB_REMOVE) == (to->verb == VERB_REMOVE);
}

/* Users are removed before what they need; everything else comes after what it needs. */
static void order(const struct plan *p)
{
	const struct edge *e;
	size_t i;

	for (i = 0; i < p->count; i++)
		for (e = p->step[i].item->needs; e; e = e->next_need)
			if (edge_orders(p, e))
				step_of(p, p->step[i].verb == VERB_REMOVE ? e->to : e->from)
					->waits_for++;
}

static void make_ready(struct plan *p, const struct item *it)
{
	struct step *s = step_of(p, it);

	if (--s->waits_for == 0)
		p->ready[p->ready_count++] = (size_t)(s - p->step);
}

static void release_next(struct plan *p, const struct step *s)
{
	const struct edge *e;

	if (s->verb == VERB_REMOVE) {
		for (e = s->item->needs; e; e = e->next_need)
			if (edge_orders(p, e))
				make_ready(p, e->to);
	} else {
		for (e = s->item->users; e; e = e->next_user)
			if (edge_orders(p, e))
				make_ready(p, e->from);
	}
}

/* A need that is neither there nor about to be: this can only wait. */
static const struct edge *lacking(const struct plan *p, const struct item *it)
{
	const struct edge *e;

	for (e = it->needs; e; e = e->next_need) {
		const struct step *to = step_of(p, e->to);

		if (!(e->use & USE_WANT) || !edge_counts(e))
			continue;
		if (to ? to->verb == VERB_WAIT || to->verb == VERB_REMOVE : !e->met)
			return e;
	}
	return NULL;
}

static void print_line(const char *verb, const struct item *it, const struct spec *spec,
		       const char *why, FILE *out)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	if (spec && it->kind->type->print)
		it->kind->type->print(spec->data, &text);
	fprintf(out, "%-8s %s %s%s%s", verb, it->kind->type->name, it->key, text.len ? " " : "",
		strbuf_str(&text));
	if (why)
		fprintf(out, " [%s]", why);
	fputc('\n', out);
}

static void print_step(const struct plan *p, struct step *s, FILE *out)
{
	_cleanup_(strbuf_fini) struct strbuf need = STRBUF_INIT;
	const struct item *it = s->item;
	const struct edge *e = s->verb == VERB_REMOVE ? NULL : lacking(p, it);
	const char *why = item_why(it);

	if (e || (s->verb != VERB_REMOVE && it->refused))
		s->verb = VERB_WAIT;
	if (e) {
		strbuf_add(&need, "needs ");
		need_describe(e, &need);
		why = strbuf_str(&need);
	} else if (it->state == DP_LEFTOVER) {
		why = "left over, wanted by nobody so far";
	}
	print_line(verb_names[s->verb], it, item_want(it) ?: it->have ?: it->maybe, why, out);
}

static void print_disputes(const struct dp *dp, FILE *out)
{
	const struct claim *c;
	struct hmap_node *n;

	if (dp->differing == 0)
		return;
	hmap_for_each (n, &dp->claims) {
		c = container_of(n, struct claim, node);
		if (c->differs)
			print_line(verb_names[VERB_WAIT], c->item, c->spec, claim_why(c), out);
	}
}

/* Removals first, and in an order that is the same every time. */
static int ready_cmp(const void *a, const void *b, void *arg)
{
	const struct plan *p = arg;
	const struct step *sa = &p->step[*(const size_t *)a], *sb = &p->step[*(const size_t *)b];
	int r = (sa->verb != VERB_REMOVE) - (sb->verb != VERB_REMOVE);

	if (!r)
		r = strcmp(sa->item->kind->type->name, sb->item->kind->type->name);
	return r ? r : strcmp(sa->item->key, sb->item->key);
}

int dp_plan(const struct dp *dp, FILE *out)
{
	struct plan p = { 0 };
	size_t i, done;

	collect(dp, &p);
	order(&p);
	for (i = 0; i < p.count; i++)
		if (p.step[i].waits_for == 0)
			p.ready[p.ready_count++] = i;
	qsort_r(p.ready, p.ready_count, sizeof(*p.ready), ready_cmp, &p);
	for (done = 0; done < p.ready_count; done++) {
		print_step(&p, &p.step[p.ready[done]], out);
		release_next(&p, &p.step[p.ready[done]]);
	}
	/* Rings: each waits for another one. */
	for (i = 0; i < p.count && done < p.count; i++)
		if (p.step[i].waits_for > 0)
			print_step(&p, &p.step[i], out);
	print_disputes(dp, out);
	free(p.step);
	free(p.ready);
	return ferror(out) ? -EIO : 0;
}
