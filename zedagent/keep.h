/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps one file on disk: replaced as a whole, durably, and without the loop ever waiting for
 * the disk. What is stored while a write is under way takes its turn; only the newest counts.
 */
#pragma once

#include <stddef.h>

struct event_base;
struct za_keep;

struct za_keep *za_keep_new(struct event_base *base, const char *path);
void za_keep_store(struct za_keep *keep, char *data, size_t len); /* takes data */
/* Finishes what is under way; waits for the disk. */
struct za_keep *za_keep_free(struct za_keep *keep);
