/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that the node itself has begun, and that another port carries now (apps' flows:
 * zedrouter/flows.h). They end, so that they begin anew there: TCP connections are aborted, and the
 * kernel forgets what it knows of others.
 *
 *	at once		the port works no more, is not for the node any more, or nobody far is
 *			reached by it
 *	after a while	it is dearer than the one that carries the default route: it drains; after a
 *			restart, ports that do not work yet do
 *	never		while no port can take over; what is bound to its device; what is in the port's
 *			own subnets; what somebody outside has begun (no other port leads there)
 */
#pragma once

#include "base/mono.h"
#include "nim/facts.h"

#define FLOWS_DRAIN_MS 10000

struct event_base;
struct nim_flows;

struct nim_flows_conf {
	struct event_base *base;
	const struct nim_config *config; /* borrowed for its life */
	const struct nim_facts *facts;
	void (*drained)(void *arg); /* from the loop: call nim_flows_follow() soon */
	void *arg;
};

int nim_flows_new(const struct nim_flows_conf *conf, struct nim_flows **ret); /* 0 or -ENOMEM */
struct nim_flows *nim_flows_free(struct nim_flows *f); /* NULL is fine */

/* To be called once the routes are as in view, which is of the configuration as it is: who is aborted
 * tries again at once. They end in later turns. */
void nim_flows_follow(struct nim_flows *f, const struct nim_view *view);

/* ---- Pure ---- */

#define FLOWS_NUMBERS 256

struct flows_memory { /* of one family, by numbers of ports */
	bool clean[FLOWS_NUMBERS]; /* no flow of the node's is by it; before the first step any port
				    * may have some, from before a restart */
	bool worked[FLOWS_NUMBERS]; /* in this run: who did not may be about to */
	struct mono drains_at[FLOWS_NUMBERS]; /* since then; 0: does not */
};

struct flows_ports {
	bool port[FLOWS_NUMBERS];
	bool any;
};

/* leave: flows by these have to end now. begun: these drain from now on; whoever has none is clean. */
void flows_step(struct flows_memory *m, const struct nim_config *config,
		const struct nim_view *view, int family, struct mono now, struct flows_ports *leave,
		struct flows_ports *begun);
struct mono flows_next(const struct flows_memory *m); /* step again then; 0: on change only */
int flows_port(const struct nim_config *config, unsigned int number); /* its index; -1: none */
