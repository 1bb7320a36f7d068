/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that take their time, and what happens meanwhile; time-outs, back-off, drift. */
#include "tests/unit/dp_fake.h"

#define MS UINT64_C(1000000)

static struct fake slow(const char *name)
{
	return fake(FAKE_SLOW, name);
}

static struct fake thing(const char *name)
{
	return fake(FAKE_THING, name);
}

static struct fake on(struct fake f, const char *need, unsigned int flags)
{
	return fake_on(f, FAKE_THING, need, flags, false);
}

static struct fake valued(struct fake f, uint32_t value)
{
	f.value = value;
	return f;
}

static void submit(const struct fake *list)
{
	struct dp_graph *g = dp_graph_new("s");

	for (; list->name[0]; list++)
		dp_want(g, &fake_types[list->kind], list);
	assert_int_equal(dp_submit(world.dp, g), 0);
	dp_run(world.dp);
}
#define want(...) submit((const struct fake[]){ __VA_ARGS__{ 0 } })

static enum dp_state state_of(uint32_t kind, const char *name, const char *why)
{
	const char *said;
	enum dp_state s = dp_state(world.dp, &fake_types[kind], name, &said);

	if (why)
		assert_string_equal(said ? said : "", why);
	return s;
}

static void pass_ms(uint64_t ms)
{
	world.now_ns += ms * MS;
	dp_test_tick(world.dp);
}

static uint64_t deadline_ms(void)
{
	return (dp_test_deadline_ns(world.dp) - world.now_ns) / MS;
}

static void a_creation_is_cancelled_when_what_it_needs_goes(void **state)
{
	(void)state;
	want(thing("a"), on(slow("b"), "a", 0), );
	assert_log("+a | ");
	want(on(slow("b"), "a", 0), );
	/* What the cancelled one may have left is removed before what it needs. */
	assert_log("x ");
	assert_int_equal(world.slow_count, 1);
	fake_finish(0, 0);
	dp_run(world.dp);
	assert_log("-b -a | ");
	assert_int_equal(state_of(FAKE_SLOW, "b", "needs thing a"), DP_WAITING);
}

static void a_broken_off_change_is_made_again_even_if_the_old_wish_returns(void **state)
{
	(void)state;
	want(slow("a"), );
	fake_finish(0, 0);
	dp_run(world.dp);
	want(valued(slow("a"), 1), );
	want(slow("a"), ); /* as it was; but nobody knows how far the change got */
	assert_log("+a x ");
	assert_int_equal(world.slow_count, 1);
	fake_finish(0, 0);
	dp_run(world.dp);
	assert_log("~a ");
	assert_int_equal(state_of(FAKE_SLOW, "a", ""), DP_CREATED);
}

static void a_removal_ends_before_the_item_is_made_again(void **state)
{
	(void)state;
	want(slow("a"), );
	fake_finish(0, 0);
	dp_run(world.dp);
	want();
	want(slow("a"), );
	assert_log("+a ");
	assert_int_equal(state_of(FAKE_SLOW, "a", NULL), DP_REMOVING);
	fake_finish(0, 0);
	dp_run(world.dp);
	assert_int_equal(state_of(FAKE_SLOW, "a", NULL), DP_CREATING);
	fake_finish(0, 0);
	dp_run(world.dp);
	assert_log("-a +a ");
}

static void what_waits_for_more_than_a_batch_times_out(void **state)
{
	(void)state;
	want(slow("a"), );
	assert_int_equal(deadline_ms(), 1000);
	pass_ms(999);
	assert_int_equal(state_of(FAKE_SLOW, "a", NULL), DP_CREATING);
	pass_ms(1);
	assert_log("x ");
	assert_int_equal(state_of(FAKE_SLOW, "a", "timed out"), DP_FAILED);
	assert_int_equal(deadline_ms(), 100);
}

static void a_backend_that_loses_an_operation_is_not_waited_for_for_ever(void **state)
{
	struct dp_op *lost;

	(void)state;
	world.stuck = true;
	want(thing("a"), );
	lost = world.pending[0];
	pass_ms(10000);
	assert_int_equal(state_of(FAKE_THING, "a", "timed out"), DP_FAILED);
	world.stuck = false;
	world.pending_count = 0;
	pass_ms(100);
	assert_log("+a | ");
	assert_int_equal(state_of(FAKE_THING, "a", ""), DP_CREATED);
	dp_op_done(lost, -EIO); /* late: means nothing any more */
	dp_run(world.dp);
	assert_int_equal(state_of(FAKE_THING, "a", ""), DP_CREATED);
}

static void retries_double_up_to_thirty_seconds(void **state)
{
	static const unsigned int expected[] = { 100,  200,   400,   800,   1600, 3200,
						 6400, 12800, 25600, 30000, 30000 };
	struct dp_counts counts;
	unsigned int i;

	(void)state;
	fake_object(FAKE_THING, "a")->fail = -EBUSY;
	fake_object(FAKE_THING, "a")->fail_times = -1;
	want(thing("a"), );
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(deadline_ms(), expected[i]);
		pass_ms(expected[i]);
	}
	/* The same failure again is no news. */
	assert_reports("a failed: the world says no\n");
	dp_counts(world.dp, &counts);
	assert_int_equal(counts.retries, ARRAY_SIZE(expected));
	want(valued(thing("a"), 1), );
	assert_int_equal(deadline_ms(), 100);
}

static void a_need_that_comes_ends_the_back_off_but_does_not_make_us_spin(void **state)
{
	unsigned int i;

	(void)state;
	fake_object(FAKE_THING, "b")->fail = -EBUSY;
	fake_object(FAKE_THING, "b")->fail_times = -1;
	want(on(thing("b"), "a", 0), thing("a"), );
	pass_ms(100);
	pass_ms(200);
	pass_ms(400);
	assert_int_equal(deadline_ms(), 800);
	strbuf_reset(&world.log);
	for (i = 0; i < 50; i++) {
		want(on(thing("b"), "a", 0), );
		want(on(thing("b"), "a", 0), thing("a"), );
	}
	assert_null(strstr(strbuf_str(&world.log), "+b"));
	assert_int_equal(deadline_ms(), 100);
}

static void drift_again_and_again_is_repaired_with_back_off(void **state)
{
	static const unsigned int expected[] = { 100, 200, 400, 800 };
	unsigned int i;

	(void)state;
	want(thing("a"), );
	strbuf_reset(&world.reports);
	fake_object(FAKE_THING, "a")->exists = false;
	dp_gone(world.dp, &fake_types[FAKE_THING], "a");
	dp_run(world.dp);
	assert_log("+a | +a | ");
	assert_reports("a created: drift\n");
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		fake_object(FAKE_THING, "a")->exists = false;
		dp_gone(world.dp, &fake_types[FAKE_THING], "a");
		dp_run(world.dp);
		assert_log("");
		assert_int_equal(
			state_of(FAKE_THING, "a", "changed again and again by somebody else"),
			DP_FAILED);
		assert_int_equal(deadline_ms(), expected[i]);
		pass_ms(expected[i]);
		assert_log("+a | ");
		assert_int_equal(state_of(FAKE_THING, "a", ""), DP_CREATED);
	}
	pass_ms(60000);
	fake_object(FAKE_THING, "a")->exists = false;
	dp_gone(world.dp, &fake_types[FAKE_THING], "a");
	dp_run(world.dp);
	assert_log("+a | ");
}

static void seeing_our_own_creation_meanwhile_disturbs_nothing(void **state)
{
	struct fake seen = slow("a");

	(void)state;
	want(slow("a"), );
	seen.value = 9; /* half-made */
	dp_observed(world.dp, &fake_types[FAKE_SLOW], &seen, true);
	seen.value = 0;
	seen.extra = 42;
	dp_observed(world.dp, &fake_types[FAKE_SLOW], &seen, true);
	dp_run(world.dp);
	fake_finish(0, 0);
	dp_run(world.dp);
	assert_log("+a ");
	assert_reports("a creating\na created\n");
	assert_int_equal(
		((const struct fake *)dp_have(world.dp, &fake_types[FAKE_SLOW], "a"))->extra, 42);
	dp_observed(world.dp, &fake_types[FAKE_SLOW], &seen, true);
	dp_run(world.dp);
	assert_reports("");
}

static void a_foreign_one_that_came_first_is_not_ours(void **state)
{
	struct fake_object *o = fake_object(FAKE_THING, "a");

	(void)state;
	world.tells = true;
	o->exists = true; /* nobody has told us yet */
	o->spec.value = 5;
	want(thing("a"), );
	assert_int_equal(state_of(FAKE_THING, "a", "exists and is not ours"), DP_FAILED);
	assert_int_equal(dp_test_deadline_ns(world.dp), 0);
	o->exists = false;
	strbuf_reset(&world.log);
	dp_gone(world.dp, &fake_types[FAKE_THING], "a");
	dp_run(world.dp);
	assert_log("+a | ");
}

static void what_a_resync_does_not_see_is_gone(void **state)
{
	(void)state;
	want(thing("a"), thing("b"), );
	strbuf_reset(&world.log);
	fake_object(FAKE_THING, "b")->exists = false;
	dp_resync_begin(world.dp, &fake_types[FAKE_THING]);
	fake_types[FAKE_THING].observe(world.dp);
	dp_resync_end(world.dp, &fake_types[FAKE_THING]);
	dp_run(world.dp);
	assert_log("+b | ");
	assert_int_equal(world.dp->counts.resyncs, 1);
}

static void a_modify_of_what_vanished_unseen_becomes_a_creation(void **state)
{
	(void)state;
	want(thing("a"), );
	strbuf_reset(&world.log);
	fake_object(FAKE_THING, "a")->exists = false;
	want(valued(thing("a"), 1), );
	assert_log("~a | ");
	pass_ms(100);
	assert_log("-a | +a | ");
}

static void a_link_that_is_another_one_takes_along_what_fell_with_it(void **state)
{
	struct fake link = fake(FAKE_LINK, "eth0");
	struct fake addr = fake_on(thing("addr"), FAKE_LINK, "eth0", DP_FALLS_WITH, false);
	struct fake follow = fake_on(thing("lease"), FAKE_LINK, "eth0", DP_FOLLOW, false);

	(void)state;
	fake_object(FAKE_LINK, "eth0")->exists = true;
	dp_observed(world.dp, &fake_types[FAKE_LINK], &link, false);
	want(addr, follow, );
	strbuf_reset(&world.log);
	link.extra = 1; /* nothing that matters */
	dp_observed(world.dp, &fake_types[FAKE_LINK], &link, false);
	dp_run(world.dp);
	assert_log("");
	link.value = 1; /* changed: who follows it starts over */
	dp_observed(world.dp, &fake_types[FAKE_LINK], &link, false);
	dp_run(world.dp);
	assert_log("-lease | +lease | ");
	link.hard = 1; /* another one by the same name */
	fake_object(FAKE_THING, "addr")->exists = false;
	dp_observed(world.dp, &fake_types[FAKE_LINK], &link, false);
	dp_run(world.dp);
	assert_log("-lease +addr | +lease | ");
}

static void what_is_observed_only_goes_with_its_maker(void **state)
{
	struct fake veth = fake(FAKE_LAST, "veth");
	/* The link says whose it is; the address falls with the link. */
	struct fake link =
		fake_on(fake(FAKE_LINK, "veth"), FAKE_LAST, "veth", DP_FALLS_WITH, false);
	struct fake addr = fake_on(thing("addr"), FAKE_LINK, "veth", DP_FALLS_WITH, false);

	(void)state;
	want(veth, addr, );
	fake_object(FAKE_LINK, "veth")->exists = true;
	fake_object(FAKE_LINK, "veth")->spec = link;
	dp_observed(world.dp, &fake_types[FAKE_LINK], &link, false);
	dp_run(world.dp);
	assert_log("+veth | +addr | ");
	world.tells = true;
	want();
	assert_log("-veth | ");
	assert_int_equal(world.dp->counts.items, 0);
}

/* ---- Callbacks and the loop ---- */

static void submit_from_watch(const char *key, const void *was, const void *now, void *arg)
{
	struct dp_graph *g = dp_graph_new("from watch");
	struct fake f = thing("w");

	(void)arg;
	(void)was;
	if (strcmp(key, "eth0") != 0)
		return;
	if (now)
		dp_want(g, &fake_types[FAKE_THING], &f);
	assert_int_equal(dp_submit(world.dp, g), 0);
	dp_run(world.dp); /* within a turn: means nothing, harms nothing */
}

static void watchers_may_submit_and_the_loop_does_the_rest(void **state)
{
	struct fake link = fake(FAKE_LINK, "eth0");

	(void)state;
	dp_watch(world.dp, &fake_types[FAKE_LINK], submit_from_watch, NULL);
	dp_observed(world.dp, &fake_types[FAKE_LINK], &link, false);
	assert_false(dp_idle(world.dp));
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	assert_log("+w | ");
	dp_gone(world.dp, &fake_types[FAKE_LINK], "eth0");
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	assert_log("-w | ");
	assert_true(dp_idle(world.dp));
}

static void one_timer_wakes_the_loop_for_a_retry_and_none_when_idle(void **state)
{
	(void)state;
	dp_test_clock(world.dp, NULL, NULL); /* the real one */
	fake_object(FAKE_THING, "a")->fail = -EBUSY;
	fake_object(FAKE_THING, "a")->fail_times = 1;
	want(thing("a"), );
	event_base_loop(world.base, EVLOOP_NONBLOCK); /* the turn that submit asked for */
	assert_int_equal(event_base_get_num_events(world.base, EVENT_BASE_COUNT_ADDED), 1);
	event_base_loop(world.base, EVLOOP_ONCE); /* sleeps until the timer */
	assert_int_equal(state_of(FAKE_THING, "a", ""), DP_CREATED);
	assert_int_equal(event_base_get_num_events(world.base, EVENT_BASE_COUNT_ADDED), 0);
	assert_int_equal(event_base_get_num_events(world.base, EVENT_BASE_COUNT_ACTIVE), 0);
}

static void count_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	++*(unsigned int *)arg;
}

static void a_long_turn_lets_the_loop_breathe(void **state)
{
	const struct timeval often = { .tv_usec = 1000 };
	unsigned int ticks = 0, i;
	struct dp_graph *g = dp_graph_new("s");
	struct event *tick = event_new(world.base, -1, EV_PERSIST, count_tick, &ticks);

	(void)state;
	dp_test_clock(world.dp, NULL, NULL);
	world.flush_us = 10000;
	for (i = 0; i < 10; i++) {
		char name[20], need[20];
		struct fake f;

		snprintf(name, sizeof(name), "c%u", i);
		snprintf(need, sizeof(need), "c%u", i + 1);
		f = i < 9 ? on(thing(name), need, 0) : thing(name);
		dp_want(g, &fake_types[FAKE_THING], &f);
	}
	assert_int_equal(dp_submit(world.dp, g), 0);
	event_add(tick, &often);
	while (!dp_idle(world.dp))
		event_base_loop(world.base, EVLOOP_ONCE);
	assert_int_equal(state_of(FAKE_THING, "c0", ""), DP_CREATED);
	assert_true(ticks >= 2); /* ten batches of 10 ms; at most some 30 ms at a stretch */
	event_free(tick);
}

static void freeing_cancels_and_leaves_the_system_alone(void **state)
{
	(void)state;
	want(thing("a"), slow("b"), );
	assert_log("+a | ");
	world.dp = dp_free(world.dp);
	assert_log("x ");
	assert_true(fake_exists(FAKE_THING, "a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_creation_is_cancelled_when_what_it_needs_goes),
		TEST(a_broken_off_change_is_made_again_even_if_the_old_wish_returns),
		TEST(a_removal_ends_before_the_item_is_made_again),
		TEST(what_waits_for_more_than_a_batch_times_out),
		TEST(a_backend_that_loses_an_operation_is_not_waited_for_for_ever),
		TEST(retries_double_up_to_thirty_seconds),
		TEST(a_need_that_comes_ends_the_back_off_but_does_not_make_us_spin),
		TEST(drift_again_and_again_is_repaired_with_back_off),
		TEST(seeing_our_own_creation_meanwhile_disturbs_nothing),
		TEST(a_foreign_one_that_came_first_is_not_ours),
		TEST(what_a_resync_does_not_see_is_gone),
		TEST(a_modify_of_what_vanished_unseen_becomes_a_creation),
		TEST(a_link_that_is_another_one_takes_along_what_fell_with_it),
		TEST(what_is_observed_only_goes_with_its_maker),
		TEST(watchers_may_submit_and_the_loop_does_the_rest),
		TEST(one_timer_wakes_the_loop_for_a_retry_and_none_when_idle),
		TEST(a_long_turn_lets_the_loop_breathe),
		TEST(freeing_cancels_and_leaves_the_system_alone),
	};

	return cmocka_run_group_tests_name("dp_async", tests, NULL, NULL);
}
