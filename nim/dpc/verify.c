/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/verify.h"

#include <errno.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/wall.h"
#include "dataplane/dp.h"
#include "nim/conn/conn_schedule.h"
#include "nim/dpc/beside.h"
#include "nim/dpc/dpc.h"
#include "nim/dpc/dpc_verify.h"
#include "nim/dpc/verify_control.h"
#include "nim/dpc/verify_facts.h"
#include "nim/nim_state.h"

#define LAST_ROUNDS 2 /* one that others have begun, and ours */

struct results { /* of a round, so far; labels are owned */
	struct dpc_port_result *ports;
	size_t n;
};

/* A configuration that is tried beside the one in force. */
struct trial {
	Ew__DevicePortConfig *msg;
	struct nim_config config; /* of it */
	struct nim_facts facts;
	struct nim_view view;
};

struct nim_verify {
	struct nim *nim;
	struct dpc_verify machine;
	struct dpcv_timers timers; /* as they were given to it */
	struct event *run_ev; /* something happened: at the end of this turn */
	struct event *timer_ev;
	bool event;
	char *asked; /* key whose test the operator waits for; NULL: none */
	bool asked_pass, asked_judged; /* it is a pass; else one round: that has ended */
	uint32_t seen; /* of the facts, when they were looked at last */
	struct conn_round *round; /* NULL: none is under way */
	struct results own, others; /* of this round; of one that others began */
	struct trial *trial; /* NULL: none */
	bool graph; /* of a trial was submitted */
};

static struct dpcv_time now(void)
{
	return (struct dpcv_time){ .mono_ms = (int64_t)(mono_now().ns / 1000000),
				   .wall_ms = wall_ms() };
}

/* ---- Facts ---- */

static struct conn_ports subject(const struct nim_verify *nv)
{
	if (nv->trial)
		return (struct conn_ports){ .config = &nv->trial->config,
					    .facts = &nv->trial->facts,
					    .view = &nv->trial->view };
	return (struct conn_ports){ .config = &nv->nim->config,
				    .facts = &nv->nim->facts,
				    .view = &nv->nim->view };
}

static bool is_busy(const struct nim_verify *nv)
{
	return nv->nim->stale || !dp_idle(nv->nim->dp);
}

static void gather(const struct nim_verify *nv, struct dpcv_facts *ret)
{
	struct conn_ports on = subject(nv);

	verify_facts(&on, &nv->nim->cards, is_busy(nv), ret);
}

/* ---- Rounds ---- */

static void forget(struct results *results)
{
	for (size_t i = 0; i < results->n; i++)
		free((char *)results->ports[i].label);
	free(results->ports);
	*results = (struct results){ 0 };
}

static void forget_round(struct nim_verify *nv)
{
	nv->round = conn_round_free(nv->round);
	forget(&nv->own);
}

static bool is_mgmt(const struct nim_config *config, const char *label)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (strcmp(config->ports[i].label, label) == 0)
			return config->ports[i].is_mgmt;
	return false;
}

static void add_result(struct results *results, const struct nim_config *config, const char *label,
		       const struct conn_result *result)
{
	results->ports = xrealloc(results->ports, results->n + 1, sizeof(*results->ports));
	results->ports[results->n++] = (struct dpc_port_result){ .label = xstrdup(label),
								 .is_mgmt = is_mgmt(config, label),
								 .result = *result };
}

static void judge(struct nim_verify *nv, struct results *results, const char *failure)
{
	struct conn_result outcome;
	struct dpcv_facts facts;

	gather(nv, &facts);
	dpc_results_outcome(results->ports, results->n, &outcome);
	if (failure && outcome.outcome != CONN_OK) {
		log_warning("dpc_round", "why=\"%s\"", failure);
		dpcv_void(&nv->machine, now(), failure);
	} else {
		dpcv_round(&nv->machine, now(), &facts, results->ports, results->n);
	}
	forget(results);
	nv->asked_judged = true;
	event_active(nv->run_ev, 0, 0);
}

static void port_tested(const char *label, const struct conn_result *result, void *arg)
{
	struct nim_verify *nv = arg;

	add_result(&nv->own, subject(nv).config, label, result);
}

static void round_done(const char *failure, void *arg)
{
	struct nim_verify *nv = arg;

	nv->round = NULL;
	judge(nv, &nv->own, failure);
}

/* A pass has rounds of its own. The configuration in force is tested for others as well. */
static void start_round(struct nim_verify *nv)
{
	static const struct conn_round_ops ops = { .port = port_tested, .done = round_done };
	struct conn_ports on = subject(nv);

	forget_round(nv);
	dpcv_begun(&nv->machine);
	if (nv->machine.list->tested)
		nv->round = conn_round_start(nv->nim->conntest, &on, &ops, nv);
	else
		conn_schedule_now(nv->nim->conn_schedule, !nv->asked && !nv->machine.failed_once);
}

static void others_port(const char *label, const struct conn_result *result, void *arg)
{
	const struct nim *nim = arg;

	if (nim->verify)
		add_result(&nim->verify->others, &nim->config, label, result);
}

static void others_done(const char *failure, void *arg)
{
	struct nim_verify *nv = ((const struct nim *)arg)->verify;

	if (!nv)
		return;
	nim_verify_items(nv); /* there may be a target now */
	if (nv->machine.list->tested)
		forget(&nv->others);
	else
		judge(nv, &nv->others, failure);
}

const struct conn_round_ops nim_verify_rounds = { .port = others_port, .done = others_done };

/* ---- Beside ---- */

static bool fits(const Ew__DpcEntry *working, const Ew__DpcEntry *candidate, char why[DPCV_WHY],
		 void *arg)
{
	_cleanup_(freep) struct nim_config *w = xcalloc(1, sizeof(*w)), *c = xcalloc(1, sizeof(*c));
	const struct nim_verify *nv = arg;

	_Static_assert(DPCV_WHY >= NIM_WHY, "why is cut off");
	nim_config_load_on(w, working->config, &nv->nim->cards);
	nim_config_load_on(c, candidate->config, &nv->nim->cards);
	return nim_beside_fits(w, c, why);
}

static struct trial *trial_free(struct trial *trial)
{
	if (!trial)
		return NULL;
	ew__device_port_config__free_unpacked(trial->msg, NULL);
	free(trial);
	return NULL;
}

/* What is tried beside, if anything, is what the machine says; the one in force likewise. */
static void apply_choice(struct nim_verify *nv)
{
	const Ew__DpcEntry *want = dpcv_beside(&nv->machine) ? nv->machine.list->tested : NULL;
	struct trial *was = nv->trial;

	if (want ? was && dpc_config_equal(want->config, was->msg) : !was) {
		nim_set_in_force(nv->nim);
		return;
	}
	nv->trial = NULL;
	if (want) {
		nv->trial = xcalloc(1, sizeof(*nv->trial));
		nv->trial->msg = dpc_config_copy(want->config);
		nim_config_load_on(&nv->trial->config, nv->trial->msg, &nv->nim->cards);
	}
	nv->nim->candidate = nv->trial ? &nv->trial->config : NULL;
	if (!nim_set_in_force(nv->nim))
		nim_set_config(nv->nim);
	trial_free(was);
}

void nim_verify_apply(struct nim *nim)
{
	struct nim_verify *nv = nim->verify;
	struct trial *trial = nv ? nv->trial : NULL;

	if (!nv || (!trial && !nv->graph))
		return;
	nv->graph = trial != NULL;
	if (!trial) {
		nim_submit(nim, dp_graph_new(NIM_BESIDE_SCOPE));
		return;
	}
	nim_beside_numbers(&trial->config, &nim->config);
	nim_beside_facts(&trial->config, &nim->config, &nim->facts, &trial->facts);
	nim_view(&trial->config, &trial->facts, &trial->view);
	nim_submit(nim,
		   nim_beside_intent(&trial->config, &nim->config, &trial->facts, &trial->view));
}

/* ---- What comes of it ---- */

static void transition(const Ew__DpcEntry *entry, Ew__DpcState from, const char *why, void *arg)
{
	const struct dpc_verify *machine = &((const struct nim_verify *)arg)->machine;
	bool beside = dpcv_beside(machine);

	log_info("dpc_state", "key=\"%s\" from=%s to=%s why=\"%s\"", entry->key,
		 dpc_state_name(from), dpc_state_name(entry->state), why);
	if (entry->state == EW__DPC_STATE__DPC_STATE_ASYNC_WAIT &&
	    (beside || machine->serial_why[0]))
		log_info("dpc_trial", "key=\"%s\" beside=\"%s\" why=\"%s\"", entry->key,
			 beside ? machine->list->current->key : "", machine->serial_why);
}

void nim_verify_tell(const struct nim_verify *nv, Ew__DevicePortConfigList *ret)
{
	const Ew__DpcEntry *tested = nv->machine.list->tested;
	int64_t wake = dpcv_wake_ms(&nv->machine);

	ret->testing = tested || nv->asked;
	ret->asked = nv->asked ?: ret->asked;
	ret->pass_limit_s = (uint32_t)((dpcv_pass_ms(&nv->timers) + 999) / 1000) +
			    LAST_ROUNDS * conntest_round_s(nv->nim->conntest, subject(nv).config);
	if (tested && dpcv_beside(&nv->machine))
		ret->candidate = tested->key;
	else if (tested)
		ret->serial_why = (char *)nv->machine.serial_why;
	if (wake)
		ret->next_ms = wall_ms() + wake - now().mono_ms;
}

/* The operator waits no longer: the pass over that configuration, or the round, has ended. */
static void answer(struct nim_verify *nv)
{
	const Ew__DpcEntry *tested = nv->machine.list->tested;

	if (!nv->asked || (tested && strcmp(tested->key, nv->asked) == 0) ||
	    !(nv->asked_pass || tested || nv->asked_judged))
		return;
	free(take_ptr(nv->asked));
	nv->machine.changed = true;
}

static void arm_timer(struct nim_verify *nv)
{
	int64_t wake = dpcv_wake_ms(&nv->machine), left = wake - now().mono_ms;
	struct timeval wait;

	if (!wake) {
		event_del(nv->timer_ev);
		return;
	}
	left = left < 1 ? 1 : left;
	wait = (struct timeval){ .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
	event_add(nv->timer_ev, &wait);
}

/* Links come up and go down in bursts; what waits for them does so anyway. */
static bool take_event(struct nim_verify *nv)
{
	bool event = nv->event;

	nv->event = false;
	if (!event || nv->machine.list->tested)
		return event;
	conn_schedule_changed(nv->nim->conn_schedule);
	return false;
}

static void run(struct nim_verify *nv, bool event)
{
	struct dpc_verify *machine = &nv->machine;

	for (;;) {
		const Ew__DpcEntry *applied = machine->list->current;
		const Ew__DpcEntry *tested = machine->list->tested;
		struct dpcv_facts facts;

		apply_choice(nv);
		gather(nv, &facts);
		dpcv_step(machine, now(), &facts, event);
		if (facts.busy) /* that it is no more is an event, even if nothing else is other */
			nv->seen = 0;
		if (machine->list->current == applied && machine->list->tested == tested)
			break;
		event = false;
	}
	if (machine->test)
		start_round(nv);
	if (dpcv_compress(machine, true)) {
		log_info("dpc_compressed", "left=%zu", machine->list->n);
		machine->changed = machine->keep = true;
	}
	answer(nv);
	if (machine->keep)
		nim_dpc_store(nv->nim->dpc);
	if (machine->changed)
		nim_publish_dpcs(nv->nim);
	machine->changed = machine->keep = false;
	arm_timer(nv);
}

static void on_run(evutil_socket_t fd, short what, void *arg)
{
	struct nim_verify *nv = arg;

	(void)fd, (void)what;
	run(nv, take_event(nv));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	run(arg, false);
}

/* ---- Inputs ---- */

void nim_verify_list_changed(struct nim_verify *nv)
{
	if (dpcv_list_changed(&nv->machine, now(), "the list of port configurations changed"))
		forget_round(nv);
	run(nv, false);
}

void nim_verify_void(struct nim_verify *nv)
{
	forget(&nv->others);
	conn_schedule_void(nv->nim->conn_schedule);
	if (!nv->round)
		return;
	forget_round(nv);
	dpcv_void(&nv->machine, now(), NULL);
	nv->event = true;
	event_active(nv->run_ev, 0, 0);
}

void nim_verify_cards(struct nim_verify *nv)
{
	struct trial *was = take_ptr(nv->trial);

	nv->nim->candidate = NULL;
	if (was && dpcv_beside(&nv->machine))
		dpcv_test_now(&nv->machine, now(), nv->machine.list->tested,
			      "the cards are others");
	nim_set_config(nv->nim);
	trial_free(was); /* the configuration pointed into it until now */
	event_active(nv->run_ev, 0, 0);
}

static void look(struct nim_verify *nv)
{
	const struct conn_ports running = { .config = &nv->nim->config,
					    .facts = &nv->nim->facts,
					    .view = &nv->nim->view };
	struct conn_ports on = subject(nv);
	bool silenced = verify_is_silenced(&running);
	uint32_t seen = verify_digest(&on, is_busy(nv));

	if (nv->machine.hold != silenced) {
		dpcv_hold(&nv->machine, now(), silenced);
		event_active(nv->run_ev, 0, 0);
	}
	if (seen == nv->seen)
		return;
	nv->seen = seen;
	nv->event = true;
	event_active(nv->run_ev, 0, 0);
}

void nim_verify_look(struct nim_verify *nv)
{
	if (nv)
		look(nv);
}

void nim_verify_items(struct nim_verify *nv)
{
	bool remote = conntest_has_target(nv->nim->conntest);

	if (remote == nv->machine.remote &&
	    memcmp(&nv->timers, &nv->nim->items.timers, sizeof(nv->timers)) == 0)
		return;
	nv->timers = nv->nim->items.timers;
	dpcv_set_timers(&nv->machine, now(), &nv->timers, remote);
	arm_timer(nv);
}

void nim_verify_test(struct nim_verify *nv, Ew__DpcEntry *entry, const char *why)
{
	if (dpcv_test_now(&nv->machine, now(), entry, why))
		forget_round(nv);
	free(nv->asked);
	nv->asked = xstrdup(entry->key);
	nv->asked_pass = nv->machine.list->tested != NULL;
	nv->asked_judged = false;
	nv->machine.changed = true;
	run(nv, true);
}

/* ---- Life ---- */

int nim_verify_open(struct nim *nim)
{
	struct nim_verify *nv = xcalloc(1, sizeof(*nv));
	struct event_base *base = daemon_base(nim->daemon);

	nv->nim = nim;
	nim->verify = nv;
	nv->machine = (struct dpc_verify){
		.list = nim_dpc_list_rw(nim->dpc), .fits = fits, .transition = transition, .arg = nv
	};
	nv->run_ev = event_new(base, -1, 0, on_run, nv);
	nv->timer_ev = evtimer_new(base, on_timer, nv);
	if (!nv->run_ev || !nv->timer_ev)
		return -ENOMEM;
	nim_verify_items(nv);
	nv->machine.changed = true; /* an empty list is told as well */
	dpcv_start(&nv->machine, now());
	run(nv, false);
	nim_verify_control(nim, daemon_control(nim->daemon));
	return 0;
}

struct nim_verify *nim_verify_free(struct nim_verify *nv)
{
	if (!nv)
		return NULL;
	forget_round(nv);
	forget(&nv->others);
	trial_free(nv->trial);
	free(nv->asked);
	if (nv->run_ev)
		event_free(nv->run_ev);
	if (nv->timer_ev)
		event_free(nv->timer_ev);
	free(nv);
	return NULL;
}
