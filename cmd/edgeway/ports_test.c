/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway ports --test: has nim test all ports, and waits for it. */
#include "cmd/edgeway/ports_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"

#define PAUSE_MS 50 /* between two questions: nim answers at once and does not call back */

/* The first line of nim's answer, to be freed; NULL after a complaint. */
static char *ask_nim(const char *request)
{
	_cleanup_(freep) char *answer = NULL;
	FILE *out;
	size_t len;
	int r;

	out = open_memstream(&answer, &len);
	if (!out) {
		cli_fail("out of memory");
		return NULL;
	}
	r = ask_daemon("nim", request, out);
	if (fclose(out) != 0 || r)
		return NULL;
	answer[strcspn(answer, "\n")] = '\0';
	return take_ptr(answer);
}

int ports_test(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	_cleanup_(freep) char *round = ask_nim("test");
	_cleanup_(freep) char *request = NULL;

	if (!round)
		return 1;
	request = xasprintf("test %s", round);
	for (;;) {
		_cleanup_(freep) char *answer = ask_nim(request);

		if (!answer)
			return 1;
		if (strcmp(answer, "done") == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
}
