/* SPDX-License-Identifier: Apache-2.0 */
/* One run of conn-test that fetches the PAC file of a port, addresses of names for it, or both. */
#pragma once

#include "nim/conn/conn_result.h"
#include "nim/proxy/pac_eval.h"

struct event_base;
struct pac_load;
struct Ew__ConnPacFile;
struct Ew__ConnRequest;

/* Once, from the loop; pac_load is gone then. file is given to the callee, or NULL, and failure is
 * why, trace what was done, "" if that is not known: both borrowed for the call. */
typedef void pac_load_fn(struct Ew__ConnPacFile *file, const struct conn_result *failure,
			 const char *trace, void *arg);

/* request is for one port, with its pac: borrowed for the call; what is of no use for fetching, the
 * key above all, is not handed on. path: of conn-test. 0 or -errno. */
int pac_load_start(struct event_base *base, const char *path, const struct Ew__ConnRequest *request,
		   pac_load_fn *done, void *arg, struct pac_load **ret);
/* Kills it; no callback follows. NULL is fine. */
struct pac_load *pac_load_free(struct pac_load *l);

struct pac_report { /* one of them, the others stay as they were */
	struct Ew__ConnPacFile *file; /* to be freed, and so is trace */
	char *trace; /* of what failed */
	struct conn_result failure;
};
/* Foreign bytes: a report for one port with nurls URLs. 0, or -EBADMSG: it is none. */
int pac_report_read(const uint8_t *msg, size_t len, unsigned int nurls, struct pac_report *ret);
