/* SPDX-License-Identifier: Apache-2.0 */
/* The moment between clone() and exec(): what child.c needs to start a program. */
#pragma once

#include <sys/types.h>

struct child_conf;

/* Starts the program; when this returns 0 it has been executed and its pid file is written.
 * *ret_pidfd is the caller's to close, the process the caller's to reap. */
int child_spawn(const struct child_conf *conf, pid_t *ret_pid, int *ret_pidfd);

/* Start time of a live process in clock ticks since boot, from /proc/PID/stat; with the pid it
 * names a process for ever. -ESRCH: gone, or a zombie. */
int process_start_time(pid_t pid, unsigned long long *ret);

/* The pid file of a detached helper: "PID START_TIME\n". */
int pid_file_write(const char *path, pid_t pid);
int pid_file_read(const char *path, pid_t *ret_pid, unsigned long long *ret_start_time);
