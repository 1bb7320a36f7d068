/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <config-dir>/bootstrap-config.pb, from the device's owner for the time before it has met its
 * controller. A helper verifies it whenever it, or root-certificate.pem, may have changed, and,
 * while nothing but dates stands against it, when the clock is set.
 *
 * What is taken of it is published for as long as the file is there and no configuration of the
 * controller is: who hears it twice hears nothing new, so a crash at any moment loses nothing. The
 * file's SHA-256 in <state-dir>/ingested/bootstrap-config.sha (as in EVE) says that it has been
 * valid once.
 */
#pragma once

#include <stdbool.h>

#include "bootstrap.pb-c.h"
#include "zedagent/load.h"

struct event_base;
struct za_bootstrap;

struct za_bootstrap_conf {
	struct event_base *base;
	const char *config_dir, *state_dir; /* copied */
	const char *program; /* copied; NULL: bootstrap-config beside us */
	bool has_config; /* as for za_bootstrap_has_config() */
	void (*changed)(void *arg); /* status or config; from the loop */
	void *arg;
};

int za_bootstrap_new(const struct za_bootstrap_conf *conf, struct za_bootstrap **ret);
struct za_bootstrap *za_bootstrap_free(struct za_bootstrap *b); /* NULL is fine */

/* Is a configuration of the controller in force? changed() may follow from within. */
void za_bootstrap_has_config(struct za_bootstrap *b, bool has_config);

/* Both borrowed until the next changed(). NULL: not known yet; nothing is to be published. */
const Ew__BootstrapStatus *za_bootstrap_status(const struct za_bootstrap *b);
const struct za_config *za_bootstrap_config(const struct za_bootstrap *b);
