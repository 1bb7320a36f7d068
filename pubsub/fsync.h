/* SPDX-License-Identifier: Apache-2.0 */
/* fsync() that does not hold up the event loop: a slow disk takes seconds for one. */
#pragma once

struct event_base;
struct ps_fsync;

/* Where the kernel has no asynchronous fsync (CONFIG_AIO) it is done at once, in start. */
int ps_fsync_new(struct event_base *base, void (*done)(int err, void *arg), void *arg,
		 struct ps_fsync **ret);
void ps_fsync_start(struct ps_fsync *s, int fd); /* done() follows from the loop; one at a time */
int ps_fsync_wait(struct ps_fsync *s); /* blocks for a started one instead; its result, or 0 */
struct ps_fsync *ps_fsync_free(struct ps_fsync *s); /* waits; done() is not called */
