/* SPDX-License-Identifier: Apache-2.0 */
/* Reads whole topics of the bus once, for commands that print and end. */
#pragma once

#include <stdbool.h>

#include "pubsub/ps.h"

#define TABLE_WAIT_MS 1000 /* for a publisher that runs but has not said synced */
#define TABLE_MORE_MS 500 /* for one that answers at its control door when that is over */

#define TABLE_TOPICS_MAX 16

struct table_topic {
	const struct ps_topic *topic;
	bool synced; /* set: the publisher was there and told all it has */
};

/*
 * Subscribes to all topics (TABLE_TOPICS_MAX at most, ended by topic NULL), calls each() for every value they hold, packed.
 * Publishers that do not run are not waited for. 0 or -errno.
 */
typedef void table_fn(const struct ps_topic *topic, const char *key, const void *data, size_t len,
		      void *arg);
int table_read(struct table_topic *topics, table_fn *each, void *arg);
/* What its publisher does when it is not synced: "does not run", say. */
const char *table_why_not(const struct ps_topic *topic);
