/* SPDX-License-Identifier: Apache-2.0 */
/* A program that runs for a limited time and says something. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct helper;

/* status as of child_ops; late: it was stopped. said has a NUL behind its bytes, and is borrowed
 * for the call. The helper is gone already. */
typedef void helper_done_fn(int status, bool late, const char *said, size_t len, void *arg);

struct helper_conf {
	const char *const *argv; /* copied */
	unsigned int timeout_ms; /* and more on a busy machine: child_more_ms() */
	size_t said_max; /* bytes; more is dropped, and cannot be written (base/said.h) */
	helper_done_fn *done;
	void *arg;
};

int helper_start(struct event_base *base, const struct helper_conf *conf, struct helper **ret);
struct helper *helper_free(struct helper *h); /* it is killed; done does not come; NULL is fine */
