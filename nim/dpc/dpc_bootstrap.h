/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bootstrap-config.pb means for the files beside it. EVE lets none count while there is one,
 * good or bad; here a bad one takes nothing away, for somebody may have come to mend that. Pure.
 */
#pragma once

#include <stdbool.h>

#include "bootstrap.pb-c.h"
#include "status.pb-c.h"

#define DPC_BOOTSTRAP_KEY "bootstrap" /* as in EVE */
#define DPC_BOOTSTRAP_FILE "bootstrap-config.pb" /* likewise */

struct dpc_list;

struct dpc_bootstrap {
	bool exists; /* the file */
	Ew__BootstrapState state; /* what zedagent says; UNKNOWN before it does */
	Ew__DpcRefusal *refusal; /* owned; NULL: nothing is wrong with it */
	bool heard; /* what zedagent took: another topic, that may come after its word on the file */
	bool unusable; /* it has no port that nim can use */
};

/* Its entry of the list; without a time of its own it counts as of 1980, as files do, for it is put
 * again at each start. Freed by ew__dpc_entry__free_unpacked(). */
Ew__DpcEntry *dpc_bootstrap_entry(const Ew__DevicePortConfig *config);

/* Than one of the list that came the same way: what a controller has signed is not taken back by
 * what it signed before. */
bool dpc_bootstrap_is_older(const struct dpc_list *list, const Ew__DpcEntry *entry);

void dpc_bootstrap_fini(struct dpc_bootstrap *b);
/* True: it is another one now. */
bool dpc_bootstrap_set_status(struct dpc_bootstrap *b, const Ew__BootstrapStatus *status);
/* Of what zedagent took: why it cannot be used; "": it can. */
void dpc_bootstrap_set_error(struct dpc_bootstrap *b, const char *why);

enum dpc_files_count { /* override files and USB sticks */
		       DPC_FILES_COUNT,
		       DPC_FILES_VETOED,
		       DPC_FILES_WAIT, /* for a verdict: those that count do so on, others do not yet */
};
enum dpc_files_count dpc_bootstrap_files(const struct dpc_bootstrap *b);
