/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the running configuration is tested: soon after the usability of a port or the target
 * changed, when somebody asks, and, if there is a target, each timer.port.testinterval.
 */
#pragma once

#include "nim/conn/conntest.h"

struct conn_schedule;
struct control;

/* conf is borrowed for good. */
struct conn_schedule_conf {
	struct event_base *base;
	struct conntest *conntest;
	const char *config_dir; /* <config_dir>/server names the target; borrowed */
	struct conn_ports ports;
	/* Whether routes and rules are still under way into the kernel: no time for a test. */
	bool (*busy)(void *arg);
	void *arg;
	const struct conn_round_ops *also; /* told of each round as well, with also_arg; or NULL */
	void *also_arg;
};

int conn_schedule_new(const struct conn_schedule_conf *conf, struct conn_schedule **ret);
struct conn_schedule *conn_schedule_free(struct conn_schedule *s); /* NULL is fine */

/* Adds the commands "test" and "trace". */
void conn_schedule_control(struct conn_schedule *s, struct control *control);

/* Something that a test depends on changed: there is a round once it has been quiet for
 * CONN_QUIET_MS and nim is not busy, and in any case CONN_LATEST_MS after the first change. */
#define CONN_QUIET_MS 500
#define CONN_LATEST_MS 5000
void conn_schedule_changed(struct conn_schedule *s);
/* The same, and the ports are others: a round under way says nothing of them and ends untold. */
void conn_schedule_void(struct conn_schedule *s);
/* A round that begins now, or after the one under way. spare: nothing but time calls for it. */
void conn_schedule_now(struct conn_schedule *s, bool spare);
