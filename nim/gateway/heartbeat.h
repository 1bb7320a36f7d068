/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ports' gateways answer, and which ports are preferred again: asks gateways (nim/gateway/probe.h) as
 * nim/gateway/beat.h says, hears what the kernel found out (nim/gateway/nud.h), and damps recoveries (nim/gateway/damp.h).
 *
 * Gateways are asked only where the answer can change something: when another port of that address
 * family could take over. A node with one uplink is never woken by this, and neither is one whose
 * other ports are down.
 */
#pragma once

#include "nim/facts.h"
#include "nim/gateway/heartbeat_items.h"

struct event_base;
struct heartbeat;

struct heartbeat_conf {
	struct event_base *base;
	const struct nim_config *config; /* all borrowed for its life */
	const struct heartbeat_items *items;
	const char *run_dir;
	void (*changed)(void *arg); /* from the loop: call heartbeat_tell() soon */
	void *arg;
};

int heartbeat_new(const struct heartbeat_conf *conf, struct heartbeat **ret); /* 0 or -errno */
struct heartbeat *heartbeat_free(struct heartbeat *hb); /* NULL is fine */

/* Looks at facts and configuration as they are, and fills in each nim_iface.health. */
void heartbeat_tell(struct heartbeat *hb, struct nim_facts *facts);

/* Leaves what is known to the next run; after all that is urgent, as it writes a file. */
void heartbeat_keep(struct heartbeat *hb);

/* Something is strange about that port: its gateways are asked once, and silent if they do not
 * answer. */
void heartbeat_doubt(struct heartbeat *hb, const char *label);
