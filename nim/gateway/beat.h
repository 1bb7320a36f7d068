/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heartbeat of one gateway as a machine without I/O: when to ask it next, and what its answers
 * and its silence mean. Time comes in as an argument.
 *
 *	each turn:  beat_heard() for answers that came in, then beat_step()
 *
 * A gateway that never answered is never found silent: some drop ARP. It is asked more and more
 * rarely.
 *
 * One that is far, or behind a line that loses packets, is given more time; it is learned as TCP
 * learns it. A question has the interval to be answered, or the time-out of RFC 6298, when that is
 * longer; whoever has lost questions lately may miss more of them in a row. Answers do not name their
 * question, so only those to a question that was alone are measured (Karn's algorithm); one that came
 * after further questions tells how long the next one has to wait alone. An answer is one, however
 * late.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

#define BEAT_INTERVAL_MS 200
#define BEAT_MISSES 3
#define BEAT_RARE_MS 10000 /* between questions to one that never answered, at most */
#define BEAT_RETRY_MS 1000 /* … to a silent one */
#define BEAT_TIMEOUT_MAX_MS 3000 /* what takes longer is an outage, not a delay */

struct beat_pace {
	uint32_t interval_ms;
	uint32_t retry_ms; /* between questions to a silent one */
	uint32_t
		look_ms; /* between looks for an answer that is late; 0: answers come by themselves */
	uint8_t misses; /* unanswered questions in a row that make it silent */
};

struct beat {
	bool heard; /* it has answered */
	bool silent; /* it answered, or the kernel found it before, and does not any more */
	bool doubted; /* by the kernel: it need not have answered us to be found silent */
	bool asked; /* a question is out */
	uint8_t missed; /* questions in a row without an answer */
	struct mono due; /* of the next step */
	struct mono first, last; /* of the questions that are out */
	struct mono looked; /* in vain */
	struct { /* what is learned of its ways */
		uint32_t srtt_us, rttvar_us; /* RFC 6298; srtt_us 0: nothing was measured */
		uint32_t
			late_us; /* so long took an answer that is not known to be of which question */
		uint64_t
			lost; /* of the last 64 questions: a bit for each without an answer in time */
	} ways;
};

/* An answer came in: at that time, or after the last look. True: it was silent until now. */
bool beat_heard(struct beat *b, const struct beat_pace *pace, struct mono at);
/* The kernel gave it up (NUD_FAILED): one more question, at once, decides. */
void beat_doubt(struct beat *b, const struct beat_pace *pace, struct mono now);
/* True: ask now. At due or later; before that there is nothing to do. Late steps count as one: who
 * was held up himself must not blame the other for it. */
bool beat_step(struct beat *b, const struct beat_pace *pace, struct mono now);
/* Not asked for a while: what is learned stays, and that it has answered. */
void beat_rest(struct beat *b);

/* From a question to the verdict, as things are now. */
uint32_t beat_patience_ms(const struct beat *b, const struct beat_pace *pace);
