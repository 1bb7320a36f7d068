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
	int r = ask_text(daemon, "plan", &text);

	if (r || !*text)
		return r;
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
