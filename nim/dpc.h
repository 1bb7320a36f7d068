/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the list of port configurations: the controller's from the bus, others from the files of
 * a folder, watched; stored, so that a node has its ports while its controller or zedagent is away.
 */
#pragma once

#include "nim/dpc_list.h"

struct event_base;
struct nim_dpc;

#define NIM_DPC_DIR "/config/DevicePortConfig" /* as in EVE */

struct nim_dpc_conf {
	struct event_base *base;
	const char *dir, *run_dir, *state_dir; /* copied */
	/* The list or the refusals changed, by a file; from the loop. */
	void (*changed)(void *arg);
	void *arg;
};

/* Loads the stored list and the files. */
int nim_dpc_open(const struct nim_dpc_conf *conf, struct nim_dpc **ret);
struct nim_dpc *nim_dpc_free(struct nim_dpc *dpc); /* NULL is fine; waits for the disk */

/* What the controller asks for, borrowed. */
void nim_dpc_controller(struct nim_dpc *dpc, const Ew__DevicePortConfig *config);

const Ew__DpcEntry *nim_dpc_in_force(const struct nim_dpc *dpc); /* NULL: there is none */
/* List and refusals, for the bus; it borrows all until the next change. */
Ew__DevicePortConfigList nim_dpc_message(struct nim_dpc *dpc);
/* Fills in what DeviceNetworkStatus tells of it; likewise borrowed. */
void nim_dpc_status(struct nim_dpc *dpc, Ew__DeviceNetworkStatus *ret);
