/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Radio silence: a request is made, the daemons of the radios acknowledge it, or not in time. Pure:
 * time comes in as an argument; nim/radio/radio_run.h brings it to life.
 *
 *	never ── request ──▶ changing ── all acknowledged ──▶ done
 *	                      ▲   │  └── one with an error ──▶ failed
 *	      another request ┘   └───── none in time ───────▶ failed ── acknowledged late ──▶ done
 */
#pragma once

#include "base/mono.h"
#include "nim/config.h"

#define RADIO_TIMEOUT_S 60 /* edgeway.radio.timeout by default */

struct arena;
struct Ew__RadioAck;
struct Ew__RadioStatus;

enum radio_owner { RADIO_WWAN, RADIO_WLAN, RADIO_OWNERS }; /* daemons; bits in masks */
const char *radio_owner_name(enum radio_owner owner); /* "wwan" */

enum radio_state { RADIO_NEVER, RADIO_CHANGING, RADIO_DONE, RADIO_FAILED };
const char *radio_state_name(enum radio_state state);

struct radio {
	enum radio_state state;
	bool requested; /* silence, or its end */
	int64_t requested_ms; /* Unix time, later with each request; 0: never */
	bool imposed; /* every radio has been said to be off */
	bool late; /* time is up, and somebody has still not acknowledged */
	struct mono deadline;
	unsigned int missing; /* who had not acknowledged when radio_step() looked: a mask */
	struct {
		int64_t requested_ms; /* that it acknowledges; 0: none */
		char error[120]; /* "" = all its radios are as requested */
	} acks[RADIO_OWNERS];
	char error[256]; /* with RADIO_FAILED */
};

/* What was asked for before a restart: it is told and has to be acknowledged anew. */
void radio_restore(struct radio *r, bool requested, int64_t requested_ms, struct mono now,
		   unsigned int timeout_s);
void radio_request(struct radio *r, bool requested, int64_t wall_ms, struct mono now,
		   unsigned int timeout_s);
/* ack NULL: none (any more). */
void radio_take_ack(struct radio *r, enum radio_owner owner, const struct Ew__RadioAck *ack);

/* The daemons that have a port in the configuration, as a mask of 1 << owner. */
unsigned int radio_owners(const struct nim_config *config);
/* Those of owners that have not acknowledged the last request. */
unsigned int radio_missing(const struct radio *r, unsigned int owners);

/* After any of the above, a change of owners, and when it is due. True: state, imposed, error or
 * who is missing is another one. */
bool radio_step(struct radio *r, unsigned int owners, struct mono now, unsigned int timeout_s);
/* Milliseconds until time is up; -1: nothing is waited for. */
int64_t radio_due_ms(const struct radio *r, struct mono now);

/* Whether the port's radio is to be silent, or may still be: nothing is to be tested by it. */
bool radio_silences(const struct radio *r, const struct nim_port *port);

struct Ew__RadioStatus *radio_status(const struct radio *r, unsigned int owners,
				     struct arena *arena);
