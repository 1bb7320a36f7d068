/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules: given what exists, what is wanted and how the needs stand, what has to happen to one
 * item? Everything here looks at one item and its edges only; what follows for others goes through
 * the dirty list.
 */
#include "dataplane/graph/engine.h"

#include <errno.h>

#define DRIFT_CALM_NS (10 * UINT64_C(1000000000)) /* since the last repair: drift is news again */

/* How the needs of one item stand. */
struct outlook {
	bool want_missing; /* a need of the wish is not there */
	bool want_unmet; /* not there, or about to go */
	bool have_unmet; /* a need of what exists */
	bool have_doomed; /* … because it is about to go */
	bool rides; /* what exists will go together with something doomed, by itself */
	bool falls; /* what exists has gone by itself, the type says, as a predicate turned false */
};

static void look(const struct item *it, struct outlook *ret)
{
	const struct edge *e;
	bool waited_for = false; /* something that is to go cannot before it has gone */

	*ret = (struct outlook){ 0 };
	for (e = it->needs; e; e = e->next_need) {
		bool going = e->to->doomed && item_present(e->to);

		if (e->met || !edge_counts(e))
			continue;
		if (e->use & USE_WANT) {
			ret->want_unmet = true;
			ret->want_missing |= !e->there;
		}
		if (e->use & USE_HAVE) {
			ret->have_unmet = true;
			ret->have_doomed |= going;
			if (e->flags & DP_FALLS_WITH) {
				ret->rides |= going && !item_failing(e->to, true);
				ret->falls |= !going && !e->to->refused && item_present(e->to);
			} else {
				waited_for |= going;
			}
		}
	}
	ret->rides &= !waited_for && !it->unsure;
}

struct verdict {
	enum queue queue;
	enum dp_state state;
	bool doomed;
	bool recreate;
	bool refused;
	bool given_up;
};

static struct verdict verdict_still(enum dp_state state)
{
	return (struct verdict){ .queue = Q_NONE, .state = state };
}

static struct verdict verdict_remove(const struct item *it, const struct outlook *o)
{
	struct verdict v = { .state = DP_REMOVING, .doomed = true };

	if (o->rides)
		v.queue = Q_NONE;
	else if (it->blockers > 0)
		v.queue = Q_BLOCKED;
	else if (it->kind->type->remove_last && !item_want(it))
		v.queue = Q_LAST;
	else
		v.queue = Q_REMOVE;
	return v;
}

static struct verdict judge_unwanted(const struct dp *dp, const struct item *it,
				     const struct outlook *o)
{
	if (!item_present(it))
		return verdict_still(DP_ABSENT);
	if (it->have && !it->ours)
		return verdict_still(DP_FOREIGN);
	if (!it->released && !dp->swept && !o->have_doomed)
		return verdict_still(DP_LEFTOVER);
	return verdict_remove(it, o);
}

/*
 * What is there is not wanted any more, and what is wanted cannot be: better nothing. But the old
 * one stays to the end of the turn, in case what is missing is only just being made.
 */
static struct verdict verdict_give_up(const struct item *it, const struct outlook *o)
{
	struct verdict v = { .queue = Q_GIVE_UP, .state = DP_WAITING };

	if (it->given_up)
		v = verdict_remove(it, o);
	v.given_up = it->given_up;
	return v;
}

/* It is there, or may be, it is ours, and it is wanted. */
static struct verdict judge_present(const struct item *it, enum dp_change change,
				    const struct outlook *o)
{
	bool modify = it->have && change != DP_RECREATE && it->kind->type->modify;
	bool finish = !it->have && change == DP_SAME; /* what may be half-made */
	struct verdict v;

	bool fell = !it->have && o->falls && !o->have_doomed; /* and is let lie */

	if (fell && o->want_unmet)
		return verdict_still(DP_WAITING);
	if (o->have_unmet && !fell)
		return verdict_remove(it, o);
	if (it->have && change == DP_SAME && !it->stale && !it->unsure)
		return o->want_unmet ? verdict_remove(it, o) : verdict_still(DP_CREATED);
	if (it->stale || (!modify && !finish)) {
		/* Once begun it is not given up, or two wishes that wait for each other see-saw. */
		if (o->want_missing && !it->recreate)
			return verdict_give_up(it, o);
		v = verdict_remove(it, o);
		v.recreate = true;
		return v;
	}
	if (o->want_missing)
		return verdict_give_up(it, o);
	if (o->want_unmet)
		return verdict_still(DP_WAITING);
	if (modify)
		return (struct verdict){ .queue = Q_MODIFY, .state = DP_MODIFYING };
	return (struct verdict){ .queue = Q_CREATE, .state = DP_CREATING };
}

static struct verdict judge_wanted(const struct item *it, enum dp_change change,
				   const struct outlook *o)
{
	struct verdict v;

	if (item_present(it) && (!it->have || it->ours))
		return judge_present(it, change, o);
	if (it->have) {
		if (change == DP_SAME)
			return verdict_still(DP_CREATED);
		v = verdict_still(DP_FAILED);
		v.refused = true;
		return v;
	}
	if (o->want_unmet)
		return verdict_still(DP_WAITING);
	return (struct verdict){ .queue = Q_CREATE, .state = DP_CREATING };
}

/* Observed only: nothing to do ever; doomed when its maker is, which it names as a need. */
static struct verdict judge_observed(const struct item *it, const struct outlook *o)
{
	struct verdict v = verdict_still(DP_ABSENT);

	if (it->have)
		v.state = item_want(it) ? DP_CREATED : DP_FOREIGN;
	else if (item_want(it))
		v.state = DP_WAITING;
	v.doomed = it->have && o->rides;
	return v;
}

static enum dp_change item_change(const struct item *it)
{
	const struct spec *have = it->have ?: it->maybe, *want = item_want(it);

	if (!have || !want || have == want)
		return DP_SAME;
	return it->kind->type->diff(have->data, want->data);
}

static void refresh_have_edges(struct dp *dp, struct item *it, enum dp_change change)
{
	if (!it->new_have)
		return;
	it->new_have = false;
	if (!item_present(it) || (it->have && !it->ours && it->kind->type->create))
		edges_drop(dp, it, USE_HAVE);
	else if (item_want(it) && change == DP_SAME)
		edges_have_from_want(dp, it, false);
	else
		edges_have(dp, it);
}

/*
 * What the system removed together with something else. For certain when that something went; not
 * for certain when only a predicate turned false, or when a modify was broken off and nobody knows
 * what it hung on: then it may be there still, a later create tolerates it, and when it is not
 * wanted any more it is removed after all.
 */
static bool item_fall(struct dp *dp, struct item *it, const struct outlook *o)
{
	bool fell = it->fell;
	struct spec *have = it->have;

	it->fell = false;
	if (!it->kind->type->create || !item_present(it) || (have && !it->ours))
		return false;
	if (fell && !(have && it->unsure)) {
		item_forget(dp, it);
		return true;
	}
	if (!fell && (!o->falls || o->rides || !have || !item_want(it)))
		return false;
	spec_unref(it->kind->type, it->maybe);
	it->maybe = spec_ref(have);
	it->drift = false;
	item_set_have(dp, it, NULL);
	return true;
}

/* Somebody keeps undoing our work: do not fight at the speed of the machine. */
static void hold_drift(struct dp *dp, struct item *it, bool removing)
{
	struct trouble *t = it->trouble;
	uint64_t delay;

	if (!it->drift || it->held || !t || !t->repairs)
		return;
	it->held = true;
	delay = backoff_ns(t->repairs);
	if (dp->now_ns - t->repaired_ns > delay + DRIFT_CALM_NS) {
		t->repairs = 0;
		return;
	}
	trouble_hold(dp, it, removing, -EAGAIN, "changed again and again by somebody else", delay);
}

/* Is it too early to try again? */
static bool must_wait(struct dp *dp, struct item *it, const struct verdict *v)
{
	bool acts = v->queue != Q_NONE && v->queue != Q_BLOCKED && v->queue != Q_GIVE_UP;
	bool removing = v->doomed && !v->recreate;

	if (v->refused) {
		if (!it->refused)
			trouble_hold(dp, it, false, -EEXIST, "exists and is not ours", UINT64_MAX);
		return false;
	}
	if (it->refused)
		trouble_over(dp, it, false);
	if (acts) {
		hold_drift(dp, it, removing);
		return item_failing(it, removing) &&
		       it->trouble->of[removing].retry_ns > dp->now_ns;
	}
	if (v->state == DP_REMOVING)
		return false;
	it->drift = it->held = false;
	if (v->state != DP_WAITING) {
		trouble_over(dp, it, false);
		trouble_over(dp, it, true);
	}
	return false;
}

static enum queue queue_of(const struct item *it, enum queue queue)
{
	if (it->kind->type->aside && queue == Q_MODIFY)
		return Q_MODIFY_ASIDE;
	if (it->kind->type->aside && queue == Q_CREATE)
		return Q_CREATE_ASIDE;
	return queue;
}

static void apply(struct dp *dp, struct item *it, struct verdict v)
{
	bool changing = v.queue == Q_MODIFY, fate;

	if (must_wait(dp, it, &v)) {
		it->trouble->removing = v.doomed && !v.recreate;
		timer_set(dp, it);
		v.queue = Q_NONE;
		v.state = DP_FAILED;
	}
	if (v.state == DP_CREATED) {
		it->settled = true;
		if (it->kind->type->create && it->ours)
			edges_have_from_want(dp, it, false);
	}
	it->recreate = v.recreate;
	it->given_up = v.given_up;
	fate = it->doomed != v.doomed || it->refused != v.refused;
	if (fate || it->changing || changing) {
		it->doomed = v.doomed;
		it->refused = v.refused;
		it->changing = changing;
		edges_users_refresh(dp, it, fate);
	}
	item_set_state(dp, it, v.state);
	item_enqueue(dp, it, queue_of(it, v.queue));
}

void item_judge(struct dp *dp, struct item *it)
{
	enum dp_change change;
	struct outlook o;
	struct verdict v;

	item_enqueue(dp, it, Q_NONE);
	if (it->op && !op_reconsider(dp, it)) {
		edges_block(dp, it);
		return;
	}
	change = item_change(it);
	refresh_have_edges(dp, it, change);
	look(it, &o);
	if (item_fall(dp, it, &o)) {
		change = item_change(it);
		look(it, &o);
	}
	if (!it->kind->type->create)
		v = judge_observed(it, &o);
	else if (item_want(it))
		v = judge_wanted(it, change, &o);
	else
		v = judge_unwanted(dp, it, &o);
	apply(dp, it, v);
	edges_block(dp, it);
	item_gc(dp, it);
}

/* The next one in a chain of blocked removals. */
static struct item *blocked_by(const struct item *it)
{
	const struct edge *e;

	for (e = it->users; e; e = e->next_user)
		if (e->blocks && e->from->doomed && !e->from->op && e->from->blockers > 0)
			return e->from;
	return NULL;
}

/*
 * Nothing is left to start, yet removals wait for each other: needs that form a ring (a wish that
 * changed made it; nothing could be created into one). One of them has to go first, any.
 */
bool item_break_ring(struct dp *dp)
{
	struct item *slow, *fast, *it;

	list_for_each (it, &dp->queues[Q_BLOCKED], work) {
		slow = fast = it;
		do {
			slow = blocked_by(slow);
			fast = blocked_by(fast);
			fast = fast ? blocked_by(fast) : NULL;
		} while (fast && slow != fast);
		if (!fast)
			continue;
		/* Round the ring: some of it may only ride down with others. */
		while (fast && fast->queue != Q_BLOCKED) {
			fast = blocked_by(fast);
			if (fast == slow)
				break;
		}
		if (!fast || fast->queue != Q_BLOCKED)
			continue;
		item_enqueue(dp, fast, Q_REMOVE);
		return true;
	}
	return false;
}
