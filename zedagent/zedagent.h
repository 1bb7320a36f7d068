/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the device's configuration file whenever it changes, validates it as a whole and
 * publishes what it asks for. A bad file leaves the last good one in force; ConfigStatus says
 * where it is wrong until it is mended. Before the first one there may be a bootstrap file:
 * zedagent/bootstrap.h.
 */
#pragma once

struct daemon;
struct zedagent;

#define ZEDAGENT_CONFIG_DIR "/config"

struct zedagent_options { /* from the command line; borrowed */
	const char *config; /* file; NULL: <state-dir>/config.json */
	const char *config_dir; /* what the device was given; NULL: ZEDAGENT_CONFIG_DIR */
};

int zedagent_new(struct daemon *d, const struct zedagent_options *options, struct zedagent **ret);
struct zedagent *zedagent_free(struct zedagent *za);
static inline void zedagent_freep(struct zedagent **za)
{
	zedagent_free(*za);
}
