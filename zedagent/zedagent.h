/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the device's configuration file whenever it changes, validates it as a whole and
 * publishes what it asks for. A bad file leaves the last good one in force; ConfigStatus says
 * where it is wrong until it is mended.
 */
#pragma once

struct daemon;
struct zedagent;

/* path NULL: <state-dir>/config.json */
int zedagent_new(struct daemon *d, const char *path, struct zedagent **ret);
struct zedagent *zedagent_free(struct zedagent *za);
static inline void zedagent_freep(struct zedagent **za)
{
	zedagent_free(*za);
}
