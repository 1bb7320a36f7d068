/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/heartbeat_items.h"

#include <string.h>

#include "config.pb-c.h"
#include "nim/gateway/damp.h"

static bool equal(const struct heartbeat_items *a, const struct heartbeat_items *b)
{
	return a->pace.interval_ms == b->pace.interval_ms && a->pace.misses == b->pace.misses &&
	       a->hold_ms == b->hold_ms && port_switch_equal(&a->ports, &b->ports);
}

bool heartbeat_items_load(struct heartbeat_items *items, const struct Ew__GlobalConfig *msg)
{
	struct heartbeat_items now = {
		.pace = { .interval_ms = BEAT_INTERVAL_MS, .misses = BEAT_MISSES },
		.hold_ms = DAMP_HOLD_MS,
	};
	bool same;

	for (size_t i = 0; msg && i < msg->n_items; i++) {
		const char *key = msg->items[i]->key, *value = msg->items[i]->value;

		if (strcmp(key, "edgeway.heartbeat.interval.ms") == 0)
			now.pace.interval_ms = item_number(value, 10, 10000, BEAT_INTERVAL_MS);
		else if (strcmp(key, "edgeway.heartbeat.misses") == 0)
			now.pace.misses = (uint8_t)item_number(value, 1, 20, BEAT_MISSES);
		else if (strcmp(key, "edgeway.recovery.hold.ms") == 0)
			now.hold_ms = item_number(value, 0, 600000, DAMP_HOLD_MS);
		else
			port_switch_load(&now.ports, "edgeway.heartbeat", "heartbeat", key, value);
	}
	same = equal(items, &now);
	heartbeat_items_fini(items);
	*items = now;
	return !same;
}

void heartbeat_items_fini(struct heartbeat_items *items)
{
	port_switch_fini(&items->ports);
}
