/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Through which management ports somebody far is reached: whoever has answered a connectivity test
 * is asked (nim/upstream/reach.h) as nim/upstream/watch.h says, while no traffic tells it anyway
 * (nim/upstream/traffic.h). A port that has failed comes behind the others until it has been well
 * for the time of damped recovery (nim/gateway/damp.h).
 *
 * As with heartbeats, ports are asked only where another could take over. When none can, or nobody
 * answers by any of them, all stays as it is.
 */
#pragma once

#include "nim/facts.h"
#include "nim/upstream/upstream_items.h"

struct conntest;
struct event_base;
struct ps;
struct upstream;

struct upstream_conf {
	struct event_base *base;
	struct ps *ps;
	const struct nim_config *config; /* all borrowed for its life */
	const struct upstream_items *items;
	const uint32_t *hold_ms; /* of damped recovery */
	const struct conntest *conntest;
	const char *run_dir;
	void (*changed)(void *arg); /* from the loop: call upstream_tell() soon */
	void *arg;
};

int upstream_new(const struct upstream_conf *conf, struct upstream **ret); /* 0 or -errno */
struct upstream *upstream_free(struct upstream *up); /* NULL is fine */

/* Looks at facts (healths included) and configuration as they are, and fills in each
 * nim_iface.upstream. */
void upstream_tell(struct upstream *up, struct nim_facts *facts);

/* Leaves what is known to the next run; after all that is urgent, as it writes a file. */
void upstream_keep(struct upstream *up);

/* There may be news of connectivity tests. */
void upstream_tested(struct upstream *up);

/* A request of somebody's through that port has failed, or has got an answer. */
void upstream_doubt(struct upstream *up, const char *label, const char *why);
void upstream_praise(struct upstream *up, const char *label);
