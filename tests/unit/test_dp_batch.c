/* SPDX-License-Identifier: Apache-2.0 */
/* What travels together, in which order, when operations are batched; and rings and chains. */
#include "tests/unit/dp_fake.h"

static struct fake thing(const char *name)
{
	return fake(FAKE_THING, name);
}

static struct fake on(struct fake f, const char *need)
{
	return fake_on(f, FAKE_THING, need, 0, false);
}

static struct fake falls(struct fake f, const char *need)
{
	return fake_on(f, FAKE_THING, need, DP_FALLS_WITH, false);
}

/* Submits up to eight things as scope "s" and runs; the list ends with a nameless one. */
static void want_in(const char *scope, const struct fake *list)
{
	struct dp_graph *g = dp_graph_new(scope);

	for (; list->name[0]; list++)
		dp_want(g, &fake_types[list->kind], list);
	assert_int_equal(dp_submit(world.dp, g), 0);
	dp_run(world.dp);
	assert_int_equal(world.violations, 0);
}
#define want(...) want_in("s", (const struct fake[]){ __VA_ARGS__{ 0 } })

static enum dp_state state_of(const char *name)
{
	return dp_state(world.dp, &fake_types[FAKE_THING], name, NULL);
}

static const char *why_of(const char *name)
{
	const char *why = NULL;

	dp_state(world.dp, &fake_types[FAKE_THING], name, &why);
	return why ? why : "";
}

static void what_is_ready_together_travels_together(void **state)
{
	(void)state;
	want(thing("a"), thing("b"), on(thing("c"), "a"), on(thing("d"), "b"), );
	assert_log("+a +b | +c +d | ");
}

static void removals_and_changes_go_before_creations(void **state)
{
	struct fake a = thing("a");

	(void)state;
	want(a, thing("b"), );
	strbuf_reset(&world.log);
	a.value = 1;
	want(thing("c"), a, );
	assert_log("-b ~a +c | ");
}

static void what_loses_its_need_is_removed_users_first(void **state)
{
	(void)state;
	want(thing("a"), on(thing("b"), "a"), on(thing("c"), "b"), );
	strbuf_reset(&world.log);
	want(on(thing("b"), "a"), on(thing("c"), "b"), );
	assert_log("-c | -b | -a | ");
	assert_int_equal(state_of("b"), DP_WAITING);
	assert_string_equal(why_of("b"), "needs thing a");
	assert_string_equal(why_of("c"), "needs thing b");
}

static void what_falls_with_its_need_is_not_removed_one_by_one(void **state)
{
	(void)state;
	want(thing("a"), falls(thing("b"), "a"), falls(thing("c"), "b"), on(thing("d"), "c"), );
	strbuf_reset(&world.log);
	want();
	assert_log("-d | -a | ");
	assert_int_equal(world.dp->counts.items, 0);
}

static void recreates_users_in_order(void **state)
{
	struct fake a = thing("a");

	(void)state;
	want(a, falls(thing("b"), "a"), on(thing("c"), "a"), on(thing("d"), "c"), );
	strbuf_reset(&world.log);
	a.hard = 1;
	want(a, falls(thing("b"), "a"), on(thing("c"), "a"), on(thing("d"), "c"), );
	assert_log("-d | -c | -a | +a | +c +b | +d | ");
}

static void a_changed_need_is_respected_on_both_sides(void **state)
{
	(void)state;
	want(thing("a"), on(thing("p"), "a"), );
	strbuf_reset(&world.log);
	/* p moves from a to b: after b is there, and before a goes. */
	want(thing("b"), on(thing("p"), "b"), );
	assert_log("-p +b | -a +p | ");
	strbuf_reset(&world.log);
	want(thing("b"), thing("c"), on(thing("p"), "c"), );
	assert_log("+c | ~p | ");
}

static void the_slow_removals_go_last_and_together(void **state)
{
	struct fake l = fake(FAKE_LAST, "l"), m = fake(FAKE_LAST, "m");

	(void)state;
	want(l, m, thing("a"), on(thing("b"), "a"), );
	strbuf_reset(&world.log);
	want();
	assert_log("-b | -a | -l -m | ");
	want(l, );
	strbuf_reset(&world.log);
	l.hard = 1; /* needed again: at once */
	want(l, thing("z"), );
	assert_log("-l +z | +l | ");
}

static void what_no_packet_waits_for_comes_after_the_batches(void **state)
{
	struct fake file = fake(FAKE_ASIDE, "file"), route = thing("route");

	(void)state;
	want(file, route, fake_on(fake(FAKE_ASIDE, "program"), FAKE_THING, "link", 0, false),
	     thing("link"), );
	assert_log("+route +link | +file +program ");
	strbuf_reset(&world.log);
	file.value = route.value = 1;
	want(file, route, );
	assert_log("-program -link ~route | ~file ");
	strbuf_reset(&world.log);
	want();
	assert_log("-file -route | ");
}

static void synchronous_ones_need_no_flush(void **state)
{
	(void)state;
	want(fake_on(fake(FAKE_SYNC, "b"), FAKE_SYNC, "a", 0, false), fake(FAKE_SYNC, "a"), );
	assert_log("+a +b ");
	assert_int_equal(world.flushes, 0);
}

static void a_ring_waits_and_one_that_exists_is_taken_apart(void **state)
{
	struct fake a = thing("a"), b = on(thing("b"), "a");

	(void)state;
	want(on(thing("x"), "y"), on(thing("y"), "x"), );
	assert_log("");
	assert_string_equal(why_of("x"), "needs thing y");
	want(a, b, );
	a = on(a, "b"); /* modified into a ring */
	world.quiet = true; /* no order is right now */
	want(a, b, );
	{
		struct dp_graph *g = dp_graph_new("s");

		assert_int_equal(dp_submit(world.dp, g), 0);
		dp_run(world.dp);
	}
	assert_true(dp_idle(world.dp));
	assert_false(fake_exists(FAKE_THING, "a"));
	assert_false(fake_exists(FAKE_THING, "b"));
	assert_int_equal(world.dp->counts.items, 0);
}

static void chains_of_any_length_do_not_recurse(void **state)
{
	enum { N = 100000 };
	struct dp_graph *g = dp_graph_new("s");
	unsigned int i;

	(void)state;
	world.quiet = true;
	for (i = 0; i < N; i++) {
		char name[20], need[20];
		struct fake f;

		snprintf(name, sizeof(name), "n%u", i);
		snprintf(need, sizeof(need), "n%u", i + 1);
		f = fake_on(fake(FAKE_THING, name), FAKE_THING, need, DP_FALLS_WITH, false);
		dp_want(g, &fake_types[FAKE_THING], &f);
	}
	assert_int_equal(dp_submit(world.dp, g), 0);
	/* All exist already, hanging on each other; only the end is missing. */
	for (i = 0; i < N; i++) {
		char name[20], need[20];
		struct fake f;

		snprintf(name, sizeof(name), "n%u", i);
		snprintf(need, sizeof(need), "n%u", i + 1);
		f = fake_on(fake(FAKE_THING, name), FAKE_THING, need, DP_FALLS_WITH, false);
		dp_observed(world.dp, &fake_types[FAKE_THING], &f, true);
	}
	{
		struct fake end = thing("n100000");

		dp_observed(world.dp, &fake_types[FAKE_THING], &end, false);
	}
	dp_run(world.dp);
	assert_int_equal(state_of("n0"), DP_CREATED);
	dp_gone(world.dp, &fake_types[FAKE_THING], "n100000");
	dp_run(world.dp);
	assert_int_equal(state_of("n0"), DP_WAITING);
	assert_int_equal(world.operations, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_ready_together_travels_together),
		TEST(removals_and_changes_go_before_creations),
		TEST(what_loses_its_need_is_removed_users_first),
		TEST(what_falls_with_its_need_is_not_removed_one_by_one),
		TEST(recreates_users_in_order),
		TEST(a_changed_need_is_respected_on_both_sides),
		TEST(the_slow_removals_go_last_and_together),
		TEST(what_no_packet_waits_for_comes_after_the_batches),
		TEST(synchronous_ones_need_no_flush),
		TEST(a_ring_waits_and_one_that_exists_is_taken_apart),
		TEST(chains_of_any_length_do_not_recurse),
	};

	return cmocka_run_group_tests_name("dp_batch", tests, NULL, NULL);
}
