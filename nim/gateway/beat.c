/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/beat.h"

bool beat_heard(struct beat *b)
{
	bool was_silent = b->silent;

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
	b->missed = (uint8_t)(pace->misses - 1);
	b->due = now;
}

static uint32_t pause_ms(const struct beat *b, const struct beat_pace *pace)
{
	uint64_t rare = (uint64_t)pace->interval_ms << (b->missed < 16 ? b->missed : 16);

	if (b->silent)
		return pace->retry_ms;
	if (b->heard || b->doubted)
		return pace->interval_ms;
	return rare > BEAT_RARE_MS ? BEAT_RARE_MS : (uint32_t)rare;
}

bool beat_step(struct beat *b, const struct beat_pace *pace, struct mono now)
{
	if (now.ns < b->due.ns)
		return false;
	if (b->asked && b->missed < UINT8_MAX)
		b->missed++;
	if (b->missed >= pace->misses && (b->heard || b->doubted))
		b->silent = true;
	b->asked = true;
	b->due.ns = now.ns + pause_ms(b, pace) * 1000000ULL;
	return true;
}
