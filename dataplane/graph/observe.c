/* SPDX-License-Identifier: Apache-2.0 */
/* What item types see of the system, at any time: existence, change, disappearance. */
#include "dataplane/graph/engine.h"

/* An operation is under way: what it says at its end counts, this only adds detail to it. */
static void op_saw(struct dp_op *op, const void *spec, bool ours)
{
	struct spec *seen = NULL;

	op->gone = !spec;
	op->seen_ours = ours;
	if (spec && spec_new(op->type, spec, &seen) < 0)
		return;
	spec_unref(op->type, op->seen);
	op->seen = seen;
}

/* Somebody else changed what is not for us to mend: those that depend on it notice here. */
static void foreign_changed(struct dp *dp, struct item *it, const void *now)
{
	enum dp_change change = it->kind->type->diff(it->have->data, now);
	struct edge *e;

	if (change == DP_SAME)
		return;
	for (e = it->users; e; e = e->next_user) {
		if (!(e->use & USE_HAVE))
			continue;
		if (change == DP_RECREATE && (e->flags & DP_FALLS_WITH))
			e->from->fell = true;
		else if (e->flags & DP_FOLLOW)
			e->from->stale = true;
		item_dirty(dp, e->from);
	}
}

static struct spec *spec_share_or_new(const struct item *it, const void *data)
{
	const struct dp_type *type = it->kind->type;
	struct spec *want = item_want(it), *spec;

	if (want && spec_equal(type, want->data, data))
		return spec_ref(want);
	return spec_new(type, data, &spec) < 0 ? NULL : spec;
}

static void item_observed(struct dp *dp, struct item *it, const void *data, bool ours)
{
	const struct dp_type *type = it->kind->type;
	struct spec *want = item_want(it), *spec;

	spec = spec_share_or_new(it, data);
	if (!spec)
		return; /* heap of the spec was refused: as if not seen */
	if (it->have && it->observed && (!want || !type->create))
		foreign_changed(dp, it, data);
	it->ours |= ours;
	it->drift = want && it->settled && it->ours && type->create &&
		    type->diff(data, want->data) != DP_SAME;
	it->observed = true;
	it->new_have = true;
	it->unsure = false;
	spec_unref(type, it->maybe);
	it->maybe = NULL;
	item_set_have(dp, it, spec);
}

void dp_observed(struct dp *dp, const struct dp_type *type, const void *spec, bool ours)
{
	struct kind *kind = kind_get(dp, type);
	struct item *it = item_of_spec(dp, kind, spec);

	it->seen = kind->resync;
	if (it->op) {
		op_saw(it->op, spec, ours);
		return;
	}
	it->fell = false;
	if (!it->have || !spec_equal(type, it->have->data, spec)) {
		item_observed(dp, it, spec, ours);
		return;
	}
	it->observed = true;
	if ((ours && !it->ours) || it->unsure) {
		it->new_have = true; /* a modify that failed left the needs of both */
		it->ours |= ours;
		it->unsure = false;
		item_dirty(dp, it);
	}
}

static void item_gone(struct dp *dp, struct item *it)
{
	if (it->op) {
		op_saw(it->op, NULL, false);
		return;
	}
	if (!item_present(it))
		return;
	if (it->have && it->ours && it->settled && item_want(it) && it->kind->type->create)
		it->drift = true;
	item_forget(dp, it);
}

void dp_gone(struct dp *dp, const struct dp_type *type, const char *key)
{
	struct item *it = item_lookup(dp, type, key);

	if (it)
		item_gone(dp, it);
}

void dp_resync_begin(struct dp *dp, const struct dp_type *type)
{
	struct kind *kind = kind_get(dp, type);

	kind->resync = ++kind->last_resync ?: ++kind->last_resync;
}

void dp_resync_end(struct dp *dp, const struct dp_type *type)
{
	struct kind *kind = kind_get(dp, type);
	struct hmap_node *n, *tmp;

	if (!kind->resync)
		return;
	hmap_for_each_safe (n, tmp, &kind->items) {
		struct item *it = container_of(n, struct item, node);

		if (it->seen != kind->resync && !(it->op && it->op->kind == OP_CREATE))
			item_gone(dp, it);
	}
	kind->resync = 0;
	dp->counts.resyncs++;
}
