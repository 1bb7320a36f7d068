/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps one file on disk: replaced as a whole, durably, and without the loop ever waiting for
 * the disk. What is stored while a write is under way takes its turn; only the newest counts. What
 * the disk refuses is tried again after 100 ms, 200 ms … 5 min: room comes without an event.
 */
#pragma once

#include <stddef.h>

struct event_base;
struct keep;

/* failed (may be NULL) is called from the loop, or by keep_store(), when a file could not be
 * stored, and not again before one could. Never fails itself but for lack of descriptors: NULL. */
struct keep *keep_new(struct event_base *base, const char *path, void (*failed)(int err, void *arg),
		      void *arg);
void keep_store(struct keep *keep, char *data, size_t len); /* takes data */
/* Finishes what is under way; waits for the disk. NULL is fine. */
struct keep *keep_free(struct keep *keep);
