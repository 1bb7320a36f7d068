/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the PAC file of one port to the proxies that its test is to go by. It has helpers of its own,
 * so whatever the file does, or the network that it comes from, other ports wait for nothing.
 */
#pragma once

#include "nim/conn/conn_result.h"

struct event_base;
struct pac_run;
struct pacs;
struct Ew__ConnRequest;

/* Once, from the loop; the run is gone then. request is given back, with ways and without pac, or,
 * when it failed, NULL, failure is why, and trace what was done to fetch the file, "" if nothing
 * was; both are borrowed for the call. */
typedef void pac_run_fn(struct Ew__ConnRequest *request, const struct conn_result *failure,
			const char *trace, void *arg);

/* Takes request, which was unpacked and is for one port. What becomes of its file is kept in pacs,
 * under the port's label, "" keeps nothing; pacs and label are borrowed while it runs. */
struct pac_run *pac_run_start(struct pacs *pacs, const char *label, struct Ew__ConnRequest *request,
			      pac_run_fn *done, void *arg);
/* Calls it off, without a callback. NULL is fine. */
struct pac_run *pac_run_free(struct pac_run *run);
