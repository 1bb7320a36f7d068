/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The switches of the configuration's items, stored so that the firewall stands as it did before
 * zedagent has spoken.
 */
#pragma once

#include "nim/config.h"
#include "nim/dpc/dpc_verify.h"
#include "nim/gateway/heartbeat_items.h"
#include "nim/upstream/upstream_items.h"

struct daemon;
struct stored;

struct nim_items {
	struct nim_switches switches;
	struct dpcv_timers timers;
	struct heartbeat_items heartbeat;
	struct upstream_items upstream;
	bool known; /* by the bus or stored; else the switches are all off */
	struct stored *stored;
};

int nim_items_open(struct nim_items *items, const struct daemon *d); /* loads what is stored */
void nim_items_fini(struct nim_items *items); /* an all-zero one is fine */

/* msg NULL: no item at all. True: something of them is another now. */
bool nim_items_set(struct nim_items *items, const struct Ew__GlobalConfig *msg);
