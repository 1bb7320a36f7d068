/* SPDX-License-Identifier: Apache-2.0 */
/* What is still to do, in the order it would be done. */
#include "dataplane/graph/engine.h"

#include <errno.h>

static bool is_todo(const struct item *it)
{
	switch ((enum dp_state)it->state) {
	case DP_ABSENT:
	case DP_CREATED:
	case DP_FOREIGN:
		return it->queue != Q_NONE && (item_present(it) || it->claims);
	case DP_WAITING:
	case DP_CREATING:
	case DP_MODIFYING:
	case DP_REMOVING:
	case DP_FAILED:
	case DP_LEFTOVER:
		return true;
	}
	return false;
}

static const char *verb(const struct item *it)
{
	const struct spec *want = item_want(it), *have = it->have ?: it->maybe;

	if (!want)
		return "remove";
	if (!have)
		return "create";
	switch (it->kind->type->diff(have->data, want->data)) {
	case DP_SAME:
		return it->stale ? "recreate" : "keep";
	case DP_MODIFY:
		return "modify";
	case DP_RECREATE:
		return "recreate";
	}
	return "keep";
}

struct todo {
	const struct item **item;
	size_t n;
	bool *done;
};

/* Index by binary search: the list is sorted by address. */
static int item_cmp(const void *a, const void *b)
{
	const struct item *ia = *(const struct item *const *)a,
			  *ib = *(const struct item *const *)b;

	return ia < ib ? -1 : ia > ib;
}

static void collect(const struct dp *dp, struct todo *t)
{
	const struct kind *kind;
	struct hmap_node *n;

	t->item = xcalloc(dp->counts.items + 1, sizeof(*t->item));
	list_for_each (kind, &dp->kind_order, list) {
		hmap_for_each (n, &kind->items) {
			const struct item *it = container_of(n, struct item, node);

			if (is_todo(it))
				t->item[t->n++] = it;
		}
	}
	qsort(t->item, t->n, sizeof(*t->item), item_cmp);
	t->done = xcalloc(t->n + 1, sizeof(*t->done));
}

static bool pending(const struct todo *t, const struct item *it)
{
	const struct item **at = bsearch(&it, t->item, t->n, sizeof(*t->item), item_cmp);

	return at && !t->done[at - t->item];
}

/* Removals after their users, everything else after its needs. */
static bool ready(const struct todo *t, const struct item *it)
{
	const struct edge *e;

	if (!item_want(it)) {
		for (e = it->users; e; e = e->next_user)
			if (!item_want(e->from) && pending(t, e->from))
				return false;
		return true;
	}
	for (e = it->needs; e; e = e->next_need)
		if (pending(t, e->to))
			return false;
	return true;
}

static void print(const struct item *it, FILE *out)
{
	const struct spec *spec = item_want(it) ?: it->have ?: it->maybe;
	struct strbuf text = STRBUF_INIT;
	const char *why = item_why(it);

	strbuf_addf(&text, "%-8s %s %s", verb(it), it->kind->type->name, it->key);
	if (spec && it->kind->type->print) {
		strbuf_addc(&text, ' ');
		it->kind->type->print(spec->data, &text);
	}
	fprintf(out, "%s [%s%s%s]\n", strbuf_str(&text), dp_state_name((enum dp_state)it->state),
		why ? ": " : "", why ?: "");
	strbuf_fini(&text);
}

int dp_plan(const struct dp *dp, FILE *out)
{
	struct todo t = { 0 };
	bool progress = true, force = false;
	size_t left;

	collect(dp, &t);
	for (left = t.n; left > 0; force = !progress) {
		progress = false;
		for (size_t i = 0; i < t.n; i++) {
			if (t.done[i] || (!force && !ready(&t, t.item[i])))
				continue;
			t.done[i] = progress = true;
			left--;
			print(t.item[i], out);
		}
	}
	free(t.item);
	free(t.done);
	return ferror(out) ? -EIO : 0;
}
