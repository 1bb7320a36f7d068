/* SPDX-License-Identifier: Apache-2.0 */
/* The FIFO a helper process writes its messages to; see proc.h. */
#pragma once

struct event_base;
struct proc_log;

/* A line it wrote, without its end; longer ones than 255 bytes are cut. */
typedef void proc_said_fn(const char *line, void *arg);

/* Makes the FIFO unless it is there, and reads from it. */
int proc_log_open(struct event_base *base, const char *path, proc_said_fn *said, void *arg,
		  struct proc_log **ret);
struct proc_log *proc_log_free(struct proc_log *log); /* the FIFO stays */
int proc_log_fd(const struct proc_log *log); /* for the program; borrowed */
const char *proc_log_last(struct proc_log *log); /* its last line; "" when it said nothing */
