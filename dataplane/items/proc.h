/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all items share that are a running program: started in the engine's namespace, recorded
 * by files so that the next run of the daemon adopts it, reported gone when it ends, started
 * again by the engine. Files below <run_dir>/<owner>/, ID being "<type>.<name>":
 *
 *	pids/ID.pid	base/child.h's; there while the process runs
 *	pids/ID.state	the spec it was started with, KEY=VALUE lines; written before the start
 *	pids/ID.ready	made by the program itself once it serves, if it can
 *	log/ID		a FIFO: its stdout and stderr. Bounded by the pipe's 64 KiB, and open at
 *			both ends in the program, so that it runs on when nobody reads
 *
 * A program that ends within a second of its start is on probation: its next start only counts
 * when it lives for a second, so that a crash loop is a failing create() with the program's last
 * words as the reason, and the engine's back-off sets its pace.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/child.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"

#define PROC_BINDS 4

struct proc_command { /* how to start it */
	struct strbuf argv; /* filled by proc_arg() */
	char *bind_from[PROC_BINDS], *bind_to[PROC_BINDS]; /* heap; mounts of its own */
	unsigned int binds;
	unsigned int cpu_s; /* as of struct child_conf */
	bool says_ready; /* it makes the file proc_path(…, "ready") */
};

void proc_arg(struct proc_command *cmd, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));
/* The program sees folder from at the place of folder to. Both are made if need be. */
int proc_bind(struct proc_command *cmd, const char *from, const char *to);

/* One type of such items; the functions behave as the hooks of struct dp_type do. */
struct proc_kind {
	const struct dp_type *type;
	int (*command)(const struct dp *dp, const void *spec, struct proc_command *ret);
	uint32_t (*stop_ms)(const void *spec); /* NULL: 3 s */
	void (*save)(const void *spec,
		     struct strbuf *out); /* KEY=VALUE lines, values in one line */
	int (*load)(const char *key, const char *value,
		    void *spec); /* -EINVAL: not one of save() */
	void (*ended)(struct dp *dp, const void *spec); /* NULL: leaves nothing behind */
	/* Of the lines it writes, those that nobody has to know of; the others are warnings. NULL: all. */
	bool (*usual)(const char *line);
};

/* For load(): copies text that fits, -EINVAL else. */
int proc_load_text(const char *value, char *buf, size_t size);

int proc_create(struct dp_op *op, const struct proc_kind *kind, const void *want);
int proc_reload(struct dp_op *op, const struct proc_kind *kind, const void *want); /* SIGHUP */
int proc_remove(struct dp_op *op, const struct proc_kind *kind, const void *have);
void proc_cancel(struct dp_op *op);
int proc_observe(struct dp *dp, const struct proc_kind *kind);

/* Sends a signal to the running process of an item, now and once more after that many
 * milliseconds; -ESRCH when there is none. */
int proc_signal_twice(const struct dp *dp, const struct dp_type *type, const void *spec, int sig,
		      uint32_t after_ms);

/* <run_dir>/<owner>/pids/<type>.<name>.<suffix>; the caller frees. */
char *proc_path(const struct dp *dp, const struct dp_type *type, const void *spec,
		const char *suffix);

extern const struct dp_backend dp_proc_backend; /* holds the processes of one engine */
