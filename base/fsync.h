/* SPDX-License-Identifier: Apache-2.0 */
/* fsync() that does not hold up the event loop: a slow disk takes seconds for one. */
#pragma once

struct event_base;
struct fsync;

/* Where the kernel has no asynchronous fsync (CONFIG_AIO) it is done at once, in start. */
int fsync_new(struct event_base *base, void (*done)(int err, void *arg), void *arg,
	      struct fsync **ret);
void fsync_start(struct fsync *s, int fd); /* done() follows from the loop; one at a time */
int fsync_wait(struct fsync *s); /* blocks for a started one instead; its result, or 0 */
struct fsync *fsync_free(struct fsync *s); /* waits; done() is not called */
