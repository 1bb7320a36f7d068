/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/dpc_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "base/strbuf.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/dpc.h"

#define PAUSE_MS 100 /* between two looks */
#define MORE_S 5 /* than nim should need */
#define TIMEOUT_MAX_S 1000000

/* How it ended. */
static int tell(const Ew__DevicePortConfigList *dpcs, const char *key)
{
	const Ew__DpcEntry *entry = dpc_find(dpcs, key);
	struct strbuf out = STRBUF_INIT;
	bool works;

	if (!entry)
		return cli_fail("%s went away meanwhile; see edgeway dpc list", key);
	dpc_add_line(dpcs, entry, &out);
	dpc_print(&out);
	works = entry->state == EW__DPC_STATE__DPC_STATE_SUCCESS ||
		entry->state == EW__DPC_STATE__DPC_STATE_REMOTE_WAIT;
	return works && !entry->last_error[0] ? 0 : 1;
}

/* The exit status; -1: it has not ended yet. */
static int look(const char *key, unsigned long timeout_s, struct mono since)
{
	Ew__DevicePortConfigList *dpcs = NULL;
	int r = dpc_fetch(&dpcs);

	if (r)
		return r;
	if (!timeout_s)
		timeout_s = dpcs->pass_limit_s + MORE_S;
	r = -1;
	if (strcmp(dpcs->asked, key) != 0)
		r = tell(dpcs, key);
	else if (mono_diff_ms(mono_now(), since) >= (int64_t)timeout_s * 1000)
		r = cli_fail(
			"%s is still being tested after %lu s; nim goes on, see edgeway dpc list",
			key, timeout_s);
	ew__device_port_config_list__free_unpacked(dpcs, NULL);
	return r;
}

static int test(const char *key, unsigned long timeout_s)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	_cleanup_(freep) char *request = xasprintf("dpc test%s%s", *key ? " " : "", key);
	_cleanup_(freep) char *tested = NULL;
	struct mono since = mono_now();
	int r = ask_line("nim", request, &tested);

	if (r)
		return r;
	while ((r = look(tested, timeout_s, since)) < 0)
		nanosleep(&pause, NULL);
	return r;
}

int dpc_test(int argc, char *argv[])
{
	unsigned long timeout_s = 0;
	char *end;

	if (argc && strcmp(argv[0], "--timeout") == 0) {
		timeout_s = argc > 1 ? strtoul(argv[1], &end, 10) : 0;
		if (!timeout_s || *end || timeout_s > TIMEOUT_MAX_S)
			return cli_usage("dpc");
		argc -= 2;
		argv += 2;
	}
	if (argc > 1 || (argc == 1 && argv[0][0] == '-'))
		return cli_usage("dpc");
	return test(argc == 1 ? argv[0] : "", timeout_s);
}

int dpc_revert(void)
{
	return ask_daemon("nim", "dpc revert", stdout);
}
