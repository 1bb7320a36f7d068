/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/ask.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "cmd/edgeway/commands.h"

#define ASK_TIMEOUT_MS 10000
#define ANSWERS_TIMEOUT_MS 1000

bool ask_answers(const char *daemon)
{
	_cleanup_(freep) char *path = cli_path(daemon, "control"), *answer = NULL;
	_cleanup_(fclosep) FILE *out = NULL;
	size_t len;

	out = open_memstream(&answer, &len);
	return out && control_ask(path, "help", ANSWERS_TIMEOUT_MS, out) == 0;
}

int ask_daemon(const char *daemon, const char *request, FILE *out)
{
	_cleanup_(freep) char *path = cli_path(daemon, "control"), *answer = NULL;
	_cleanup_(fclosep) FILE *copy = NULL;
	size_t len;
	int r;

	if (!cli_daemon_known(daemon))
		return cli_fail("there is no daemon %s", daemon);
	/* Kept back until it is known to be the answer and not an excuse. */
	copy = open_memstream(&answer, &len);
	if (!copy)
		return cli_fail("%s", strerror(errno));
	r = control_ask(path, request, ASK_TIMEOUT_MS, copy);
	if (fflush(copy) != 0)
		return cli_fail("%s", strerror(errno));
	if (r == -ENOENT || r == -ECONNREFUSED)
		return cli_fail("%s does not run (nobody answers at %s)", daemon, path);
	if (r == -ETIMEDOUT)
		return cli_fail("%s does not answer (waited %d s)", daemon, ASK_TIMEOUT_MS / 1000);
	if (r == -EREMOTEIO)
		return cli_fail("%s: %.*s", daemon, (int)strcspn(answer, "\n"), answer);
	if (r < 0)
		return cli_fail("%s: %s", daemon, strerror(-r));
	fwrite(answer, 1, len, out);
	return 0;
}
