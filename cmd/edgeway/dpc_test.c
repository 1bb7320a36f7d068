/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/dpc_test.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"

int dpc_test(const char *key, char **ret)
{
	_cleanup_(freep) char *request = xasprintf("dpc test%s%s", *key ? " " : "", key);

	return ask_line("nim", request, ret);
}

int dpc_revert(void)
{
	return ask_daemon("nim", "dpc revert", stdout);
}
