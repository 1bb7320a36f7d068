/* SPDX-License-Identifier: Apache-2.0 */
/* Which ports there are, which of them are asked, and what is told. */
#include "nim/upstream/upstream.h"

#include <errno.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/wall.h"
#include "nim/conn/conntest.h"
#include "nim/upstream/outcome.h"
#include "nim/upstream/upstream_kept.h"
#include "nim/upstream/upstream_state.h"

static int af_of(int family)
{
	return family == NIM_V6 ? AF_INET6 : AF_INET;
}

static const char *family_name(int family)
{
	return family == NIM_V6 ? "6" : "4";
}

static bool is_good(const struct nim_port_view *view, int family)
{
	return family == NIM_V6 ? view->good6 : view->good4;
}

/* ---- Whom to ask ---- */

/* Who was reached by another port is there for this one, too, unless it knows better. */
static void borrow_targets(struct upstream *up, unsigned int port, int family)
{
	struct way *w = &up->ports[port]->sides[family].way;

	for (unsigned int i = 0; i < up->nports && !w->own; i++) {
		const struct way *other = &up->ports[i]->sides[family].way;

		if (!other->own)
			continue;
		memcpy(w->to.target, other->to.target, sizeof(w->to.target));
		w->to.ntargets = other->to.ntargets;
		return;
	}
}

static bool gets_to_its_gateway(const struct upstream *up, const struct nim_iface *iface,
				unsigned int port, int family)
{
	return up->conf.config->ports[port].is_mgmt && is_good(&up->view.ports[port], family) &&
	       iface->health[family].gateway != NIM_GATEWAY_SILENT;
}

static void follow_way(struct upstream *up, const struct nim_iface *iface, unsigned int port,
		       int family, struct mono now)
{
	struct way *w = &up->ports[port]->sides[family].way;

	if (w->works)
		upstream_take_over(up, port, family, now);
	if (way_take_targets(w, conntest_record(up->conf.conntest, up->ports[port]->label),
			     af_of(family)))
		w->own = true;
	borrow_targets(up, port, family);
	w->allowed = port_switch_allows(&up->conf.items->ports, &up->conf.config->ports[port],
					iface->metered);
	if (w->works && w->to.ntargets &&
	    (w->watch.beat.silent || w->watch.beat.doubted || w->once ||
	     (w->allowed && upstream_has_alternative(up, port, family))))
		way_ask(w, iface, af_of(family), now);
	else
		way_rest(w);
}

/* ---- Ports come and go ---- */

static struct upstream_port *port_new(struct upstream *up, const struct nim_port *config)
{
	struct upstream_port *port = xcalloc(1, sizeof(*port));

	port->up = up;
	port->ifname = config->ifname;
	memcpy(port->label, config->label, sizeof(port->label));
	for (int f = 0; f < NIM_FAMILIES; f++) {
		struct upstream_side *s = &port->sides[f];

		s->port = port;
		s->family = f;
		way_init(&s->way, up->conf.base, port->label, &upstream_reach_ops, s);
	}
	return port;
}

static void port_free(struct upstream_port *port)
{
	if (!port)
		return;
	for (int f = 0; f < NIM_FAMILIES; f++)
		way_fini(&port->sides[f].way);
	free(port);
}

static bool same_port(const struct upstream_port *a, const struct nim_port *b)
{
	return strcmp(a->label, b->label) == 0 && ifname_equal(&a->ifname, &b->ifname);
}

static bool same_ports(const struct upstream *up)
{
	const struct nim_config *config = up->conf.config;

	for (unsigned int i = 0; i < config->nports; i++)
		if (i >= up->nports || !same_port(up->ports[i], &config->ports[i]))
			return false;
	return up->nports == config->nports;
}

static void take_port(struct upstream *up, unsigned int i, struct upstream *old)
{
	const struct nim_port *config = &up->conf.config->ports[i];

	for (unsigned int j = 0; j < old->nports; j++) {
		if (!old->ports[j] || !same_port(old->ports[j], config))
			continue;
		up->ports[i] = take_ptr(old->ports[j]);
		for (int f = 0; f < NIM_FAMILIES; f++) {
			up->damp[f][i] = old->damp[f][j];
			if (old->choice[f].port == (int)j)
				up->choice[f].port = (int)i;
		}
		return;
	}
	up->ports[i] = port_new(up, config);
	for (int f = 0; f < NIM_FAMILIES; f++)
		up->damp[f][i] = (struct damp){ 0 };
}

static void follow_ports(struct upstream *up)
{
	_cleanup_(freep) struct upstream *old = NULL;

	if (same_ports(up))
		return;
	old = xmemdup(up, sizeof(*up));
	up->nports = up->conf.config->nports;
	for (int f = 0; f < NIM_FAMILIES; f++)
		up->choice[f].port = -1;
	for (unsigned int i = 0; i < up->nports; i++)
		take_port(up, i, old);
	for (unsigned int i = 0; i < old->nports; i++)
		port_free(old->ports[i]); /* whom nobody took over */
}

/* ---- What is told ---- */

/* A port that does not even get to its gateway stays as it was. */
static void damp_family(struct upstream *up, int family, struct mono now)
{
	struct damp_input in[NIM_PORTS] = { 0 };
	struct damp *list = up->damp[family];
	struct mono due;

	for (unsigned int i = 0; i < up->nports; i++) {
		const struct way *w = &up->ports[i]->sides[family].way;

		in[i] = (struct damp_input){
			.good = w->works ? !w->watch.failed : list[i].good,
			.rank = up->view.ports[i].rank,
			.class = !up->conf.config->ports[i].is_mgmt,
		};
	}
	due = damp_step(list, &up->choice[family], in, up->nports, *up->conf.hold_ms, now);
	if (due.ns && (!up->damp_due.ns || due.ns < up->damp_due.ns))
		up->damp_due = due;
}

static void note_rank(struct upstream_side *s, bool behind, const char *why)
{
	unsigned int unsaid;

	if (behind == s->was_behind)
		return;
	s->was_behind = behind;
	if (!way_may_say(&s->way, &unsaid))
		return;
	if (behind)
		log_warning("port_behind", "port=%s family=%s why=\"%s\" unsaid=%u", s->port->label,
			    family_name(s->family), why, unsaid);
	else
		log_info("port_not_behind", "port=%s family=%s unsaid=%u", s->port->label,
			 family_name(s->family), unsaid);
}

static void tell_one(struct upstream *up, struct nim_iface *iface, unsigned int i, int family,
		     struct mono now)
{
	struct upstream_side *s = &up->ports[i]->sides[family];
	const struct damp *d = &up->damp[family][i];
	const struct watch *watch = &s->way.watch;
	struct watch_pace pace = way_pace(&s->way, up->conf.items);

	if (d->held && d->until.ns != s->told_until.ns) {
		s->told_until = d->until;
		s->told_until_ms = wall_ms() + mono_diff_ms(d->until, now);
	}
	note_rank(s, s->way.works && (watch->failed || d->held),
		  watch->failed ? "another port reaches somebody" : "not well for long enough");
	iface->upstream[family] = (struct nim_upstream){
		.state = way_state(&s->way),
		.behind = s->was_behind,
		.interval_ms = !s->way.asking	    ? 0
			       : watch->beat.silent ? pace.retry_ms
						    : pace.interval_ms,
		.since_ms = s->way.since_ms,
		.held_until_ms = d->held ? s->told_until_ms : 0,
		.failures = watch->failures,
		.questions = watch->questions,
		.answers = watch->answers,
		.rtt_us = watch->beat.ways.srtt_us,
	};
	if (s->way.to.ntargets) {
		iface->upstream[family].target = s->way.to.target[0].addr;
		iface->upstream[family].target_port = s->way.to.target[0].port;
	}
}

static void tell_family(struct upstream *up, struct nim_facts *facts, int family, struct mono now)
{
	for (unsigned int i = 0; i < up->nports; i++)
		up->ports[i]->sides[family].way.works =
			gets_to_its_gateway(up, &facts->ifaces[i], i, family);
	for (unsigned int i = 0; i < up->nports; i++)
		follow_way(up, &facts->ifaces[i], i, family, now);
	damp_family(up, family, now);
	for (unsigned int i = 0; i < up->nports; i++)
		tell_one(up, &facts->ifaces[i], i, family, now);
}

void upstream_tell(struct upstream *up, struct nim_facts *facts)
{
	struct mono now = mono_now();

	follow_ports(up);
	nim_view(up->conf.config, facts, &up->view);
	up->damp_due.ns = 0;
	for (int f = 0; f < NIM_FAMILIES; f++)
		tell_family(up, facts, f, now);
	upstream_arm(up);
}

/* ---- Life ---- */

int upstream_new(const struct upstream_conf *conf, struct upstream **ret)
{
	struct upstream *up = xcalloc(1, sizeof(*up));
	int r;

	up->conf = *conf;
	next_run_init(&up->next_run, conf->run_dir, "upstreams", UPSTREAM_KEPT_WORDS);
	for (int f = 0; f < NIM_FAMILIES; f++)
		up->choice[f].port = -1;
	up->tick = event_new(conf->base, -1, 0, upstream_on_tick, up);
	r = up->tick ? outcome_new(conf->ps, up, &up->outcome) : -ENOMEM;
	if (r < 0) {
		upstream_free(up);
		return r;
	}
	*ret = up;
	return 0;
}

struct upstream *upstream_free(struct upstream *up)
{
	if (!up)
		return NULL;
	for (unsigned int i = 0; i < up->nports; i++)
		port_free(up->ports[i]);
	outcome_free(up->outcome);
	if (up->tick)
		event_free(up->tick);
	next_run_fini(&up->next_run);
	free(up);
	return NULL;
}
