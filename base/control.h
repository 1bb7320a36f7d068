/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The question side door of a daemon: a unix stream socket that answers one request line
 * ("plan", "graph dot"; 32 KiB at most) with text and closes. For tools and people; state travels on the bus.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct event_base;
struct control;

/* Writes the answer. args: the rest of the line, "" when none. Returns 0 or -errno, which reaches
 * the asker as "error: …" and a failed control_ask(). Must not block. */
typedef int control_fn(const char *args, FILE *out, void *arg);

int control_new(struct event_base *base, const char *path, struct control **ret);
struct control *control_free(struct control *c);
void control_add(struct control *c, const char *command, const char *help, control_fn *fn,
		 void *arg); /* command and help borrowed; "help" is built in */

/* Client side, blocking, for command line tools only: copies the answer to out. -ENOENT,
 * -ECONNREFUSED when the daemon does not run, -EREMOTEIO when it answered with an error,
 * -ETIMEDOUT after timeout_ms. */
int control_ask(const char *path, const char *request, unsigned int timeout_ms, FILE *out);
/* Who answers anything at all within timeout_ms: all are asked at once. paths[i] NULL: is not asked;
 * -EMFILE or the like of one is no answer. */
void control_answers(const char *const *paths, size_t n, unsigned int timeout_ms, bool *ret);
