/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to small numbers that survive restarts and reboots: port marks, bridge numbers, addresses
 * within a range. The lowest free number is given out; a name keeps its number until it is
 * released. A name "GROUP/REST" shares numbers only with names of the same GROUP.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct numbers;

/* Numbers first..last; loads path, which every change replaces atomically. A file that does not
 * parse is set aside as PATH.bad and the map starts empty. */
int numbers_open(const char *path, uint32_t first, uint32_t last, struct numbers **ret);
struct numbers *numbers_free(struct numbers *n); /* the file stays as last synced */

uint32_t numbers_find(const struct numbers *n, const char *name); /* 0: it has none */
int numbers_get(struct numbers *n, const char *name, uint32_t *ret); /* gives one; -ENOSPC */
void numbers_release(struct numbers *n, const char *name);

/* Calls keep() for each name and releases those for which it returns false. */
void numbers_retain(struct numbers *n, bool (*keep)(const char *name, void *arg), void *arg);

/* Writes what changed since the last call; 0 or -errno. Call once after a batch of changes and
 * before the numbers are used for anything that outlives the process. */
int numbers_sync(struct numbers *n);
