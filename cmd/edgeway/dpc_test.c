/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/dpc_test.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"

char *dpc_test(const char *key)
{
	_cleanup_(freep) char *answer = NULL,
			      *request = xasprintf("dpc test%s%s", *key ? " " : "", key);
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

int dpc_revert(void)
{
	return ask_daemon("nim", "dpc revert", stdout);
}
