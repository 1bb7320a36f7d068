/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/cli.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "cmd/edgeway/commands.h"

static const char *run_dir, *state_dir;

const char *const cli_daemons[] = { "nim", "zedrouter", "domainmgr", "zedagent", NULL };

/* The value of option at argv[i]: "--name=value" or the next word; *ret_words it takes. */
static const char *option_value(char *argv[], int i, const char *option, int *ret_words)
{
	size_t len = strlen(option);

	*ret_words = 1;
	if (strncmp(argv[i], option, len) != 0)
		return NULL;
	if (argv[i][len] == '=')
		return argv[i] + len + 1;
	*ret_words = 2;
	return argv[i][len] ? NULL : argv[i + 1] ? argv[i + 1] : "";
}

bool cli_take_options(int *argc, char *argv[])
{
	int kept = 1;

	for (int i = 1; i < *argc;) {
		const char *value;
		int words;

		if (!strcmp(argv[i], "--")) {
			while (i < *argc)
				argv[kept++] = argv[i++];
			break;
		}
		if ((value = option_value(argv, i, "--run-dir", &words))) {
			run_dir = value;
		} else if ((value = option_value(argv, i, "--state-dir", &words))) {
			state_dir = value;
		} else {
			argv[kept++] = argv[i++];
			continue;
		}
		if (!*value) {
			cli_fail("%s needs a folder", argv[i]);
			return false;
		}
		i += words;
	}
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

static const char *folder(const char *option, const char *variable, const char *otherwise)
{
	const char *value = option ? option : getenv(variable);

	return value && *value ? value : otherwise;
}

const char *cli_run_dir(void)
{
	return folder(run_dir, "EDGEWAY_RUN", "/run/edgeway");
}

const char *cli_state_dir(void)
{
	return folder(state_dir, "EDGEWAY_STATE", "/var/lib/edgeway");
}

bool cli_color(void)
{
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR"); /* https://no-color.org */
}

bool cli_daemon_known(const char *name)
{
	for (const char *const *d = cli_daemons; *d; d++)
		if (!strcmp(*d, name))
			return true;
	return false;
}

char *cli_path(const char *daemon, const char *suffix)
{
	return xasprintf("%s/%s.%s", cli_run_dir(), daemon, suffix);
}

bool cli_daemon_running(const char *name)
{
	_cleanup_(freep) char *path = cli_path(name, "lock");
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

int cli_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("edgeway: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

int cli_usage(const char *command)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, command))
			fprintf(stderr, "usage: edgeway %s %s\n", c->name, c->args);
	return 2;
}
