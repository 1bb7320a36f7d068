/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether anybody far answers through one port, as a machine without I/O: a heartbeat
 * (nim/gateway/beat.h) with longer breath. Time comes in as an argument.
 *
 *	calm	nothing is asked while replies to somebody's traffic come in; else one question an
 *		interval
 *	asking	no answer within a while: asked again, at once, `misses` times
 *	silent	none has come
 *	failed	silent, another port has answered meanwhile, and a question after that was in vain as
 *		well: it is not the far end that is down, or was until just now
 *
 * A port that never had an answer is never silent, unless something else casts doubt on it.
 */
#pragma once

#include "nim/gateway/beat.h"

#define WATCH_INTERVAL_MS 2000
#define WATCH_MISSES 3
#define WATCH_TIMEOUT_MS 1000 /* one SYN: the kernel would repeat it then (RFC 6298) */
#define WATCH_RARE_MS 60000 /* between questions to a silent one where they are not wanted */
#define WATCH_DEFER 12 /* intervals in a row that traffic takes the place of a question */

struct watch_pace {
	uint32_t interval_ms;
	uint32_t retry_ms; /* between questions while silent */
	uint8_t misses;
};

struct watch { /* all-zero: nothing is known */
	struct beat beat;
	bool failed;
	uint8_t deferred; /* questions in a row that traffic took the place of */
	struct mono asked_at; /* the first of the questions that are open; 0: none */
	uint32_t open; /* so many */
	struct mono last; /* question */
	struct mono lost; /* the last question that is known to be in vain */
	struct mono rival_at; /* another port's first answer since asked_at; 0: none */
	struct mono answered_at; /* the last answer */
	uint64_t questions, answers;
	uint32_t failures; /* times it became silent */
};

/* An answer to a question. True: it was silent. */
bool watch_heard(struct watch *w, const struct watch_pace *pace, struct mono now);
/* Somebody's request failed, a test did: two questions decide. Of a silent one: nothing. */
void watch_doubt(struct watch *w, const struct watch_pace *pace, struct mono now);
/* An answer is wanted now: another port needs it to be judged. */
void watch_hurry(struct watch *w, struct mono now);

enum watch_deed { WATCH_WAIT, WATCH_ASK };
/* When due, or later. traffic: replies have come in since the last step. */
enum watch_deed watch_step(struct watch *w, const struct watch_pace *pace, bool traffic,
			   struct mono now);
/* A question has been in vain. */
static inline bool watch_is_in_doubt(const struct watch *w)
{
	return w->open > 1 || w->beat.silent;
}

/* Of all ports of one address family: which have failed. works: there is a way to the gateway, so
 * that it can take over. What is due may be so sooner. True: that changed. */
bool watch_judge(struct watch *const *list, const bool *works, unsigned int n, struct mono now);
