/* SPDX-License-Identifier: Apache-2.0 */
/* Which port configuration is above which, what is fallen back on, what is kept of the list. */
#include "tests/unit/dpc_sim.h"

/* ---- Who comes into force ---- */

struct story {
	const char *name;
	struct truth truth[2]; /* the first is that of all others, too */
	struct {
		const char *key;
		Ew__DpcSource source;
		int64_t time_ms;
	} come[3]; /* in this order, each with an address of its own */
	const char *order, *in_force;
	Ew__DpcState state;
};

static void play(void **state)
{
	const struct story *story = *state;
	struct sim s;

	begin(&s);
	for (size_t i = 0; i < ARRAY_SIZE(story->truth) && story->truth[i].key; i++)
		set_truth(&s, story->truth[i]);
	for (size_t i = 0; i < ARRAY_SIZE(story->come) && story->come[i].key; i++)
		put(&s, entry(story->come[i].key, story->come[i].source, story->come[i].time_ms,
			      (int)i + 1));
	expect_order(&s.list, story->order);
	expect(&s, story->in_force, story->state);
	assert_null(s.list.tested);
	end(&s);
}

#define SUCCESS EW__DPC_STATE__DPC_STATE_SUCCESS
#define FAIL_WITH_IPANDDNS EW__DPC_STATE__DPC_STATE_FAIL_WITH_IPANDDNS

/* clang-format off */
static const struct story stories[] = {
	{ "AllDPCsFailParkAtLatest", { BLACK_HOLE("any") },
	  { { "b", BOOTSTRAP, 5 }, { "a", OVERRIDE, 10 }, { "zedagent", CONTROLLER, 20 } },
	  "zedagent a b", "zedagent", FAIL_WITH_IPANDDNS },
	{ "ZedagentAlwaysOutranksManual", { OK("any") },
	  { { "manual", MANUAL, 100 }, { "zedagent", CONTROLLER, 10 } },
	  "zedagent manual", "zedagent", SUCCESS },
	{ "ZedagentAlwaysOutranksOverrideWithFutureTimestamp", { OK("any") },
	  { { "override", OVERRIDE, START + 1000 * DAY }, { "zedagent", CONTROLLER, START } },
	  "zedagent override", "zedagent", SUCCESS },
	{ "ManualCanStillOvertakeExistingZedagent", { OK("any") },
	  { { "zedagent", CONTROLLER, 100 }, { "manual", MANUAL, 10 } },
	  "manual zedagent", "manual", SUCCESS },
	{ "NewControllerConfigTestedWhileManualActive", { OK("manual"), OK("zedagent") },
	  { { "manual", MANUAL, 20 }, { "zedagent", CONTROLLER, 10 } },
	  "zedagent manual", "zedagent", SUCCESS },
	{ "FallsBackToWorkingManual", { OK("manual"), BLACK_HOLE("zedagent") },
	  { { "old", OVERRIDE, 5 }, { "manual", MANUAL, 20 }, { "zedagent", CONTROLLER, 10 } },
	  "zedagent manual old", "manual", SUCCESS },
	{ "ParksAtManualWhenEverythingFails", { BLACK_HOLE("any") },
	  { { "old", OVERRIDE, 5 }, { "manual", MANUAL, 20 }, { "zedagent", CONTROLLER, 10 } },
	  "zedagent manual old", "manual", FAIL_WITH_IPANDDNS },
};
/* clang-format on */

static void HigherPriority(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	put(s, entry("lastresort", LAST_RESORT, 0, 0));
	put(s, entry("bootstrap", BOOTSTRAP, 5, 1));
	EXPECT(s, "bootstrap", SUCCESS);
	put(s, entry("older", OVERRIDE, 4, 2)); /* not more wanted: nothing is touched */
	EXPECT(s, "bootstrap", SUCCESS);
	put(s, entry("newer", OVERRIDE, 6, 3));
	EXPECT(s, "newer", SUCCESS);
	expect_order(&s->list, "newer bootstrap older lastresort");
}

static void ManualNeverFallsBackPastItself(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("zedagent"));
	TRUTH(s, BLACK_HOLE("manual"));
	put(s, entry("zedagent", CONTROLLER, 10, 2));
	put(s, entry("manual", MANUAL, 20, 1));
	EXPECT(s, "manual", FAIL_WITH_IPANDDNS);
	pass_time(s, DAY);
	EXPECT(s, "manual", FAIL_WITH_IPANDDNS);
}

static void RevertManualDPC(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("zedagent"));
	TRUTH(s, BLACK_HOLE("manual"));
	put(s, entry("zedagent", CONTROLLER, 10, 2));
	put(s, entry("manual", MANUAL, 20, 1));
	EXPECT(s, "manual", FAIL_WITH_IPANDDNS);
	drop(s, "manual");
	EXPECT(s, "zedagent", SUCCESS);
}

static void ManualDPCDroppedAfterNewerDPCWorks(void **state)
{
	struct sim *s = *state;

	TRUTH(s, BLACK_HOLE("zedagent"));
	TRUTH(s, OK("manual"));
	put(s, entry("manual", MANUAL, 20, 1));
	put(s, entry("zedagent", CONTROLLER, 10, 2));
	dpcv_compress(&s->v, true);
	expect_order(&s->list, "zedagent manual");
	TRUTH(s, OK("zedagent"));
	pass_time(s, 700000);
	EXPECT(s, "zedagent", SUCCESS);
	assert_true(dpcv_compress(&s->v, true));
	expect_order(&s->list, "zedagent");
}

static void GetNextTestableDPCIndexCapsAtManual(void **state)
{
	struct sim *s = *state;

	TRUTH(s, BLACK_HOLE("any"));
	put(s, entry("untested", OVERRIDE, 5, 9));
	put(s, entry("manual", MANUAL, 20, 1));
	TRUTH(s, OK("untested"));
	s->rounds = 0;
	pass_time(s, 10 * DAY);
	EXPECT(s, "manual", FAIL_WITH_IPANDDNS);
	assert_true(s->rounds > 1000); /* it was looked at, the one below never */
}

static void RemovalOfOldNonWorkingDPCs(void **state)
{
	struct sim *s = *state;

	TRUTH(s, BLACK_HOLE("any"));
	for (int i = 1; i <= 6; i++)
		put(s, entry("zedagent", CONTROLLER, i, i)); /* none of them ever worked */
	TRUTH(s, OK("any"));
	put(s, entry("zedagent", CONTROLLER, 7, 7));
	put(s, entry("zedagent", CONTROLLER, 8, 8)); /* the former has: it is kept */
	assert_int_equal(s->list.n, 2);
	dpcv_compress(&s->v, true);
	expect_order(&s->list, "zedagent");
	EXPECT(s, "zedagent", SUCCESS);
}

/* ---- What is kept of the list ---- */

enum result { NEVER, WORKS, FAILED, FAILED_AFTER };

static const struct compress_row {
	const char *name;
	struct {
		const char *key;
		Ew__DpcSource source;
		enum result result;
	} entries[6];
	int current;
	bool testing, no_last_resort;
	const char *kept;
} compress_rows[] = {
	{ "Testing in progress",
	  { { "zedagent", CONTROLLER, WORKS },
	    { "zedagent@2", CONTROLLER, WORKS },
	    { "lastresort", LAST_RESORT, FAILED } },
	  0,
	  true,
	  false,
	  "zedagent zedagent@2 lastresort" },
	{ "Current Index Not Zero",
	  { { "zedagent", CONTROLLER, FAILED },
	    { "zedagent@2", CONTROLLER, FAILED },
	    { "override", OVERRIDE, WORKS } },
	  2,
	  false,
	  false,
	  "zedagent override" },
	{ "Empty DPCL", { { NULL, 0, 0 } }, -1, false, false, "" },
	{ "First Key Not Zedagent",
	  { { "manual", MANUAL, WORKS },
	    { "zedagent", CONTROLLER, FAILED_AFTER },
	    { "override", OVERRIDE, WORKS } },
	  0,
	  false,
	  false,
	  "manual zedagent" },
	{ "First Entry Not working",
	  { { "zedagent", CONTROLLER, FAILED }, { "zedagent@2", CONTROLLER, WORKS } },
	  1,
	  false,
	  false,
	  "zedagent zedagent@2" },
	{ "ValidZedEntry with last resort - Last resort is retained",
	  { { "zedagent", CONTROLLER, WORKS },
	    { "zedagent@2", CONTROLLER, WORKS },
	    { "override", OVERRIDE, FAILED },
	    { "lastresort", LAST_RESORT, WORKS } },
	  0,
	  false,
	  false,
	  "zedagent lastresort" },
	{ "ValidZedEntry with last resort but disabled - Last resort is removed",
	  { { "zedagent", CONTROLLER, WORKS },
	    { "zedagent@2", CONTROLLER, WORKS },
	    { "override", OVERRIDE, FAILED },
	    { "lastresort", LAST_RESORT, WORKS } },
	  0,
	  false,
	  true,
	  "zedagent" },
	{ "Current, latest, and newest successful DPCs are preserved",
	  { { "zedagent", CONTROLLER, FAILED },
	    { "zedagent@4", CONTROLLER, FAILED },
	    { "zedagent@3", CONTROLLER, WORKS },
	    { "manual", MANUAL, WORKS },
	    { "override", OVERRIDE, WORKS } },
	  2,
	  false,
	  true,
	  "zedagent zedagent@3" },
	{ "Keep DPC from every source",
	  { { "manual", MANUAL, WORKS },
	    { "zedagent", CONTROLLER, FAILED },
	    { "zedagent@3", CONTROLLER, FAILED },
	    { "override", OVERRIDE, FAILED },
	    { "override@1", OVERRIDE, FAILED },
	    { "bootstrap", BOOTSTRAP, NEVER } },
	  0,
	  false,
	  true,
	  "manual zedagent override bootstrap" },
};

static void CompressDPCL(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(compress_rows); i++) {
		const struct compress_row *row = &compress_rows[i];
		struct dpc_list list = { 0 };
		struct dpc_verify v = { .list = &list };

		for (; list.n < 6 && row->entries[list.n].key; list.n++) {
			enum result r = row->entries[list.n].result;
			Ew__DpcEntry *e = entry(row->entries[list.n].key,
						row->entries[list.n].source, 10 - (int)list.n, 0);

			e->last_succeeded_ms = r == WORKS || r == FAILED_AFTER ? START : 0;
			e->last_failed_ms = r == FAILED || r == FAILED_AFTER ? START + 1 : 0;
			list.entries[list.n] = e;
		}
		list.current = row->current < 0 ? NULL : list.entries[row->current];
		list.tested = row->testing ? list.current : NULL;
		dpcv_compress(&v, !row->no_last_resort);
		expect_order(&list, row->kept);
		dpc_list_fini(&list);
	}
}

static void what_a_file_asks_for_stays_as_long_as_the_file(void **state)
{
	struct dpc_list list = { 0 };
	Ew__DevicePortConfig config = EW__DEVICE_PORT_CONFIG__INIT;

	(void)state;
	list.entries[list.n++] = entry("zedagent", CONTROLLER, 20, 1);
	list.entries[0]->last_succeeded_ms = START;
	list.entries[list.n++] = dpc_entry_new("f", OVERRIDE, 5, "f.json", &config);
	list.entries[list.n++] = dpc_entry_new("f@1", OVERRIDE, 4, "f.json", &config);
	assert_true(dpc_list_compress(&list, true));
	expect_order(&list, "zedagent f");
	dpc_list_fini(&list);
}

/* ---- Former ones ---- */

static void the_former_configuration_of_the_controller_is_what_it_falls_back_on(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	put(s, entry("zedagent", CONTROLLER, START, 1));
	TRUTH(s, NO_DHCP("zedagent"));
	put(s, entry("zedagent", CONTROLLER, START + 1000, 0));
	expect_order(&s->list, "zedagent zedagent@2026-03-04T05:06:07Z");
	pass_time(s, 2 * D - 1);
	EXPECT(s, "zedagent@2026-03-04T05:06:07Z", SUCCESS);
	TRUTH(s, OK("zedagent")); /* the controller takes it back: the same ports as before */
	put(s, entry("zedagent", CONTROLLER, START + 2000, 1));
	expect_order(&s->list, "zedagent");
	EXPECT(s, "zedagent", SUCCESS);
}

static void a_former_one_of_the_same_time_gets_a_number(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	put(s, entry("zedagent", CONTROLLER, START, 1));
	put(s, entry("zedagent", CONTROLLER, START, 2));
	put(s, entry("zedagent", CONTROLLER, START, 3));
	expect_order(&s->list, "zedagent zedagent@2026-03-04T05:06:07Z#2 "
			       "zedagent@2026-03-04T05:06:07Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST(HigherPriority),
		SIM_TEST(ManualNeverFallsBackPastItself),
		SIM_TEST(RevertManualDPC),
		SIM_TEST(ManualDPCDroppedAfterNewerDPCWorks),
		SIM_TEST(GetNextTestableDPCIndexCapsAtManual),
		SIM_TEST(RemovalOfOldNonWorkingDPCs),
		cmocka_unit_test(CompressDPCL),
		cmocka_unit_test(what_a_file_asks_for_stays_as_long_as_the_file),
		SIM_TEST(the_former_configuration_of_the_controller_is_what_it_falls_back_on),
		SIM_TEST(a_former_one_of_the_same_time_gets_a_number),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(stories)];

	memcpy(all, tests, sizeof(tests));
	for (size_t i = 0; i < ARRAY_SIZE(stories); i++)
		all[ARRAY_SIZE(tests) + i] =
			(struct CMUnitTest){ .name = stories[i].name,
					     .test_func = play,
					     .initial_state = (void *)&stories[i] };
	return cmocka_run_group_tests(all, NULL, NULL);
}
