/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force is kept an eye on: periodic tests, events, timers, clocks. */
#include "tests/unit/dpc_sim.h"

static void one_failed_test_is_no_reason_to_change(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, OK("old"));
	put(s, entry("old", OVERRIDE, 5, 5));
	TRUTH(s, BLACK_HOLE("override"));
	pass_time(s, 300001);
	EXPECT(s, "override", SUCCESS);
	assert_string_equal(s->list.current->last_error, "stage 4");
	TRUTH(s, OK("override"));
	pass_time(s, D + 1);
	EXPECT(s, "override", SUCCESS);
	assert_string_equal(s->list.current->last_error, "");
	assert_int_equal(s->list.current->last_failed_ms, 0);
}

static void the_second_failed_test_starts_verification(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, OK("old"));
	put(s, entry("old", OVERRIDE, 5, 5));
	TRUTH(s, BLACK_HOLE("override"));
	pass_time(s, 300001);
	pass_time(s, D + 1); /* not another five minutes */
	EXPECT(s, "old", SUCCESS);
	assert_int_equal(find(s, "override")->state, EW__DPC_STATE__DPC_STATE_FAIL_WITH_IPANDDNS);
}

/* Every fifth test fails, for half a day; then there is nothing at all for a minute and a half. */
static void IntermittentConnectivity(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, OK("old"));
	put(s, entry("old", OVERRIDE, 5, 5));
	strbuf_reset(&s->log);
	for (int i = 0; i < 144; i++) {
		if (i % 5 == 0)
			TRUTH(s, BLACK_HOLE("override"));
		for (unsigned int was = s->rounds; s->rounds == was;)
			pass_time(s, 1000);
		TRUTH(s, OK("override"));
		EXPECT(s, "override", SUCCESS);
	}
	expect_log(s, "");
	TRUTH(s, BLACK_HOLE("override"));
	TRUTH(s, BLACK_HOLE("old"));
	for (unsigned int was = s->rounds; s->rounds == was;)
		pass_time(s, 1000);
	pass_time(s, 90000);
	TRUTH(s, OK("override"));
	TRUTH(s, OK("old"));
	pass_time(s, 300001);
	EXPECT(s, "override", SUCCESS);
}

/* EVE compares a link's new attributes with themselves, so that link events start no test. */
static void a_link_event_has_the_configuration_tested_at_once(void **state)
{
	struct sim *s = *state;
	unsigned int rounds;

	two(s);
	TRUTH(s, OK("old"));
	put(s, entry("old", OVERRIDE, 5, 5));
	rounds = s->rounds;
	TRUTH(s, BLACK_HOLE("override"));
	drive(s, true);
	assert_int_equal(s->rounds, rounds + 1);
	assert_string_equal(s->list.current->last_error, "stage 4");
	drive(s, true); /* a flapping link is one failure, not many */
	drive(s, true);
	EXPECT(s, "override", SUCCESS);
	pass_time(s, D + 1);
	EXPECT(s, "old", SUCCESS);
}

/* EVE's port errors stay stale: PR 2885. */
static void results_are_told_as_soon_as_they_are_others(void **state)
{
	struct sim *s = *state;

	two(s);
	s->v.changed = false;
	TRUTH(s, BLACK_HOLE("override"));
	drive(s, true);
	assert_true(s->v.changed);
	assert_string_equal(s->list.current->results[0]->why, "stage 4");
	s->v.changed = false;
	drive(s, true);
	assert_false(s->v.changed); /* the same again is no news */
}

static void an_event_during_a_round_has_another_one_follow(void **state)
{
	struct sim *s = *state;
	unsigned int rounds;

	two(s);
	rounds = s->rounds;
	drive(s, true);
	assert_int_equal(s->rounds, rounds + 1);
	s->v.test = true;
	dpcv_begun(&s->v);
	drive(s, true);
	assert_int_equal(s->rounds, rounds + 1);
	dpcv_round(&s->v, s->now, &(struct dpcv_facts){ .present = 1 },
		   &(struct dpc_port_result){ .label = "eth0", .is_mgmt = true }, 1);
	assert_true(s->v.test);
}

static void without_a_remote_target_nothing_wakes_an_idle_node(void **state)
{
	struct sim *s = *state;

	s->v.remote = false;
	TRUTH(s, OK("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 10, 0));
	EXPECT(s, "zedagent", SUCCESS);
	assert_int_equal(dpcv_wake_ms(&s->v), 0);
	TRUTH(s, BLACK_HOLE("zedagent")); /* nor one whose only configuration fails */
	drive(s, true);
	pass_time(s, DAY);
	assert_int_equal(dpcv_wake_ms(&s->v), 0);
}

static void a_target_that_goes_away_during_a_periodic_test_leaves_no_timer(void **state)
{
	const struct dpc_port_result port = { .label = "eth0",
					      .is_mgmt = true,
					      .result = { .outcome = CONN_OK } };
	struct dpcv_facts facts = { .present = 1, .ip_and_dns = true };
	struct sim *s = *state;

	TRUTH(s, OK("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 10, 0));
	s->now.mono_ms = dpcv_wake_ms(&s->v);
	dpcv_step(&s->v, s->now, &facts, false);
	assert_true(s->v.test);
	dpcv_begun(&s->v);
	dpcv_set_timers(&s->v, s->now, &DPCV_TIMERS_DEFAULT, false);
	dpcv_round(&s->v, s->now, &facts, &port, 1);
	assert_int_equal(dpcv_wake_ms(&s->v), 0);
}

static void intervals_below_300_s_shorten_the_time_since_failure_too(void **state)
{
	struct sim *s = *state;

	dpcv_set_timers(&s->v, s->now,
			&(struct dpcv_timers){ .duration_ms = 1000,
					       .interval_ms = 5000,
					       .better_ms = 6000,
					       .since_failure_ms = 300000 },
			true);
	TRUTH(s, OK("override"));
	put(s, entry("override", OVERRIDE, 10, 20));
	TRUTH(s, BLACK_HOLE("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "override", SUCCESS);
	TRUTH(s, OK("zedagent"));
	pass_time(s, 6001);
	EXPECT(s, "zedagent", SUCCESS);
}

static void better_interval_0_never_goes_back_by_itself(void **state)
{
	struct sim *s = *state;

	s->v.timers.better_ms = 0;
	TRUTH(s, OK("override"));
	put(s, entry("override", OVERRIDE, 10, 20));
	TRUTH(s, BLACK_HOLE("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	TRUTH(s, OK("zedagent"));
	pass_time(s, DAY);
	EXPECT(s, "override", SUCCESS);
}

static void a_failure_in_the_future_keeps_nothing_from_being_tested(void **state)
{
	struct sim *s = *state;

	TRUTH(s, BLACK_HOLE("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	s->now.wall_ms -= DAY; /* the clock was wrong, and is put right */
	TRUTH(s, OK("zedagent"));
	assert_int_equal(dpc_list_put(&s->list, entry("a", OVERRIDE, 1, 1)), 1);
	dpcv_list_changed(&s->v, s->now, "new");
	drive(s, false);
	EXPECT(s, "zedagent", SUCCESS);
	assert_true(dpc_entry_works(s->list.current));
}

static void a_success_in_the_future_hides_no_failure(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	s->now.wall_ms -= DAY; /* a node without a clock of its own starts again */
	TRUTH(s, BLACK_HOLE("zedagent"));
	dpcv_start(&s->v, s->now);
	drive(s, true);
	EXPECT(s, "zedagent", FAIL_WITH_IPANDDNS);
	assert_false(dpc_entry_works(s->list.current));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST(one_failed_test_is_no_reason_to_change),
		SIM_TEST(the_second_failed_test_starts_verification),
		SIM_TEST(IntermittentConnectivity),
		SIM_TEST(a_link_event_has_the_configuration_tested_at_once),
		SIM_TEST(results_are_told_as_soon_as_they_are_others),
		SIM_TEST(an_event_during_a_round_has_another_one_follow),
		SIM_TEST(without_a_remote_target_nothing_wakes_an_idle_node),
		SIM_TEST(a_target_that_goes_away_during_a_periodic_test_leaves_no_timer),
		SIM_TEST(intervals_below_300_s_shorten_the_time_since_failure_too),
		SIM_TEST(better_interval_0_never_goes_back_by_itself),
		SIM_TEST(a_failure_in_the_future_keeps_nothing_from_being_tested),
		SIM_TEST(a_success_in_the_future_hides_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
