/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway ports --test: has nim test all ports, and waits for it. */
#include "cmd/edgeway/ports_test.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"

#define PAUSE_MS 50 /* between two questions: nim answers at once and does not call back */

int ports_test(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	_cleanup_(freep) char *round = NULL, *request = NULL;
	int r = ask_line("nim", "test", &round);

	if (r)
		return r;
	request = xasprintf("test %s", round);
	for (;;) {
		_cleanup_(freep) char *answer = NULL;

		r = ask_line("nim", request, &answer);
		if (r || strcmp(answer, "done") == 0)
			return r;
		nanosleep(&pause, NULL);
	}
}
