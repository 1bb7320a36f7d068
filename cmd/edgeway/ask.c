/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/ask.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "cmd/edgeway/commands.h"

#define ASK_TIMEOUT_MS 10000
#define ANSWERS_TIMEOUT_MS 1000

void ask_answers(const char *const *daemons, size_t n, bool *ret)
{
	_cleanup_(freep) char **paths = xcalloc(n + 1, sizeof(*paths));

	for (size_t i = 0; i < n; i++)
		paths[i] = cli_path(daemons[i], "control");
	control_answers((const char *const *)paths, n, ANSWERS_TIMEOUT_MS, ret);
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
}

/* 0 or -errno of control_ask(); the answer so far is set in any case. */
static int ask(const char *path, const char *request, char **ret)
{
	size_t len;
	FILE *out = open_memstream(ret, &len);
	int r;

	if (!out)
		return -errno;
	r = control_ask(path, request, ASK_TIMEOUT_MS, out);
	return fclose(out) != 0 ? -errno : r;
}

int ask_text(const char *daemon, const char *request, char **ret)
{
	_cleanup_(freep) char *path = cli_path(daemon, "control"), *answer = NULL;
	int r;

	if (!cli_daemon_known(daemon))
		return cli_fail("there is no daemon %s", daemon);
	r = ask(path, request, &answer);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return cli_fail("%s does not run (nobody answers at %s)", daemon, path);
	if (r == -ETIMEDOUT)
		return cli_fail("%s does not answer (waited %d s)", daemon, ASK_TIMEOUT_MS / 1000);
	if (r == -EREMOTEIO)
		return cli_fail("%s: %.*s", daemon, (int)strcspn(answer, "\n"), answer);
	if (r < 0)
		return cli_fail("%s: %s", daemon, strerror(-r));
	*ret = take_ptr(answer);
	return 0;
}

int ask_line(const char *daemon, const char *request, char **ret)
{
	int r = ask_text(daemon, request, ret);

	if (r == 0)
		(*ret)[strcspn(*ret, "\n")] = '\0';
	return r;
}

int ask_daemon(const char *daemon, const char *request, FILE *out)
{
	_cleanup_(freep) char *answer = NULL;
	int r = ask_text(daemon, request, &answer);

	if (answer)
		fputs(answer, out);
	return r;
}
