/* SPDX-License-Identifier: Apache-2.0 */
/* What is beyond one port, by one address family: its watch, who is asked, and the questions. Told to
 * the log, with a limit. */
#pragma once

#include "base/rate.h"
#include "nim/conn/conn_record.h"
#include "nim/facts.h"
#include "nim/upstream/reach.h"
#include "nim/upstream/traffic.h"
#include "nim/upstream/upstream_items.h"
#include "nim/upstream/watch.h"

struct way {
	const char *label; /* borrowed */
	struct watch watch;
	struct reach *reach;
	struct reach_way to;
	struct traffic traffic;
	bool own; /* the targets are those of its own test, not another port's */
	bool works; /* the port gets as far as its gateway */
	bool asking;
	bool allowed; /* to be asked time and again */
	bool once; /* to be asked until it has answered or is given up */
	struct mono poked; /* when it was last to be asked once; 0: never */
	const char *why; /* the last doubt; static */
	int64_t since_ms; /* Unix time of the watch's change */
	struct rate log;
};

void way_init(struct way *w, struct event_base *base, const char *label,
	      const struct reach_ops *ops, void *arg);
void way_fini(struct way *w);

/* Whom to ask from now on: those of that family whom a test of the port reached. True: there are any. */
bool way_take_targets(struct way *w, const struct conn_record *record, int family);

struct watch_pace way_pace(const struct way *w, const struct upstream_items *items);

/* It is asked by this interface from now on, at once if it was not. */
void way_ask(struct way *w, const struct nim_iface *iface, int family, struct mono now);
/* Not asked any more. What is thought of it stays while it works. */
void way_rest(struct way *w);
/* Asks, if it is time. True: what is thought of it changed. */
bool way_turn(struct way *w, const struct watch_pace *pace, struct mono now);
/* It was silent, and somebody has answered now: to be logged. */
void way_say_answers(struct way *w);
bool way_may_say(struct way *w, unsigned int *ret_unsaid);

enum nim_upstream_state way_state(const struct way *w);
