/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/edgeway/cli.h"
#include "cmd/edgeway/commands.h"

static void print_help(FILE *out)
{
	fputs("edgeway: look at and run the daemons of an edge node\n\n"
	      "usage: edgeway [--run-dir DIR] [--state-dir DIR] COMMAND …\n\n",
	      out);
	for (const struct command *c = commands; c->name; c++) {
		_cleanup_(freep) char *usage = xasprintf("%s %s", c->name, c->args);

		fprintf(out, "  %-24s %s%s%s\n", usage, strlen(usage) > 24 ? "\n" : "",
			strlen(usage) > 24 ? "                           " : "", c->help);
	}
	fputs("\nThe folders default to $EDGEWAY_RUN or /run/edgeway, and $EDGEWAY_STATE or "
	      "/var/lib/edgeway.\n",
	      out);
}

int main(int argc, char *argv[])
{
	const char *name;

	if (!cli_take_options(&argc, argv))
		return 2;
	name = argc > 1 ? argv[1] : "";
	if (!*name || !strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h")) {
		print_help(*name ? stdout : stderr);
		return *name ? 0 : 2;
	}
	if (!strcmp(name, "--version"))
		name = "version";
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c->run(argc - 1, argv + 1);
	cli_fail("unknown command: %s; see edgeway help", name);
	return 2;
}
