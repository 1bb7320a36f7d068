/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: who is tested, who is told, and what is kept of it. */
#include "nim/conn/conntest.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/wall.h"
#include "nim/conn/conn_asked.h"
#include "nim/conn/conn_helper.h"
#include "nim/conn/conn_local.h"
#include "nim/conn/conn_request.h"
#include "nim/conn/conn_round.h"
#include "nim/conn/conn_spare.h"
#include "nim/dns/dns.h"
#include "nim/proxy/pacs.h"
#include "nim/proxy/proxy_ways.h"
#include "status.pb-c.h"

/* ---- Records ---- */

static bool is_configured(const struct nim_config *config, const char *label)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (strcmp(config->ports[i].label, label) == 0)
			return true;
	return false;
}

static struct conn_record *find_record(const struct conntest *ct, const char *label)
{
	for (unsigned int i = 0; i < ct->nrecords; i++)
		if (strcmp(ct->records[i].label, label) == 0)
			return &ct->records[i];
	return NULL;
}

static void forget_others(struct conntest *ct)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ct->nrecords; i++)
		if (is_configured(ct->conf.config, ct->records[i].label))
			ct->records[n++] = ct->records[i];
	ct->nrecords = n;
}

static struct conn_record *make_record(struct conntest *ct, const char *label)
{
	struct conn_record *record = find_record(ct, label);

	if (record)
		return record;
	forget_others(ct);
	ct->records = xrealloc(ct->records, ct->nrecords + 1, sizeof(*ct->records));
	record = &ct->records[ct->nrecords++];
	*record = (struct conn_record){ 0 };
	snprintf(record->label, sizeof(record->label), "%s", label);
	return record;
}

static bool is_other_news(const struct conn_result *was, const struct conn_result *now)
{
	return was->outcome != now->outcome || was->stage != now->stage ||
	       strcmp(was->why, now->why) != 0;
}

static void keep_result(const struct conn_round *round, const struct conn_round_port *port)
{
	static const char *const outcomes[] = { "untested", "ok", "not_ready", "remote", "failed" };
	struct conn_record *record;

	if (!round->kept || port->spared || !is_configured(round->ct->conf.config, port->label))
		return;
	record = make_record(round->ct, port->label);
	if (is_other_news(&record->last, &port->result))
		log_info("port_test", "port=%s from=%s to=%s stage=%s latency_ms=%u why=\"%s\"",
			 port->label, outcomes[record->last.outcome],
			 outcomes[port->result.outcome], conn_stage_name(port->result.stage),
			 port->result.latency_ms, port->result.why);
	conn_record_add(record, &port->result, &port->reached, wall_ms());
	round->ct->conf.changed(round->ct->conf.arg);
}

/* Of a port that is told: a warning belongs to a result. */
static void keep_warning(const struct conn_round *round, const struct conn_round_port *port)
{
	struct conn_record *record = find_record(round->ct, port->label);

	if (!round->kept || !record || !conn_record_warn(record, port->warning))
		return;
	log_info("port_test_warning", "port=%s why=\"%s\"", port->label, port->warning);
	round->ct->conf.changed(round->ct->conf.arg);
}

void conntest_status(const struct conntest *ct, struct Ew__DeviceNetworkStatus *status,
		     struct arena *arena)
{
	for (size_t i = 0; i < status->n_ports; i++) {
		const struct conn_record *record = find_record(ct, status->ports[i]->logicallabel);

		if (record)
			status->ports[i]->test = conn_record_message(record, arena);
	}
	pacs_status(ct->pacs, status, arena);
}

/* Those of an earlier test count until there is one of this. */
static void keep_peers(const struct conn_round *round, const struct conn_round_port *port)
{
	struct conn_record *record;

	if (!round->kept || !is_configured(round->ct->conf.config, port->label))
		return;
	record = make_record(round->ct, port->label);
	memcpy(record->peers, port->peers, sizeof(record->peers));
	record->npeers = port->npeers;
	round->ct->conf.changed(round->ct->conf.arg);
}

const struct conn_record *conntest_record(const struct conntest *ct, const char *label)
{
	return find_record(ct, label);
}

/* ---- Rounds ---- */

static struct conn_round_port *next_to_tell(struct conn_round *round, bool *ret_all)
{
	*ret_all = true;
	for (unsigned int i = 0; i < round->nports; i++) {
		struct conn_round_port *port = &round->ports[i];

		if (port->known && !port->told)
			return port;
		*ret_all = *ret_all && port->told;
	}
	return NULL;
}

static bool spared_in_vain(const struct conn_round *round)
{
	bool spared = false;

	for (unsigned int i = 0; i < round->nports; i++) {
		if (round->ports[i].result.outcome == CONN_OK && round->ports[i].reached.target[0])
			return false;
		spared = spared || round->ports[i].spared;
	}
	return spared;
}

bool conntest_spared_in_vain(const struct conntest *ct)
{
	return ct->spared_in_vain;
}

static void all_told(struct conn_round *round)
{
	const struct conn_round_ops *ops = take_ptr(round->ops);
	_cleanup_(freep) char *failure = round->failure[0] ? xstrdup(round->failure) : NULL;
	void *user = round->arg;

	if (round->kept)
		round->ct->spared_in_vain = spared_in_vain(round);
	if (list_empty(&round->asked))
		conn_round_free(round); /* else it may have warnings yet */
	if (ops)
		ops->done(failure, user);
}

/* One each time, with the next already under way: the callback may end the round. */
static void on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct conn_round *round = arg;
	bool all;
	struct conn_round_port *port = next_to_tell(round, &all);

	(void)fd, (void)what;
	if (port) {
		port->told = true;
		keep_result(round, port);
		if (port->warned)
			keep_warning(round, port);
		event_active(round->tell_ev, 0, 0);
		round->ops->port(port->label, &port->result, round->arg);
	} else if (all) {
		all_told(round);
	}
}

void conn_round_know(struct conn_round *round, unsigned int port, const struct conn_result *result,
		     const struct conn_reached *reached)
{
	struct conn_round_port *p = &round->ports[port];

	if (p->known)
		return;
	p->known = true;
	p->result = *result;
	if (reached)
		p->reached = *reached;
	event_active(round->tell_ev, 0, 0);
}

/* ---- What is asked remotely ---- */

void conn_round_add_peer(struct conn_round *round, unsigned int i, const struct conn_peer *peer)
{
	struct conn_round_port *port = &round->ports[i];

	if (port->npeers == CONN_PEERS)
		return;
	port->peers[port->npeers++] = *peer;
	keep_peers(round, port);
}

void conn_round_warn(struct conn_round *round, unsigned int i, const char *text)
{
	struct conn_round_port *port = &round->ports[i];

	port->warned = true;
	snprintf(port->warning, sizeof(port->warning), "%s", text);
	if (port->told)
		keep_warning(round, port);
}

static bool trace_kind(const struct conn_round *round, const struct conn_round_port *port,
		       enum conn_trace_kind *ret)
{
	bool passed = port->result.outcome == CONN_OK;

	if (round->kept)
		*ret = passed ? CONN_TRACE_PASSED : CONN_TRACE_FAILED;
	else
		*ret = CONN_TRACE_CANDIDATE;
	return port->known &&
	       (round->kept ? is_configured(round->ct->conf.config, port->label) : !passed);
}

void conn_round_trace(struct conn_round *round, unsigned int i, const char *text)
{
	struct conn_round_port *port = &round->ports[i];
	struct conntest *ct = round->ct;
	enum conn_trace_kind kind;

	if (!*text || !trace_kind(round, port, &kind))
		return;
	conn_traces_forget_others(&ct->traces, ct->conf.config);
	conn_traces_put(&ct->traces, port->label, kind, text, wall_ms());
}

bool conntest_traces(const struct conntest *ct, const char *label, FILE *out)
{
	return conn_traces_print(&ct->traces, label, out);
}

void conn_round_asked_ended(struct conn_round *round, const char *failure)
{
	if (failure && !round->failure[0])
		snprintf(round->failure, sizeof(round->failure), "%s", failure);
	if (!round->ops && list_empty(&round->asked))
		conn_round_free(round);
}

static void ask(struct conn_round *round, const struct conn_ports *ports, const unsigned int *port,
		unsigned int n)
{
	struct arena arena = { 0 };

	if (n)
		conn_asked_start(round, port, n,
				 conn_request(ports, port, n, &round->ct->settings, &arena));
	arena_fini(&arena);
}

/* ---- Start and end ---- */

/* Warnings of an earlier round would come into the next. */
static void drop_told_rounds(struct conntest *ct)
{
	struct conn_round *round, *next;

	list_for_each_safe (round, next, &ct->rounds, link)
		if (!round->ops)
			conn_round_free(round);
}

/* EVE's: an application's port without a DNS server passes, with a warning. */
static void know_local(struct conn_round *round, const struct conn_ports *ports, unsigned int i,
		       const struct conn_result *result)
{
	const struct nim_port *port = &ports->config->ports[i];
	struct conn_round_port *p = &round->ports[i];
	struct ipaddr servers[NIM_PORT_DNS];

	p->warned = true;
	if (port->is_l3 && port->dhcp != NIM_DHCP_NONE &&
	    !nim_port_dns(port, &ports->facts->ifaces[i], servers))
		snprintf(p->warning, sizeof(p->warning), "no DNS server");
	conn_round_know(round, i, result, NULL);
}

static const struct conn_record *record_of(const char *label, void *arg)
{
	return find_record(arg, label);
}

static void begin_port(struct conn_round *round, const struct conn_ports *ports, unsigned int i,
		       bool has_target)
{
	const struct nim_port *port = &ports->config->ports[i];
	struct conn_result result;

	memcpy(round->ports[i].label, port->label, NIM_LABEL);
	conn_local(port, &ports->facts->ifaces[i], &ports->view->ports[i], &result);
	/* A router that was silent is asked again by what is sent through it. */
	if ((result.outcome == CONN_OK ||
	     (result.stage == CONN_STAGE_GATEWAY && conn_has_gateway(&ports->view->ports[i]))) &&
	    has_target && conn_is_tested_remotely(port)) {
		round->ports[i].spared = round->kept && result.outcome == CONN_OK &&
					 conn_is_spared(ports, i, wall_ms(), record_of, round->ct);
		if (round->ports[i].spared)
			conn_round_know(round, i, &result, NULL);
		else if (proxy_has_pac(port->proxy))
			ask(round, ports, &i, 1);
		else
			round->remote[round->nremote++] = i;
	} else {
		know_local(round, ports, i, &result);
	}
}

struct conn_round *conn_round_start(struct conntest *ct, const struct conn_ports *ports,
				    const struct conn_round_ops *ops, void *arg)
{
	unsigned int nports = ports->config->nports;
	struct conn_round *round =
		xcalloc(1, sizeof(*round) + nports * sizeof(struct conn_round_port));
	bool has_target = conntest_has_target(ct);

	drop_told_rounds(ct);
	round->ct = ct;
	round->ops = ops;
	round->arg = arg;
	round->kept = ports->config == ct->conf.config;
	if (round->kept)
		ct->tested_at = mono_now();
	round->nports = nports;
	list_init(&round->asked);
	round->tell_ev = event_new(ct->conf.base, -1, 0, on_tell, round);
	if (!round->tell_ev)
		abort();
	list_append(&ct->rounds, &round->link);
	for (unsigned int i = 0; i < nports; i++)
		begin_port(round, ports, i, has_target);
	ask(round, ports, round->remote, round->nremote);
	event_active(round->tell_ev, 0, 0); /* of no ports at all */
	return round;
}

struct conn_round *conn_round_free(struct conn_round *round)
{
	if (!round)
		return NULL;
	list_remove(&round->link);
	conn_asked_free_all(round);
	event_free(round->tell_ev);
	free(round);
	return NULL;
}

/* ---- Settings ---- */

bool conntest_set_items(struct conntest *ct, const struct Ew__GlobalConfig *msg)
{
	const struct conn_items was = ct->settings.items;

	conn_items_load(msg, &ct->settings.items);
	return memcmp(&was, &ct->settings.items, sizeof(was)) != 0;
}

bool conntest_has_target(struct conntest *ct)
{
	conn_settings_read(&ct->settings, ct->conf.config_dir);
	return conn_settings_have_target(&ct->settings);
}

struct mono conntest_tested_at(const struct conntest *ct)
{
	return ct->tested_at;
}

unsigned int conntest_round_s(const struct conntest *ct, const struct nim_config *config)
{
	unsigned int helper_s = ct->settings.items.deadline_s + CONN_HELPER_MORE_MS / 1000;

	return helper_s + pacs_take_s(config, helper_s);
}

unsigned int conntest_interval_s(const struct conntest *ct)
{
	return ct->settings.items.interval_s;
}

/* ---- Life ---- */

int conntest_new(const struct conntest_conf *conf, struct conntest **ret)
{
	struct conntest *ct = xcalloc(1, sizeof(*ct));

	ct->conf = *conf;
	ct->program = conf->program ? xstrdup(conf->program) : child_program("conn-test");
	ct->pacs = pacs_new(&(struct pacs_conf){ .base = conf->base,
						 .evaluator = conf->evaluator,
						 .loader = ct->program,
						 .config = conf->config,
						 .changed = conf->changed,
						 .arg = conf->arg });
	conn_items_load(NULL, &ct->settings.items);
	list_init(&ct->rounds);
	*ret = ct;
	return 0;
}

struct conntest *conntest_free(struct conntest *ct)
{
	struct conn_round *round, *next;

	if (!ct)
		return NULL;
	list_for_each_safe (round, next, &ct->rounds, link)
		conn_round_free(round);
	pacs_free(ct->pacs);
	conn_traces_fini(&ct->traces);
	conn_settings_fini(&ct->settings);
	free(ct->program);
	free(ct->records);
	free(ct);
	return NULL;
}
