/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's life, its turns and what it tells. */
#include "dataplane/graph/engine.h"

#include <errno.h>

#include "base/mono.h"

#define TURN_NS (20 * UINT64_C(1000000)) /* then the loop gets a chance between two waves */

/* ---- Telling ---- */

void engine_watch_event(struct dp *dp, struct item *it, struct spec *was, struct spec *now)
{
	struct watch_event *ev = xcalloc(1, sizeof(*ev) + strlen(it->key) + 1);

	strcpy(ev->key, it->key);
	ev->kind = it->kind;
	ev->was = spec_ref(was);
	ev->now = spec_ref(now);
	list_append(&dp->watch_events, &ev->list);
	engine_schedule(dp);
}

static void watch_event_free(struct watch_event *ev)
{
	list_remove(&ev->list);
	spec_unref(ev->kind->type, ev->was);
	spec_unref(ev->kind->type, ev->now);
	free(ev);
}

static void tell_watchers(struct dp *dp)
{
	struct watch_event *ev, *tmp;
	struct watch *w;

	list_for_each_safe (ev, tmp, &dp->watch_events, list) {
		for (w = ev->kind->watches; w; w = w->next)
			w->fn(ev->key, spec_data(ev->was), spec_data(ev->now), w->arg);
		watch_event_free(ev);
	}
}

void engine_report(struct dp *dp, const struct dp_report *report)
{
	if (dp->conf.changed)
		dp->conf.changed(report, dp->conf.arg);
}

/* Once per turn and item: what the turn passed through on its way is nobody's business. */
static void tell_changes(struct dp *dp)
{
	struct item *it;

	while ((it = list_first(&dp->tell, struct item, tell))) {
		struct dp_report report = {
			.type = it->kind->type,
			.scope = it->claims ? it->claims->scope->name : NULL,
			.key = it->key,
			.why = it->repaired ? "drift" : item_why(it),
			.from = it->told,
			.to = it->state,
			.err = item_err(it),
		};
		bool news = it->state != it->told || it->retold;

		list_remove(&it->tell);
		it->told = it->state;
		it->retold = it->repaired = false;
		if (news)
			engine_report(dp, &report);
		if (it->queue == Q_NONE)
			item_gc(dp, it);
	}
}

/* Two scopes disagree about an item, or agree again: told to the one that does not own it. */
static void tell_claims(struct dp *dp)
{
	struct claim *c;

	while ((c = list_first(&dp->tell_claims, struct claim, tell))) {
		struct dp_report report = {
			.type = c->item->kind->type,
			.scope = c->scope->name,
			.key = c->item->key,
			.from = c->differs ? DP_ABSENT : DP_WAITING,
			.to = c->differs ? DP_WAITING : c->item->state,
		};

		list_remove(&c->tell);
		if (c->differs == c->told)
			continue;
		c->told = c->differs;
		if (c->differs)
			report.why = claim_why(c);
		engine_report(dp, &report);
	}
}

/* ---- Turns ---- */

void engine_schedule(struct dp *dp)
{
	if (dp->scheduled || dp->running || dp->freeing || !dp->turn)
		return;
	dp->scheduled = true;
	event_active(dp->turn, 0, 0);
}

uint64_t engine_now(const struct dp *dp)
{
	return dp->clock ? dp->clock(dp->clock_arg) : mono_now().ns;
}

static void judge_all(struct dp *dp)
{
	struct item *it;

	while ((it = list_first(&dp->queues[Q_DIRTY], struct item, work)))
		item_judge(dp, it);
}

static bool start_all(struct dp *dp, enum queue queue, enum op_kind kind)
{
	struct item *it;
	bool any = false;

	while ((it = list_first(&dp->queues[queue], struct item, work))) {
		op_start(dp, it, kind);
		any = true;
	}
	return any;
}

static bool give_up_all(struct dp *dp)
{
	struct item *it;
	bool any = false;

	while ((it = list_first(&dp->queues[Q_GIVE_UP], struct item, work))) {
		it->given_up = any = true;
		item_dirty(dp, it);
	}
	return any;
}

static void flush(struct dp *dp)
{
	const struct dp_backend *const *b = dp->conf.backends;
	struct dp_op *op;
	size_t i;

	dp->unflushed = false;
	for (i = 0; b[i]; i++)
		if (b[i]->flush)
			b[i]->flush(dp->backend_states[i]);
	/* Those still here wait for more than a batch. */
	while ((op = list_first(&dp->fresh, struct dp_op, list))) {
		list_remove(&op->list);
		list_append(&dp->waiting, &op->list);
		op->fresh = false;
		timer_set(dp, op->item);
		item_dirty(dp, op->item); /* the wish may have changed since */
	}
}

/* One wave; false: nothing is left to start. Removals and changes make room, so they go first. */
static bool wave(struct dp *dp)
{
	judge_all(dp);
	if (start_all(dp, Q_REMOVE, OP_REMOVE) || start_all(dp, Q_MODIFY, OP_MODIFY) ||
	    start_all(dp, Q_CREATE, OP_CREATE))
		return true;
	if (dp->unflushed) {
		flush(dp);
		return true;
	}
	if (start_all(dp, Q_MODIFY_ASIDE, OP_MODIFY) || start_all(dp, Q_CREATE_ASIDE, OP_CREATE))
		return true;
	if (give_up_all(dp) || start_all(dp, Q_LAST, OP_REMOVE))
		return true;
	return list_empty(&dp->waiting) && item_break_ring(dp);
}

static bool work_left(const struct dp *dp)
{
	return !list_empty(&dp->queues[Q_DIRTY]) || !list_empty(&dp->queues[Q_REMOVE]) ||
	       !list_empty(&dp->queues[Q_MODIFY]) || !list_empty(&dp->queues[Q_CREATE]) ||
	       !list_empty(&dp->queues[Q_MODIFY_ASIDE]) ||
	       !list_empty(&dp->queues[Q_CREATE_ASIDE]) || !list_empty(&dp->queues[Q_LAST]) ||
	       !list_empty(&dp->queues[Q_GIVE_UP]) || !list_empty(&dp->watch_events) ||
	       !list_empty(&dp->tell) || !list_empty(&dp->tell_claims) || dp->unflushed;
}

/* Not event_active(): the loop would come back here before it looks at anything else. */
static void resume_later(struct dp *dp)
{
	const struct timeval now = { 0 };

	if (dp->scheduled || !dp->turn)
		return;
	dp->scheduled = true;
	event_add(dp->turn, &now);
}

static void run_turn(struct dp *dp, bool yield)
{
	uint64_t start;

	if (dp->running || dp->freeing)
		return;
	dp->running = true;
	dp->now_ns = start = engine_now(dp);
	timers_run(dp);
	tell_watchers(dp);
	while (wave(dp)) {
		dp->now_ns = engine_now(dp);
		if (yield && dp->now_ns - start > TURN_NS)
			break;
	}
	tell_watchers(dp);
	tell_claims(dp);
	tell_changes(dp);
	timers_arm(dp);
	dp->running = false;
	if (!work_left(dp))
		return;
	if (yield)
		resume_later(dp);
	else
		engine_schedule(dp);
}

void dp_run(struct dp *dp)
{
	run_turn(dp, false);
}

bool dp_look(struct dp *dp)
{
	dp->now_ns = engine_now(dp);
	judge_all(dp);
	if (!work_left(dp))
		return false;
	engine_schedule(dp);
	return true;
}

bool dp_idle(const struct dp *dp)
{
	return !work_left(dp) && list_empty(&dp->waiting) && list_empty(&dp->fresh);
}

static void turn_cb(evutil_socket_t fd, short what, void *arg)
{
	struct dp *dp = arg;

	(void)fd;
	(void)what;
	dp->scheduled = false;
	run_turn(dp, true);
}

static void timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct dp *dp = arg;

	(void)fd;
	(void)what;
	dp->timer_ns = 0;
	run_turn(dp, true);
}

/* ---- Life ---- */

static int open_backends(struct dp *dp)
{
	const struct dp_backend *const *b = dp->conf.backends;
	size_t n = 0;
	int r;

	while (b[n])
		n++;
	dp->backend_states = xcalloc(n + 1, sizeof(void *));
	for (; dp->backends_open < n; dp->backends_open++) {
		if (!b[dp->backends_open]->open)
			continue;
		r = b[dp->backends_open]->open(dp, &dp->backend_states[dp->backends_open]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int open_events(struct dp *dp, struct event_base *base)
{
	dp->base = base;
	if (!base)
		return 0; /* tools and tests: turns by dp_run() only */
	dp->turn = event_new(base, -1, 0, turn_cb, dp);
	dp->timer = event_new(base, -1, 0, timer_cb, dp);
	return dp->turn && dp->timer ? 0 : -ENOMEM;
}

int dp_new(struct event_base *base, const struct dp_conf *conf, struct dp **ret)
{
	struct dp *dp = xcalloc(1, sizeof(*dp));
	const struct dp_type *const *t;
	size_t i;
	int r;

	dp->conf = *conf;
	dp->conf.types = conf->types ?: dp_types;
	dp->conf.backends = conf->backends ?: dp_backends;
	dp->now_ns = engine_now(dp);
	list_init(&dp->kind_order);
	list_init(&dp->tell);
	list_init(&dp->tell_claims);
	list_init(&dp->watch_events);
	list_init(&dp->fresh);
	list_init(&dp->waiting);
	list_init(&dp->orphans);
	for (i = 0; i < Q_COUNT; i++)
		list_init(&dp->queues[i]);
	for (t = dp->conf.types; *t; t++)
		kind_get(dp, *t);
	r = open_events(dp, base);
	if (r == 0)
		r = open_backends(dp);
	if (r < 0) {
		dp_free(dp);
		return r;
	}
	*ret = dp;
	return 0;
}

struct dp *dp_free(struct dp *dp)
{
	struct watch_event *ev, *next_ev;
	struct kind *kind, *next_kind;

	if (!dp)
		return NULL;
	dp->freeing = true;
	ops_cancel_all(dp);
	while (dp->backends_open-- > 0) {
		const struct dp_backend *b = dp->conf.backends[dp->backends_open];

		if (b->close)
			b->close(dp->backend_states[dp->backends_open]);
	}
	ops_free_all(dp);
	list_for_each_safe (ev, next_ev, &dp->watch_events, list)
		watch_event_free(ev);
	scopes_free(dp);
	list_for_each_safe (kind, next_kind, &dp->kind_order, list)
		kind_free(dp, kind);
	hmap_fini(&dp->kinds);
	if (dp->turn)
		event_free(dp->turn);
	if (dp->timer)
		event_free(dp->timer);
	strbuf_fini(&dp->keybuf);
	free(dp->timers);
	free(dp->backend_states);
	free(dp);
	return NULL;
}

const struct dp_conf *dp_conf(const struct dp *dp)
{
	return &dp->conf;
}

struct event_base *dp_base(const struct dp *dp)
{
	return dp->base;
}

void *dp_backend_state(const struct dp *dp, const struct dp_backend *backend)
{
	size_t i;

	for (i = 0; dp->conf.backends[i]; i++)
		if (dp->conf.backends[i] == backend)
			return dp->backend_states[i];
	return NULL;
}

/* ---- Start ---- */

int dp_adopt(struct dp *dp)
{
	const struct dp_type *const *t;
	int r, ret = 0;

	for (t = dp->conf.types; *t; t++) {
		if (!(*t)->observe)
			continue;
		r = (*t)->observe(dp);
		if (r < 0 && ret == 0)
			ret = r;
	}
	return ret;
}

void dp_sweep(struct dp *dp)
{
	struct hmap_node *n;
	struct kind *kind;

	if (dp->swept)
		return;
	dp->swept = true;
	list_for_each (kind, &dp->kind_order, list) {
		hmap_for_each (n, &kind->items) {
			struct item *it = container_of(n, struct item, node);

			if (it->state == DP_LEFTOVER)
				item_dirty(dp, it);
		}
	}
}

int dp_watch(struct dp *dp, const struct dp_type *type, dp_watch_fn *fn, void *arg)
{
	struct kind *kind = kind_get(dp, type);
	struct watch **p = &kind->watches, *w = xcalloc(1, sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	while (*p)
		p = &(*p)->next;
	*p = w;
	return 0;
}

/* ---- For tests ---- */

void dp_test_clock(struct dp *dp, uint64_t (*clock_ns)(void *arg), void *arg)
{
	dp->clock = clock_ns;
	dp->clock_arg = arg;
	dp->now_ns = engine_now(dp);
}

void dp_test_tick(struct dp *dp)
{
	run_turn(dp, false);
}

uint64_t dp_test_deadline_ns(const struct dp *dp)
{
	return timer_next_ns(dp);
}
