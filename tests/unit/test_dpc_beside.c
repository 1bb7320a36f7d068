/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates beside the working configuration; restarts of nim in the middle. */
#include "tests/unit/dpc_sim.h"

static void a_bad_candidate_beside_leaves_the_working_one_alone(void **state)
{
	struct sim *s = *state;

	two(s);
	s->beside = true;
	TRUTH(s, NO_DHCP("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "override", SUCCESS);
	assert_true(dpcv_beside(&s->v));
	pass_time(s, 4 * D); /* nobody is hurt: it gets all the time there is */
	assert_int_equal(find(s, "zedagent")->state, EW__DPC_STATE__DPC_STATE_IPDNS_WAIT);
	pass_time(s, D + 1);
	EXPECT(s, "override", SUCCESS);
	assert_false(dpcv_beside(&s->v));
	expect_log(s, "zedagent:ASYNC_WAIT zedagent:IPDNS_WAIT zedagent:FAIL");
	TRUTH(s, OK("zedagent"));
	pass_time(s, 600001);
	EXPECT(s, "zedagent", SUCCESS);
}

static void a_good_candidate_beside_is_committed(void **state)
{
	struct sim *s = *state;

	two(s);
	s->beside = true;
	TRUTH(s, NO_DHCP("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "override", SUCCESS);
	TRUTH(s, OK("zedagent"));
	drive(s, true);
	EXPECT(s, "zedagent", SUCCESS);
	expect_log(s, "zedagent:ASYNC_WAIT zedagent:IPDNS_WAIT zedagent:SUCCESS");
}

static void without_the_working_one_the_candidate_is_in_force(void **state)
{
	struct sim *s = *state;

	two(s);
	s->beside = true;
	TRUTH(s, NO_DHCP("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	assert_true(dpcv_beside(&s->v));
	drop(s, "override");
	assert_false(dpcv_beside(&s->v));
	EXPECT(s, "zedagent", IPDNS_WAIT);
}

static void of_two_candidates_beside_the_second_gets_its_turn(void **state)
{
	struct sim *s = *state;

	s->beside = true;
	TRUTH(s, OK("old"));
	put(s, entry("old", OVERRIDE, 10, 20));
	TRUTH(s, BLACK_HOLE("mid"));
	TRUTH(s, NO_DHCP("top"));
	put(s, entry("mid", OVERRIDE, 20, 21));
	put(s, entry("top", OVERRIDE, 30, 0));
	pass_time(s, 5 * D + 1);
	EXPECT(s, "old", SUCCESS);
	assert_null(s->list.tested);
	TRUTH(s, OK("mid")); /* the first goes on failing, the one between heals */
	pass_time(s, 1300000);
	EXPECT(s, "mid", SUCCESS);
}

static void what_stopped_working_is_no_reason_to_be_careful(void **state)
{
	struct sim *s = *state;

	two(s);
	s->beside = true;
	TRUTH(s, NO_DHCP("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	pass_time(s, 5 * D + 1);
	EXPECT(s, "override", SUCCESS);
	TRUTH(s, BLACK_HOLE("override"));
	pass_time(s, 300000 + D + 2);
	assert_string_equal(s->applied_key, "zedagent"); /* applied, not tried beside */
}

static void names_and_costs_are_applied_without_a_trial(void **state)
{
	struct sim *s = *state;
	Ew__DpcEntry *e = entry("zedagent", CONTROLLER, 20, 20);

	two(s);
	s->beside = true;
	e->config->ports[0]->cost = 7;
	TRUTH(s, NO_DHCP("zedagent"));
	put(s, e);
	assert_string_equal(s->applied_key, "zedagent");
}

static void why_it_is_not_tried_beside_is_that_of_this_candidate(void **state)
{
	struct sim *s = *state;
	Ew__DpcEntry *cheaper;

	two(s);
	assert_string_equal(s->v.serial_why, ""); /* there was nothing to take the place of */
	TRUTH(s, NO_DHCP("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	assert_string_equal(s->v.serial_why, "eth0: another MTU");
	put(s, entry("manual", MANUAL, 20, 5));
	assert_string_equal(s->v.serial_why, "zedagent has passed no test yet");
	EXPECT(s, "manual", SUCCESS);
	TRUTH(s, BLACK_HOLE("manual"));
	drive(s, true); /* it fails once, and then another one comes */
	s->beside = true;
	TRUTH(s, OK("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 30, 8));
	assert_string_equal(s->v.serial_why, "manual has failed its last test");
	EXPECT(s, "zedagent", SUCCESS);
	cheaper = entry("zedagent", CONTROLLER, 40, 8);
	cheaper->config->ports[0]->cost = 7;
	put(s, cheaper);
	assert_string_equal(s->v.serial_why, ""); /* the same connectivity needs no trial */
}

/* ---- Restarts, questions ---- */

static void a_restart_goes_on_with_what_is_in_force(void **state)
{
	struct sim *s = *state, again;
	struct strbuf text = STRBUF_INIT;
	struct pbjson_error err;

	two(s);
	TRUTH(s, BLACK_HOLE("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "override", SUCCESS);
	dpc_list_format(&s->list, &text);
	begin(&again);
	assert_int_equal(dpc_list_parse(text.str, text.len, &again.list, &err), 0);
	TRUTH(&again, OK("override"));
	TRUTH(&again, OK("zedagent"));
	dpcv_start(&again.v, again.now);
	assert_string_equal(again.list.current->key, "override");
	drive(&again, false);
	EXPECT(&again, "override", SUCCESS);
	pass_time(&again, 600001);
	EXPECT(&again, "zedagent", SUCCESS);
	strbuf_fini(&text);
	end(&again);
}

static void killed_at_any_step_it_finds_the_working_one(void **state)
{
	(void)state;
	for (int steps = 0; steps < 12; steps++) {
		struct sim s, again;
		struct strbuf text = STRBUF_INIT;
		struct pbjson_error err;

		two(&s);
		s.beside = steps % 2;
		TRUTH(&s, NO_DHCP("zedagent"));
		put(&s, entry("zedagent", CONTROLLER, 20, 0));
		pass_time(&s, steps * D / 4);
		dpc_list_format(&s.list, &text);
		begin(&again);
		assert_int_equal(dpc_list_parse(text.str, text.len, &again.list, &err), 0);
		again.now.wall_ms = s.now.wall_ms;
		TRUTH(&again, NO_DHCP("zedagent"));
		TRUTH(&again, OK("override"));
		dpcv_start(&again.v, again.now);
		drive(&again, false);
		pass_time(&again, 2 * D);
		EXPECT(&again, "override", SUCCESS);
		strbuf_fini(&text);
		end(&s);
		end(&again);
	}
}

static void test_now_asks_nobody_when_it_failed_last(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, BLACK_HOLE("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	TRUTH(s, OK("zedagent"));
	dpcv_test_now(&s->v, s->now, s->list.entries[0], "asked for");
	drive(s, false);
	EXPECT(s, "zedagent", SUCCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST(a_bad_candidate_beside_leaves_the_working_one_alone),
		SIM_TEST(a_good_candidate_beside_is_committed),
		SIM_TEST(without_the_working_one_the_candidate_is_in_force),
		SIM_TEST(of_two_candidates_beside_the_second_gets_its_turn),
		SIM_TEST(what_stopped_working_is_no_reason_to_be_careful),
		SIM_TEST(names_and_costs_are_applied_without_a_trial),
		SIM_TEST(why_it_is_not_tried_beside_is_that_of_this_candidate),
		SIM_TEST(a_restart_goes_on_with_what_is_in_force),
		cmocka_unit_test(killed_at_any_step_it_finds_the_working_one),
		SIM_TEST(test_now_asks_nobody_when_it_failed_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
