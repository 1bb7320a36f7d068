/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/beat.h"

#define US 1000ULL
#define MS 1000000ULL
#define LOST_A_MISS                                                                                \
	3 /* lost ones of 64 that allow for one more in a row: one verdict in 10,000 is wrong */

/* ---- What is learned ---- */

static uint32_t distance(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

/* RFC 6298, 2.2 and 2.3. */
static void measure(struct beat *b, uint32_t us)
{
	if (!us)
		us = 1;
	if (!b->ways.srtt_us) {
		b->ways.srtt_us = us;
		b->ways.rttvar_us = us / 2;
		return;
	}
	b->ways.rttvar_us = b->ways.rttvar_us / 4 * 3 + distance(b->ways.srtt_us, us) / 4;
	b->ways.srtt_us = b->ways.srtt_us / 8 * 7 + us / 8;
	if (!b->ways.srtt_us)
		b->ways.srtt_us = 1;
}

/* Who looks for answers knows only that it came after the last look. */
static uint64_t waited_us(const struct beat *b, const struct beat_pace *pace, struct mono at)
{
	struct mono end = at;

	if (pace->look_ms) {
		end = b->looked.ns > b->last.ns ? b->looked : b->last;
		end.ns += pace->look_ms * MS;
	}
	return end.ns > b->first.ns ? (end.ns - b->first.ns) / US : 0;
}

/* Since the last question nobody has looked in vain. */
static bool in_time(const struct beat *b, const struct beat_pace *pace)
{
	return pace->look_ms && b->looked.ns <= b->last.ns;
}

static void remember_lost(struct beat *b)
{
	unsigned int n = b->missed + 1u;

	b->ways.lost = n < 64 ? b->ways.lost << n | ((1ULL << n) - 2) : UINT64_MAX - 1;
}

static void learn(struct beat *b, const struct beat_pace *pace, struct mono at)
{
	uint64_t us = waited_us(b, pace, at);
	bool alone = b->first.ns == b->last.ns;

	if (!b->silent && !b->doubted)
		remember_lost(b);
	/* After an outage, too: the last question is answered as ever. */
	if ((alone || b->silent) && in_time(b, pace)) {
		us = pace->interval_ms * US / 2; /* when in that time is not known */
		alone = true;
	}
	if (us > BEAT_TIMEOUT_MAX_MS * US)
		return;
	if (alone) {
		measure(b, (uint32_t)us);
		b->ways.late_us = 0;
		return;
	}
	if (us > b->ways.late_us)
		b->ways.late_us = (uint32_t)us;
	/* The next one is to be alone: what is still on the way has to come first. */
	if (b->due.ns < b->last.ns + us * US)
		b->due.ns = b->last.ns + us * US;
}

static uint32_t timeout_ms(const struct beat *b, const struct beat_pace *pace)
{
	uint32_t grain_us = pace->interval_ms * 250, us = 0, var = 4 * b->ways.rttvar_us;

	if (b->ways.srtt_us)
		us = b->ways.srtt_us + (var > grain_us ? var : grain_us);
	if (us < b->ways.late_us / 2 * 3)
		us = b->ways.late_us / 2 * 3;
	if (us > BEAT_TIMEOUT_MAX_MS * US)
		us = BEAT_TIMEOUT_MAX_MS * US;
	return us / 1000 > pace->interval_ms ? us / 1000 : pace->interval_ms;
}

static unsigned int misses(const struct beat *b, const struct beat_pace *pace)
{
	return pace->misses + (unsigned int)__builtin_popcountll(b->ways.lost) / LOST_A_MISS;
}

uint32_t beat_patience_ms(const struct beat *b, const struct beat_pace *pace)
{
	unsigned int n = misses(b, pace);

	return n < 2 ? timeout_ms(b, pace) : 2 * timeout_ms(b, pace) + (n - 2) * pace->interval_ms;
}

/* ---- Questions and answers ---- */

bool beat_heard(struct beat *b, const struct beat_pace *pace, struct mono at)
{
	bool was_silent = b->silent;

	if (b->asked)
		learn(b, pace, at);
	b->heard = true;
	b->silent = b->doubted = b->asked = false;
	b->missed = 0;
	return was_silent;
}

void beat_doubt(struct beat *b, const struct beat_pace *pace, struct mono now)
{
	if (b->silent || b->doubted)
		return;
	b->doubted = true;
	b->asked = false;
	b->missed = (uint8_t)(misses(b, pace) - 1);
	b->due = now;
}

void beat_rest(struct beat *b)
{
	*b = (struct beat){ .heard = b->heard, .ways = b->ways };
}

/* The first question and the last one have their time-out; those between them follow at the pace. */
static bool has_timeout(const struct beat *b, const struct beat_pace *pace)
{
	return b->missed == 0 || b->missed + 1u >= misses(b, pace);
}

static uint32_t pause_ms(const struct beat *b, const struct beat_pace *pace)
{
	uint64_t rare = (uint64_t)pace->interval_ms << (b->missed < 16 ? b->missed : 16);

	if (b->silent)
		return pace->retry_ms;
	if (b->heard || b->doubted)
		return !pace->look_ms && has_timeout(b, pace) ? timeout_ms(b, pace)
							      : pace->interval_ms;
	return rare > BEAT_RARE_MS ? BEAT_RARE_MS : (uint32_t)rare;
}

/* Who looks for answers does so at the pace at least, and then more often. A silent one's last answers
 * may be on their way. 0: there is nothing to wait for. */
static uint64_t patient_until(const struct beat *b, const struct beat_pace *pace)
{
	if (!pace->look_ms || !b->asked || (!b->heard && !b->doubted))
		return 0;
	if (!b->silent)
		return has_timeout(b, pace) ? b->last.ns + timeout_ms(b, pace) * MS : 0;
	return b->last.ns - b->first.ns < BEAT_TIMEOUT_MAX_MS * MS
		       ? b->last.ns + pace->retry_ms * MS
		       : 0;
}

static void wait_on(struct beat *b, const struct beat_pace *pace, uint64_t until, struct mono now)
{
	uint64_t look = now.ns + (b->silent ? pace->interval_ms : pace->look_ms) * MS;

	b->due.ns = look < until ? look : until;
}

bool beat_step(struct beat *b, const struct beat_pace *pace, struct mono now)
{
	uint64_t until = patient_until(b, pace);

	if (now.ns < b->due.ns)
		return false;
	if (b->asked && now.ns > b->last.ns)
		b->looked = now;
	if (now.ns < until) {
		wait_on(b, pace, until, now);
		return false;
	}
	if (!b->asked)
		b->first = now;
	else if (b->missed < UINT8_MAX)
		b->missed++;
	if (b->missed >= misses(b, pace) && (b->heard || b->doubted))
		b->silent = true;
	b->asked = true;
	b->last = now;
	b->due.ns = now.ns + pause_ms(b, pace) * MS;
	until = b->silent ? patient_until(b, pace) : 0;
	if (until)
		wait_on(b, pace, until, now);
	return true;
}
