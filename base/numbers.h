/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to small numbers that survive restarts and reboots: port marks, bridge numbers, addresses
 * within a range. The lowest free number is given out; a name keeps its number until it is
 * released. A name "GROUP/REST" shares numbers only with names of the same GROUP.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct numbers;

/* Stored as base/stored.h does it: the copy under /run is written before numbers_sync() returns and
 * is what a killed process finds; the durable one is what is left after a reboot, when nothing that
 * bore a number is there any more. */
struct numbers_conf {
	struct event_base *base;
	const char *run_path, *state_path;
	uint32_t first, last; /* the numbers to give out; first at least 1 */
};

/* Without a good copy the map starts empty. Copies conf. 0 or -ENOMEM. */
int numbers_open(const struct numbers_conf *conf, struct numbers **ret);
struct numbers *numbers_free(struct numbers *n); /* the files stay as last synced; waits for them */

uint32_t numbers_find(const struct numbers *n, const char *name); /* 0: it has none */
int numbers_get(struct numbers *n, const char *name, uint32_t *ret); /* gives one; -ENOSPC */
void numbers_release(struct numbers *n, const char *name);

/* Calls keep() for each name and releases those for which it returns false. */
void numbers_retain(struct numbers *n, bool (*keep)(const char *name, void *arg), void *arg);

/* Writes what changed since the last call; 0 or -errno of the copy under /run, which was logged.
 * Call once after a batch of changes and before the numbers are used for anything that outlives the
 * process. */
int numbers_sync(struct numbers *n);
