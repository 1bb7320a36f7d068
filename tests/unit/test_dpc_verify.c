/* SPDX-License-Identifier: Apache-2.0 */
/* A pass of verification: what is waited for, for how long, what comes next. */
#include "tests/unit/dpc_sim.h"

static void SingleDPC(void **state)
{
	struct sim *s = *state;

	TRUTH(s, NO_DHCP("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 10, 0));
	expect_log(s, "zedagent:ASYNC_WAIT zedagent:IPDNS_WAIT");
	pass_time(s, 4 * D);
	EXPECT(s, "zedagent", IPDNS_WAIT);
	pass_time(s, D + 1);
	EXPECT(s, "zedagent", FAIL);
	assert_string_equal(s->list.current->last_error, "stage 1");
	assert_true(s->list.current->last_failed_ms > START);
	TRUTH(s, OK("zedagent")); /* the address comes: nobody waits for five minutes */
	drive(s, true);
	EXPECT(s, "zedagent", SUCCESS);
	assert_string_equal(s->list.current->last_error, "");
}

static void DPCWithMultipleEths(void **state)
{
	const struct dpc_port_result ports[] = {
		{ "a", true, { CONN_FAILED, CONN_STAGE_TCP, 0, "a: time-out" } },
		{ "apps", false, { CONN_OK, CONN_STAGE_DONE, 3, "" } },
		{ "b", true, { CONN_FAILED, CONN_STAGE_TLS, 0, "b: unknown CA" } },
		{ "c", true, { CONN_REMOTE, CONN_STAGE_HTTP, 0, "c: 503" } },
		{ "d", true, { CONN_OK, CONN_STAGE_DONE, 9, "" } },
	};
	struct conn_result r;

	(void)state; /* one management port is enough; what failed furthest is told */
	dpc_results_outcome(ports, 5, &r);
	assert_int_equal(r.outcome, CONN_OK);
	dpc_results_outcome(ports, 4, &r);
	assert_int_equal(r.outcome, CONN_REMOTE);
	dpc_results_outcome(ports, 3, &r);
	assert_int_equal(r.outcome, CONN_FAILED);
	assert_string_equal(r.why, "b: unknown CA");
	dpc_results_outcome(ports + 1, 1, &r);
	assert_int_equal(r.outcome, CONN_UNTESTED);
}

static void DNS(void **state)
{
	struct sim *s = *state;

	TRUTH(s, { .key = "zedagent",
		   .outcome = CONN_NOT_READY,
		   .stage = CONN_STAGE_DNS,
		   .facts = { .present = 1 } });
	put(s, entry("zedagent", CONTROLLER, 10, 0));
	EXPECT(s, "zedagent", IPDNS_WAIT); /* an address, and no server yet */
	TRUTH(s, OK("zedagent"));
	drive(s, true);
	EXPECT(s, "zedagent", SUCCESS);
}

static void DPCFallback(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, BLACK_HOLE("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "override", SUCCESS);
	assert_int_equal(dpc_list_index(&s->list, s->list.current), 1);
	expect_log(s, "zedagent:ASYNC_WAIT zedagent:FAIL_WITH_IPANDDNS override:ASYNC_WAIT "
		      "override:SUCCESS");
	TRUTH(s, OK("zedagent")); /* repaired: back to the first, ten minutes later */
	pass_time(s, 599000);
	EXPECT(s, "override", SUCCESS);
	pass_time(s, 1001);
	EXPECT(s, "zedagent", SUCCESS);
}

static void DPCFallback_without_dhcp_is_back_within_two_test_durations(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, NO_DHCP("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "zedagent", IPDNS_WAIT);
	pass_time(s, 2 * D - 10000); /* ten seconds are left to apply it */
	EXPECT(s, "override", SUCCESS);
}

static void RestartVerifyParksWhenNothingCurrentlyTestable(void **state)
{
	struct sim *s = *state;

	TRUTH(s, BLACK_HOLE("zedagent"));
	put(s, entry("a", OVERRIDE, 10, 2));
	put(s, entry("zedagent", CONTROLLER, 20, 3));
	pass_time(s, 100000);
	drop(s, "a"); /* a restart, and all that is left failed a short while ago */
	EXPECT(s, "zedagent", FAIL_WITH_IPANDDNS);
	assert_null(s->list.tested);
	TRUTH(s, OK("zedagent"));
	pass_time(s, 300000);
	EXPECT(s, "zedagent", SUCCESS);
}

static void AddDPCDuringVerify(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	TRUTH(s, NO_DHCP("override"));
	put(s, entry("override", OVERRIDE, 10, 0));
	pass_time(s, D + 1);
	EXPECT(s, "override", IPDNS_WAIT);
	put(s, entry("lower", OVERRIDE, 5, 3)); /* does not disturb */
	EXPECT(s, "override", IPDNS_WAIT);
	put(s, entry("zedagent", CONTROLLER, 20, 2));
	EXPECT(s, "zedagent", SUCCESS);
}

static void AddDPCDuringVerify_while_a_round_is_under_way(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	TRUTH(s, NO_DHCP("override"));
	put(s, entry("override", OVERRIDE, 10, 0));
	drive(s, true);
	dpcv_begun(&s->v);
	assert_int_equal(dpc_list_put(&s->list, entry("zedagent", CONTROLLER, 20, 2)), 1);
	assert_true(dpcv_list_changed(&s->v, s->now, "new")); /* the round is void */
	drive(s, false);
	EXPECT(s, "zedagent", SUCCESS);
}

static void DeleteDPC(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, OK("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "zedagent", SUCCESS);
	drop(s, "zedagent");
	EXPECT(s, "override", SUCCESS);
	drop(s, "override");
	assert_null(s->list.current);
	assert_int_equal(dpcv_wake_ms(&s->v), 0);
	put(s, entry("zedagent", CONTROLLER, 20, 0)); /* and it goes on */
	EXPECT(s, "zedagent", SUCCESS);
}

static void DeleteDPCMidVerification(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, NO_DHCP("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "zedagent", IPDNS_WAIT);
	drop(s, "zedagent");
	EXPECT(s, "override", SUCCESS);
	s->beside = true; /* and while it is tried beside */
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "override", SUCCESS);
	assert_true(dpcv_beside(&s->v));
	drive(s, true);
	dpcv_begun(&s->v);
	dpc_list_remove(&s->list, "zedagent");
	assert_true(dpcv_list_changed(&s->v, s->now, "removed"));
	drive(s, false);
	EXPECT(s, "override", SUCCESS);
	assert_null(s->list.tested);
}

static void DPCWithAssignedInterface(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, { .key = "zedagent", .facts = { .card_taken = "port eth0 is used by an app" } });
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "override", SUCCESS);
	assert_string_equal(find(s, "zedagent")->last_error, "port eth0 is used by an app");
	assert_int_equal(find(s, "zedagent")->state, EW__DPC_STATE__DPC_STATE_FAIL);
}

static void DPCWithReleasedAndRenamedInterface(void **state)
{
	struct sim *s = *state;

	TRUTH(s, { .key = "zedagent",
		   .outcome = CONN_FAILED,
		   .stage = CONN_STAGE_LINK,
		   .facts = { .card_pending = true, .missing = 1 } });
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "zedagent", PCI_WAIT);
	TRUTH(s, { .key = "zedagent",
		   .outcome = CONN_FAILED,
		   .stage = CONN_STAGE_LINK,
		   NO_INTERFACE });
	drive(s, true); /* released; the driver is loading */
	EXPECT(s, "zedagent", INTF_WAIT);
	TRUTH(s, NO_DHCP("zedagent"));
	drive(s, true);
	EXPECT(s, "zedagent", IPDNS_WAIT);
	TRUTH(s, OK("zedagent"));
	drive(s, true);
	expect_log(s, "zedagent:ASYNC_WAIT zedagent:PCI_WAIT zedagent:INTF_WAIT "
		      "zedagent:IPDNS_WAIT zedagent:SUCCESS");
}

static void a_missing_interface_is_waited_for_two_test_durations(void **state)
{
	struct sim *s = *state;

	TRUTH(s, { .key = "zedagent",
		   .outcome = CONN_FAILED,
		   .stage = CONN_STAGE_LINK,
		   NO_INTERFACE });
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	pass_time(s, 2 * D - 1);
	EXPECT(s, "zedagent", INTF_WAIT);
	pass_time(s, 2);
	EXPECT(s, "zedagent", FAIL);
}

static void Wireless(void **state)
{
	struct sim *s = *state;

	TRUTH(s, { .key = "zedagent",
		   .outcome = CONN_NOT_READY,
		   .stage = CONN_STAGE_ADDRESS,
		   .facts = { .modem_pending = true, .present = 1 } });
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	pass_time(s, 3 * D - 1);
	EXPECT(s, "zedagent", WWAN_WAIT); /* with a fallback as well: a modem takes its time */
	pass_time(s, 2);
	EXPECT(s, "zedagent", IPDNS_WAIT);
	TRUTH(s, OK("zedagent"));
	drive(s, true);
	EXPECT(s, "zedagent", SUCCESS);
}

static void RadioSilence(void **state)
{
	struct sim *s = *state;

	two(s);
	dpcv_hold(&s->v, s->now, true);
	TRUTH(s, BLACK_HOLE("override"));
	TRUTH(s, OK("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	pass_time(s, DAY);
	assert_string_equal(s->applied_key, "override"); /* silence is no fault of it */
	dpcv_hold(&s->v, s->now, false);
	drive(s, false);
	EXPECT(s, "zedagent", SUCCESS);
}

static void radio_silence_that_ends_during_a_round_has_a_round_of_its_own(void **state)
{
	struct sim *s = *state;

	two(s);
	dpcv_hold(&s->v, s->now, true);
	dpcv_test_now(&s->v, s->now, s->list.current, "asked");
	assert_true(s->v.test);
	dpcv_begun(&s->v);
	dpcv_hold(&s->v, s->now, false); /* a pass: what is under way belongs to none */
	drive(s, true);
	EXPECT(s, "override", SUCCESS);
	assert_null(s->list.tested);
}

static void TransientDNSError(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, { .key = "zedagent",
		   .outcome = CONN_NOT_READY,
		   .stage = CONN_STAGE_DNS,
		   HAS_ADDRESS });
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "zedagent", IPDNS_WAIT);
	TRUTH(s, OK("zedagent"));
	pass_time(s, D + 1); /* no event tells: looked for each test duration */
	EXPECT(s, "zedagent", SUCCESS);
}

/* EVE: an expired certificate counts as a failure. */
static void RemoteTemporaryFailure(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s,
	      { .key = "zedagent", .outcome = CONN_REMOTE, .stage = CONN_STAGE_HTTP, HAS_ADDRESS });
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "zedagent", REMOTE_WAIT);
	assert_string_equal(s->list.current->last_error, "");
	assert_string_equal(s->list.current->last_warning, "stage 6");
	pass_time(s, DAY);
	EXPECT(s, "zedagent", REMOTE_WAIT);
	TRUTH(s, OK("zedagent"));
	pass_time(s, 300001);
	EXPECT(s, "zedagent", SUCCESS);
	assert_string_equal(s->list.current->last_warning, "");
}

/* ---- The tests themselves fail ---- */

#define CRASHES(k)                                                                                 \
	{                                                                                          \
		.key = k, .failure = "crashed", HAS_ADDRESS                                        \
	}

static void one_test_that_crashes_is_made_again(void **state)
{
	struct sim *s = *state;

	two(s);
	TRUTH(s, CRASHES("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(s, "zedagent", ASYNC_WAIT);
	TRUTH(s, OK("zedagent"));
	pass_time(s, D + 1);
	EXPECT(s, "zedagent", SUCCESS);
}

static void tests_that_always_crash_leave_what_worked_in_force(void **state)
{
	struct sim *s = *state;

	two(s);
	for (int beside = 0; beside < 2; beside++) {
		s->beside = beside;
		TRUTH(s, CRASHES("zedagent"));
		put(s, entry("zedagent", CONTROLLER, 20 + beside, beside));
		pass_time(s, 2 * D);
		EXPECT(s, "override", SUCCESS);
		assert_null(s->list.tested);
		assert_int_equal(find(s, "zedagent")->state, EW__DPC_STATE__DPC_STATE_NONE);
		assert_int_equal(find(s, "zedagent")->last_failed_ms, 0); /* nobody knows */
		assert_string_equal(find(s, "zedagent")->last_error,
				    "could not be tested: crashed");
		s->rounds = 0;
		pass_time(s, DAY);
		assert_in_range(s->rounds, 1, DAY / 300000 + 2 * DAY / 600000);
		EXPECT(s, "override", SUCCESS);
	}
	TRUTH(s, OK("zedagent")); /* mended */
	pass_time(s, 600001);
	EXPECT(s, "zedagent", SUCCESS);
	assert_string_equal(s->list.current->last_error, "");
}

static void tests_that_always_crash_accuse_not_the_only_configuration(void **state)
{
	struct sim *s = *state;

	TRUTH(s, CRASHES("zedagent"));
	put(s, entry("zedagent", CONTROLLER, 20, 0));
	pass_time(s, 2 * D);
	EXPECT(s, "zedagent", NONE);
	assert_null(s->list.tested);
	TRUTH(s, OK("zedagent"));
	pass_time(s, 300001);
	EXPECT(s, "zedagent", SUCCESS);
	TRUTH(s, CRASHES("zedagent"));
	dpcv_start(&s->v, s->now); /* nim starts again */
	drive(s, true);
	s->rounds = 0;
	pass_time(s, DAY);
	EXPECT(s, "zedagent", SUCCESS); /* it did when it was tested last */
	assert_string_equal(s->list.current->last_error, "could not be tested: crashed");
	assert_in_range(s->rounds, 2, DAY / 300000 + 2);
}

static void a_pass_ends_in_the_time_that_is_told(void **state)
{
	static const struct dpcv_facts waits[] = { { .card_pending = true },
						   { .modem_pending = true },
						   { .missing = 1 },
						   { .present = 1 } };
	struct sim *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		TRUTH(s, { .key = "zedagent",
			   .outcome = CONN_NOT_READY,
			   .stage = CONN_STAGE_ADDRESS,
			   .facts = waits[i] });
		put(s, entry("zedagent", CONTROLLER, (int)i, (int)i + 1));
		assert_non_null(s->list.tested);
		pass_time(s, dpcv_pass_ms(&s->v.timers) + 1);
		assert_null(s->list.tested);
	}
}

static void an_event_in_the_last_round_of_a_pass_starts_none_of_the_next(void **state)
{
	const struct dpcv_facts there = { .present = 1, .ip_and_dns = true };
	const struct dpcv_facts busy = { .busy = true, .present = 1, .ip_and_dns = true };
	struct dpc_port_result port = { .label = "wan",
					.is_mgmt = true,
					.result = { .outcome = CONN_FAILED,
						    .stage = CONN_STAGE_TCP } };
	struct sim *s = *state;

	strcpy(port.result.why, "black hole");
	assert_int_equal(dpc_list_put(&s->list, entry("override", OVERRIDE, 10, 20)), 1);
	assert_int_equal(dpc_list_put(&s->list, entry("zedagent", CONTROLLER, 20, 10)), 1);
	dpcv_list_changed(&s->v, s->now, "new");
	dpcv_step(&s->v, s->now, &there, false);
	assert_true(s->v.test);
	dpcv_begun(&s->v);
	dpcv_step(&s->v, s->now, &there, true);
	dpcv_round(&s->v, s->now, &there, &port, 1);
	expect_log(s, "zedagent:ASYNC_WAIT zedagent:FAIL_WITH_IPANDDNS override:ASYNC_WAIT");
	dpcv_step(&s->v, s->now, &busy, false);
	assert_false(s->v.test); /* it is being applied */
	s->now.mono_ms = dpcv_wake_ms(&s->v);
	dpcv_step(&s->v, s->now, &there, false);
	assert_true(s->v.test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST(SingleDPC),
		cmocka_unit_test(DPCWithMultipleEths),
		SIM_TEST(DNS),
		SIM_TEST(DPCFallback),
		SIM_TEST(DPCFallback_without_dhcp_is_back_within_two_test_durations),
		SIM_TEST(RestartVerifyParksWhenNothingCurrentlyTestable),
		SIM_TEST(AddDPCDuringVerify),
		SIM_TEST(AddDPCDuringVerify_while_a_round_is_under_way),
		SIM_TEST(DeleteDPC),
		SIM_TEST(DeleteDPCMidVerification),
		SIM_TEST(DPCWithAssignedInterface),
		SIM_TEST(DPCWithReleasedAndRenamedInterface),
		SIM_TEST(a_missing_interface_is_waited_for_two_test_durations),
		SIM_TEST(Wireless),
		SIM_TEST(RadioSilence),
		SIM_TEST(radio_silence_that_ends_during_a_round_has_a_round_of_its_own),
		SIM_TEST(TransientDNSError),
		SIM_TEST(one_test_that_crashes_is_made_again),
		SIM_TEST(tests_that_always_crash_leave_what_worked_in_force),
		SIM_TEST(tests_that_always_crash_accuse_not_the_only_configuration),
		SIM_TEST(a_pass_ends_in_the_time_that_is_told),
		SIM_TEST(RemoteTemporaryFailure),
		SIM_TEST(an_event_in_the_last_round_of_a_pass_starts_none_of_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
