/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervised child processes on the event loop. Exit is seen through a pidfd, never by waiting.
 *
 * Two kinds: a child proper dies with us (PR_SET_PDEATHSIG) and is restarted by its supervisor;
 * a detached helper (dnsmasq, dhcpcd) outlives us, is recorded in a pid file and adopted by the
 * next run.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/mono.h"

struct event_base;
struct child;

struct child_bind { /* mount --bind FROM TO */
	const char *from, *to; /* existing folders or files */
};

struct child_conf {
	const char *const *argv; /* argv[0] a path or a name in PATH; copied */
	const char *const *env; /* NULL: ours */
	const char *pid_file; /* detached helpers: written before exec; NULL: a child proper */
	int netns_fd; /* -1: ours; borrowed for the call */
	int log_fd; /* its stdout and stderr; -1: ours */
	int stdin_fd; /* borrowed for the call; 0: nothing, /dev/null */
	/* It runs in a mount namespace of its own with these in place; ends with from NULL. NULL:
	 * ours. For programs with fixed paths, of which several must not meet. */
	const struct child_bind *binds;
	unsigned int cpu_s; /* of the processor in its life, then the kernel ends it; 0: no limit */
};

struct child_ops {
	/* status as of waitid(): exit code, or -signal. The child is gone; child_free() may be
	 * called from here. An adopted process's code is unknown: 0. */
	void (*exited)(struct child *c, int status, void *arg);
};

/* Path of a program that lies beside our own executable, as all of Edgeway do; caller frees. */
char *child_program(const char *name);

/* Starts the program; exec failure is reported here (-ENOENT, -EACCES…), not later. */
int child_start(struct event_base *base, const struct child_conf *conf, const struct child_ops *ops,
		void *arg, struct child **ret);

/*
 * Takes over the live process of a pid file. The file holds pid and start time, so a recycled
 * pid is not mistaken. -ESRCH: nothing runs (the stale file is removed).
 * Its command line is at child_cmdline().
 */
int child_adopt(struct event_base *base, const char *pid_file, const struct child_ops *ops,
		void *arg, struct child **ret);

pid_t child_pid(const struct child *c);
/* Arguments joined by '\0' as in /proc/PID/cmdline; caller frees; -ESRCH when it is gone. */
int child_cmdline(const struct child *c, char **ret, size_t *ret_len);
int child_signal(struct child *c, int sig); /* by pidfd: never hits a recycled pid */

/* What its limit of the clock, begun at its start or at child_stop(), is to be longer: the time in
 * which it stood in line for a processor since this was last asked. 0: it had what it wanted, or the
 * kernel does not tell, or it has been given five times limit_ms already. */
unsigned int child_more_ms(struct child *c, unsigned int limit_ms);

/* SIGTERM now and every 200 ms, SIGKILL after deadline_ms, and more on a busy machine as
 * child_more_ms() has it (of a detached helper: to its whole session); exited() follows in both
 * cases. */
void child_stop(struct child *c, unsigned int deadline_ms);

/* Forgets it. A child proper is killed and reaped, a detached helper runs on. NULL is fine. */
struct child *child_free(struct child *c);

/* Restart policy for supervisors: pure. Delay before start number n+1 (n crashes so far within
 * the window): 0, 100 ms, 200 ms … capped at 10 s. */
unsigned int restart_delay_ms(unsigned int crashes);
