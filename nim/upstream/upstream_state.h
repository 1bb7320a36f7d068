/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of nim/upstream/upstream.h: upstream.c (ports, what is told), ask.c (time, answers,
 * doubts), again.c (from run to run). */
#pragma once

#include "nim/gateway/damp.h"
#include "nim/next_run.h"
#include "nim/upstream/upstream.h"
#include "nim/upstream/way.h"

struct event;
struct outcome;

struct upstream_side { /* of a port: one address family */
	struct upstream_port *port;
	int family;
	struct way way;
	struct mono told_until; /* of its hold, as told … */
	int64_t told_until_ms; /* … and by the clock on the wall */
	bool was_behind;
};

struct upstream_port {
	struct upstream *up;
	char label[NIM_LABEL];
	struct ifname ifname;
	uint64_t tests; /* that were looked at … */
	unsigned int reached; /* … and so many who were reached */
	struct upstream_side sides[NIM_FAMILIES];
};

struct upstream {
	struct upstream_conf conf;
	struct outcome *outcome;
	struct event *tick;
	unsigned int nports;
	struct upstream_port *ports[NIM_PORTS]; /* heap: events point at their sides */
	struct damp damp[NIM_FAMILIES][NIM_PORTS];
	struct damp_choice choice[NIM_FAMILIES];
	struct mono damp_due; /* 0: never */
	struct nim_view view;
	struct next_run next_run;
};

/* ---- ask.c ---- */

extern const struct reach_ops upstream_reach_ops; /* of a struct upstream_side */
void upstream_on_tick(int fd, short what, void *upstream);
void upstream_arm(struct upstream *up); /* for what is due next */
bool upstream_has_alternative(const struct upstream *up, unsigned int port, int family);

/* ---- again.c ---- */

/* What the run before knew of it; once, when it works. */
void upstream_take_over(struct upstream *up, unsigned int port, int family, struct mono now);
