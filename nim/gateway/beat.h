/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heartbeat of one gateway as a machine without I/O: when to ask it next, and what its answers
 * and its silence mean. Time comes in as an argument.
 *
 *	each turn:  beat_heard() for answers that came in, then beat_step()
 *
 * A gateway that never answered is never found silent: some drop ARP. It is asked more and more
 * rarely.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

#define BEAT_INTERVAL_MS 200
#define BEAT_MISSES 3
#define BEAT_RARE_MS 10000 /* between questions to one that never answered, at most */
#define BEAT_RETRY_MS 1000 /* … to a silent one */

struct beat_pace {
	uint32_t interval_ms;
	uint32_t retry_ms; /* between questions to a silent one */
	uint8_t misses; /* unanswered questions in a row that make it silent */
};

struct beat {
	bool heard; /* it has answered */
	bool silent; /* it answered, or the kernel found it before, and does not any more */
	bool doubted; /* by the kernel: it need not have answered us to be found silent */
	bool asked; /* a question is out */
	uint8_t missed; /* questions in a row without an answer */
	struct mono due; /* of the next step */
};

/* An answer came in. True: it was silent until now. */
bool beat_heard(struct beat *b);
/* The kernel gave it up (NUD_FAILED): one more question, at once, decides. */
void beat_doubt(struct beat *b, const struct beat_pace *pace, struct mono now);
/* True: ask now. At due or later; before that there is nothing to do. Late steps count as one: who
 * was held up himself must not blame the other for it. */
bool beat_step(struct beat *b, const struct beat_pace *pace, struct mono now);
