/* SPDX-License-Identifier: Apache-2.0 */
/* Tells when somebody sets the clock: a jump, not its gentle correction. */
#pragma once

struct clock_set;
struct event_base;

/* changed comes from the loop, and may free it. 0 or -errno. */
int clock_set_new(struct event_base *base, void (*changed)(void *arg), void *arg,
		  struct clock_set **ret);
struct clock_set *clock_set_free(struct clock_set *c); /* NULL is fine */
