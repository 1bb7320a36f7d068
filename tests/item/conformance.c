/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/item/conformance.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "tests/item/kill.h"
#include "tests/item/space.h"

static void world_submit(struct node *n, const struct item_story *story)
{
	struct dp_graph *g = dp_graph_new("world");

	if (story->world)
		story->world(g);
	require(dp_submit(node_dp(n), g) == 0, "the world could not be submitted");
}

static void world_settle(struct node *n, const struct item_story *story)
{
	struct dp_report report;

	world_submit(n, story);
	node_settle(n);
	if (dp_scope_problem(node_dp(n), "world", &report)) {
		node_dump(n, stderr);
		wrong(__FILE__, __LINE__, "the world is not right: %s %s: %s", report.type->name,
		      report.key, report.why ? report.why : strerror(-report.err));
	}
}

static char *key_of(const struct item_story *story)
{
	struct strbuf key = STRBUF_INIT;

	story->type->key(story->a, &key);
	return strbuf_take(&key);
}

/* A new run, which finds what the last one left. */
static struct node *next_run(const struct item_story *story)
{
	struct node *n = node_new();

	world_settle(n, story);
	return n;
}

/* What a run that knows nothing yet reads back must be spec; NULL: it must be absent. */
static void require_observed(const struct item_story *story, const void *spec, const char *when)
{
	_cleanup_(freep) char *key = key_of(story);
	struct node *n = next_run(story);
	struct strbuf text = STRBUF_INIT;
	const void *have = dp_have(node_dp(n), story->type, key);

	if (have && story->type->print)
		story->type->print(have, &text);
	if (!spec && have)
		wrong(__FILE__, __LINE__, "%s: %s %s still exists: %s", when, story->type->name,
		      key, strbuf_str(&text));
	if (spec && !have) {
		node_dump(n, stderr);
		wrong(__FILE__, __LINE__, "%s: %s %s was not found", when, story->type->name, key);
	}
	if (spec && story->type->diff(have, spec) != DP_SAME)
		wrong(__FILE__, __LINE__, "%s: %s %s is otherwise: %s", when, story->type->name,
		      key, strbuf_str(&text));
	if (spec && story->look)
		story->look(have);
	strbuf_fini(&text);
	node_free(n);
}

static uint64_t operations(struct node *n)
{
	struct dp_counts counts;

	dp_counts(node_dp(n), &counts);
	return counts.operations;
}

static void require_no_operation(struct node *n, const struct item_story *story, const void *spec,
				 const char *when)
{
	uint64_t before = operations(n);

	node_apply(n, story->type, spec);
	dp_sweep(node_dp(n));
	node_settle(n);
	if (operations(n) != before) {
		node_dump(n, stderr);
		wrong(__FILE__, __LINE__, "%s: %llu operations where none was needed", when,
		      (unsigned long long)(operations(n) - before));
	}
}

static void adopts(const struct item_story *story, const void *spec, const char *when)
{
	struct node *n = next_run(story);

	require_no_operation(n, story, spec, when);
	node_free(n);
}

static bool is_repaired(struct node *n, void *arg)
{
	_cleanup_(freep) char *key = key_of(arg);
	const struct item_story *story = arg;
	struct dp_counts counts;

	dp_counts(node_dp(n), &counts);
	return counts.repaired && dp_idle(node_dp(n)) &&
	       dp_state(node_dp(n), story->type, key, NULL) == DP_CREATED;
}

/* Another run that wants nothing sweeps it away; ours notices and repairs. */
static void repairs_drift(struct node *n, const struct item_story *story, const void *spec)
{
	struct node *vandal = next_run(story);

	dp_sweep(node_dp(vandal));
	node_settle(vandal);
	node_free(vandal);
	node_wait(n, 5000, is_repaired, (void *)story, "drift to be repaired");
	require_observed(story, spec, "after drift");
}

/* It is removed behind the back of a run that removes it too. */
static void removes_what_is_gone(struct node *n, const struct item_story *story)
{
	struct node *vandal;

	node_apply(n, story->type, story->a);
	vandal = next_run(story);
	dp_sweep(node_dp(vandal));
	node_settle(vandal);
	node_free(vandal);
	node_apply(n, story->type, NULL);
	require_observed(story, NULL, "after it was removed twice");
}

static void life(const void *arg)
{
	const struct item_story *story = arg;
	_cleanup_(freep) char *key = key_of(story);
	struct node *n;

	if (story->prepare)
		story->prepare();
	n = next_run(story);
	dp_sweep(node_dp(n));

	node_apply(n, story->type, story->a);
	require_observed(story, story->a, "after create");
	require_no_operation(n, story, story->a, "create again");
	adopts(story, story->a, "adoption");
	if (story->b) {
		node_apply(n, story->type, story->b);
		require_observed(story, story->b, "after change");
		adopts(story, story->b, "adoption of the change");
		node_apply(n, story->type, story->a);
		require_observed(story, story->a, "after change back");
	}
	if (!story->no_drift)
		repairs_drift(n, story, story->a);
	node_apply(n, story->type, NULL);
	require(dp_state(node_dp(n), story->type, key, NULL) == DP_ABSENT, "not absent");
	require_observed(story, NULL, "after removal");
	require_no_operation(n, story, NULL, "remove again");
	if (!story->no_drift)
		removes_what_is_gone(n, story);
	node_free(n);
}

/* ---- Kill in the middle ---- */

struct step {
	const struct item_story *story;
	const char *name;
	const void *from, *to; /* NULL: absent */
	bool skip;
};

/* The run that is killed: everything up to adoption is over before the knife comes out. */
static void victim(void *arg)
{
	const struct step *step = arg;
	struct node *n = node_new();

	world_submit(n, step->story);
	kill_begin();
	dp_sweep(node_dp(n));
	node_apply(n, step->story->type, step->to);
}

static void bring_to(const struct step *step, const void *spec, const char *when)
{
	struct node *n = next_run(step->story);

	node_apply(n, step->story->type, spec);
	dp_sweep(node_dp(n));
	node_settle(n);
	node_free(n);
	require_observed(step->story, spec, when);
}

static void survives_kills(const struct step *step)
{
	unsigned int point;
	bool killed;

	for (point = 1;; point++) {
		_cleanup_(freep) char *when =
			xasprintf("%s, killed at system call %u", step->name, point);

		bring_to(step, step->from, step->name);
		killed = kill_at(point, victim, (void *)step);
		bring_to(step, step->to, when);
		if (!killed)
			return; /* it came to its end */
	}
}

static void kills(const void *arg)
{
	const struct item_story *story = arg;
	const struct step steps[] = {
		{ .story = story, .name = "create", .to = story->a },
		{ .story = story,
		  .name = "change",
		  .from = story->a,
		  .to = story->b,
		  .skip = !story->b },
		{ .story = story, .name = "remove", .from = story->a },
	};
	size_t i;

	if (story->prepare)
		story->prepare();
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (!steps[i].skip)
			survives_kills(&steps[i]);
}

void item_conformance(const struct item_story *story)
{
	in_space(life, story);
	in_space(kills, story);
}
