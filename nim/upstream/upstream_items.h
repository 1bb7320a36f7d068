/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration's items say of what is beyond the gateways; zedagent has checked them.
 *
 *	edgeway.upstream                on, off
 *	edgeway.upstream.interval.ms    500 to 60000
 *	edgeway.upstream.misses         1 to 10
 *	edgeway.port.LABEL.upstream     on, off: also where it costs; nowhere
 */
#pragma once

#include "nim/port_switch.h"
#include "nim/upstream/watch.h"

struct Ew__GlobalConfig;

struct upstream_items {
	struct port_switch ports; /* that may be asked time and again */
	uint32_t interval_ms;
	uint8_t misses;
};

/* Frees what *items held; msg NULL is no item at all, an all-zero *items is fine. True: others. */
bool upstream_items_load(struct upstream_items *items, const struct Ew__GlobalConfig *msg);
void upstream_items_fini(struct upstream_items *items);
