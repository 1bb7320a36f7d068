/* SPDX-License-Identifier: Apache-2.0 */
/* One gateway behind one port: its heartbeat (nim/gateway/beat.h) and the questions that go with it
 * (nim/gateway/probe.h). Told to the log, with a limit. */
#pragma once

#include "base/rate.h"
#include "nim/facts.h"
#include "nim/gateway/beat.h"
#include "nim/gateway/probe.h"

struct gateway {
	struct beat beat;
	struct probe probe; /* stays open when it is not asked: see gateway_rest() */
	bool asking;
	struct ipaddr addr; /* unset: none */
	bool allowed; /* to be asked time and again */
	bool can_be_asked; /* the link has MAC addresses */
	struct rate log;
};
#define GATEWAY_INIT                                                                               \
	{                                                                                          \
		.probe = PROBE_INIT                                                                \
	}

/* The pace for ports that may be asked; those that may not are asked only while silent, rarely. */
struct beat_pace gateway_pace(const struct gateway *gw, const struct beat_pace *allowed);

/* Asks by this interface from now on, at once if it is new. */
void gateway_ask(struct gateway *gw, const struct nim_iface *iface, struct mono now);
/* Not asked any more, and not silent: behind a link that was down it is judged anew. Its socket is
 * kept. */
void gateway_rest(struct gateway *gw);
static inline bool gateway_is_asked(const struct gateway *gw)
{
	return gw->asking;
}

/* Reads answers and asks, if it is time. True: what is thought of it changed. */
bool gateway_turn(struct gateway *gw, const struct beat_pace *allowed, const char *label,
		  struct mono now);
enum nim_gateway_state gateway_state(const struct gateway *gw);

/* May a line about it be logged? *ret_unsaid: how many could not before. */
bool gateway_may_say(struct gateway *gw, unsigned int *ret_unsaid);
