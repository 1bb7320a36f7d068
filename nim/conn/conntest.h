/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connectivity tests: how far each port of a configuration gets. A round tests all ports at once,
 * each with a deadline of its own; the helper conn-test talks to the network, so nothing here
 * blocks.
 *
 *	static const struct conn_round_ops ops = { .port = port_tested, .done = round_done };
 *
 *	x->round = conn_round_start(ct, &running, &ops, x);
 *	…
 *	conn_round_free(take_ptr(x->round)); // only to call it off
 */
#pragma once

#include <stdio.h>

#include "base/mono.h"
#include "nim/conn/conn_result.h"
#include "nim/facts.h"

struct arena;
struct conntest;
struct conn_record;
struct conn_round;
struct event_base;
struct Ew__DeviceNetworkStatus;
struct Ew__GlobalConfig;

struct conn_ports { /* borrowed for the call */
	const struct nim_config *config;
	const struct nim_facts *facts;
	const struct nim_view *view;
	bool spare; /* nothing but time calls for it: nim/conn/conn_spare.h */
};

struct conntest_conf {
	struct event_base *base;
	const char *program; /* path of conn-test, copied; NULL: the one beside us */
	const char *evaluator; /* of pac-eval: the same */
	const char *config_dir; /* borrowed for good; <config_dir>/server names the controller */
	/* Results of rounds over this configuration are kept and shown; borrowed for good. */
	const struct nim_config *config;
	void (*changed)(void *arg); /* what conntest_status() tells; from the loop */
	void *arg;
};

int conntest_new(const struct conntest_conf *conf, struct conntest **ret); /* 0 or -ENOMEM */
/* Calls off what runs, without a callback. NULL is fine. */
struct conntest *conntest_free(struct conntest *ct);

/* What it is tested against, and how long: edgeway.probe.urls, timer.port.timeout. NULL: no item.
 * True: that changed. */
bool conntest_set_items(struct conntest *ct, const struct Ew__GlobalConfig *msg);
/* Looks into the folder again. True: there is something to test against. */
bool conntest_has_target(struct conntest *ct);
/* What a round over a configuration takes at most. */
unsigned int conntest_round_s(const struct conntest *ct, const struct nim_config *config);
unsigned int conntest_interval_s(const struct conntest *ct); /* timer.port.testinterval */
/* When the last round over the running configuration began; 0: never. */
struct mono conntest_tested_at(const struct conntest *ct);

struct conn_round_ops {
	/* Exactly once for each port of the configuration, as soon as it is known; the label is
	 * borrowed for the call. conn_round_free() and conn_round_start() are allowed. */
	void (*port)(const char *label, const struct conn_result *result, void *arg);
	/*
	 * After the last port; the round is gone. failure: why the round as such failed (the helper
	 * crashed, hung, talked nonsense): ports it had not told of were CONN_UNTESTED, and that
	 * says nothing about them; NULL: it did not.
	 */
	void (*done)(const char *failure, void *arg);
};

/* Calls back from the loop only, never before it returns. Rounds may run side by side. */
struct conn_round *conn_round_start(struct conntest *ct, const struct conn_ports *ports,
				    const struct conn_round_ops *ops, void *arg);
/* Of the last round over the running configuration: ports were left out, and by no other did anything
 * far answer. Now it is worth asking by them. */
bool conntest_spared_in_vain(const struct conntest *ct);
/* Calls it off: no callback follows. Not after done(). NULL is fine. */
struct conn_round *conn_round_free(struct conn_round *round);

/* What the last tests of a port did, label "": of all ports, for people: nim/conn/conn_trace.h. False:
 * nothing is known. */
bool conntest_traces(const struct conntest *ct, const char *label, FILE *out);
/* What is kept of that port's tests, until the loop's next turn; NULL: nothing. */
const struct conn_record *conntest_record(const struct conntest *ct, const char *label);

/* Adds each port's last results. Pure but for what conntest keeps. In the arena. */
void conntest_status(const struct conntest *ct, struct Ew__DeviceNetworkStatus *status,
		     struct arena *arena);
