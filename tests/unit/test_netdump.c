/* SPDX-License-Identifier: Apache-2.0 */
/* The list of contents of a netdump. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifest_tells_the_end_of_each_part),
		cmocka_unit_test(program_that_is_killed_has_failed_whatever_its_status_may_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
