/* SPDX-License-Identifier: Apache-2.0 */
/* When somebody is asked, and what answers, silence and others' doubts mean. */
#include <event2/event.h>
#include <string.h>

#include "nim/conn/conntest.h"
#include "nim/upstream/upstream_state.h"

#define REFUSED_MS 100 /* until the next question, when somebody on the way says no */
#define MS 1000000ULL

/* ---- The timer ---- */

void upstream_arm(struct upstream *up)
{
	uint64_t due = up->damp_due.ns, now = mono_now().ns, left;
	struct timeval wait;

	for (unsigned int i = 0; i < up->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++) {
			const struct way *w = &up->ports[i]->sides[f].way;

			if (w->asking && (!due || w->watch.beat.due.ns < due))
				due = w->watch.beat.due.ns;
		}
	if (!due) {
		event_del(up->tick);
		return;
	}
	left = (due > now ? due - now : 0) / 1000;
	wait = (struct timeval){ .tv_sec = (time_t)(left / 1000000),
				 .tv_usec = (suseconds_t)(left % 1000000) };
	event_add(up->tick, &wait);
}

static struct watch_pace pace_of(const struct upstream_side *s)
{
	return way_pace(&s->way, s->port->up->conf.items);
}

/* Who could take over, and has not been asked since this one is in doubt, is asked: then once a
 * minute where questions are not wanted. True: whom to ask changed. */
static bool hurry_others(struct upstream *up, const struct way *doubtful, int family,
			 struct mono now)
{
	bool changed = false;

	for (unsigned int i = 0; i < up->nports; i++) {
		struct way *w = &up->ports[i]->sides[family].way;

		if (w == doubtful || !w->works || !w->to.ntargets ||
		    w->watch.last.ns > doubtful->watch.asked_at.ns)
			continue;
		if (!w->asking) {
			if (!watch_is_in_doubt(&doubtful->watch))
				continue; /* only once a question was in vain */
			if (w->poked.ns > doubtful->watch.asked_at.ns &&
			    mono_diff_ms(now, w->poked) < WATCH_RARE_MS)
				continue;
			w->poked = now;
			w->once = changed = true;
		}
		watch_hurry(&w->watch, now);
	}
	return changed;
}

static bool judge(struct upstream *up, int family, struct mono now)
{
	struct watch *list[NIM_PORTS];
	bool works[NIM_PORTS], changed = false;

	for (unsigned int i = 0; i < up->nports; i++) {
		struct way *w = &up->ports[i]->sides[family].way;

		list[i] = &w->watch;
		works[i] = w->works;
		if (w->asking && w->watch.asked_at.ns &&
		    (w->watch.beat.doubted || watch_is_in_doubt(&w->watch)))
			changed = hurry_others(up, w, family, now) || changed;
	}
	return watch_judge(list, works, up->nports, now) || changed;
}

static bool step(struct upstream *up)
{
	struct mono now = mono_now();
	bool changed = up->damp_due.ns && now.ns >= up->damp_due.ns;

	if (changed)
		up->damp_due.ns = 0; /* upstream_tell() finds the next one */
	for (int f = 0; f < NIM_FAMILIES; f++) {
		for (unsigned int i = 0; i < up->nports; i++) {
			struct upstream_side *s = &up->ports[i]->sides[f];
			struct watch_pace pace = pace_of(s);

			changed = way_turn(&s->way, &pace, now) || changed;
		}
		changed = judge(up, f, now) || changed;
	}
	upstream_arm(up);
	return changed;
}

void upstream_on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *up = arg;

	(void)fd, (void)what;
	if (step(up))
		up->conf.changed(up->conf.arg);
}

/* ---- Answers ---- */

static void heard(struct upstream_side *s)
{
	struct watch_pace pace = pace_of(s);
	struct upstream *up = s->port->up;
	struct way *w = &s->way;
	bool first = !w->watch.beat.heard, extra = w->once || w->watch.beat.doubted;
	struct mono now = mono_now();
	bool changed = watch_heard(&w->watch, &pace, now);

	w->once = false;
	if (changed)
		way_say_answers(w);
	/* After a question that was extra it may rest. */
	if (judge(up, s->family, now) || changed || first || extra)
		up->conf.changed(up->conf.arg);
	upstream_arm(up);
}

static void on_answered(void *arg)
{
	heard(arg);
}

static void on_refused(const char *why, void *arg)
{
	struct upstream_side *s = arg;
	struct beat *b = &s->way.watch.beat;
	uint64_t soon = mono_now().ns + REFUSED_MS * MS;

	(void)why;
	if (!s->way.asking || b->silent || b->due.ns <= soon)
		return;
	b->due.ns = soon;
	upstream_arm(s->port->up);
}

const struct reach_ops upstream_reach_ops = { .answered = on_answered, .refused = on_refused };

/* ---- Doubts ---- */

bool upstream_has_alternative(const struct upstream *up, unsigned int port, int family)
{
	for (unsigned int i = 0; i < up->nports; i++)
		if (i != port && up->ports[i]->sides[family].way.works)
			return true;
	return false;
}

static void doubt(struct upstream *up, unsigned int port, int family, const char *why)
{
	struct upstream_side *s = &up->ports[port]->sides[family];
	struct watch_pace pace = pace_of(s);
	struct way *w = &s->way;

	if (!w->works || !w->to.ntargets || !upstream_has_alternative(up, port, family) ||
	    w->watch.beat.silent || w->watch.beat.doubted)
		return;
	w->why = why;
	watch_doubt(&w->watch, &pace, mono_now());
	up->conf.changed(up->conf.arg); /* asks */
}

void upstream_doubt(struct upstream *up, const char *label, const char *why)
{
	for (unsigned int i = 0; i < up->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			if (strcmp(up->ports[i]->label, label) == 0)
				doubt(up, i, f, why);
}

void upstream_praise(struct upstream *up, const char *label)
{
	for (unsigned int i = 0; i < up->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			if (strcmp(up->ports[i]->label, label) == 0 &&
			    up->ports[i]->sides[f].way.watch.beat.silent)
				watch_hurry(&up->ports[i]->sides[f].way.watch, mono_now());
	upstream_arm(up);
}

static void look_at_test(struct upstream *up, unsigned int i, const struct conn_record *record)
{
	bool far = record->last.stage >= CONN_STAGE_DNS && record->last.stage < CONN_STAGE_DONE;

	for (int f = 0; f < NIM_FAMILIES; f++) {
		struct upstream_side *s = &up->ports[i]->sides[f];

		if (record->last.outcome == CONN_OK && record->reached.target[0] && s->way.works &&
		    way_take_targets(&s->way, record, f == NIM_V6 ? AF_INET6 : AF_INET))
			heard(s);
		if (record->last.outcome == CONN_FAILED && far)
			doubt(up, i, f, "a connectivity test failed, and no answer");
	}
}

/* Who is reached is told one by one, before the verdict and after it. */
void upstream_tested(struct upstream *up)
{
	for (unsigned int i = 0; i < up->nports; i++) {
		const struct conn_record *record =
			conntest_record(up->conf.conntest, up->ports[i]->label);
		struct upstream_port *port = up->ports[i];
		uint64_t tests;

		if (!record)
			continue;
		tests = record->successes + record->failures;
		if (tests == port->tests && record->npeers == port->reached)
			continue;
		if (tests != port->tests)
			look_at_test(up, i, record);
		port->tests = tests;
		port->reached = record->npeers;
		up->conf.changed(up->conf.arg); /* others may ask whom it reached */
	}
}
