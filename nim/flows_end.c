/* SPDX-License-Identifier: Apache-2.0 */
/* Has flows of ports that are left end, one walk through the kernel's flows for all of a family. */
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dataplane/mark.h"
#include "dataplane/nl/ct_walk.h"
#include "dataplane/nl/tcp_abort.h"
#include "nim/flows.h"

#define NUMBER_SHIFT 24
#define KIND (~NIM_MARK_MASK & ~0x00c00000u) /* what it is: dataplane/mark.h */

struct side { /* of one family */
	struct nim_flows *flows;
	int family;
	struct flows_memory memory;
	struct ct_walk *walk;
	bool walking;
	struct flows_ports leave, begun; /* of the walk … */
	struct flows_ports leave_next, begun_next; /* … and of the one after it */
	unsigned int seen[FLOWS_NUMBERS]; /* flows that could go another way, by ports */
	int tcp_fd, err;
};

struct nim_flows {
	struct nim_flows_conf conf;
	struct event *timer;
	struct side side[NIM_FAMILIES];
};

/* ---- One flow ---- */

static bool leads_nowhere_else(const struct nim_flows *f, unsigned int number,
			       const struct ipaddr *to)
{
	int port = flows_port(f->conf.config, number);
	const struct nim_iface *iface = port < 0 ? NULL : &f->conf.facts->ifaces[port];

	for (unsigned int i = 0; iface && i < iface->naddrs; i++)
		if (prefix_contains(&iface->addrs[i], to))
			return true;
	return ipaddr_is_linklocal(to);
}

/* Before the flow is forgotten: its last packet would begin it anew. */
static void abort_connection(struct side *s, const struct ct_flow *flow)
{
	const struct tcp_ends ends = { flow->src, flow->dst, flow->sport, flow->dport };
	int r;

	if (s->tcp_fd < 0)
		s->tcp_fd = tcp_abort_open();
	r = s->tcp_fd < 0 ? s->tcp_fd : tcp_abort(s->tcp_fd, &ends);
	if (r < 0)
		s->err = r;
}

static bool stays(const struct ct_flow *flow, uint32_t *mark, void *arg)
{
	unsigned int number = flow->mark >> NUMBER_SHIFT;
	struct side *s = arg;

	(void)mark;
	if (leads_nowhere_else(s->flows, number, &flow->dst))
		return true;
	s->seen[number]++;
	/* Not clean: it carries the default route again. */
	if (!s->leave.port[number] || !s->memory.clean[number])
		return true;
	if (flow->protocol == IPPROTO_TCP)
		abort_connection(s, flow);
	return false;
}

/* ---- One walk ---- */

static void failed(const struct side *s, int err)
{
	log_warning("flows_not_flushed", "family=%d mark=0x%x mask=0x%x err=%d",
		    s->family == NIM_V6 ? 6 : 4, DP_FLOW_OUTPUT, KIND, -err);
}

static void arm(struct nim_flows *f)
{
	struct mono now = mono_now(), next = { 0 };
	int64_t ms;

	for (int i = 0; i < NIM_FAMILIES; i++) {
		struct mono due = flows_next(&f->side[i].memory);

		if (due.ns && (!next.ns || due.ns < next.ns))
			next = due;
	}
	ms = next.ns > now.ns ? mono_diff_ms(next, now) + 1 : 1;
	if (next.ns)
		event_add(f->timer, &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
	else
		event_del(f->timer);
}

static void start(struct side *s)
{
	int r;

	s->leave = s->leave_next;
	s->begun = s->begun_next;
	s->leave_next = s->begun_next = (struct flows_ports){ 0 };
	memset(s->seen, 0, sizeof(s->seen));
	s->err = 0;
	r = ct_walk_start(s->walk, s->family == NIM_V6 ? AF_INET6 : AF_INET, NULL, NULL);
	s->walking = r == 0;
	if (r < 0)
		failed(s, r);
}

static const char *label_of(const struct nim_config *config, unsigned int number)
{
	int port = flows_port(config, number);

	return port < 0 ? "" : config->ports[port].label;
}

/* Where there is nothing to drain nobody need be woken. */
static void note(struct side *s, unsigned int number)
{
	if (s->begun.port[number] && !s->seen[number] && s->memory.drains_at[number].ns)
		s->memory.clean[number] = true;
	if (s->leave.port[number] && s->seen[number])
		log_info("flows_flushed", "port=%s family=%d flows=%u",
			 label_of(s->flows->conf.config, number), s->family == NIM_V6 ? 6 : 4,
			 s->seen[number]);
}

static void walked(int err, void *arg)
{
	struct side *s = arg;

	s->walking = false;
	closep(&s->tcp_fd);
	s->tcp_fd = -1;
	if (err || s->err)
		failed(s, err ? err : s->err);
	for (unsigned int i = 1; i < FLOWS_NUMBERS && !err; i++)
		note(s, i);
	if (s->leave_next.any || s->begun_next.any)
		start(s);
	arm(s->flows);
}

static void add_all(struct flows_ports *to, const struct flows_ports *more)
{
	for (unsigned int i = 0; i < FLOWS_NUMBERS; i++)
		to->port[i] |= more->port[i];
	to->any |= more->any;
}

void nim_flows_follow(struct nim_flows *f, const struct nim_view *view)
{
	struct mono now = mono_now();

	for (int i = 0; i < NIM_FAMILIES; i++) {
		struct flows_ports leave, begun;
		struct side *s = &f->side[i];

		flows_step(&s->memory, f->conf.config, view, i, now, &leave, &begun);
		add_all(&s->leave_next, &leave);
		add_all(&s->begun_next, &begun);
		if (!s->walking && (s->leave_next.any || s->begun_next.any))
			start(s);
	}
	arm(f);
}

/* ---- Life ---- */

static void on_drained(evutil_socket_t fd, short what, void *arg)
{
	struct nim_flows *f = arg;

	(void)fd, (void)what;
	f->conf.drained(f->conf.arg);
}

int nim_flows_new(const struct nim_flows_conf *conf, struct nim_flows **ret)
{
	struct nim_flows *f = xcalloc(1, sizeof(*f));

	f->conf = *conf;
	f->timer = evtimer_new(conf->base, on_drained, f);
	for (int i = 0; i < NIM_FAMILIES; i++) {
		struct side *s = &f->side[i];

		s->flows = f;
		s->family = i;
		s->tcp_fd = -1;
		s->walk = ct_walk_new(&(struct ct_walk_conf){ .base = conf->base,
							      .mark = DP_FLOW_OUTPUT,
							      .mask = KIND,
							      .look = stays,
							      .done = walked,
							      .arg = s });
	}
	if (!f->timer) {
		nim_flows_free(f);
		return -ENOMEM;
	}
	*ret = f;
	return 0;
}

struct nim_flows *nim_flows_free(struct nim_flows *f)
{
	if (!f)
		return NULL;
	for (int i = 0; i < NIM_FAMILIES; i++) {
		ct_walk_free(f->side[i].walk);
		closep(&f->side[i].tcp_fd);
	}
	if (f->timer)
		event_free(f->timer);
	free(f);
	return NULL;
}
