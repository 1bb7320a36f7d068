/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/upstream/upstream_items.h"

#include <string.h>

#include "config.pb-c.h"

static bool equal(const struct upstream_items *a, const struct upstream_items *b)
{
	return a->interval_ms == b->interval_ms && a->misses == b->misses &&
	       port_switch_equal(&a->ports, &b->ports);
}

bool upstream_items_load(struct upstream_items *items, const struct Ew__GlobalConfig *msg)
{
	struct upstream_items now = { .interval_ms = WATCH_INTERVAL_MS, .misses = WATCH_MISSES };
	bool same;

	for (size_t i = 0; msg && i < msg->n_items; i++) {
		const char *key = msg->items[i]->key, *value = msg->items[i]->value;

		if (strcmp(key, "edgeway.upstream.interval.ms") == 0)
			now.interval_ms = item_number(value, 500, 60000, WATCH_INTERVAL_MS);
		else if (strcmp(key, "edgeway.upstream.misses") == 0)
			now.misses = (uint8_t)item_number(value, 1, 10, WATCH_MISSES);
		else
			port_switch_load(&now.ports, "edgeway.upstream", "upstream", key, value);
	}
	same = equal(items, &now);
	upstream_items_fini(items);
	*items = now;
	return !same;
}

void upstream_items_fini(struct upstream_items *items)
{
	port_switch_fini(&items->ports);
}
