/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/heartbeat_items.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "config.pb-c.h"
#include "nim/gateway/damp.h"

#define PORT_PREFIX "edgeway.port."
#define PORT_SUFFIX ".heartbeat"

/* min to max; anything else counts as not given. */
static uint32_t number(const char *value, uint32_t min, uint32_t max, uint32_t otherwise)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	return *value && !*end && n >= min && n <= max ? (uint32_t)n : otherwise;
}

static void load_port(struct heartbeat_items *items, const char *key, const char *value)
{
	size_t prefix = strlen(PORT_PREFIX), suffix = strlen(PORT_SUFFIX), len = strlen(key);
	struct heartbeat_port_item *item;

	if (len <= prefix + suffix || len - prefix - suffix >= NIM_LABEL ||
	    strncmp(key, PORT_PREFIX, prefix) != 0 ||
	    strcmp(key + len - suffix, PORT_SUFFIX) != 0 || items->nports == NIM_PORTS)
		return;
	items->ports = xrealloc(items->ports, items->nports + 1, sizeof(*items->ports));
	item = &items->ports[items->nports++];
	*item = (struct heartbeat_port_item){ .on = strcasecmp(value, "on") == 0 };
	memcpy(item->label, key + prefix, len - prefix - suffix);
}

static bool equal(const struct heartbeat_items *a, const struct heartbeat_items *b)
{
	return a->off == b->off && a->pace.interval_ms == b->pace.interval_ms &&
	       a->pace.misses == b->pace.misses && a->hold_ms == b->hold_ms &&
	       a->nports == b->nports &&
	       (!a->nports || memcmp(a->ports, b->ports, a->nports * sizeof(*a->ports)) == 0);
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

		if (strcmp(key, "edgeway.heartbeat") == 0)
			now.off = strcasecmp(value, "off") == 0;
		else if (strcmp(key, "edgeway.heartbeat.interval.ms") == 0)
			now.pace.interval_ms = number(value, 10, 10000, BEAT_INTERVAL_MS);
		else if (strcmp(key, "edgeway.heartbeat.misses") == 0)
			now.pace.misses = (uint8_t)number(value, 1, 20, BEAT_MISSES);
		else if (strcmp(key, "edgeway.recovery.hold.ms") == 0)
			now.hold_ms = number(value, 0, 600000, DAMP_HOLD_MS);
		else
			load_port(&now, key, value);
	}
	same = equal(items, &now);
	heartbeat_items_fini(items);
	*items = now;
	return !same;
}

void heartbeat_items_fini(struct heartbeat_items *items)
{
	free(take_ptr(items->ports));
}

bool heartbeat_items_allow(const struct heartbeat_items *items, const struct nim_port *port,
			   bool metered)
{
	for (unsigned int i = 0; i < items->nports; i++)
		if (strcmp(items->ports[i].label, port->label) == 0)
			return items->ports[i].on;
	return !items->off && port->cost == 0 && !metered;
}
