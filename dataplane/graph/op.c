/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: started, finished, cancelled, timed out. */
#include "dataplane/graph/engine.h"

#include <assert.h>
#include <errno.h>

#define MS UINT64_C(1000000) /* ns */
#define TIMEOUT_MS 10000

static void op_free(struct dp_op *op)
{
	const struct dp_type *type = op->type;

	list_remove(&op->list);
	spec_unref(type, op->have);
	spec_unref(type, op->want);
	spec_unref(type, op->seen);
	free(op->why);
	free(op);
}

static int op_call(struct dp_op *op)
{
	const struct dp_type *type = op->type;

	switch (op->kind) {
	case OP_CREATE:
		return type->create(op, op->want->data);
	case OP_MODIFY:
		return type->modify(op, op->have->data, op->want->data);
	case OP_REMOVE:
		return type->remove ? type->remove(op, op->have->data) : 0;
	}
	return -EINVAL;
}

/* What is known to exist after success: rather what was seen, it says more than the wish. */
static struct spec *op_result(const struct dp_op *op)
{
	if (op->seen && op->type->diff(op->seen->data, op->want->data) == DP_SAME)
		return op->seen;
	return op->want;
}

static void op_created(struct dp *dp, struct item *it, struct dp_op *op)
{
	struct spec *have = op_result(op);
	struct edge *e;

	spec_unref(op->type, it->maybe);
	it->maybe = NULL;
	it->ours = true;
	it->released = true;
	it->observed = have == op->seen;
	it->unsure = false;
	if (op->kind == OP_CREATE)
		it->stale = false;
	it->new_have = true;
	if (it->drift) {
		it->drift = it->held = false;
		it->repaired = it->retold = true;
		item_trouble(it)->repairs++;
		item_trouble(it)->repaired_ns = dp->now_ns;
		dp->counts.repaired++;
	}
	item_set_have(dp, it, spec_ref(have));
	if (op->kind != OP_MODIFY)
		return;
	for (e = it->users; e; e = e->next_user) {
		if ((e->flags & DP_FOLLOW) && (e->use & USE_HAVE)) {
			e->from->stale = true;
			item_dirty(dp, e->from);
		}
	}
}

/* There was nothing to modify: somebody removed it and we were not told. */
static bool says_missing(int err)
{
	return err == -ENOENT || err == -ENODEV || err == -ENXIO || err == -ESRCH;
}

/* The last that was seen of it counts; nothing was seen: it may exist. */
static void op_keep_rest(struct dp *dp, struct item *it, struct dp_op *op, int err)
{
	if (op->seen) {
		it->ours |= op->seen_ours;
		it->observed = it->new_have = true;
		item_set_have(dp, it, spec_ref(op->seen));
	} else if (op->kind == OP_CREATE && !it->have) {
		spec_unref(op->type, it->maybe);
		it->maybe = spec_ref(op->want);
	} else if (op->kind == OP_MODIFY && says_missing(err) && it->have) {
		it->maybe = spec_ref(it->have);
		item_set_have(dp, it, NULL);
	}
	it->unsure |= op->kind != OP_REMOVE && it->have;
}

static void op_failed(struct dp *dp, struct item *it, struct dp_op *op, int err)
{
	op_keep_rest(dp, it, op, err);
	if (err != -ECANCELED)
		trouble_failed(dp, it, op->removing, err, take_ptr(op->why));
}

/* Success at last. A removal that only made room for a recreate forgives nothing. */
static void op_succeeded(struct dp *dp, struct item *it, struct dp_op *op)
{
	if (op->kind == OP_REMOVE) {
		if (op->removing)
			trouble_over(dp, it, true);
		item_forget(dp, it);
		return;
	}
	trouble_over(dp, it, false);
	trouble_over(dp, it, true);
	op_created(dp, it, op);
}

/* Those that follow wait while what they follow is being changed. */
static void op_release_followers(struct dp *dp, struct item *it)
{
	struct edge *e;

	for (e = it->users; e; e = e->next_user)
		if (e->flags & DP_FOLLOW)
			item_dirty(dp, e->from);
}

static void op_finish(struct dp_op *op, int err)
{
	struct item *it = op->item;
	struct dp *dp = op->dp;

	timer_unset(dp, it);
	it->op = NULL;
	it->seen = it->kind->resync;
	if (op->kind == OP_REMOVE && op->gone)
		err = 0;
	if (err < 0)
		op_failed(dp, it, op, err);
	else
		op_succeeded(dp, it, op);
	if (op->kind == OP_MODIFY && op->gone)
		item_forget(dp, it);
	op_release_followers(dp, it);
	timer_set(dp, it);
	item_dirty(dp, it);
	op_free(op);
}

/* May it start? Not while something it follows is being changed. */
static bool op_must_wait(const struct item *it)
{
	const struct edge *e;

	for (e = it->needs; e; e = e->next_need)
		if ((e->flags & DP_FOLLOW) && (e->use & USE_WANT) && e->to->op)
			return true;
	return false;
}

static const enum dp_state op_states[] = {
	[OP_CREATE] = DP_CREATING,
	[OP_MODIFY] = DP_MODIFYING,
	[OP_REMOVE] = DP_REMOVING,
};

void op_start(struct dp *dp, struct item *it, enum op_kind kind)
{
	const struct dp_type *type = it->kind->type;
	unsigned int timeout_ms = type->timeout_ms ?: TIMEOUT_MS;
	struct dp_op *op;
	int r;

	item_enqueue(dp, it, Q_NONE);
	if (kind != OP_REMOVE && op_must_wait(it))
		return;
	op = xcalloc(1, sizeof(*op));
	*op = (struct dp_op){
		.dp = dp,
		.item = it,
		.type = type,
		.kind = kind,
		.have = spec_ref(it->have ?: it->maybe),
		.want = spec_ref(item_want(it)),
		.deadline_ns = dp->now_ns + timeout_ms * MS,
		.removing = kind == OP_REMOVE && !it->recreate,
		.calling = true,
		.fresh = true,
	};
	list_append(&dp->fresh, &op->list);
	timer_unset(dp, it);
	it->op = op;
	dp->counts.operations++;
	dp->counts.retries += item_failing(it, op->removing);
	if (kind != OP_REMOVE)
		edges_have_from_want(dp, it, true);
	item_set_state(dp, it, op_states[kind]);
	edges_block(dp, it);
	r = op_call(op);
	op->calling = false;
	if (r == -EINPROGRESS && !op->done)
		dp->unflushed = true;
	else
		op_finish(op, r == -EINPROGRESS ? op->err : r);
}

/* ---- Cancel and time-out ---- */

/* The hook has returned or the wish is void: the type knows nothing of op any more. */
static void op_abort(struct dp_op *op, int err, const char *why)
{
	free(op->why);
	op->why = why ? xstrdup(why) : NULL;
	op_finish(op, err);
}

static bool op_void(const struct item *it)
{
	const struct dp_op *op = it->op;
	const struct spec *want = item_want(it);
	const struct edge *e;

	if (op->kind == OP_REMOVE)
		return false;
	if (!want || (want != op->want && op->type->diff(op->want->data, want->data) != DP_SAME))
		return true;
	for (e = it->needs; e; e = e->next_need)
		if ((e->use & USE_HAVE) && !e->met)
			return true;
	return false;
}

bool op_reconsider(struct dp *dp, struct item *it)
{
	struct dp_op *op = it->op;

	(void)dp;
	if (op->fresh || op->calling || !op->type->cancel || !op_void(it))
		return false;
	op->type->cancel(op);
	op_abort(op, -ECANCELED, NULL);
	return true;
}

void op_timeout(struct dp *dp, struct item *it)
{
	struct dp_op *op = it->op, *orphan;

	if (op->type->cancel) {
		op->type->cancel(op);
		op_abort(op, -ETIMEDOUT, "timed out");
		return;
	}
	/* A backend still holds op: leave it the shell, fail the item with a copy. */
	orphan = op;
	op = xmemdup(orphan, sizeof(*op));
	list_init(&op->list);
	orphan->item = NULL;
	orphan->have = spec_ref(orphan->have);
	orphan->want = spec_ref(orphan->want);
	orphan->seen = NULL;
	orphan->why = NULL;
	list_remove(&orphan->list);
	list_append(&dp->orphans, &orphan->list);
	it->op = op;
	op_abort(op, -ETIMEDOUT, "timed out");
}

/* The system is left as it is; the next run adopts it. */
void ops_cancel_all(struct dp *dp)
{
	struct dp_op *op, *tmp;

	list_for_each_safe (op, tmp, &dp->waiting, list) {
		if (!op->type->cancel)
			continue;
		op->type->cancel(op);
		op->item->op = NULL;
		op_free(op);
	}
}

/* After the backends closed: what they still held. */
void ops_free_all(struct dp *dp)
{
	struct list *lists[] = { &dp->fresh, &dp->waiting, &dp->orphans };
	struct dp_op *op, *tmp;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each_safe (op, tmp, lists[i], list) {
			if (op->item)
				op->item->op = NULL;
			op_free(op);
		}
	}
}

/* ---- For item types and backends ---- */

struct dp *dp_op_dp(const struct dp_op *op)
{
	return op->dp;
}

void **dp_op_data(struct dp_op *op)
{
	return &op->data;
}

void dp_op_why(struct dp_op *op, const char *why)
{
	free(op->why);
	op->why = why && *why ? xstrdup(why) : NULL;
}

void dp_op_done(struct dp_op *op, int err)
{
	assert(!op->done && err <= 0);
	if (op->calling) {
		op->done = true;
		op->err = err;
	} else if (!op->item || op->dp->freeing) {
		if (op->item)
			op->item->op = NULL;
		op_free(op);
	} else {
		op_finish(op, err);
	}
}
