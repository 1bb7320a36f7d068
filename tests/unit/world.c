/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/world.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

struct world world;

unsigned int world_random(unsigned int below)
{
	world.seed = world.seed * 6364136223846793005u + 1442695040888963407u;
	return below ? (unsigned int)(world.seed >> 33) % below : 0;
}

void world_reset(uint64_t seed)
{
	memset(&world, 0, sizeof(world));
	world.seed = seed;
}

struct thing *world_find(const char *name)
{
	for (unsigned int i = 0; i < WORLD_THINGS; i++)
		if (name[0] && strcmp(world.thing[i].name, name) == 0)
			return &world.thing[i];
	return NULL;
}

static void broke(const char *rule, const char *name)
{
	if (!world.broken[0])
		snprintf(world.broken, sizeof(world.broken), "%s %s", rule, name);
}

static void note(char what, const char *name)
{
	size_t len = strlen(world.log);

	snprintf(world.log + len, sizeof(world.log) - len, "%c%s ", what, name);
}

static bool needs_are_met(const struct thing *t)
{
	for (unsigned int i = 0; i < THING_NEEDS; i++) {
		const struct thing *need = world_find(t->needs[i].name);

		if (t->needs[i].name[0] && (!need || (t->needs[i].positive && need->value <= 0)))
			return false;
	}
	return true;
}

static void put(const struct thing *t, bool foreign)
{
	struct thing *at = world_find(t->name);

	for (unsigned int i = 0; !at && i < WORLD_THINGS; i++)
		if (!world.thing[i].name[0])
			at = &world.thing[i];
	assert(at); /* as many as tests ever make */
	*at = *t;
	world.foreign[at - world.thing] = foreign;
}

void world_put(const struct thing *t, bool foreign)
{
	put(t, foreign);
}

/* All that falls with it goes with it, and what falls with that. */
void world_drop(const char *gone)
{
	struct thing *t = world_find(gone);
	char name[sizeof(t->name)];

	if (!t)
		return;
	memcpy(name, t->name, sizeof(name)); /* gone may point to it */
	t->name[0] = '\0';
	for (unsigned int i = 0; i < WORLD_THINGS; i++)
		for (unsigned int n = 0; n < THING_NEEDS; n++)
			if (world.thing[i].name[0] &&
			    (world.thing[i].needs[n].flags & DP_FALLS_WITH) &&
			    strcmp(world.thing[i].needs[n].name, name) == 0)
				world_drop(world.thing[i].name);
}

static void check_no_user(const char *name)
{
	for (unsigned int i = 0; i < WORLD_THINGS; i++)
		for (unsigned int n = 0; n < THING_NEEDS; n++)
			if (world.thing[i].name[0] &&
			    !(world.thing[i].needs[n].flags & DP_FALLS_WITH) &&
			    strcmp(world.thing[i].needs[n].name, name) == 0)
				broke("removed before its user:", name);
}

static void happen(int kind, const struct thing *t)
{
	note(kind == 'c' ? '+' : kind == 'm' ? '~' : '-', t->name);
	if (kind == 'r') {
		check_no_user(t->name);
		world_drop(t->name);
		return;
	}
	if (!needs_are_met(t))
		broke("made before its needs:", t->name);
	put(t, false);
}

static int start(struct dp_op *op, int kind, const struct thing *t)
{
	if (strcmp(world.fails, t->name) == 0 || world_random(100) < world.fail_percent) {
		dp_op_why(op, "the world says no");
		return -EIO;
	}
	if (world_random(100) < world.late_percent) {
		for (unsigned int i = 0; i < WORLD_THINGS; i++) {
			if (world.late[i])
				continue;
			world.late[i] = op;
			world.late_want[i] = *t;
			world.late_kind[i] = kind;
			world.lates++;
			return -EINPROGRESS;
		}
	}
	happen(kind, t);
	return 0;
}

void world_answer(unsigned int late)
{
	for (unsigned int i = 0; i < WORLD_THINGS; i++) {
		struct dp_op *op = world.late[i];

		if (!op || late-- > 0)
			continue;
		world.late[i] = NULL;
		world.lates--;
		happen(world.late_kind[i], &world.late_want[i]);
		dp_op_done(op, 0);
		return;
	}
}

static void thing_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct thing *)spec)->name);
}

static enum dp_change thing_diff(const void *have, const void *want)
{
	const struct thing *h = have, *w = want;

	if (h->shape != w->shape || memcmp(h->needs, w->needs, sizeof(h->needs)) != 0)
		return DP_RECREATE;
	return h->value == w->value ? DP_SAME : DP_MODIFY;
}

static bool is_positive(const void *have)
{
	return ((const struct thing *)have)->value > 0;
}

static void thing_needs(const void *want, struct dp_deps *deps)
{
	const struct thing *t = want;

	for (unsigned int i = 0; i < THING_NEEDS; i++)
		if (t->needs[i].name[0])
			dp_need(deps, &thing_type, t->needs[i].name, t->needs[i].flags,
				t->needs[i].positive ? is_positive : NULL);
}

static void thing_print(const void *spec, struct strbuf *out)
{
	const struct thing *t = spec;

	strbuf_addf(out, "value=%d shape=%d", t->value, t->shape);
}

static int thing_create(struct dp_op *op, const void *want)
{
	world.creates++;
	return start(op, 'c', want);
}

static int thing_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	world.modifies++;
	return start(op, 'm', want);
}

static int thing_remove(struct dp_op *op, const void *have)
{
	world.removes++;
	return start(op, 'r', have);
}

static void thing_cancel(struct dp_op *op)
{
	for (unsigned int i = 0; i < WORLD_THINGS; i++) {
		if (world.late[i] != op)
			continue;
		world.late[i] = NULL;
		world.lates--;
		world.cancels++;
	}
}

static int thing_observe(struct dp *dp)
{
	dp_resync_begin(dp, &thing_type);
	for (unsigned int i = 0; i < WORLD_THINGS; i++)
		if (world.thing[i].name[0])
			dp_observed(dp, &thing_type, &world.thing[i], !world.foreign[i]);
	dp_resync_end(dp, &thing_type);
	return 0;
}

const struct dp_type thing_type = {
	.name = "thing",
	.size = sizeof(struct thing),
	.key = thing_key,
	.diff = thing_diff,
	.needs = thing_needs,
	.print = thing_print,
	.create = thing_create,
	.modify = thing_modify,
	.remove = thing_remove,
	.cancel = thing_cancel,
	.observe = thing_observe,
};

const struct dp_type *const thing_types[] = { &thing_type, NULL };
const struct dp_backend *const no_backends[] = { NULL };
