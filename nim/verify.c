/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/verify.h"

#include <errno.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/hmap.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/wall.h"
#include "dataplane/dp.h"
#include "nim/conntest.h"
#include "nim/dns.h"
#include "nim/dpc.h"
#include "nim/dpc_verify.h"
#include "nim/nim_state.h"
#include "nim/verify_control.h"

#define QUIET_MS 500 /* a link that flaps is tested now and then, not each time */

struct nim_verify {
	struct nim *nim;
	struct dpc_verify machine;
	struct event *run_ev; /* something happened: at the end of this turn */
	struct event *timer_ev, *quiet_ev;
	bool event;
	bool asked; /* for a test, by the operator; it has not ended */
	uint32_t seen; /* of the facts, when they were looked at last */
	struct conn_round *round; /* NULL: none is under way */
	struct dpcv_port *results; /* of it, so far; labels are owned */
	size_t n_results;
};

static struct dpcv_time now(void)
{
	return (struct dpcv_time){ .mono_ms = (int64_t)(mono_now().ns / 1000000),
				   .wall_ms = wall_ms() };
}

/* ---- Facts ---- */

static struct conn_ports subject(const struct nim_verify *nv)
{
	return (struct conn_ports){ &nv->nim->config, &nv->nim->facts, &nv->nim->view };
}

static bool is_busy(const struct nim_verify *nv)
{
	return nv->nim->stale || !dp_idle(nv->nim->dp);
}

static void gather(const struct nim_verify *nv, struct dpcv_facts *ret)
{
	struct conn_ports on = subject(nv);
	struct ipaddr servers[NIM_PORT_DNS];

	*ret = (struct dpcv_facts){ .busy = is_busy(nv) };
	for (unsigned int i = 0; i < on.config->nports; i++) {
		const struct nim_port *port = &on.config->ports[i];
		const struct nim_iface *iface = &on.facts->ifaces[i];

		if (!port->is_mgmt || port->error[0])
			continue;
		ret->present += iface->ifindex != 0;
		ret->missing += iface->ifindex == 0;
		if (iface->naddrs && nim_port_dns(port, iface, servers))
			ret->ip_and_dns = true;
	}
}

/* Whatever a test of the management ports may depend on. */
static uint32_t digest(const struct nim_verify *nv)
{
	struct conn_ports on = subject(nv);
	bool busy = is_busy(nv);
	uint32_t hash = hash_bytes(&busy, sizeof(busy), 0);

	for (unsigned int i = 0; i < on.config->nports; i++) {
		const struct nim_iface *iface = &on.facts->ifaces[i];
		const struct nim_port_view *view = &on.view->ports[i];
		const uint32_t state[] = { iface->ifindex, iface->up, iface->carrier, view->usable4,
					   view->usable6 };
		struct ipaddr servers[NIM_PORT_DNS] = { 0 };
		unsigned int n;

		if (!on.config->ports[i].is_mgmt)
			continue;
		n = nim_port_dns(&on.config->ports[i], iface, servers);
		hash = hash_bytes(state, sizeof(state), hash);
		hash = hash_bytes(iface->addrs, iface->naddrs * sizeof(iface->addrs[0]), hash);
		hash = hash_bytes(&view->gateway4, sizeof(view->gateway4), hash);
		hash = hash_bytes(&view->gateway6, sizeof(view->gateway6), hash);
		hash = hash_bytes(servers, n * sizeof(servers[0]), hash);
	}
	return hash;
}

/* ---- Rounds ---- */

static void forget_round(struct nim_verify *nv)
{
	nv->round = conn_round_free(nv->round);
	for (size_t i = 0; i < nv->n_results; i++)
		free((char *)nv->results[i].label);
	free(take_ptr(nv->results));
	nv->n_results = 0;
}

static bool is_mgmt(const struct nim_config *config, const char *label)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (strcmp(config->ports[i].label, label) == 0)
			return config->ports[i].is_mgmt;
	return false;
}

static void port_tested(const char *label, const struct conn_result *result, void *arg)
{
	struct nim_verify *nv = arg;

	nv->results[nv->n_results++] =
		(struct dpcv_port){ .label = xstrdup(label),
				    .is_mgmt = is_mgmt(subject(nv).config, label),
				    .result = *result };
}

static void round_done(const char *failure, void *arg)
{
	struct nim_verify *nv = arg;
	struct conn_result outcome;
	struct dpcv_facts facts;

	nv->round = NULL;
	gather(nv, &facts);
	dpcv_outcome(nv->results, nv->n_results, &outcome);
	if (failure && outcome.outcome != CONN_OK) {
		log_warning("dpc_round", "why=\"%s\"", failure);
		dpcv_void(&nv->machine, now());
	} else {
		dpcv_round(&nv->machine, now(), &facts, nv->results, nv->n_results);
	}
	forget_round(nv);
	if (nv->asked && !nv->machine.list->tested) {
		nv->asked = false;
		nv->machine.changed = true;
	}
	event_active(nv->run_ev, 0, 0);
}

static void start_round(struct nim_verify *nv)
{
	static const struct conn_round_ops ops = { .port = port_tested, .done = round_done };
	struct conn_ports on = subject(nv);

	forget_round(nv);
	dpcv_begun(&nv->machine);
	nv->results = xcalloc(on.config->nports + 1, sizeof(*nv->results));
	nv->round = conn_round_start(nv->nim->conntest, &on, &ops, nv);
}

/* ---- What comes of it ---- */

static void transition(const Ew__DpcEntry *entry, Ew__DpcState from, const char *why, void *arg)
{
	(void)arg;
	log_info("dpc_state", "key=\"%s\" from=%s to=%s why=\"%s\"", entry->key,
		 dpc_state_name(from), dpc_state_name(entry->state), why);
}

void nim_verify_tell(const struct nim_verify *nv, Ew__DevicePortConfigList *ret)
{
	const struct dpc_list *list = nv->machine.list;
	int64_t wake = dpcv_wake_ms(&nv->machine);

	ret->testing = list->tested || nv->asked;
	if (dpcv_beside(&nv->machine))
		ret->candidate = list->tested->key;
	if (wake)
		ret->next_ms = wall_ms() + wake - now().mono_ms;
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

	if (event && !nv->machine.list->tested) {
		if (!event_pending(nv->quiet_ev, EV_TIMEOUT, NULL))
			event_add(nv->quiet_ev, &(struct timeval){ .tv_usec = QUIET_MS * 1000 });
		event = false;
	}
	nv->event = false;
	return event;
}

static void run(struct nim_verify *nv, bool event)
{
	struct dpc_verify *machine = &nv->machine;

	for (;;) {
		const Ew__DpcEntry *applied = machine->list->current;
		struct dpcv_facts facts;

		nim_set_in_force(nv->nim);
		gather(nv, &facts);
		dpcv_step(machine, now(), &facts, event);
		if (machine->list->current == applied)
			break;
		event = false;
	}
	if (machine->test)
		start_round(nv);
	if (dpcv_compress(machine, true)) {
		log_info("dpc_compressed", "left=%zu", machine->list->n);
		machine->changed = machine->keep = true;
	}
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

static void on_quiet(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	run(arg, true);
}

/* ---- Inputs ---- */

void nim_verify_list_changed(struct nim_verify *nv)
{
	if (dpcv_list_changed(&nv->machine, now(), "the list of port configurations changed"))
		forget_round(nv);
	run(nv, false);
}

/* Radios that are off prove nothing against a configuration that relies on them. */
static bool is_silenced(const struct nim *nim)
{
	for (unsigned int i = 0; i < nim->config.nports; i++)
		if (nim->config.ports[i].is_mgmt && nim->facts.ifaces[i].radio_silent)
			return true;
	return false;
}

void nim_verify_look(struct nim_verify *nv)
{
	uint32_t seen;

	if (!nv)
		return;
	if (nv->machine.hold != is_silenced(nv->nim)) {
		dpcv_hold(&nv->machine, now(), is_silenced(nv->nim));
		event_active(nv->run_ev, 0, 0);
	}
	seen = digest(nv);
	if (seen == nv->seen)
		return;
	nv->seen = seen;
	nv->event = true;
	event_active(nv->run_ev, 0, 0);
}

void nim_verify_items(struct nim_verify *nv)
{
	dpcv_set_timers(&nv->machine, now(), &nv->nim->items.timers, false);
	arm_timer(nv);
}

void nim_verify_test(struct nim_verify *nv, Ew__DpcEntry *entry, const char *why)
{
	if (dpcv_test_now(&nv->machine, now(), entry, why))
		forget_round(nv);
	nv->asked = nv->machine.changed = true;
	run(nv, true);
}

/* ---- Life ---- */

int nim_verify_open(struct nim *nim)
{
	struct nim_verify *nv = xcalloc(1, sizeof(*nv));
	struct event_base *base = daemon_base(nim->daemon);

	nv->nim = nim;
	nim->verify = nv;
	nv->machine = (struct dpc_verify){ .list = nim_dpc_list_rw(nim->dpc),
					   .transition = transition,
					   .arg = nv };
	nv->run_ev = event_new(base, -1, 0, on_run, nv);
	nv->timer_ev = evtimer_new(base, on_timer, nv);
	nv->quiet_ev = evtimer_new(base, on_quiet, nv);
	if (!nv->run_ev || !nv->timer_ev || !nv->quiet_ev)
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
	struct event *events[] = { nv ? nv->run_ev : NULL, nv ? nv->timer_ev : NULL,
				   nv ? nv->quiet_ev : NULL };

	if (!nv)
		return NULL;
	forget_round(nv);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (events[i])
			event_free(events[i]);
	free(nv);
	return NULL;
}
