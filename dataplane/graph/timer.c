/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines: a binary heap of the few items that have one (a waiting operation's time-out, a
 * failed item's next attempt), and one event for the earliest. None: no event, no wake-up.
 */
#include "dataplane/graph/engine.h"

static uint64_t item_deadline(const struct item *it)
{
	const struct failure *f = trouble_last(it);

	if (it->op)
		return it->op->fresh ? 0 : it->op->deadline_ns;
	return f && f->retry_ns != UINT64_MAX ? f->retry_ns ?: 1 : 0;
}

static void put(struct dp *dp, uint32_t at, struct item *it)
{
	dp->timers[at] = it;
	it->timer = at;
}

static void sift_up(struct dp *dp, uint32_t at, struct item *it)
{
	while (at > 1 && item_deadline(it) < item_deadline(dp->timers[at / 2])) {
		put(dp, at, dp->timers[at / 2]);
		at /= 2;
	}
	put(dp, at, it);
}

static void sift_down(struct dp *dp, uint32_t at, struct item *it)
{
	uint32_t child;

	while ((child = at * 2) <= dp->timer_count) {
		if (child < dp->timer_count &&
		    item_deadline(dp->timers[child + 1]) < item_deadline(dp->timers[child]))
			child++;
		if (item_deadline(it) <= item_deadline(dp->timers[child]))
			break;
		put(dp, at, dp->timers[child]);
		at = child;
	}
	put(dp, at, it);
}

void timer_unset(struct dp *dp, struct item *it)
{
	uint32_t at = it->timer;
	struct item *last;

	if (!at)
		return;
	it->timer = 0;
	last = dp->timers[dp->timer_count--];
	if (last == it)
		return;
	sift_up(dp, at, last);
	sift_down(dp, last->timer, last);
}

void timer_set(struct dp *dp, struct item *it)
{
	timer_unset(dp, it);
	if (!item_deadline(it))
		return;
	if (dp->timer_count + 1 >= dp->timer_room) {
		dp->timer_room = dp->timer_room ? dp->timer_room * 2 : 16;
		dp->timers = xrealloc(dp->timers, dp->timer_room, sizeof(dp->timers[0]));
	}
	sift_up(dp, ++dp->timer_count, it);
	engine_schedule(dp);
}

void timers_run(struct dp *dp)
{
	while (dp->timer_count > 0 && item_deadline(dp->timers[1]) <= dp->now_ns) {
		struct item *it = dp->timers[1];

		timer_unset(dp, it);
		if (it->op)
			op_timeout(dp, it);
		item_dirty(dp, it);
	}
}

uint64_t timer_next_ns(const struct dp *dp)
{
	return dp->timer_count > 0 ? item_deadline(dp->timers[1]) : 0;
}

void timers_arm(struct dp *dp)
{
	uint64_t at = timer_next_ns(dp), left, now;
	struct timeval tv;

	if (!dp->timer || at == dp->timer_ns)
		return;
	dp->timer_ns = at;
	if (!at) {
		event_del(dp->timer);
		return;
	}
	now = engine_now(dp);
	left = at > now ? (at - now + 999) / 1000 : 0;
	tv.tv_sec = left / 1000000;
	tv.tv_usec = left % 1000000;
	event_add(dp->timer, &tv);
}
