/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/upstream/watch.h"

#define MS 1000000ULL

static struct mono later(struct mono now, uint32_t ms)
{
	return (struct mono){ now.ns + ms * MS };
}

static struct beat_pace beat_pace(const struct watch_pace *pace)
{
	return (struct beat_pace){ .interval_ms = WATCH_TIMEOUT_MS,
				   .retry_ms = pace->retry_ms,
				   .misses = pace->misses };
}

static bool calm_down(struct watch *w, const struct watch_pace *pace, struct mono now)
{
	const struct beat_pace beat = beat_pace(pace);
	bool was_silent = beat_heard(&w->beat, &beat, now);

	w->failed = false;
	w->asked_at.ns = 0;
	w->open = 0;
	w->lost.ns = w->rival_at.ns = 0;
	w->beat.due = later(now, pace->interval_ms);
	return was_silent;
}

bool watch_heard(struct watch *w, const struct watch_pace *pace, struct mono now)
{
	w->answers++;
	w->answered_at = now;
	w->deferred = 0;
	return calm_down(w, pace, now);
}

void watch_doubt(struct watch *w, const struct watch_pace *pace, struct mono now)
{
	struct beat_pace two = beat_pace(pace);

	if (w->beat.silent || w->beat.doubted)
		return;
	if (two.misses > 1)
		two.misses--; /* a single packet is soon lost */
	beat_doubt(&w->beat, &two, now);
}

void watch_hurry(struct watch *w, struct mono now)
{
	if (w->beat.asked && mono_diff_ms(now, w->last) < WATCH_TIMEOUT_MS)
		return; /* it is under way */
	w->deferred = WATCH_DEFER;
	w->beat.due = now;
}

enum watch_deed watch_step(struct watch *w, const struct watch_pace *pace, bool traffic,
			   struct mono now)
{
	struct beat_pace beat = beat_pace(pace);
	bool was_silent = w->beat.silent;

	if (now.ns < w->beat.due.ns)
		return WATCH_WAIT;
	if (traffic && !w->beat.asked && !w->beat.doubted && w->beat.heard &&
	    w->deferred < WATCH_DEFER) {
		w->deferred++;
		w->beat.due = later(now, pace->interval_ms);
		return WATCH_WAIT;
	}
	if (w->beat.asked)
		w->lost = w->last;
	beat_step(&w->beat, &beat, now); /* answers come by themselves: it asks when it is due */
	if (!w->asked_at.ns)
		w->asked_at = now;
	w->last = now;
	w->failures += w->beat.silent && !was_silent;
	w->questions++;
	w->open++;
	return WATCH_ASK;
}

/* The first answer of another port that works since this one is in doubt; 0: none. */
static struct mono rival(struct watch *const *list, const bool *works, unsigned int n,
			 unsigned int i)
{
	struct mono first = { 0 };

	for (unsigned int j = 0; j < n; j++)
		if (j != i && works[j] && !list[j]->beat.silent &&
		    list[j]->answered_at.ns > list[i]->asked_at.ns &&
		    (!first.ns || list[j]->answered_at.ns < first.ns))
			first = list[j]->answered_at;
	return first;
}

/* Is it this port, or has the far end come back between two questions? */
static void ask_once_more(struct watch *w, struct mono now)
{
	struct mono due = w->last.ns > w->rival_at.ns ? later(w->last, WATCH_TIMEOUT_MS) : now;

	if (due.ns < w->beat.due.ns)
		w->beat.due = due;
}

bool watch_judge(struct watch *const *list, const bool *works, unsigned int n, struct mono now)
{
	bool changed = false;

	for (unsigned int i = 0; i < n; i++) {
		struct watch *w = list[i];
		struct mono other = w->asked_at.ns ? rival(list, works, n, i) : w->asked_at;

		if (!other.ns || !w->rival_at.ns)
			w->rival_at = other;
		if (!w->beat.silent || w->failed || !w->rival_at.ns)
			continue;
		if (w->lost.ns > w->rival_at.ns)
			w->failed = changed = true;
		else
			ask_once_more(w, now);
	}
	return changed;
}
