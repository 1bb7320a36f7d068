/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration in force, on the bus. */
#pragma once

#include <stdio.h>

#include "bootstrap.pb-c.h"
#include "status.pb-c.h"
#include "zedagent/load.h"

struct event_base;
struct ps_conf;
struct za_publish;

int za_publish_new(struct event_base *base, const struct ps_conf *conf, struct za_publish **ret);
struct za_publish *za_publish_free(struct za_publish *p);

/* Takes config. What vanished goes first, to make room; the bus drops what did not change. */
void za_publish_config(struct za_publish *p, struct za_config *config);
const struct za_config *za_publish_in_force(const struct za_publish *p); /* NULL: none yet */
void za_publish_status(struct za_publish *p, const Ew__ConfigStatus *status);

/* Ports and items of a bootstrap file, beside which there is no configuration in force; borrowed
 * until the next call. NULL: there is none any more. */
void za_publish_bootstrap(struct za_publish *p, const struct za_config *config);
void za_publish_bootstrap_status(struct za_publish *p, const Ew__BootstrapStatus *status);

/* Everything that is to be found at start has been published. */
void za_publish_synced(struct za_publish *p);

/* All that is published as one JSON object, topics as on the bus. */
void za_publish_print(const struct za_publish *p, FILE *out);
