/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/upstream/way.h"

#include <string.h>

#include "base/log.h"
#include "base/wall.h"

#define MS 1000000ULL
#define LOG_LINES 6
#define LOG_MS 10000

bool way_may_say(struct way *w, unsigned int *ret_unsaid)
{
	return rate_allow(&w->log, LOG_LINES, LOG_MS, mono_now(), ret_unsaid);
}

static void say_silent(struct way *w)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int unsaid;

	w->since_ms = wall_ms();
	if (way_may_say(w, &unsaid))
		log_warning("upstream_silent", "port=%s target=%s number=%u why=\"%s\" unsaid=%u",
			    w->label, ipaddr_str(&w->to.target[0].addr, text), w->to.target[0].port,
			    w->watch.beat.doubted ? w->why : "no answer", unsaid);
}

void way_say_answers(struct way *w)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int unsaid;

	w->since_ms = wall_ms();
	if (way_may_say(w, &unsaid))
		log_info("upstream_answers", "port=%s target=%s number=%u unsaid=%u", w->label,
			 ipaddr_str(&w->to.target[0].addr, text), w->to.target[0].port, unsaid);
}

bool way_take_targets(struct way *w, const struct conn_record *record, int family)
{
	unsigned int n = 0;

	for (unsigned int i = 0; record && i < record->npeers && n < REACH_TARGETS; i++)
		if (record->peers[i].addr.family == family)
			w->to.target[n++] =
				(struct reach_target){ .addr = record->peers[i].addr,
						       .port = (uint16_t)record->peers[i].port };
	if (n)
		w->to.ntargets = n;
	return n > 0;
}

struct watch_pace way_pace(const struct way *w, const struct upstream_items *items)
{
	struct watch_pace pace = { .interval_ms = items->interval_ms,
				   .retry_ms = w->allowed ? items->interval_ms : WATCH_RARE_MS,
				   .misses = items->misses };

	if (pace.retry_ms < WATCH_TIMEOUT_MS)
		pace.retry_ms = WATCH_TIMEOUT_MS;
	return pace;
}

void way_ask(struct way *w, const struct nim_iface *iface, int family, struct mono now)
{
	struct traffic_way traffic;

	traffic_way(iface, family, &traffic);
	if (w->allowed)
		(void)traffic_open(&w->traffic, &traffic); /* without it there are more questions */
	w->to.ifname = iface->ifname;
	if (w->asking)
		return;
	w->asking = true;
	traffic_came(&w->traffic); /* what was before is no sign */
	if (!w->watch.beat.silent && !w->watch.beat.doubted)
		w->watch.beat.due = now;
}

void way_rest(struct way *w)
{
	if (w->asking)
		reach_forget(w->reach);
	if (!w->allowed) /* else it is kept: to close it takes the kernel its time */
		traffic_close(&w->traffic);
	w->asking = w->once = false;
	beat_rest(&w->watch.beat);
	w->watch.asked_at.ns = 0;
	w->watch.open = 0;
	w->watch.lost.ns = w->watch.rival_at.ns = 0;
	w->watch.failed = false;
	if (!w->works)
		w->watch.answered_at.ns = 0;
}

/* Those that would be due soon are asked now: one wake-up for all. */
static void together(struct beat *b, const struct watch_pace *pace, struct mono now)
{
	if (!b->asked && b->due.ns > now.ns && b->due.ns - now.ns < pace->interval_ms * MS / 4)
		b->due = now;
}

/* Asked once, and in vain. */
static bool is_given_up(const struct way *w, const struct watch_pace *pace)
{
	return w->once && w->watch.beat.missed >= pace->misses;
}

bool way_turn(struct way *w, const struct watch_pace *pace, struct mono now)
{
	struct beat was = w->watch.beat;

	if (!w->asking)
		return false;
	together(&w->watch.beat, pace, now);
	if (now.ns < w->watch.beat.due.ns)
		return false;
	if (watch_step(&w->watch, pace, traffic_came(&w->traffic), now) == WATCH_ASK)
		reach_ask(w->reach, &w->to);
	if (w->watch.beat.silent && !was.silent)
		say_silent(w);
	if (!is_given_up(w, pace))
		return was.silent != w->watch.beat.silent;
	w->once = false;
	return true;
}

enum nim_upstream_state way_state(const struct way *w)
{
	if (!w->to.ntargets || !w->works)
		return NIM_UPSTREAM_UNKNOWN;
	if (w->watch.failed)
		return NIM_UPSTREAM_FAILED;
	if (w->watch.beat.silent)
		return NIM_UPSTREAM_SILENT;
	if (!w->asking)
		return NIM_UPSTREAM_NOT_ASKED;
	return w->watch.beat.heard ? NIM_UPSTREAM_ANSWERS : NIM_UPSTREAM_ASKED;
}

void way_init(struct way *w, struct event_base *base, const char *label,
	      const struct reach_ops *ops, void *arg)
{
	*w = (struct way){ .label = label, .traffic = TRAFFIC_INIT, .why = "" };
	w->reach = reach_new(base, ops, arg);
}

void way_fini(struct way *w)
{
	reach_free(w->reach);
	traffic_close(&w->traffic);
}
