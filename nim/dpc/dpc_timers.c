/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_timers.h"

#include <stdlib.h>
#include <string.h>

#include "config.pb-c.h"

/* zedagent has checked it. */
static int64_t to_ms(const char *seconds)
{
	return (int64_t)strtoul(seconds, NULL, 10) * 1000;
}

bool dpc_timers_load(struct dpcv_timers *timers, const struct Ew__GlobalConfig *msg)
{
	struct dpcv_timers now = DPCV_TIMERS_DEFAULT;
	bool changed;

	for (size_t i = 0; msg && i < msg->n_items; i++) {
		const Ew__GlobalConfig__ItemsEntry *item = msg->items[i];

		if (strcmp(item->key, "timer.port.testduration") == 0)
			now.duration_ms = to_ms(item->value);
		else if (strcmp(item->key, "timer.port.testinterval") == 0)
			now.interval_ms = to_ms(item->value);
		else if (strcmp(item->key, "timer.port.testbetterinterval") == 0)
			now.better_ms = to_ms(item->value);
	}
	changed = now.duration_ms != timers->duration_ms ||
		  now.interval_ms != timers->interval_ms || now.better_ms != timers->better_ms;
	*timers = now;
	return changed;
}
