/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"

/* dot -Tsvg -o FILE <in */
static int draw(FILE *in, const char *file)
{
	const char *const argv[] = { "dot", "-Tsvg", "-o", file, NULL };
	posix_spawn_file_actions_t actions;
	int status, r;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
	r = posix_spawnp(&pid, "dot", &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r == ENOENT)
		return cli_fail("the program dot is missing (Debian package graphviz)");
	if (r || waitpid(pid, &status, 0) < 0)
		return cli_fail("dot: %s", strerror(r ? r : errno));
	return status ? cli_fail("dot failed") : 0;
}

static int graph_svg(const char *daemon, const char *file)
{
	_cleanup_(fclosep) FILE *dot = tmpfile();
	int r;

	if (!dot)
		return cli_fail("temporary file: %s", strerror(errno));
	r = ask_daemon(daemon, "graph dot", dot);
	if (r)
		return r;
	if (fflush(dot) != 0 || fseek(dot, 0, SEEK_SET) < 0)
		return cli_fail("temporary file: %s", strerror(errno));
	return draw(dot, file);
}

int cmd_graph(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "dot", no_argument, NULL, 'd' },
		{ "svg", required_argument, NULL, 's' },
		{ 0 },
	};
	const char *request = "graph text", *svg = NULL;
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == '?')
			return cli_usage("graph");
		if (option == 's')
			svg = optarg;
		else
			request = option == 'j' ? "graph json" : "graph dot";
	}
	if (argc - optind != 1)
		return cli_usage("graph");
	return svg ? graph_svg(argv[optind], svg) : ask_daemon(argv[optind], request, stdout);
}
