/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damped recovery, pure: which port of one address family comes first, so that one that comes and
 * goes does not pull the traffic to and fro.
 *
 *	down	at once, always
 *	back	held: usable, but behind the others, until it was good for the hold time
 *
 * The hold time doubles with each loss in a row and goes down again with the losses' age (as
 * RFC 2439 has it for routes). What comes back for the fourth time in a row is not even usable
 * before it was good for a second. Nothing is held that never worked before, or without which there
 * is no port; and the choice changes for something better once per hold time at most.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

#define DAMP_HOLD_MS 3000
#define DAMP_HOLD_MAX_MS 60000 /* that doubling leads to */
#define DAMP_FORGET_MS 30000 /* a loss weighs nothing any more */
#define DAMP_INCIDENT_MS                                                                           \
	1000 /* losses in that time are one: a link that goes takes its addresses along */
#define DAMP_SHAKY_LOSSES 4 /* in a burst, or incidents that weigh */
#define DAMP_SHAKY_MS 1000

struct damp { /* one port */
	bool seen; /* it worked before */
	bool good; /* it works now */
	bool held; /* others are preferred until `until` */
	bool shaky; /* not usable, if there is another, until `steady` */
	uint8_t level; /* incidents that weigh */
	uint8_t burst; /* losses in a row, each soon after the one before */
	uint32_t losses; /* all of them */
	struct mono incident; /* when the last one began */
	struct mono lost; /* the last loss */
	struct mono until, steady;
};

struct damp_choice {
	int port; /* the last that could be chosen; -1: none yet */
	struct mono changed; /* from one port to another; 0: never */
};
#define DAMP_CHOICE_INIT                                                                           \
	{                                                                                          \
		.port = -1                                                                         \
	}

struct damp_input {
	bool good; /* it works, without a look at what was */
	uint32_t rank; /* lower is better; ports of a class that comes first have lower ones */
	uint8_t class; /* holds are among ports of the same class only */
};

/* As if it had just been lost: an earlier run of the daemon saw it so. */
void damp_remember(struct damp *d);

/* hold_ms 0: nothing is held. Returns when to call again at the latest, 0: on change only. */
struct mono damp_step(struct damp *ports, struct damp_choice *choice, const struct damp_input *in,
		      unsigned int n, uint32_t hold_ms, struct mono now);
