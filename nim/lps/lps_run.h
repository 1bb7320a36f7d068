/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local profile server's network configuration as it runs: heard on the bus (topic
 * LocalNetworkConfig), stored, and put as entry "lps" above the controller's configuration that it
 * changes. Each newer one of the controller is changed again by what still holds of it.
 */
#pragma once

#include "status.pb-c.h"

struct arena;
struct daemon;
struct lps_run;
struct nim_dpc;
struct ps;

struct lps_run_conf {
	const struct daemon *daemon; /* folders and loop */
	struct ps *ps;
	struct nim_dpc *dpc; /* its list has the entry */
	void (*changed)(void *arg); /* list or refusals are others; from the loop */
	void *arg;
};

/* Loads what is stored, and brings the list up to it. */
int lps_run_new(const struct lps_run_conf *conf, struct lps_run **ret);
struct lps_run *lps_run_free(struct lps_run *run); /* NULL is fine; waits for the disk */

/* The controller's configuration may be another; changed() is not called. */
void lps_run_controller(struct lps_run *run);

/* For the status: fills in what is told of ports, and returns the rest; NULL: the server asks for
 * nothing. Lives in the arena. */
Ew__LpsStatus *lps_run_status(const struct lps_run *run, Ew__DeviceNetworkStatus *status,
			      struct arena *arena);
/* The rest alone. */
Ew__LpsStatus *lps_run_summary(const struct lps_run *run, struct arena *arena);
