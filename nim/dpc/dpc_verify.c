/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_verify.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "nim/dpc/dpc_choice.h"
#include "nim/dpc/dpc_layers.h"

/* Test durations that a pass waits for each thing. With something that has worked to fall back on
 * it takes SHORT at most: the node is back within twice the test duration. */
#define WAIT_ASYNC 2
#define WAIT_CARD 2
#define WAIT_INTERFACE 2
#define WAIT_MODEM 3
#define WAIT_IPDNS 5
#define SHORT_TENTHS 15
#define VOIDS 2 /* in a row: the tests themselves do not work */

static bool is_working(const Ew__DpcEntry *entry)
{
	return entry->state == EW__DPC_STATE__DPC_STATE_SUCCESS ||
	       entry->state == EW__DPC_STATE__DPC_STATE_REMOTE_WAIT;
}

static void set_state(struct dpc_verify *v, Ew__DpcEntry *entry, Ew__DpcState state,
		      const char *why)
{
	Ew__DpcState from = entry->state;

	if (from == state)
		return;
	entry->state = state;
	v->changed = v->keep = true;
	if (v->transition)
		v->transition(entry, from, why, v->arg);
}

static void set_text(struct dpc_verify *v, char **dst, const char *src)
{
	if (strcmp(*dst, src) == 0)
		return;
	free(*dst);
	*dst = xstrdup(src);
	v->changed = true;
}

static struct dpc_choice choice_of(const struct dpc_verify *v, struct dpcv_time now)
{
	return (struct dpc_choice){ .list = v->list,
				    .wall_ms = now.wall_ms,
				    .since_failure_ms = v->timers.since_failure_ms };
}

static int next_testable(const struct dpc_verify *v, struct dpcv_time now, size_t start)
{
	const struct dpc_choice choice = choice_of(v, now);

	return dpc_choice_next(&choice, start);
}

/* ---- Passes ---- */

static bool is_tried_beside(struct dpc_verify *v, const Ew__DpcEntry *entry)
{
	const Ew__DpcEntry *was = v->list->current;
	bool failed;

	v->serial_why[0] = '\0';
	if (!was || was == entry || dpc_same_connectivity(was->config, entry->config))
		return false;
	if (is_working(was) && !v->failed_once)
		return v->fits && v->fits(was, entry, v->serial_why, v->arg);
	failed = v->failed_once || was->last_failed_ms > was->last_succeeded_ms;
	snprintf(v->serial_why, sizeof(v->serial_why), "%.100s has %s", was->key,
		 failed ? "failed its last test" : "passed no test yet");
	return false;
}

static void begin(struct dpc_verify *v, struct dpcv_time now, Ew__DpcEntry *entry, const char *why)
{
	struct dpc_list *list = v->list;
	Ew__DpcEntry *was = list->current;
	bool beside = is_tried_beside(v, entry);

	if (!beside && (!was || was != entry)) {
		list->current = entry;
		v->changed = v->keep = true;
	}
	if (list->tested != entry)
		v->changed = v->keep = true;
	list->tested = entry;
	v->in_pass = true;
	v->testing = v->test = v->again = v->failed_once = false; /* a round is none of this pass */
	v->voids = 0;
	v->started_ms = v->step_ms = now.mono_ms;
	v->better_ms = 0;
	set_state(v, entry, EW__DPC_STATE__DPC_STATE_ASYNC_WAIT, why);
}

/* One that nobody can rely on is not worth waking for. */
static void arm_better(struct dpc_verify *v, struct dpcv_time now)
{
	const struct dpc_list *list = v->list;

	if (!v->timers.better_ms || !list->current || list->current == list->entries[0] ||
	    list->entries[0]->error[0])
		v->better_ms = 0;
	else if (!v->better_ms)
		v->better_ms = now.mono_ms + v->timers.better_ms;
}

/* No pass any more: the current one is kept an eye on. */
static void settle(struct dpc_verify *v, struct dpcv_time now)
{
	struct dpc_list *list = v->list;
	bool others = list->n > 1 && !(list->current && is_working(list->current));

	if (v->in_pass)
		v->changed = true;
	list->tested = NULL;
	v->in_pass = v->again = false;
	v->step_ms = v->remote || others ? now.mono_ms + v->timers.interval_ms : 0;
	arm_better(v, now);
}

static void park(struct dpc_verify *v, struct dpcv_time now)
{
	struct dpc_list *list = v->list;
	Ew__DpcEntry *at = dpc_choice_park(list);

	if (list->current != at) {
		list->current = at;
		v->changed = v->keep = true;
	}
	v->failed_once = true;
	settle(v, now);
}

static void restart(struct dpc_verify *v, struct dpcv_time now, const char *why)
{
	struct dpc_list *list = v->list;
	int next = next_testable(v, now, 0);

	if (next >= 0 && !(v->hold && list->current)) {
		begin(v, now, list->entries[next], why);
		return;
	}
	if (list->current && is_working(list->current))
		settle(v, now);
	else
		park(v, now);
}

/* The current one was left as it is. */
static void stay(struct dpc_verify *v, struct dpcv_time now)
{
	settle(v, now);
	v->test = true;
}

static void after_failure(struct dpc_verify *v, struct dpcv_time now, Ew__DpcEntry *failed)
{
	struct dpc_list *list = v->list;
	Ew__DpcEntry *first = list->entries[0];
	bool beside = dpcv_beside(v);
	int next;

	if (!first->error[0] && first != list->current &&
	    (dpc_entry_untested(first) || dpc_entry_works(first))) {
		begin(v, now, first, "it is the first of the list");
		return;
	}
	next = next_testable(v, now, dpc_list_index(list, failed) + 1);
	if (beside && (next < 0 || list->entries[next] == list->current ||
		       dpc_list_index(list, list->current) < (size_t)next))
		stay(v, now);
	else if (next < 0)
		park(v, now);
	else
		begin(v, now, list->entries[next], "the one before it failed");
}

static void fail(struct dpc_verify *v, struct dpcv_time now, Ew__DpcState state, const char *why)
{
	Ew__DpcEntry *entry = v->list->tested;

	entry->last_failed_ms = now.wall_ms;
	if (entry->last_succeeded_ms >= now.wall_ms) /* the clock was set back */
		entry->last_succeeded_ms = now.wall_ms - 1;
	v->changed = v->keep = true;
	set_text(v, &entry->last_error, why);
	set_state(v, entry, state, why);
	after_failure(v, now, entry);
}

static void record_success(struct dpc_verify *v, struct dpcv_time now, Ew__DpcEntry *entry,
			   const struct conn_result *result)
{
	bool remote = result->outcome == CONN_REMOTE;

	entry->last_succeeded_ms = now.wall_ms;
	if (entry->last_failed_ms >= now.wall_ms) /* the clock was set back */
		entry->last_failed_ms = now.wall_ms - 1;
	set_text(v, &entry->last_error, "");
	set_text(v, &entry->last_warning, remote ? result->why : "");
	set_state(v, entry,
		  remote ? EW__DPC_STATE__DPC_STATE_REMOTE_WAIT : EW__DPC_STATE__DPC_STATE_SUCCESS,
		  remote ? result->why : "test passed");
	v->failed_once = false;
}

static void succeed(struct dpc_verify *v, struct dpcv_time now, const struct conn_result *result)
{
	struct dpc_list *list = v->list;
	Ew__DpcEntry *entry = list->tested;

	record_success(v, now, entry, result);
	list->current = entry;
	v->changed = v->keep = true;
	settle(v, now);
	if (list->entries[0] != entry && dpc_entry_untested(list->entries[0]))
		restart(v, now, "it came meanwhile");
}

/* ---- Rounds ---- */

/* True: still within the time that a pass gives to it; the state says what for. */
static bool wait_for(struct dpc_verify *v, struct dpcv_time now, Ew__DpcState state,
		     int64_t durations, const char *why)
{
	int64_t limit = durations * v->timers.duration_ms;
	int64_t brief = v->timers.duration_ms * SHORT_TENTHS / 10;
	int64_t step = now.mono_ms + v->timers.duration_ms;

	if (state != EW__DPC_STATE__DPC_STATE_WWAN_WAIT && !dpcv_beside(v) && limit > brief &&
	    dpc_choice_has_fallback(v->list, v->list->tested))
		limit = brief;
	if (now.mono_ms - v->started_ms >= limit)
		return false;
	set_state(v, v->list->tested, state, why);
	v->step_ms = step < v->started_ms + limit ? step : v->started_ms + limit;
	return true;
}

static void judge_failure(struct dpc_verify *v, struct dpcv_time now,
			  const struct dpcv_facts *facts, const struct conn_result *result)
{
	const char *why = result->why;

	if (facts->card_pending &&
	    wait_for(v, now, EW__DPC_STATE__DPC_STATE_PCI_WAIT, WAIT_CARD, why))
		return;
	if (facts->modem_pending &&
	    wait_for(v, now, EW__DPC_STATE__DPC_STATE_WWAN_WAIT, WAIT_MODEM, why))
		return;
	if (facts->missing &&
	    wait_for(v, now, EW__DPC_STATE__DPC_STATE_INTF_WAIT, WAIT_INTERFACE, why))
		return;
	if (facts->present &&
	    (!facts->ip_and_dns || result->outcome == CONN_NOT_READY ||
	     result->stage == CONN_STAGE_LINK) && /* a link takes seconds to come up */
	    wait_for(v, now, EW__DPC_STATE__DPC_STATE_IPDNS_WAIT, WAIT_IPDNS, why))
		return;
	fail(v, now,
	     facts->present && facts->ip_and_dns && result->stage > CONN_STAGE_ADDRESS
		     ? EW__DPC_STATE__DPC_STATE_FAIL_WITH_IPANDDNS
		     : EW__DPC_STATE__DPC_STATE_FAIL,
	     why);
}

/* The current one outside of a pass. */
static void judge_current(struct dpc_verify *v, struct dpcv_time now,
			  const struct conn_result *result)
{
	Ew__DpcEntry *entry = v->list->current;
	bool due = v->step_ms && now.mono_ms >= v->step_ms;
	int64_t soon = v->timers.duration_ms < v->timers.interval_ms ? v->timers.duration_ms
								     : v->timers.interval_ms;

	if (result->outcome == CONN_OK || result->outcome == CONN_REMOTE) {
		if (!v->remote && is_working(entry) && !v->failed_once && !v->step_ms)
			return; /* nothing new */
		record_success(v, now, entry, result);
		settle(v, now);
		return;
	}
	set_text(v, &entry->last_error, result->why);
	if (!v->failed_once) {
		v->failed_once = true;
		v->step_ms = now.mono_ms + soon;
	} else if (due) {
		restart(v, now, result->why);
	}
}

void dpcv_begun(struct dpc_verify *v)
{
	v->test = v->again = false;
	v->testing = true;
}

void dpcv_round(struct dpc_verify *v, struct dpcv_time now, const struct dpcv_facts *facts,
		const struct dpc_port_result *ports, size_t n)
{
	const Ew__DpcEntry *tested = v->list->tested;
	Ew__DpcEntry *entry = v->list->tested ?: v->list->current;
	struct conn_result result;
	bool again = v->again;

	v->testing = v->again = false;
	v->voids = 0;
	if (!entry)
		return;
	dpc_results_outcome(ports, n, &result);
	if (dpc_results_differ(entry, ports, n)) {
		dpc_results_record(entry, ports, n);
		v->changed = true;
	}
	if (!v->list->tested)
		judge_current(v, now, &result);
	else if (result.outcome == CONN_OK || result.outcome == CONN_REMOTE)
		succeed(v, now, &result);
	else
		judge_failure(v, now, facts, &result);
	/* What it found out may be old; but the next pass waits until it is applied. */
	if (again && (!v->list->tested || v->list->tested == tested))
		v->test = true;
}

/* Nobody knows about the tested one: what worked last is in force. It has not failed, and gets its
 * next chance like what waits for its turn. */
static void give_up(struct dpc_verify *v, struct dpcv_time now, const char *failure)
{
	_cleanup_(freep) char *why = xasprintf("could not be tested: %s", failure);
	struct dpc_list *list = v->list;
	Ew__DpcEntry *entry = list->tested;
	bool works = dpc_entry_works(entry);

	set_text(v, &entry->last_error, why);
	set_state(v, entry,
		  works ? EW__DPC_STATE__DPC_STATE_SUCCESS : EW__DPC_STATE__DPC_STATE_NONE, why);
	if (!works && !dpcv_beside(v))
		list->current = dpc_choice_working(list, entry) ?: entry;
	v->changed = v->keep = true;
	settle(v, now);
}

void dpcv_void(struct dpc_verify *v, struct dpcv_time now, const char *failure)
{
	int64_t wait = v->timers.duration_ms;

	v->testing = v->again = false;
	v->voids += failure && v->voids < VOIDS;
	if (v->voids == VOIDS && v->list->tested) {
		give_up(v, now, failure);
		return;
	}
	if (v->voids == VOIDS && wait < v->timers.interval_ms)
		wait = v->timers.interval_ms;
	v->step_ms = now.mono_ms + wait;
}

/* ---- Events ---- */

static void step_pass(struct dpc_verify *v, struct dpcv_time now, const struct dpcv_facts *facts)
{
	if (facts->card_taken) {
		fail(v, now, EW__DPC_STATE__DPC_STATE_FAIL, facts->card_taken);
		return;
	}
	if (facts->busy && wait_for(v, now, EW__DPC_STATE__DPC_STATE_ASYNC_WAIT, WAIT_ASYNC,
				    "it is being applied"))
		return;
	v->step_ms = 0; /* until the round has ended */
	v->test = true;
}

static void try_better(struct dpc_verify *v, struct dpcv_time now)
{
	const struct dpc_choice choice = choice_of(v, now);

	v->better_ms = 0;
	if (v->list->current == v->list->entries[0])
		return;
	if (dpc_choice_testable(&choice, 0) && !v->hold)
		begin(v, now, v->list->entries[0], "time to try the first of the list again");
	else
		arm_better(v, now);
}

void dpcv_step(struct dpc_verify *v, struct dpcv_time now, const struct dpcv_facts *facts,
	       bool event)
{
	bool due = v->step_ms && now.mono_ms >= v->step_ms;

	if (v->testing) {
		v->again |= event;
		return;
	}
	if (!v->list->n)
		return;
	if (!v->list->tested && v->better_ms && now.mono_ms >= v->better_ms) {
		try_better(v, now);
		due = v->list->tested || due;
	}
	if (!event && !due)
		return;
	if (v->list->tested)
		step_pass(v, now, facts);
	else
		v->test = v->list->current != NULL;
}

bool dpcv_list_changed(struct dpc_verify *v, struct dpcv_time now, const char *why)
{
	struct dpc_list *list = v->list;
	bool was_testing = v->testing, lost = v->in_pass && !list->tested;
	int next = next_testable(v, now, 0);
	const Ew__DpcEntry *best = next < 0 ? NULL : list->entries[next];

	v->changed = true;
	if (best && best == list->tested && list->current)
		return false; /* what came or went is less wanted than what is under way */
	if (best && best == list->current && is_working(best) && !v->failed_once) {
		v->testing = was_testing && !lost && !list->tested;
		if (lost || list->tested)
			stay(v, now);
		arm_better(v, now);
		return was_testing && !v->testing;
	}
	v->testing = v->test = v->again = v->in_pass = false;
	list->tested = NULL;
	v->step_ms = v->better_ms = 0;
	if (list->n)
		restart(v, now, why);
	return was_testing;
}

bool dpcv_test_now(struct dpc_verify *v, struct dpcv_time now, Ew__DpcEntry *entry, const char *why)
{
	bool was_testing = v->testing;

	v->testing = false;
	if (entry != v->list->current || v->list->tested || !is_working(entry)) {
		begin(v, now, entry, why);
	} else {
		v->test = true;
		v->again = false;
	}
	return was_testing;
}

void dpcv_hold(struct dpc_verify *v, struct dpcv_time now, bool hold)
{
	if (v->hold == hold)
		return;
	v->hold = hold;
	if (!hold && v->list->n && !v->list->tested)
		restart(v, now, "radio silence has ended");
}

void dpcv_set_timers(struct dpc_verify *v, struct dpcv_time now, const struct dpcv_timers *timers,
		     bool remote)
{
	v->timers = *timers;
	if (v->timers.since_failure_ms > v->timers.interval_ms)
		v->timers.since_failure_ms = v->timers.interval_ms;
	v->remote = remote;
	if (!v->list->tested && v->list->current && !v->testing && !v->failed_once)
		settle(v, now);
}

void dpcv_start(struct dpc_verify *v, struct dpcv_time now)
{
	if (v->list->current && !v->list->current->error[0])
		begin(v, now, v->list->current, "nim starts");
	else if (v->list->n)
		restart(v, now, "nim starts");
}

int64_t dpcv_pass_ms(const struct dpcv_timers *timers)
{
	return WAIT_IPDNS * timers->duration_ms;
}

int64_t dpcv_wake_ms(const struct dpc_verify *v)
{
	int64_t better = v->list->tested ? 0 : v->better_ms;

	if (v->testing || v->test)
		return 0;
	if (!v->step_ms || !better)
		return v->step_ms ?: better;
	return v->step_ms < better ? v->step_ms : better;
}

bool dpcv_compress(struct dpc_verify *v, bool last_resort)
{
	return !v->list->tested && dpc_list_compress(v->list, last_resort);
}
