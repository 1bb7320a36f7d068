/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/heartbeat.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/timerfd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "nim/gateway/damp.h"
#include "nim/gateway/gateway.h"
#include "nim/gateway/heartbeat_kept.h"
#include "nim/gateway/nud.h"
#include "nim/next_run.h"

#define MS 1000000ULL

struct port {
	char label[NIM_LABEL];
	struct ifname ifname;
	struct gateway gateway[NIM_FAMILIES];
	struct {
		struct mono until; /* of the port's hold, as told … */
		int64_t until_ms; /* … and by the clock on the wall */
	} told[NIM_FAMILIES];
};

struct heartbeat {
	struct heartbeat_conf conf;
	int timer_fd; /* the loop's own timers are as coarse as the kernel's tick: up to 10 ms */
	struct event *tick;
	struct nud *nud;
	unsigned int nports;
	struct port ports[NIM_PORTS];
	struct damp damp[NIM_FAMILIES][NIM_PORTS];
	struct damp_choice choice[NIM_FAMILIES];
	struct mono damp_due; /* 0: never */
	struct nim_view view;
	uint32_t ifindex[NIM_PORTS];
	struct next_run next_run;
};

static const char *family_name(int family)
{
	return family == NIM_V6 ? "6" : "4";
}

static bool good(const struct nim_port_view *view, int family)
{
	return family == NIM_V6 ? view->good6 : view->good4;
}

static struct ipaddr gateway_of(const struct nim_port_view *view, int family)
{
	return family == NIM_V6 ? view->gateway6 : view->gateway4;
}

/* ---- The timer ---- */

static void arm(struct heartbeat *hb)
{
	uint64_t due = hb->damp_due.ns;
	struct itimerspec timer = { 0 };

	for (unsigned int i = 0; i < hb->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++) {
			const struct gateway *gw = &hb->ports[i].gateway[f];

			if (gateway_is_asked(gw) && (!due || gw->beat.due.ns < due))
				due = gw->beat.due.ns;
		}
	timer.it_value.tv_sec = (time_t)(due / (1000 * MS));
	timer.it_value.tv_nsec = (long)(due % (1000 * MS));
	timerfd_settime(hb->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct heartbeat *hb = arg;
	struct mono now = mono_now();
	uint64_t expirations;
	bool changed;

	(void)what;
	if (read(fd, &expirations, sizeof(expirations)) < 0)
		return;
	changed = hb->damp_due.ns && now.ns >= hb->damp_due.ns;
	if (changed)
		hb->damp_due.ns = 0; /* heartbeat_tell() finds the next one */
	for (unsigned int i = 0; i < hb->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			changed = gateway_turn(&hb->ports[i].gateway[f], &hb->conf.items->pace,
					       hb->ports[i].label, now) ||
				  changed;
	arm(hb);
	if (changed)
		hb->conf.changed(hb->conf.arg);
}

/* ---- From run to run ---- */

/* When it works again: what is known of the same gateway. */
static void take_over(struct heartbeat *hb, unsigned int port, int family)
{
	const char *label = hb->ports[port].label, *words;
	struct gateway *gw = &hb->ports[port].gateway[family];
	struct heartbeat_kept kept;

	words = next_run_find(&hb->next_run, label, family);
	if (!words)
		return;
	if (heartbeat_kept_parse(words, &kept) && ipaddr_equal(&kept.gateway, &gw->addr)) {
		gw->beat.heard = kept.heard;
		gw->beat.silent = kept.silent;
		if (kept.silent || kept.held)
			damp_remember(&hb->damp[family][port]);
	}
	next_run_taken(&hb->next_run, label, family);
}

static void keep_one(struct heartbeat *hb, unsigned int port, int family)
{
	const struct gateway *gw = &hb->ports[port].gateway[family];
	const struct heartbeat_kept kept = { .gateway = gw->addr,
					     .heard = gw->beat.heard,
					     .silent = gw->beat.silent,
					     .held = hb->damp[family][port].held };
	struct strbuf words = STRBUF_INIT;

	if (ipaddr_is_set(&gw->addr))
		heartbeat_kept_format(&kept, &words);
	next_run_add(&hb->next_run, hb->ports[port].label, family, words.str);
	strbuf_fini(&words);
}

void heartbeat_keep(struct heartbeat *hb)
{
	for (unsigned int i = 0; i < hb->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			keep_one(hb, i, f);
	next_run_write(&hb->next_run);
}

/* ---- Whom to ask ---- */

static bool has_alternative(const struct heartbeat *hb, unsigned int port, int family)
{
	for (unsigned int i = 0; i < hb->nports; i++)
		if (i != port && good(&hb->view.ports[i], family))
			return true;
	return false;
}

static void follow_gateway(struct heartbeat *hb, const struct nim_iface *iface, unsigned int i,
			   int family, struct mono now)
{
	const struct nim_port_view *view = &hb->view.ports[i];
	struct gateway *gw = &hb->ports[i].gateway[family];
	struct ipaddr addr = gateway_of(view, family);
	bool wanted;

	if (!ipaddr_equal(&gw->addr, &addr)) {
		gw->addr = addr;
		gw->beat = (struct beat){ 0 };
	}
	if (good(view, family))
		take_over(hb, i, family);
	gw->allowed = port_switch_allows(&hb->conf.items->ports, &hb->conf.config->ports[i],
					 iface->metered);
	gw->can_be_asked = mac_is_set(&iface->mac);
	wanted = good(view, family) && (gw->beat.silent || gw->beat.doubted ||
					(gw->allowed && has_alternative(hb, i, family)));
	if (wanted) {
		gateway_ask(gw, iface, now);
		return;
	}
	gateway_rest(gw);
}

/* One question decides. */
static void doubt(struct heartbeat *hb, unsigned int port, int family)
{
	struct gateway *gw = &hb->ports[port].gateway[family];
	struct beat_pace pace = gateway_pace(gw, &hb->conf.items->pace);

	if (!good(&hb->view.ports[port], family) || !gw->can_be_asked)
		return;
	beat_doubt(&gw->beat, &pace, mono_now());
	hb->conf.changed(hb->conf.arg); /* asks */
	arm(hb);
}

static void on_nud_failed(uint32_t ifindex, const struct ipaddr *addr, void *arg)
{
	struct heartbeat *hb = arg;
	int family = addr->family == AF_INET6 ? NIM_V6 : NIM_V4;

	for (unsigned int i = 0; i < hb->nports; i++)
		if (hb->ifindex[i] == ifindex &&
		    ipaddr_equal(&hb->ports[i].gateway[family].addr, addr))
			doubt(hb, i, family);
}

void heartbeat_doubt(struct heartbeat *hb, const char *label)
{
	for (unsigned int i = 0; i < hb->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			if (strcmp(hb->ports[i].label, label) == 0)
				doubt(hb, i, f);
}

static void watch_links(struct heartbeat *hb, const struct nim_facts *facts)
{
	uint32_t now[NIM_PORTS] = { 0 };

	for (unsigned int i = 0; i < hb->nports; i++)
		now[i] = facts->ifaces[i].ifindex;
	if (memcmp(now, hb->ifindex, sizeof(now)) == 0)
		return;
	memcpy(hb->ifindex, now, sizeof(now));
	nud_watch(hb->nud, hb->ifindex, hb->nports);
}

/* ---- Ports come and go ---- */

static bool same_port(const struct port *a, const struct nim_port *b)
{
	return strcmp(a->label, b->label) == 0 && ifname_equal(&a->ifname, &b->ifname);
}

static bool same_ports(const struct heartbeat *hb)
{
	const struct nim_config *config = hb->conf.config;

	for (unsigned int i = 0; i < config->nports; i++)
		if (i >= hb->nports || !same_port(&hb->ports[i], &config->ports[i]))
			return false;
	return hb->nports == config->nports;
}

static void take_port(struct heartbeat *hb, unsigned int i, struct heartbeat *old)
{
	const struct nim_port *config = &hb->conf.config->ports[i];
	struct port *port = &hb->ports[i];

	*port = (struct port){ .ifname = config->ifname };
	memcpy(port->label, config->label, sizeof(port->label));
	for (int f = 0; f < NIM_FAMILIES; f++) {
		port->gateway[f] = (struct gateway)GATEWAY_INIT;
		hb->damp[f][i] = (struct damp){ 0 };
	}
	for (unsigned int j = 0; j < old->nports; j++) {
		if (!same_port(&old->ports[j], config))
			continue;
		for (int f = 0; f < NIM_FAMILIES; f++) {
			port->gateway[f] = old->ports[j].gateway[f];
			old->ports[j].gateway[f].probe.fd = -1;
			hb->damp[f][i] = old->damp[f][j];
			if (old->choice[f].port == (int)j)
				hb->choice[f].port = (int)i;
		}
	}
}

static void close_all(struct heartbeat *hb)
{
	for (unsigned int i = 0; i < hb->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			probe_close(&hb->ports[i].gateway[f].probe);
}

static void follow_ports(struct heartbeat *hb)
{
	_cleanup_(freep) struct heartbeat *old = NULL;

	if (same_ports(hb))
		return;
	old = xmemdup(hb, sizeof(*hb));
	hb->nports = hb->conf.config->nports;
	for (int f = 0; f < NIM_FAMILIES; f++)
		hb->choice[f].port = -1;
	for (unsigned int i = 0; i < hb->nports; i++)
		take_port(hb, i, old);
	close_all(old); /* what nobody took over */
}

/* ---- What is told ---- */

static void damp_family(struct heartbeat *hb, int family, struct mono now)
{
	struct damp_input in[NIM_PORTS] = { 0 };
	struct mono due;

	for (unsigned int i = 0; i < hb->nports; i++)
		in[i] = (struct damp_input){
			.good = good(&hb->view.ports[i], family) &&
				!hb->ports[i].gateway[family].beat.silent,
			.rank = hb->view.ports[i].rank,
			.class = !hb->conf.config->ports[i].is_mgmt,
		};
	due = damp_step(hb->damp[family], &hb->choice[family], in, hb->nports,
			hb->conf.items->hold_ms, now);
	if (due.ns && (!hb->damp_due.ns || due.ns < hb->damp_due.ns))
		hb->damp_due = due;
}

static void note_hold(struct heartbeat *hb, unsigned int i, int family, bool was, struct mono now)
{
	const struct damp *d = &hb->damp[family][i];
	struct gateway *gw = &hb->ports[i].gateway[family];
	unsigned int unsaid;

	if (d->held && d->until.ns != hb->ports[i].told[family].until.ns) {
		hb->ports[i].told[family].until = d->until;
		hb->ports[i].told[family].until_ms = wall_ms() + mono_diff_ms(d->until, now);
		if (gateway_may_say(gw, &unsaid))
			log_info("port_held", "port=%s family=%s ms=%lld losses=%u unsaid=%u",
				 hb->ports[i].label, family_name(family),
				 (long long)mono_diff_ms(d->until, now), d->losses, unsaid);
	} else if (was && !d->held && d->good && gateway_may_say(gw, &unsaid)) {
		log_info("port_preferred", "port=%s family=%s unsaid=%u", hb->ports[i].label,
			 family_name(family), unsaid);
	}
}

/* In whole intervals: it is to be news only when it is. */
static uint32_t told_patience_ms(const struct gateway *gw, const struct beat_pace *pace)
{
	uint32_t unit = pace->interval_ms;

	if (gateway_state(gw) != NIM_GATEWAY_ANSWERS)
		return 0;
	return (beat_patience_ms(&gw->beat, pace) + unit - 1) / unit * unit;
}

static void tell_one(struct heartbeat *hb, struct nim_iface *iface, unsigned int i, int family,
		     struct mono now)
{
	const struct damp *d = &hb->damp[family][i];
	struct gateway *gw = &hb->ports[i].gateway[family];
	struct beat_pace pace = gateway_pace(gw, &hb->conf.items->pace);
	bool was = iface->health[family].held;

	note_hold(hb, i, family, was, now);
	iface->health[family] = (struct nim_health){
		.gateway = gateway_state(gw),
		.interval_ms = !gateway_is_asked(gw) ? 0
			       : gw->beat.silent     ? pace.retry_ms
						     : pace.interval_ms,
		.patience_ms = told_patience_ms(gw, &pace),
		.held = d->held,
		.shaky = d->shaky,
		.held_until_ms = d->held ? hb->ports[i].told[family].until_ms : 0,
		.losses = d->losses,
	};
}

void heartbeat_tell(struct heartbeat *hb, struct nim_facts *facts)
{
	struct mono now = mono_now();

	follow_ports(hb);
	watch_links(hb, facts);
	nim_view(hb->conf.config, facts, &hb->view);
	for (unsigned int i = 0; i < hb->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			follow_gateway(hb, &facts->ifaces[i], i, f, now);
	hb->damp_due.ns = 0;
	for (int f = 0; f < NIM_FAMILIES; f++)
		damp_family(hb, f, now);
	for (unsigned int i = 0; i < hb->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			tell_one(hb, &facts->ifaces[i], i, f, now);
	arm(hb);
}

/* ---- Life ---- */

int heartbeat_new(const struct heartbeat_conf *conf, struct heartbeat **ret)
{
	struct heartbeat *hb = xcalloc(1, sizeof(*hb));
	int r;

	hb->conf = *conf;
	next_run_init(&hb->next_run, conf->run_dir, "gateways", HEARTBEAT_KEPT_WORDS);
	for (int f = 0; f < NIM_FAMILIES; f++)
		hb->choice[f].port = -1;
	hb->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	r = hb->timer_fd < 0 ? -errno : 0;
	if (r == 0)
		hb->tick = event_new(conf->base, hb->timer_fd, EV_READ | EV_PERSIST, on_tick, hb);
	if (r == 0 && (!hb->tick || event_add(hb->tick, NULL) < 0))
		r = -ENOMEM;
	if (r == 0)
		r = nud_new(conf->base, on_nud_failed, hb, &hb->nud);
	if (r < 0) {
		heartbeat_free(hb);
		return r;
	}
	*ret = hb;
	return 0;
}

struct heartbeat *heartbeat_free(struct heartbeat *hb)
{
	if (!hb)
		return NULL;
	close_all(hb);
	nud_free(hb->nud);
	if (hb->tick)
		event_free(hb->tick);
	closep(&hb->timer_fd);
	next_run_fini(&hb->next_run);
	free(hb);
	return NULL;
}
