/* SPDX-License-Identifier: Apache-2.0 */
/* Metering: counters and a clock in, bytes by period and the fate of a quota out. */
#include <errno.h>

#include "base/arena.h"
#include "base/pbjson.h"
#include "base/rfc3339.h"
#include "meter.pb-c.h"
#include "nim/metering/meter_msg.h"
#include "tests/unit/golden.h"

#define BOOT "0d35ab44-9b57-4e54-a53f-5ba51fd7fc3c"

static int64_t at(const char *time)
{
	_cleanup_(freep) char *text = xasprintf("%sZ", time);
	int32_t nanos;
	int64_t s = 0;

	assert_int_equal(rfc3339_parse(text, &s, &nanos), 0);
	return s;
}

static void assert_time(int64_t got, const char *want)
{
	struct strbuf text = STRBUF_INIT;

	rfc3339_format(got, 0, &text);
	assert_int_equal(text.len, strlen(want) + 1);
	assert_memory_equal(text.str, want, strlen(want));
	strbuf_fini(&text);
}

/* Metered from the first byte. */
static struct meter meter_of(const char *ifname)
{
	struct meter m = { .billing_day = 1 };

	assert_int_equal(ifname_parse(ifname, &m.ifname), 0);
	return m;
}

/* Only received bytes: both directions go the same way, but where a test says so. */
static void see(struct meter *m, const char *ifname, uint32_t ifindex, uint64_t rx,
		const char *time)
{
	struct meter_sample s = { .ifindex = ifindex, .rx_bytes = rx };

	assert_int_equal(ifname_parse(ifname, &s.ifname), 0);
	meter_add_sample(m, &s, at(time));
}

static uint64_t today(const struct meter *m, const char *time)
{
	return meter_day(m, at(time), 0).rx_bytes;
}

static uint64_t month(const struct meter *m, const char *time)
{
	return meter_month(m, at(time), 0).rx_bytes;
}

/* ---- Periods ---- */

static void days_and_months_begin_at_midnight_in_utc(void **state)
{
	(void)state;
	assert_time(meter_day_start(at("2026-11-21T23:59:59"), 0), "2026-11-21T00:00:00");
	assert_time(meter_day_start(at("2026-11-21T00:00:00"), 0), "2026-11-21T00:00:00");
	assert_time(meter_day_start(at("2026-12-31T12:00:00"), 1), "2027-01-01T00:00:00");
	assert_time(meter_day_start(at("2028-02-28T12:00:00"), 1), "2028-02-29T00:00:00");
	assert_time(meter_day_start(at("2027-02-28T12:00:00"), 1), "2027-03-01T00:00:00");
	assert_time(meter_month_start(at("2026-11-30T23:59:59"), 1, 0), "2026-11-01T00:00:00");
	assert_time(meter_month_start(at("2026-12-01T00:00:00"), 1, 0), "2026-12-01T00:00:00");
	assert_time(meter_month_start(at("2026-12-15T00:00:00"), 1, 1), "2027-01-01T00:00:00");
	assert_time(meter_month_start(at("2027-01-15T00:00:00"), 1, -1), "2026-12-01T00:00:00");
	assert_time(meter_month_start(at("2028-02-29T23:59:59"), 1, 1), "2028-03-01T00:00:00");
}

static void months_begin_on_the_billing_day(void **state)
{
	(void)state;
	assert_time(meter_month_start(at("2026-11-14T23:59:59"), 15, 0), "2026-10-15T00:00:00");
	assert_time(meter_month_start(at("2026-11-15T00:00:00"), 15, 0), "2026-11-15T00:00:00");
	assert_time(meter_month_start(at("2027-01-14T00:00:00"), 15, 0), "2026-12-15T00:00:00");
	assert_time(meter_month_start(at("2027-01-14T00:00:00"), 15, 1), "2027-01-15T00:00:00");
	assert_time(meter_month_start(at("2027-02-28T00:00:00"), 28, 0), "2027-02-28T00:00:00");
	assert_time(meter_month_start(at("2028-02-29T00:00:00"), 28, 0), "2028-02-28T00:00:00");
	assert_time(meter_month_start(at("2027-03-01T00:00:00"), 28, 0), "2027-02-28T00:00:00");
}

static void every_second_is_in_the_month_it_is_said_to_be_in(void **state)
{
	(void)state;
	for (unsigned int day = 1; day <= METER_BILLING_DAY_MAX; day++) {
		for (int64_t t = at("2027-01-01T00:00:00"); t < at("2029-01-01T00:00:00");
		     t += 6 * 3600 - 1) {
			int64_t start = meter_month_start(t, day, 0);
			int64_t end = meter_month_start(t, day, 1);

			assert_true(start <= t && t < end);
			assert_true(end - start >= 28 * 86400 && end - start <= 31 * 86400);
			assert_int_equal(meter_month_start(start - 1, day, 0),
					 meter_month_start(t, day, -1));
		}
	}
}

/* ---- Counting ---- */

static void what_comes_between_samples_is_counted(void **state)
{
	struct meter m = meter_of("eth0");
	struct meter_sample s = { .ifname = m.ifname, .ifindex = 2, .rx_bytes = 5, .tx_bytes = 7 };

	(void)state;
	assert_true(meter_add_sample(&m, &s, at("2026-11-21T10:00:00")));
	assert_false(meter_add_sample(&m, &s, at("2026-11-21T10:01:00")));
	s.tx_bytes = 17;
	assert_true(meter_add_sample(&m, &s, at("2026-11-21T10:02:00")));
	assert_int_equal(today(&m, "2026-11-21T10:02:00"), 5);
	assert_int_equal(meter_day(&m, at("2026-11-21T10:02:00"), 0).tx_bytes, 17);
	assert_int_equal(meter_used(&m, at("2026-11-21T10:02:00")), 22);
}

static void what_was_before_metering_is_not_counted(void **state)
{
	struct meter m = { .billing_day = 1 };

	(void)state;
	see(&m, "eth0", 2, 1000, "2026-11-21T10:00:00");
	assert_int_equal(today(&m, "2026-11-21T10:00:00"), 0);
	see(&m, "eth0", 2, 1001, "2026-11-21T10:01:00");
	assert_int_equal(today(&m, "2026-11-21T10:01:00"), 1);
	meter_pause(&m);
	see(&m, "eth0", 2, 5000, "2026-11-21T10:02:00");
	assert_int_equal(today(&m, "2026-11-21T10:02:00"), 1);
}

static void another_interface_counts_from_where_it_is(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 10, "2026-11-21T10:00:00");
	see(&m, "eth1", 3, 1000, "2026-11-21T10:01:00"); /* the port moved there */
	see(&m, "eth1", 3, 1004, "2026-11-21T10:02:00");
	assert_int_equal(today(&m, "2026-11-21T10:02:00"), 14);
}

static void an_interface_made_anew_counts_from_zero(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 100, "2026-11-21T10:00:00");
	see(&m, "eth0", 9, 30, "2026-11-21T10:01:00"); /* another index */
	assert_int_equal(today(&m, "2026-11-21T10:01:00"), 130);
	see(&m, "eth0", 9, 5, "2026-11-21T10:02:00"); /* the same index, smaller counters */
	assert_int_equal(today(&m, "2026-11-21T10:02:00"), 135);
	see(&m, "eth0", 10, 500, "2026-11-21T10:03:00"); /* larger ones, but another index */
	assert_int_equal(today(&m, "2026-11-21T10:03:00"), 635);
}

static void a_reboot_counts_from_zero_even_if_the_counters_are_larger(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 100, "2026-11-21T10:00:00");
	meter_rebooted(&m);
	see(&m, "eth0", 2, 250, "2026-11-21T10:01:00");
	assert_int_equal(today(&m, "2026-11-21T10:01:00"), 350);
}

static void a_farewell_is_counted_and_a_forgetful_one_is_not(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 100, "2026-11-21T10:00:00");
	assert_true(meter_add_farewell(&m, 150, 0, at("2026-11-21T10:00:30")));
	assert_false(meter_add_farewell(&m, 0, 0, at("2026-11-21T10:00:31")));
	assert_int_equal(today(&m, "2026-11-21T10:00:30"), 150);
	see(&m, "eth0", 2, 160, "2026-11-21T10:01:00"); /* it was moved away and is back */
	assert_int_equal(today(&m, "2026-11-21T10:01:00"), 160);
}

/* ---- The clock ---- */

static void the_next_day_and_month_begin_with_nothing(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 100, "2026-11-30T23:59:59");
	see(&m, "eth0", 2, 103, "2026-12-01T00:00:59");
	assert_int_equal(today(&m, "2026-12-01T00:00:59"), 3);
	assert_int_equal(month(&m, "2026-12-01T00:00:59"), 3);
	assert_int_equal(meter_day(&m, at("2026-12-01T00:00:59"), -1).rx_bytes, 100);
	assert_int_equal(meter_month(&m, at("2026-12-01T00:00:59"), -1).rx_bytes, 100);
	assert_int_equal(meter_used(&m, at("2026-12-01T00:00:59")), 3);
}

static void a_month_without_traffic_is_empty(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 100, "2026-09-30T12:00:00");
	see(&m, "eth0", 2, 107, "2026-11-02T12:00:00");
	assert_int_equal(meter_month(&m, at("2026-11-02T12:00:00"), -1).rx_bytes, 0);
	assert_int_equal(month(&m, "2026-11-02T12:00:00"), 7);
}

static void a_clock_set_forth_and_back_counts_nothing_twice(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 100, "2026-11-21T10:00:00");
	see(&m, "eth0", 2, 110, "2031-03-01T10:00:00"); /* wrong by years */
	assert_int_equal(month(&m, "2031-03-01T10:00:00"), 10);
	see(&m, "eth0", 2, 111, "2026-11-21T10:02:00"); /* put right */
	assert_int_equal(month(&m, "2026-11-21T10:02:00"), 101);
	see(&m, "eth0", 2, 112, "2026-10-31T23:00:00"); /* back over the end of a month */
	see(&m, "eth0", 2, 113, "2026-11-21T10:04:00");
	assert_int_equal(month(&m, "2026-11-21T10:04:00"), 102);
	assert_int_equal(meter_month(&m, at("2026-11-21T10:04:00"), -1).rx_bytes, 1);
}

static void a_period_far_away_gives_way_to_near_ones(void **state)
{
	struct meter m = meter_of("eth0");
	uint64_t rx = 0;

	(void)state;
	see(&m, "eth0", 2, rx += 1, "2099-01-01T10:00:00");
	for (int i = 0; i < 3; i++) {
		static const char *const days[] = { "2026-11-29T10:00:00", "2026-11-30T10:00:00",
						    "2026-12-01T10:00:00" };

		see(&m, "eth0", 2, rx += 10, days[i]);
	}
	see(&m, "eth0", 2, rx + 10, "2026-12-02T10:00:00"); /* no room for five */
	assert_int_equal(today(&m, "2026-12-02T10:00:00"), 10);
	assert_int_equal(meter_day(&m, at("2026-12-02T10:00:00"), -1).rx_bytes, 10);
	assert_int_equal(today(&m, "2099-01-01T10:00:00"), 0);
}

static void what_comes_with_an_unknown_clock_waits_for_it(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 100, "1970-01-01T00:00:05");
	assert_int_equal(meter_day(&m, at("1970-01-01T00:00:05"), 0).start_s, 0);
	assert_int_equal(meter_used(&m, at("1970-01-01T00:00:05")), 100);
	assert_true(meter_over_quota(&m, 100, at("1970-01-01T00:00:05")));
	assert_true(meter_roll(&m, at("2026-11-21T10:00:00")));
	assert_false(meter_roll(&m, at("2026-11-21T10:00:00")));
	assert_int_equal(today(&m, "2026-11-21T10:00:00"), 100);
	assert_int_equal(meter_used(&m, at("2026-11-21T10:00:00")), 100);
}

/* After a power cut without a battery behind the clock: the quota is not new because of it. */
static void a_quota_holds_on_while_the_clock_is_unknown_again(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 100, "2026-11-21T10:00:00");
	meter_rebooted(&m);
	see(&m, "eth0", 2, 5, "2019-12-31T23:59:59");
	assert_int_equal(meter_used(&m, at("2019-12-31T23:59:59")), 105);
	assert_true(meter_over_quota(&m, 105, at("2019-12-31T23:59:59")));
	assert_int_equal(month(&m, "2019-12-31T23:59:59"), 100);
	meter_roll(&m, at("2026-12-01T00:00:10"));
	assert_int_equal(meter_used(&m, at("2026-12-01T00:00:10")), 5);
	assert_false(meter_over_quota(&m, 105, at("2026-12-01T00:00:10")));
}

static void another_billing_day_keeps_what_is_used(void **state)
{
	struct meter m = meter_of("eth0");

	(void)state;
	see(&m, "eth0", 2, 100, "2026-11-21T10:00:00");
	meter_set_billing_day(&m, 15, at("2026-11-21T10:01:00"));
	assert_int_equal(month(&m, "2026-11-21T10:01:00"), 100);
	assert_time(meter_month(&m, at("2026-11-21T10:01:00"), 0).start_s, "2026-11-15T00:00:00");
	meter_set_billing_day(&m, 28, at("2026-11-21T10:02:00"));
	assert_int_equal(month(&m, "2026-11-21T10:02:00"), 100);
	meter_set_billing_day(&m, 28, at("2026-11-21T10:02:00"));
	assert_int_equal(month(&m, "2026-11-21T10:02:00"), 100);
	see(&m, "eth0", 2, 101, "2026-11-28T00:00:00");
	assert_int_equal(month(&m, "2026-11-28T00:00:00"), 1);
	assert_int_equal(meter_month(&m, at("2026-11-28T00:00:00"), -1).rx_bytes, 100);
}

/* ---- Quota ---- */

static void a_quota_warns_near_its_end_and_is_over_at_its_end(void **state)
{
	(void)state;
	assert_int_equal(meter_judge(UINT64_MAX, 0), METER_FREE);
	assert_int_equal(meter_judge(0, 1000), METER_BELOW);
	assert_int_equal(meter_judge(799, 1000), METER_BELOW);
	assert_int_equal(meter_judge(800, 1000), METER_NEAR);
	assert_int_equal(meter_judge(999, 1000), METER_NEAR);
	assert_int_equal(meter_judge(1000, 1000), METER_OVER);
	assert_int_equal(meter_judge(0, 1), METER_BELOW);
	assert_int_equal(meter_judge(1, 1), METER_OVER);
	assert_int_equal(meter_percent(999, 1000), 99);
	assert_int_equal(meter_percent(2345, 1000), 234);
	assert_int_equal(meter_percent(100000000000000000 - 1, 100000000000000000), 99);
	assert_int_equal(meter_percent(UINT64_MAX, 1), UINT32_MAX);
}

static void both_directions_use_up_the_quota(void **state)
{
	struct meter m = meter_of("eth0");
	struct meter_sample s = {
		.ifname = m.ifname, .ifindex = 2, .rx_bytes = 60, .tx_bytes = 39
	};

	(void)state;
	meter_add_sample(&m, &s, at("2026-11-21T10:00:00"));
	assert_false(meter_over_quota(&m, 100, at("2026-11-21T10:00:00")));
	s.tx_bytes++;
	meter_add_sample(&m, &s, at("2026-11-21T10:00:01"));
	assert_true(meter_over_quota(&m, 100, at("2026-11-21T10:00:01")));
	assert_false(meter_over_quota(&m, 100, at("2026-12-01T00:00:00"))); /* the next month */
}

#define GB 1000000000ull

static void samples_are_rare_without_need(void **state)
{
	int64_t noon = at("2026-11-21T12:00:00");

	(void)state;
	assert_int_equal(meter_next_ms(5 * GB, 0, GB, noon), METER_SAMPLE_MS);
	assert_int_equal(meter_next_ms(0, 10 * GB, 0, noon), METER_SAMPLE_MS);
	assert_int_equal(meter_next_ms(11 * GB, 10 * GB, GB, noon), METER_SAMPLE_MS);
	assert_int_equal(meter_next_ms(0, 0, 0, at("1970-01-01T23:59:59")), METER_SAMPLE_MS);
}

static void a_sample_is_taken_around_midnight(void **state)
{
	(void)state;
	assert_int_equal(meter_next_ms(0, 0, 0, at("2026-11-21T23:59:00")), 59000);
	assert_int_equal(meter_next_ms(0, 0, 0, at("2026-11-21T23:59:57")), 2000);
	assert_int_equal(meter_next_ms(0, 0, 0, at("2026-11-21T23:59:58")), 1000);
	assert_int_equal(meter_next_ms(0, 0, 0, at("2026-11-21T23:59:59")), 1000);
	assert_int_equal(meter_next_ms(0, 0, 0, at("2026-11-22T00:00:00")), METER_SAMPLE_MS);
}

/* How far a stream that begins right behind a sample gets beyond the quota. */
static uint64_t overshoot(uint64_t left, uint64_t bytes_per_s)
{
	int64_t noon = at("2026-11-21T12:00:00");
	uint64_t quota = 100 * GB, used = quota - left, rate = 0;

	while (used < quota) {
		used += bytes_per_s * meter_next_ms(used, quota, rate, noon) / 1000;
		rate = bytes_per_s;
	}
	return used - quota;
}

static void overshoot_is_bounded(void **state)
{
	(void)state;
	for (uint64_t left = 1; left < 20 * GB; left = left * 3 / 2 + 1) {
		for (uint64_t rate = 1000; rate <= GB / 8; rate *= 5)
			assert_true(overshoot(left, rate) <= rate);
		if (left >= GB / 4) /* enough to see it coming: a steady stream */
			for (uint64_t rate = 1000; rate <= GB / 8; rate *= 5)
				assert_true(overshoot(left, rate) <= rate / 10 + 1);
	}
}

/* ---- What is kept and published ---- */

static struct meter_record example(const char *label)
{
	struct meter_record r = { .meter = meter_of("eth0") };

	strcpy(r.label, label);
	r.metered = true;
	r.quota_bytes = 1000;
	r.meter.billing_day = 15;
	see(&r.meter, "eth0", 2, 100, "2026-11-14T10:00:00");
	see(&r.meter, "eth0", 2, 900, "2026-11-21T10:00:00");
	return r;
}

static char *formatted(const struct meter_record *const records[], size_t n)
{
	struct strbuf out = STRBUF_INIT;

	meter_format(records, n, BOOT, &out);
	return strbuf_take(&out);
}

static void what_is_kept_comes_back(void **state)
{
	struct meter_record a = example("lte \"west\" \303\244"), b = example("sat");
	const struct meter_record *const both[] = { &a, &b };
	_cleanup_(freep) char *text = formatted(both, 2);
	_cleanup_(freep) struct meter_record *back = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(meter_parse(text, strlen(text), BOOT, &back, &n), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(&back[0], &a, sizeof(a));
	assert_memory_equal(&back[1], &b, sizeof(b));
	golden_text("meters", text);
}

static void after_a_reboot_the_interfaces_are_new(void **state)
{
	struct meter_record a = example("lte");
	const struct meter_record *const one[] = { &a };
	_cleanup_(freep) char *text = formatted(one, 1);
	_cleanup_(freep) struct meter_record *back = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(meter_parse(text, strlen(text), "another", &back, &n), 0);
	assert_int_equal(back[0].meter.ifindex, 0);
	see(&back[0].meter, "eth0", 2, 950, "2026-11-21T10:05:00");
	assert_int_equal(month(&back[0].meter, "2026-11-21T10:05:00"), 800 + 950);
}

/* A file with one record, and what follows in it. */
#define RECORD(more) "{\"meters\":[{\"logicallabel\":\"a\"" more "}]}"

static void a_damaged_file_is_refused_whole(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{\"meters\":[{}]}",
		RECORD(""), /* no billing day */
		RECORD(",\"billingDay\":29"),
		RECORD(",\"billingDay\":1,\"quotaBytes\":\"100000000000000001\""),
		RECORD(",\"billingDay\":1,\"ifname\":\"a/b\""),
		RECORD(",\"billingDay\":1,\"lastS\":\"5\""),
		RECORD(",\"billingDay\":1,\"lastS\":\"9223372036854775807\""),
		RECORD(",\"billingDay\":1,\"days\":[{}]"),
		RECORD(",\"billingDay\":1},{\"logicallabel\":\"a\",\"billingDay\":1"),
	};
	static const char good[] = RECORD(",\"billingDay\":1");
	struct meter_record *untouched = NULL;
	size_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(meter_parse(bad[i], strlen(bad[i]), BOOT, &untouched, &n),
				 -EINVAL);
	assert_null(untouched);
	assert_int_equal(n, 7);
	assert_int_equal(meter_parse(good, strlen(good), BOOT, &untouched, &n), 0);
	free(untouched);
}

static void status_tells_periods_with_their_ends(void **state)
{
	struct meter_record a = example("lte");
	struct strbuf text = STRBUF_INIT;
	struct arena arena = { 0 };

	(void)state;
	pbjson_format(&meter_status(&a, at("2026-11-21T10:00:00"), &arena)->base,
		      PBJSON_PRETTY | PBJSON_DEFAULTS, &text);
	strbuf_addc(&text, '\n');
	golden_text("meter_status", strbuf_str(&text));
	strbuf_fini(&text);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_and_months_begin_at_midnight_in_utc),
		cmocka_unit_test(months_begin_on_the_billing_day),
		cmocka_unit_test(every_second_is_in_the_month_it_is_said_to_be_in),
		cmocka_unit_test(what_comes_between_samples_is_counted),
		cmocka_unit_test(what_was_before_metering_is_not_counted),
		cmocka_unit_test(another_interface_counts_from_where_it_is),
		cmocka_unit_test(an_interface_made_anew_counts_from_zero),
		cmocka_unit_test(a_reboot_counts_from_zero_even_if_the_counters_are_larger),
		cmocka_unit_test(a_farewell_is_counted_and_a_forgetful_one_is_not),
		cmocka_unit_test(the_next_day_and_month_begin_with_nothing),
		cmocka_unit_test(a_month_without_traffic_is_empty),
		cmocka_unit_test(a_clock_set_forth_and_back_counts_nothing_twice),
		cmocka_unit_test(a_period_far_away_gives_way_to_near_ones),
		cmocka_unit_test(what_comes_with_an_unknown_clock_waits_for_it),
		cmocka_unit_test(a_quota_holds_on_while_the_clock_is_unknown_again),
		cmocka_unit_test(another_billing_day_keeps_what_is_used),
		cmocka_unit_test(a_quota_warns_near_its_end_and_is_over_at_its_end),
		cmocka_unit_test(both_directions_use_up_the_quota),
		cmocka_unit_test(samples_are_rare_without_need),
		cmocka_unit_test(a_sample_is_taken_around_midnight),
		cmocka_unit_test(overshoot_is_bounded),
		cmocka_unit_test(what_is_kept_comes_back),
		cmocka_unit_test(after_a_reboot_the_interfaces_are_new),
		cmocka_unit_test(a_damaged_file_is_refused_whole),
		cmocka_unit_test(status_tells_periods_with_their_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
