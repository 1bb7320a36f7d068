/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the list of port configurations: the controller's from the bus, others from files of a
 * folder and of a USB stick, the local operator's and the last resort; stored, so that a node has
 * its ports while its controller or zedagent is away.
 */
#pragma once

#include "nim/dpc/dpc_list.h"

struct Ew__BootstrapStatus;
struct event_base;
struct nim_dpc;

#define NIM_DPC_DIR "/config/DevicePortConfig" /* as in EVE */
#define NIM_DPC_CONTROLLER "zedagent" /* likewise: key of its configuration */

struct nim_dpc_conf {
	struct event_base *base;
	const char *dir, *run_dir, *state_dir; /* all copied */
	/* Likewise. A good bootstrap-config.pb in it takes the files out of force: dpc_bootstrap.h. */
	const char *config_dir;
	/* The list or the refusals changed, but for nim_dpc_controller() and nim_dpc_local(); from
	 * the loop. */
	void (*changed)(void *arg);
	void *arg;
};

/* Loads the stored list and the files. */
int nim_dpc_open(const struct nim_dpc_conf *conf, struct nim_dpc **ret);
struct nim_dpc *nim_dpc_free(struct nim_dpc *dpc); /* NULL is fine; waits for the disk */

/* What the controller asks for, borrowed. */
void nim_dpc_controller(struct nim_dpc *dpc, const Ew__DevicePortConfig *config);

/* The controller's, changed by the local profile server: takes entry. As dpc_list_put(), and as
 * dpc_list_end_local(); stored, and to be told by the caller. */
int nim_dpc_local(struct nim_dpc *dpc, Ew__DpcEntry *entry);
bool nim_dpc_end_local(struct nim_dpc *dpc, bool taken_back);

/* Takes entry. As dpc_list_put(); stored and told when the list changed. */
int nim_dpc_put(struct nim_dpc *dpc, Ew__DpcEntry *entry);
int nim_dpc_drop(struct nim_dpc *dpc, const char *key); /* 0; -ENOENT: there is none */
const struct dpc_list *nim_dpc_list(const struct nim_dpc *dpc); /* borrowed */
/* The same, for who chooses from it and keeps results; then nim_dpc_store(). */
struct dpc_list *nim_dpc_list_rw(struct nim_dpc *dpc);
void nim_dpc_store(struct nim_dpc *dpc);

/* What zedagent publishes of a bootstrap-config.pb, and makes of it. Both borrowed. The latter may
 * call changed(). */
void nim_dpc_bootstrap(struct nim_dpc *dpc, const Ew__DevicePortConfig *config);
void nim_dpc_bootstrap_status(struct nim_dpc *dpc, const struct Ew__BootstrapStatus *status);
bool nim_dpc_bootstraps(const struct nim_dpc *dpc); /* ports from it are there or to be expected */

const Ew__DpcEntry *nim_dpc_in_force(const struct nim_dpc *dpc); /* NULL: there is none */
/* List and refusals, for the bus; it borrows all until the next change. */
Ew__DevicePortConfigList nim_dpc_message(struct nim_dpc *dpc);
/* Fills in what DeviceNetworkStatus tells of it; likewise borrowed. */
void nim_dpc_status(struct nim_dpc *dpc, Ew__DeviceNetworkStatus *ret);
