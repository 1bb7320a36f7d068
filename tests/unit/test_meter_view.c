/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway shows of metered ports. */
#include <stdio.h>

#include "cmd/edgeway/meter_view.h"
#include "tests/unit/golden.h"

static void sizes_have_units_of_a_thousand(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 999999, "999.9 kB" },
		{ 1000000, "1.0 MB" },
		{ 4870000000, "4.8 GB" },
		{ UINT64_MAX, "18.4 EB" },
	};
	char text[METER_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(meter_bytes(rows[i].bytes, text), rows[i].text);
}

static Ew__MeterCount count(int64_t start_s, int64_t end_s, uint64_t bytes)
{
	Ew__MeterCount c = EW__METER_COUNT__INIT;

	c.start_s = start_s;
	c.end_s = end_s;
	c.rx_bytes = bytes / 2;
	c.tx_bytes = bytes - bytes / 2;
	return c;
}

static void print(FILE *out, void (*show)(Ew__PortMeterStatus *const list[], size_t n, FILE *out))
{
	Ew__MeterCount today = count(1795219200, 1795305600, 123456),
		       month = count(1793491200, 1796083200, 4870000000),
		       last = count(1790812800, 1793491200, 5100000000), none = count(0, 0, 0);
	Ew__PortMeterStatus lte = EW__PORT_METER_STATUS__INIT, odd = EW__PORT_METER_STATUS__INIT;

	lte.logicallabel = (char *)"lte";
	lte.state = EW__METER_STATE__METER_STATE_NEAR;
	lte.today = &today;
	lte.month = &month;
	lte.last_month = &last;
	lte.quota_bytes = 5000000000;
	lte.used_bytes = 4870000000;
	lte.percent = 97;
	odd.logicallabel = (char *)"\033[2Jodd"; /* without quota, with an unknown clock */
	odd.today = odd.month = odd.last_month = &none;
	show((Ew__PortMeterStatus *[]){ &lte, &odd }, 2, out);
}

static void shown_is(const char *golden,
		     void (*show)(Ew__PortMeterStatus *const list[], size_t n, FILE *out))
{
	_cleanup_(freep) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(out, show);
	fclose(out);
	golden_text(golden, text);
}

static void ports_stand_in_a_table(void **state)
{
	(void)state;
	shown_is("metering_plain", meter_print);
}

static void json_has_every_value(void **state)
{
	(void)state;
	shown_is("metering_json", meter_print_json);
}

static void only_a_quota_that_runs_out_is_warned_of(void **state)
{
	static const struct {
		Ew__MeterState state;
		const char *text;
	} rows[] = {
		{ EW__METER_STATE__METER_STATE_FREE, "" },
		{ EW__METER_STATE__METER_STATE_BELOW, "" },
		{ EW__METER_STATE__METER_STATE_NEAR,
		  " 97 % of its quota used, the next from 2026-12-01" },
		{ EW__METER_STATE__METER_STATE_OVER,
		  " over its quota (97 %), not for apps until 2026-12-01" },
	};
	Ew__PortMeterStatus m = EW__PORT_METER_STATUS__INIT;
	Ew__MeterCount month = count(1793491200, 1796083200, 1);

	(void)state;
	m.month = &month;
	m.percent = 97;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = STRBUF_INIT;

		m.state = rows[i].state;
		assert_int_equal(meter_warn(&m, &out), rows[i].text[0] != '\0');
		assert_string_equal(strbuf_str(&out), rows[i].text);
		strbuf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_have_units_of_a_thousand),
		cmocka_unit_test(ports_stand_in_a_table),
		cmocka_unit_test(json_has_every_value),
		cmocka_unit_test(only_a_quota_that_runs_out_is_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
