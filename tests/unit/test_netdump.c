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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifest_tells_the_end_of_each_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
