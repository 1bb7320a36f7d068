/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of proc.c and proc_table.c. */
#pragma once

#include <event2/event.h>

#include "base/hmap.h"
#include "base/rate.h"
#include "dataplane/items/proc.h"

struct proc_log;

enum proc_state {
	PROC_DOWN,
	PROC_STARTING, /* runs, but not ready or on probation; create() waits */
	PROC_UP,
	PROC_STOPPING, /* create() or remove() may wait for its end */
};

struct proc {
	struct hmap_node node;
	struct procs *procs;
	struct dp *dp;
	const struct proc_kind *kind;
	char *id;
	void *spec; /* it runs with; NULL while down */
	void *next; /* to be started when the stopping one has ended */
	struct child *child;
	struct proc_log *log;
	struct rate usual, unusual; /* of the lines it writes */
	struct dp_op *op; /* that waits for the next change of state */
	struct event *timer; /* end of probation, or the second signal */
	struct mono started; /* never: by an earlier run of the daemon */
	enum proc_state state;
	bool probation;
	bool unready; /* ID.ready is still to come */
	int again; /* signal to send when the timer fires; 0: none */
};

struct procs { /* of one engine */
	struct dp *dp;
	struct hmap map; /* by id */
	struct event *readable;
	int inotify;
};

/* proc_table.c */
struct procs *procs_of(const struct dp *dp);
struct proc *proc_find(const struct procs *procs, const char *id);
struct proc *proc_new(struct dp *dp, const struct proc_kind *kind, const char *id);
void proc_free(struct proc *p); /* a running program runs on */
int procs_watch(struct procs *procs); /* notice ID.ready, from the first program on that makes it */

/* proc.c */
void proc_check_up(struct proc *p); /* after something it waited for came */
void proc_timer(evutil_socket_t fd, short what, void *arg);
