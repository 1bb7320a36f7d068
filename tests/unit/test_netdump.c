/* SPDX-License-Identifier: Apache-2.0 */
/* The list of contents of a netdump. */
#include "cmd/edgeway/capture.h"
#include "cmd/edgeway/dump.h"
#include "tests/unit/golden.h"

static void manifest_tells_the_end_of_each_part(void **state)
{
	static char version[] = "version.txt", status[] = "status.json", graph[] = "graph-nim.txt",
		    nft[] = "nft-ruleset.json", plan[] = "plan-nim.txt";
	struct strbuf out = STRBUF_INIT;
	struct dump_part parts[] = {
		{ .name = version, .end = DUMP_WHOLE, .why = (char *)"", .text = { .len = 14 } },
		{ .name = status, .end = DUMP_FAILED, .why = (char *)"ended with status 1: no" },
		{ .name = graph,
		  .end = DUMP_LARGE,
		  .why = (char *)"more than 8 MiB",
		  .text = { .len = DUMP_PART_BYTES } },
		{ .name = nft, .end = DUMP_LATE, .why = (char *)"stopped after 12 s" },
		{ .name = plan, .end = DUMP_LEFT_OUT, .why = (char *)"no time was left" },
	};
	const struct dump dump = { parts, ARRAY_SIZE(parts) };

	(void)state;
	dump_manifest(&dump, "edgeway-netdump-20261121T092000Z of node", &out);
	golden_text("netdump_manifest", strbuf_str(&out));
	strbuf_fini(&out);
}

static void program_that_is_killed_has_failed_whatever_its_status_may_tell(void **state)
{
	struct dump_part parts[] = {
		{ .argv = { "sh", "-c", "exit 3" }, .any_status = true },
		{ .argv = { "sh", "-c", "kill -9 $$" }, .any_status = true },
	};
	struct dump dump = { parts, ARRAY_SIZE(parts) };

	(void)state;
	assert_int_equal(dump_run(&dump), 0);
	assert_int_equal(parts[0].end, DUMP_WHOLE);
	assert_int_equal(parts[1].end, DUMP_FAILED);
	assert_string_equal(parts[1].why, "ended by signal 9");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		free(parts[i].why);
		strbuf_fini(&parts[i].text);
	}
}

static void bounds_of_a_capture_have_units(void **state)
{
	uint32_t seconds = 0, bytes = 0;

	(void)state;
	assert_true(capture_seconds_parse("10", &seconds) && seconds == 10);
	assert_true(capture_seconds_parse("90s", &seconds) && seconds == 90);
	assert_true(capture_seconds_parse("10m", &seconds) && seconds == 600);
	assert_true(capture_bytes_parse("1MiB", 1024, 8 << 20, &bytes) && bytes == 1 << 20);
	assert_true(capture_bytes_parse("64KiB", 1024, 8 << 20, &bytes) && bytes == 64 << 10);
	assert_true(capture_bytes_parse("1024", 1024, 8 << 20, &bytes) && bytes == 1024);
}

static void bounds_of_a_capture_are_kept(void **state)
{
	static const char *const no_seconds[] = { "",	 "0",  "601",  "11m",
						  "s",	 "1h", "-1s",  "1 s",
						  "1ss", "+1", "1.5s", "9999999999999999999m" };
	static const char *const no_bytes[] = { "",
						"0",
						"1023",
						"9MiB",
						"KiB",
						"1kib",
						"1GiB",
						"-1",
						"99999999999999999999MiB",
						"18014398509481985KiB" };
	uint32_t got = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(no_seconds); i++)
		assert_false(capture_seconds_parse(no_seconds[i], &got));
	for (size_t i = 0; i < ARRAY_SIZE(no_bytes); i++)
		assert_false(capture_bytes_parse(no_bytes[i], 1024, 8 << 20, &got));
	assert_int_equal(got, 7);
}

static void part_that_is_there_already_is_kept_as_it_is(void **state)
{
	struct dump_part parts[] = { { .end = DUMP_LARGE, .why = xstrdup("at 4 bytes") } };
	struct dump dump = { parts, ARRAY_SIZE(parts) };

	(void)state;
	strbuf_addmem(&parts[0].text, "a\0b", 3);
	assert_int_equal(dump_run(&dump), 0);
	assert_int_equal(parts[0].end, DUMP_LARGE);
	assert_int_equal(parts[0].text.len, 3);
	free(parts[0].why);
	strbuf_fini(&parts[0].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifest_tells_the_end_of_each_part),
		cmocka_unit_test(program_that_is_killed_has_failed_whatever_its_status_may_tell),
		cmocka_unit_test(bounds_of_a_capture_have_units),
		cmocka_unit_test(bounds_of_a_capture_are_kept),
		cmocka_unit_test(part_that_is_there_already_is_kept_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
