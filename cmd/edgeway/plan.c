/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"

static const char *const planners[] = { "nim", "zedrouter", "domainmgr" };

/* One daemon's plan, under its name when there are several. */
static int print_plan(const char *daemon, bool titled, bool *some)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(fclosep) FILE *out = NULL;
	size_t len = 0;
	int r;

	out = open_memstream(&text, &len);
	if (!out)
		return cli_fail("out of memory");
	r = ask_daemon(daemon, "plan", out);
	if (r || fflush(out) != 0)
		return r ? r : cli_fail("out of memory");
	if (!len)
		return 0;
	*some = true;
	printf("%s%s%s", titled ? daemon : "", titled ? ":\n" : "", text);
	return 0;
}

int cmd_plan(int argc, char *argv[])
{
	bool some = false;
	int worst = 0;

	if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
		return cli_usage("plan");
	if (argc == 2) {
		worst = print_plan(argv[1], false, &some);
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(planners); i++) {
			int r = print_plan(planners[i], true, &some);

			worst = r > worst ? r : worst;
		}
	}
	if (!some && !worst && isatty(STDOUT_FILENO))
		puts("nothing to do: all is as wanted"); /* scripts test for an empty output */
	return worst;
}
