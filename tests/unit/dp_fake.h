/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for tests of the engine: things that need other things. It does what a kernel
 * does: refuses what comes in the wrong order, and lets fall what hangs on something removed.
 * Every refusal for order counts as a violation: the engine must never cause one.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>

#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "dataplane/graph/engine.h"

#define FAKE_NEEDS 4

struct fake_need {
	char name[20]; /* "" = none */
	uint8_t kind;
	uint8_t flags;
	bool up; /* it must be up */
};

enum fake_kind { FAKE_THING, FAKE_SYNC, FAKE_SLOW, FAKE_LAST, FAKE_ASIDE, FAKE_LINK, FAKE_KINDS };

struct fake {
	uint32_t kind;
	char name[20];
	uint32_t value; /* a change is a modify */
	uint32_t hard; /* a change is a recreate */
	uint32_t up;
	uint32_t extra; /* only observed, not part of diff */
	struct fake_need needs[FAKE_NEEDS];
};

struct fake_object {
	struct fake spec;
	bool exists, ours;
	bool disturbed; /* somebody else dropped or changed it: what hangs on it is excused */
	int fail; /* errno of the operations to come */
	int fail_times; /* how many of them; -1: all */
};

#define FAKE_OBJECTS 512
struct fake_world {
	struct fake_object objects[FAKE_OBJECTS];
	unsigned int count;
	struct strbuf
		log; /* "+a " created, "~a " modified, "-a " removed, "|" flushed, "x" cancelled */
	struct strbuf reports; /* "thing a created\n" */
	unsigned int operations, violations, flushes, batch_max;
	uint64_t now_ns;
	bool quiet; /* no log */
	bool tells; /* sends notifications like a kernel, after each flush */
	bool stuck; /* the backend answers nothing */
	unsigned int flush_us; /* the system is busy that long with a batch */
	bool half_made; /* a failed create may leave something */
	unsigned int fail_percent; /* of all operations */
	uint64_t seed;
	struct dp *dp;
	struct event_base *base;
	struct dp_op *pending[4096]; /* batch, in order */
	unsigned int pending_count;
	struct dp_op *slow[4096];
	unsigned int slow_count;
};

static struct fake_world world;
extern const struct dp_type fake_types[FAKE_KINDS];

/* ---- The world ---- */

static unsigned int fake_random(unsigned int below)
{
	world.seed = world.seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(world.seed >> 33) % below;
}

static struct fake_object *fake_object(uint32_t kind, const char *name)
{
	unsigned int i;

	for (i = 0; i < world.count; i++)
		if (world.objects[i].spec.kind == kind &&
		    strcmp(world.objects[i].spec.name, name) == 0)
			return &world.objects[i];
	assert_true(world.count < FAKE_OBJECTS);
	world.objects[world.count].spec.kind = kind;
	snprintf(world.objects[world.count].spec.name, sizeof(world.objects[0].spec.name), "%s",
		 name);
	return &world.objects[world.count++];
}

static bool fake_exists(uint32_t kind, const char *name)
{
	return fake_object(kind, name)->exists;
}

static void fake_violation(const char *what, const struct fake *spec, const char *other)
{
	world.violations++;
	if (!world.quiet)
		print_error("order violated: %s %s, %s\n", what, spec->name, other);
}

static bool fake_needs_there(const struct fake *spec, const char *what)
{
	unsigned int i;

	for (i = 0; i < FAKE_NEEDS; i++) {
		const struct fake_need *n = &spec->needs[i];
		const struct fake_object *o;

		if (!n->name[0])
			continue;
		o = fake_object(n->kind, n->name);
		if (o->exists && (!n->up || o->spec.up))
			continue;
		if (!o->disturbed)
			fake_violation(what, spec, n->name);
		return false;
	}
	return true;
}

static const struct fake_need *fake_need_of(const struct fake_object *user,
					    const struct fake_object *o)
{
	unsigned int i;

	for (i = 0; i < FAKE_NEEDS; i++)
		if (user->spec.needs[i].kind == o->spec.kind &&
		    strcmp(user->spec.needs[i].name, o->spec.name) == 0)
			return &user->spec.needs[i];
	return NULL;
}

/* Removes o and all that falls with it; others that need any of these: too early. */
static void fake_vanish(struct fake_object *o, bool ordered)
{
	unsigned int i;

	o->exists = o->ours = false;
	o->disturbed |= !ordered;
	for (i = 0; i < world.count; i++) {
		struct fake_object *user = &world.objects[i];
		const struct fake_need *n = user->exists ? fake_need_of(user, o) : NULL;

		if (n && (n->flags & DP_FALLS_WITH)) {
			fake_vanish(user, ordered);
			if (world.tells)
				dp_gone(world.dp, &fake_types[user->spec.kind], user->spec.name);
		} else if (n && ordered && user->ours) {
			fake_violation("remove", &o->spec, user->spec.name);
		}
	}
}

/* A predicate turned false: what falls with it may go, or may stay; the engine has to cope. */
static void fake_down(struct fake_object *o)
{
	unsigned int i;

	for (i = 0; i < world.count; i++) {
		struct fake_object *user = &world.objects[i];
		const struct fake_need *n = user->exists ? fake_need_of(user, o) : NULL;

		if (!n || !n->up || !(n->flags & DP_FALLS_WITH) || fake_random(2))
			continue;
		fake_vanish(user, false);
		if (world.tells)
			dp_gone(world.dp, &fake_types[user->spec.kind], user->spec.name);
	}
}

static int fake_remove(struct fake_object *o)
{
	if (!o->exists)
		return 0;
	if (!o->ours)
		fake_violation("touch", &o->spec, "not ours");
	o->disturbed = false;
	fake_vanish(o, true);
	return 0;
}

static int fake_make(struct fake_object *o, const struct fake *spec, enum op_kind kind)
{
	bool was_up = o->exists && o->spec.up;

	if (o->exists && !o->ours) {
		if (kind == OP_MODIFY)
			fake_violation("touch", &o->spec, "not ours");
		return -EEXIST;
	}
	if (!fake_needs_there(spec, kind == OP_CREATE ? "create" : "modify"))
		return -ENOENT;
	if (kind == OP_MODIFY && !o->exists)
		return -ENOENT;
	o->spec = *spec;
	o->exists = o->ours = true;
	o->disturbed = false;
	if (was_up && !spec->up)
		fake_down(o);
	return 0;
}

static int fake_fail(struct dp_op *op, struct fake_object *o, const struct fake *spec)
{
	dp_op_why(op, "the world says no");
	if (op->kind == OP_CREATE && world.half_made && fake_random(2) && !o->exists) {
		bool there = true;
		unsigned int i;

		for (i = 0; i < FAKE_NEEDS; i++)
			there &= !spec->needs[i].name[0] ||
				 fake_exists(spec->needs[i].kind, spec->needs[i].name);
		if (!there)
			return o->fail ? o->fail : -EIO;
		o->spec = *spec;
		o->spec.value = 9999;
		o->exists = o->ours = true;
	}
	return o->fail ? o->fail : -EIO;
}

static int fake_effect(struct dp_op *op)
{
	const struct fake *spec = spec_data(op->kind == OP_REMOVE ? op->have : op->want);
	struct fake_object *o = fake_object(spec->kind, spec->name);

	world.operations++;
	if (!world.quiet)
		strbuf_addf(&world.log, "%c%s ", "+~-"[op->kind], spec -> name);
	if (o->fail && o->fail_times != 0) {
		o->fail_times -= o->fail_times > 0;
		return fake_fail(op, o, spec);
	}
	if (fake_random(100) < world.fail_percent)
		return fake_fail(op, o, spec);
	return op->kind == OP_REMOVE ? fake_remove(o) : fake_make(o, spec, op->kind);
}

/* The notification of what became of it. */
static void fake_tell(uint32_t kind, const char *name)
{
	const struct fake_object *o = fake_object(kind, name);

	if (o->exists)
		dp_observed(world.dp, &fake_types[kind], &o->spec, o->ours);
	else
		dp_gone(world.dp, &fake_types[kind], name);
}

/* ---- Types ---- */

static int fake_batch(struct dp_op *op)
{
	assert_true(world.pending_count < ARRAY_SIZE(world.pending));
	world.pending[world.pending_count++] = op;
	return -EINPROGRESS;
}

static int fake_slow(struct dp_op *op)
{
	assert_true(world.slow_count < ARRAY_SIZE(world.slow));
	world.slow[world.slow_count++] = op;
	return -EINPROGRESS;
}

static int fake_batch_change(struct dp_op *op, const void *spec)
{
	(void)spec;
	return fake_batch(op);
}

static int fake_batch_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	(void)want;
	return fake_batch(op);
}

static int fake_sync(struct dp_op *op, const struct fake *spec)
{
	int r = fake_effect(op);

	if (world.tells)
		fake_tell(spec->kind, spec->name);
	return r;
}

static int fake_sync_change(struct dp_op *op, const void *spec)
{
	return fake_sync(op, spec);
}

static int fake_sync_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return fake_sync(op, want);
}

static int fake_slow_change(struct dp_op *op, const void *spec)
{
	(void)spec;
	return fake_slow(op);
}

static int fake_slow_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	(void)want;
	return fake_slow(op);
}

static void fake_slow_forget(unsigned int i)
{
	world.slow_count--;
	memmove(&world.slow[i], &world.slow[i + 1], (world.slow_count - i) * sizeof(world.slow[0]));
}

static void fake_slow_cancel(struct dp_op *op)
{
	unsigned int i = 0;

	while (i < world.slow_count && world.slow[i] != op)
		i++;
	assert_true(i < world.slow_count);
	fake_slow_forget(i);
	if (!world.quiet)
		strbuf_add(&world.log, "x ");
}

/* The i-th slow operation in flight ends; err 0: with its effect. */
__attribute__((__unused__)) static void fake_finish(unsigned int i, int err)
{
	struct dp_op *op = world.slow[i];
	const struct fake *spec = spec_data(op->kind == OP_REMOVE ? op->have : op->want);
	struct fake copy = *spec;

	assert_true(i < world.slow_count);
	fake_slow_forget(i);
	dp_op_done(op, err ? err : fake_effect(op));
	if (world.tells)
		fake_tell(copy.kind, copy.name);
}

static void fake_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct fake *)spec)->name);
}

static enum dp_change fake_diff(const void *have, const void *want)
{
	const struct fake *h = have, *w = want;

	if (h->hard != w->hard)
		return DP_RECREATE;
	if (h->value != w->value || h->up != w->up ||
	    memcmp(h->needs, w->needs, sizeof(h->needs)) != 0)
		return DP_MODIFY;
	return DP_SAME;
}

static bool fake_is_up(const void *have)
{
	return ((const struct fake *)have)->up;
}

static void fake_needs(const void *want, struct dp_deps *deps)
{
	const struct fake *f = want;
	unsigned int i;

	for (i = 0; i < FAKE_NEEDS; i++)
		if (f->needs[i].name[0])
			dp_need(deps, &fake_types[f->needs[i].kind], f->needs[i].name,
				f->needs[i].flags, f->needs[i].up ? fake_is_up : NULL);
}

static void fake_print(const void *spec, struct strbuf *out)
{
	const struct fake *f = spec;

	strbuf_addf(out, "value=%u", f->value);
	if (f->hard)
		strbuf_addf(out, " hard=%u", f->hard);
	if (f->up)
		strbuf_add(out, " up");
}

static int fake_observe_kind(struct dp *dp, uint32_t kind)
{
	unsigned int i;

	for (i = 0; i < world.count; i++) {
		const struct fake_object *o = &world.objects[i];

		if (o->exists && o->spec.kind == kind)
			dp_observed(dp, &fake_types[kind], &o->spec, o->ours);
	}
	return 0;
}

#define FAKE_OBSERVE(name, kind)                                                                   \
	static int name(struct dp *dp)                                                             \
	{                                                                                          \
		return fake_observe_kind(dp, kind);                                                \
	}
FAKE_OBSERVE(fake_observe_thing, FAKE_THING)
FAKE_OBSERVE(fake_observe_sync, FAKE_SYNC)
FAKE_OBSERVE(fake_observe_slow, FAKE_SLOW)
FAKE_OBSERVE(fake_observe_last, FAKE_LAST)
FAKE_OBSERVE(fake_observe_aside, FAKE_ASIDE)
FAKE_OBSERVE(fake_observe_link, FAKE_LINK)

#define FAKE_COMMON                                                                                \
	.size = sizeof(struct fake), .key = fake_key, .diff = fake_diff, .needs = fake_needs,      \
	.print = fake_print

const struct dp_type fake_types[FAKE_KINDS] = {
	[FAKE_THING] = { .name = "thing",
			 FAKE_COMMON,
			 .create = fake_batch_change,
			 .modify = fake_batch_modify,
			 .remove = fake_batch_change,
			 .observe = fake_observe_thing },
	[FAKE_SYNC] = { .name = "sync",
			FAKE_COMMON,
			.create = fake_sync_change,
			.modify = fake_sync_modify,
			.remove = fake_sync_change,
			.observe = fake_observe_sync },
	[FAKE_SLOW] = { .name = "slow",
			FAKE_COMMON,
			.create = fake_slow_change,
			.modify = fake_slow_modify,
			.remove = fake_slow_change,
			.cancel = fake_slow_cancel,
			.observe = fake_observe_slow,
			.timeout_ms = 1000 },
	[FAKE_LAST] = { .name = "last",
			FAKE_COMMON,
			.create = fake_batch_change,
			.modify = fake_batch_modify,
			.remove = fake_batch_change,
			.observe = fake_observe_last,
			.remove_last = true },
	[FAKE_ASIDE] = { .name = "aside",
			 FAKE_COMMON,
			 .create = fake_sync_change,
			 .modify = fake_sync_modify,
			 .remove = fake_sync_change,
			 .observe = fake_observe_aside,
			 .aside = true },
	[FAKE_LINK] = { .name = "link", FAKE_COMMON, .observe = fake_observe_link },
};

static const struct dp_type *const fake_type_list[] = {
	&fake_types[FAKE_THING],
	&fake_types[FAKE_SYNC],
	&fake_types[FAKE_SLOW],
	&fake_types[FAKE_LAST],
	&fake_types[FAKE_ASIDE],
	&fake_types[FAKE_LINK],
	NULL,
};

/* ---- Backend ---- */

/* One batch: effects in order, then all results, then the notifications. */
static void fake_flush(void *state)
{
	unsigned int n = world.pending_count, i;
	int results[ARRAY_SIZE(world.pending)];
	struct dp_op *batch[ARRAY_SIZE(world.pending)];
	const struct fake *specs[ARRAY_SIZE(world.pending)];

	(void)state;
	if (n == 0 || world.stuck)
		return;
	world.flushes++;
	if (world.flush_us)
		usleep(world.flush_us);
	if (n > world.batch_max)
		world.batch_max = n;
	memcpy(batch, world.pending, n * sizeof(batch[0]));
	world.pending_count = 0;
	for (i = 0; i < n; i++) {
		const struct fake *spec =
			spec_data(batch[i]->kind == OP_REMOVE ? batch[i]->have : batch[i]->want);

		specs[i] = &fake_object(spec->kind, spec->name)->spec;
		results[i] = fake_effect(batch[i]);
	}
	if (!world.quiet)
		strbuf_add(&world.log, "| ");
	for (i = 0; i < n; i++)
		dp_op_done(batch[i], results[i]);
	for (i = 0; world.tells && i < n; i++)
		fake_tell(specs[i]->kind, specs[i]->name);
}

static const struct dp_backend fake_backend = { .name = "fake", .flush = fake_flush };
static const struct dp_backend *const fake_backends[] = { &fake_backend, NULL };

/* ---- Scaffolding ---- */

static uint64_t fake_clock(void *arg)
{
	(void)arg;
	return world.now_ns;
}

static void fake_changed(const struct dp_report *r, void *arg)
{
	(void)arg;
	if (world.quiet)
		return;
	strbuf_addf(&world.reports, "%s %s", r->key, dp_state_name(r->to));
	if (r->why)
		strbuf_addf(&world.reports, ": %s", r->why);
	strbuf_addc(&world.reports, '\n');
}

static void fake_start(void)
{
	const struct dp_conf conf = {
		.owner = "test",
		.netns_fd = -1,
		.types = fake_type_list,
		.backends = fake_backends,
		.changed = fake_changed,
	};

	assert_int_equal(dp_new(world.base, &conf, &world.dp), 0);
	dp_test_clock(world.dp, fake_clock, NULL);
}

/* kill -9 and start again: the world stays, the engine knows nothing. */
__attribute__((__unused__)) static void fake_kill(void)
{
	world.pending_count = 0;
	world.slow_count = 0; /* as if never asked */
	world.dp->freeing = true;
	ops_free_all(world.dp);
	world.dp = dp_free(world.dp);
	fake_start();
	assert_int_equal(dp_adopt(world.dp), 0);
}

static int fake_setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.now_ns = UINT64_C(1000000000000);
	world.base = event_base_new();
	fake_start();
	return 0;
}

static int fake_teardown(void **state)
{
	(void)state;
	dp_free(world.dp);
	event_base_free(world.base);
	strbuf_fini(&world.log);
	strbuf_fini(&world.reports);
	return 0;
}

static struct fake fake(uint32_t kind, const char *name)
{
	struct fake f = { .kind = kind };

	snprintf(f.name, sizeof(f.name), "%s", name);
	return f;
}

static struct fake fake_on(struct fake f, uint32_t kind, const char *need, unsigned int flags,
			   bool up)
{
	struct fake_need *n = f.needs;

	while (n->name[0])
		n++;
	snprintf(n->name, sizeof(n->name), "%s", need);
	n->kind = kind;
	n->flags = flags;
	n->up = up;
	return f;
}

/* The log since the last call. */
#define assert_log(text)                                                                           \
	do {                                                                                       \
		assert_string_equal(strbuf_str(&world.log), text);                                 \
		strbuf_reset(&world.log);                                                          \
	} while (0)
#define assert_reports(text)                                                                       \
	do {                                                                                       \
		assert_string_equal(strbuf_str(&world.reports), text);                             \
		strbuf_reset(&world.reports);                                                      \
	} while (0)
