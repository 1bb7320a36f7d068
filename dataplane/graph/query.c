/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about what is, and why something is not. */
#include "dataplane/graph/engine.h"

static const char *const state_names[] = {
	[DP_ABSENT] = "absent",	  [DP_WAITING] = "waiting",	[DP_CREATING] = "creating",
	[DP_CREATED] = "created", [DP_MODIFYING] = "modifying", [DP_REMOVING] = "removing",
	[DP_FAILED] = "failed",	  [DP_FOREIGN] = "foreign",	[DP_LEFTOVER] = "leftover",
};

const char *dp_state_name(enum dp_state state)
{
	return state_names[state];
}

/* "link eth0", "link eth0: not as required" */
void need_describe(const struct edge *e, struct strbuf *out)
{
	const struct item *to = e->to;

	strbuf_addf(out, "%s %s", to->kind->type->name, to->key);
	if (!to->have)
		return;
	if (to->refused)
		strbuf_add(out, ": exists and is not ours");
	else if (!e->there)
		strbuf_add(out, ": not as required");
	else if (to->doomed)
		strbuf_add(out, to->recreate ? ": is being replaced" : ": is being removed");
	else if (!e->met)
		strbuf_add(out, ": is being changed");
}

/* Reasons are kept by the item they concern, so that nobody has to free them. */
static const char *keep_reason(struct item *it, struct strbuf *text)
{
	struct trouble *t = item_trouble(it);

	if (t->waits && strcmp(t->waits, strbuf_str(text)) == 0) {
		strbuf_fini(text); /* the same pointer as the last time */
	} else {
		free(t->waits);
		t->waits = strbuf_take(text);
	}
	return t->waits;
}

static const char *why_waiting(struct item *it)
{
	struct strbuf text = STRBUF_INIT;
	const struct edge *e = it->needs;

	while (e && (e->met || !(e->use & USE_WANT)))
		e = e->next_need;
	if (e) {
		strbuf_add(&text, "needs ");
		need_describe(e, &text);
	} else {
		strbuf_add(&text, "is not there"); /* observed only */
	}
	return keep_reason(it, &text);
}

const char *item_why(const struct item *it)
{
	if (it->state == DP_WAITING)
		return why_waiting((struct item *)it);
	if (!item_err(it))
		return NULL;
	return trouble_last(it)->why ?: strerror(-item_err(it));
}

int item_err(const struct item *it)
{
	const struct failure *f = it->state == DP_FAILED ? trouble_last(it) : NULL;

	return f ? f->err : 0;
}

enum dp_state dp_state(const struct dp *dp, const struct dp_type *type, const char *key,
		       const char **ret_why)
{
	const struct item *it = item_lookup(dp, type, key);

	if (ret_why)
		*ret_why = it ? item_why(it) : NULL;
	return it ? (enum dp_state)it->state : DP_ABSENT;
}

const void *dp_have(const struct dp *dp, const struct dp_type *type, const char *key)
{
	const struct item *it = item_lookup(dp, type, key);

	return it ? spec_data(it->have) : NULL;
}

const void *dp_creating(const struct dp *dp, const struct dp_type *type, const char *key)
{
	const struct item *it = item_lookup(dp, type, key);

	return it && it->op && it->op->kind == OP_CREATE ? it->op->want->data : NULL;
}

bool dp_manages(const struct dp *dp, const struct dp_type *type)
{
	const struct dp_type *const *t = dp->conf.types;

	while (*t && *t != type)
		t++;
	return *t;
}

void dp_each_have(const struct dp *dp, const struct dp_type *type,
		  void (*fn)(const char *key, const void *spec, void *arg), void *arg)
{
	const struct kind *kind = kind_find(dp, type);
	struct hmap_node *n;

	if (!kind)
		return;
	hmap_for_each (n, &kind->items) {
		const struct item *it = container_of(n, struct item, node);

		if (it->have)
			fn(it->key, it->have->data, arg);
	}
}

/* Failed ones before waiting ones: those often wait for the failed. */
static bool claim_before(const struct claim *a, const struct claim *b)
{
	return !b || (a->item->state == DP_FAILED && b->item->state != DP_FAILED);
}

const char *claim_why(const struct claim *c)
{
	struct strbuf text = STRBUF_INIT;

	if (!c->differs)
		return item_why(c->item);
	strbuf_addf(&text, "wanted differently by scope %s", c->item->claims->scope->name);
	return keep_reason(c->item, &text);
}

bool dp_scope_problem(const struct dp *dp, const char *scope, struct dp_report *ret)
{
	const struct scope *s = scope_find(dp, scope);
	const struct claim *c, *first = NULL;

	if (!s || !s->problems)
		return false;
	list_for_each (c, &s->claims, list) {
		if ((c->differs || c->item->bad) && claim_before(c, first))
			first = c;
	}
	if (!first)
		return false;
	*ret = (struct dp_report){
		.type = first->item->kind->type,
		.scope = s->name,
		.key = first->item->key,
		.why = claim_why(first),
		.from = (enum dp_state)first->item->told,
		.to = first->differs ? DP_WAITING : (enum dp_state)first->item->state,
		.err = first->differs ? 0 : item_err(first->item),
	};
	return true;
}

bool dp_scope_settled(const struct dp *dp, const char *scope)
{
	const struct scope *s = scope_find(dp, scope);
	const struct claim *c;

	if (!s)
		return true;
	if (s->problems)
		return false;
	list_for_each (c, &s->claims, list) {
		if (c->item->state != DP_CREATED || c->item->queue == Q_DIRTY)
			return false;
	}
	return true;
}

void dp_counts(const struct dp *dp, struct dp_counts *ret)
{
	*ret = dp->counts;
	ret->created = dp->by_state[DP_CREATED];
	ret->waiting = dp->by_state[DP_WAITING] + dp->differing;
	ret->failed = dp->by_state[DP_FAILED];
	ret->leftover = dp->by_state[DP_LEFTOVER];
	ret->foreign = dp->by_state[DP_FOREIGN];
}
