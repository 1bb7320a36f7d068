/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the bonds of the node are: which member carries traffic, who is dead, what LACP agreed upon.
 * The kernel tells it. What it does not tell, it is asked for: LACP negotiates without a message,
 * and whether a partner is out of step for good (churn, IEEE 802.1AX 6.4.17) stands in
 * /proc/net/bonding only. So a bond with LACP is looked at with each of its events, and 1, 2, 4 …
 * 64 s after the last one for as long as it has not settled; then no more.
 */
#pragma once

#include "nim/config.h"

struct arena;
struct dp;
struct event_base;
struct nim_bonds;
struct Ew__DeviceNetworkStatus;

struct nim_bonds_conf {
	struct event_base *base;
	struct dp *dp; /* not adopted yet */
	const struct nim_config *config; /* borrowed: labels for the log */
	void (*changed)(void *arg); /* the status is another; from the loop */
	void *arg;
};

int nim_bonds_new(const struct nim_bonds_conf *conf, struct nim_bonds **ret); /* 0 or -errno */
struct nim_bonds *nim_bonds_free(struct nim_bonds *bonds); /* before its dp; NULL is fine */

/* Fills in what ports that are bonds have to tell. In the arena. */
void nim_bonds_status(const struct nim_bonds *bonds, const struct nim_config *config,
		      struct Ew__DeviceNetworkStatus *status, struct arena *arena);
