/* SPDX-License-Identifier: Apache-2.0 */
/* One run of conn-test: nim/conn/framed.h. */
#pragma once

#include "nim/conn/conn_request.h"

struct conn_helper;
struct event_base;

struct conn_helper_ops {
	/* A verdict, a warning, who was reached, what was done; of each port at most
	 * 3 + CONN_PEERS. Borrowed for the call. */
	void (*report)(const struct conn_report *report, void *arg);
	/* It is gone, and so is the helper. NULL: as it should. */
	void (*ended)(const char *failure, void *arg);
};

/* It is killed when it has not ended after limit_ms. Calls back from the loop only. 0 or -errno. */
#define CONN_HELPER_MORE_MS 5000 /* than it gives the ports */
int conn_helper_start(struct event_base *base, const char *path,
		      const struct Ew__ConnRequest *request, unsigned int limit_ms,
		      const struct conn_helper_ops *ops, void *arg, struct conn_helper **ret);
/* Kills it; no callback follows. NULL is fine. */
struct conn_helper *conn_helper_free(struct conn_helper *h);
