/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration's items say of heartbeats and damping; zedagent has checked them.
 *
 *	edgeway.heartbeat                on, off
 *	edgeway.heartbeat.interval.ms    10 to 10000
 *	edgeway.heartbeat.misses         1 to 20
 *	edgeway.port.LABEL.heartbeat     on, off: also where it costs; nowhere
 *	edgeway.recovery.hold.ms         0 to 600000
 */
#pragma once

#include "nim/gateway/beat.h"
#include "nim/port_switch.h"

struct Ew__GlobalConfig;

struct heartbeat_items {
	struct port_switch ports; /* that may be asked time and again */
	struct beat_pace pace;
	uint32_t hold_ms;
};

/* Frees what *items held; msg NULL is no item at all, an all-zero *items is fine. True: others. */
bool heartbeat_items_load(struct heartbeat_items *items, const struct Ew__GlobalConfig *msg);
void heartbeat_items_fini(struct heartbeat_items *items);
