/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/port.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "conntest/fetch.h"
#include "conntest/port_insides.h"
#include "conntest/trace.h"

/* The next address of a target is tried when the one before has failed, or has not connected
 * within this time: RFC 8305 section 5. */
#define NEXT_ADDRESS_MS 250

/* ---- The verdict ---- */

static void tell(struct port_test *t, const struct conn_result *result,
		 const struct port_target *target, const struct http_proxy *proxy)
{
	struct conn_result told = *result;

	if (t->told)
		return;
	t->told = true;
	told.latency_ms = (uint32_t)mono_diff_ms(mono_now(), t->begun);
	trace_add(t->conf.trace, mono_now(), "%s%s",
		  told.outcome == CONN_OK ? "passed" : "failed: ", told.why);
	t->ops->verdict(&told, target, proxy, t->arg);
}

/* ---- Who is there ---- */

static void note_peer(const struct track *k, unsigned int index, const struct conn_attempt *attempt)
{
	const struct conn_peer who = { .addr = k->lane->to[index], .port = k->lane->whom->port };
	struct port_test *t = k->lane->test;

	if (!t->ops->peer || (!attempt->connected && attempt->err != ECONNREFUSED))
		return;
	for (unsigned int i = 0; i < t->npeers; i++)
		if (t->peers[i].port == who.port && ipaddr_equal(&t->peers[i].addr, &who.addr))
			return;
	if (t->npeers == CONN_PEERS)
		return;
	t->peers[t->npeers++] = who;
	t->ops->peer(&who.addr, (uint16_t)who.port, t->arg);
}

/* ---- The end ---- */

static void judge_attempt(const struct track *k, const struct conn_attempt *attempt,
			  struct conn_result *ret)
{
	if (k->lane->test->conf.document)
		conn_judge_document(attempt, wall_ms() / 1000, ret);
	else
		conn_judge_attempt(attempt, wall_ms() / 1000, ret);
	trace_add(k->lane->test->conf.trace, mono_now(), "#%u ended: %s", attempt->number,
		  ret->outcome == CONN_OK ? "it is fine" : ret->why);
}

static void give_up_track(struct track *k)
{
	for (unsigned int i = 0; i < k->begun; i++) {
		struct conn_attempt attempt;
		struct conn_result result;

		if (!k->fetches[i])
			continue;
		fetch_give_up(take_ptr(k->fetches[i]), &attempt);
		note_peer(k, i, &attempt);
		judge_attempt(k, &attempt, &result);
		if (!k->worst.why[0] || conn_tells_more(&result, &k->worst))
			k->worst = result;
	}
}

static void each_track(struct port_test *t, void (*fn)(struct track *k))
{
	for (unsigned int i = 0; i < t->nlanes; i++)
		for (unsigned int j = 0; j < t->lanes[i]->ntracks; j++)
			fn(&t->lanes[i]->tracks[j]);
}

static void warn(struct port_test *t)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	port_warnings(t, &text);
	t->ops->warning(strbuf_str(&text), t->arg);
}

static void end(struct port_test *t)
{
	bool passed = t->told;
	struct conn_result result;

	if (t->over)
		return;
	t->over = true;
	event_del(t->deadline_ev);
	for (unsigned int i = 0; i < t->conf.ntargets; i++)
		event_del(t->chains[i].next_ev);
	each_track(t, give_up_track);
	if (passed) {
		warn(t);
	} else {
		port_judge(t, &result);
		tell(t, &result, NULL, NULL);
	}
	t->ops->ended(t->arg); /* t may be gone now */
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	end(arg);
}

static bool chain_is_settled(const struct chain *c)
{
	for (unsigned int i = 0; i < c->test->nlanes; i++)
		if (c->test->lanes[i]->chain == c && !port_lane_is_settled(c->test->lanes[i]))
			return false;
	return true;
}

static void chain_next(struct chain *c);

static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct port_test *t = arg;
	bool all = true;

	(void)fd, (void)what;
	for (unsigned int i = 0; i < t->conf.ntargets; i++) {
		struct chain *c = &t->chains[i];

		while (!c->passed && c->begun < c->ways->n && chain_is_settled(c))
			chain_next(c);
		all = all && chain_is_settled(c);
	}
	if (all)
		end(t);
}

/* In a turn of its own: what calls this is in the middle of something. */
static void look_whether_settled(struct port_test *t)
{
	event_active(t->settle_ev, 0, 0);
}

/* ---- Attempts ---- */

static void track_next(struct track *k);

static void pass(struct track *k)
{
	const struct conn_result good = { .outcome = CONN_OK, .stage = CONN_STAGE_DONE };
	struct port_test *t = k->lane->test;
	int64_t used_ms = mono_diff_ms(mono_now(), t->begun);
	int64_t left_ms = (int64_t)t->conf.deadline_ms - used_ms;
	struct timeval wait;

	k->passed = true;
	event_del(k->next_ev);
	if (!k->lane->chain->passed)
		k->lane->chain->by = k->lane->way;
	k->lane->chain->passed = true;
	event_del(k->lane->chain->next_ev);
	if (t->told)
		return;
	if (left_ms > PORT_AFTERGLOW_MS)
		left_ms = PORT_AFTERGLOW_MS;
	if (left_ms < 0 || t->conf.document)
		left_ms = 0;
	wait = (struct timeval){ .tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000 };
	event_add(t->deadline_ev, &wait);
	tell(t, &good, k->lane->target, k->lane->proxy);
}

static void attempt_ended(struct conn_attempt *attempt, void *arg)
{
	struct attempt *a = arg;
	struct track *k = a->track;
	struct conn_result result;

	k->fetches[a->index] = NULL;
	note_peer(k, a->index, attempt);
	judge_attempt(k, attempt, &result);
	if (result.outcome == CONN_OK) {
		if (attempt->document && !k->lane->test->told)
			k->lane->test->ops->document(attempt->document, k->lane->test->arg);
		pass(k);
	} else {
		k->failed++;
		if (!k->worst.why[0] || conn_tells_more(&result, &k->worst))
			k->worst = result;
		track_next(k);
	}
	look_whether_settled(k->lane->test);
}

static void track_next(struct track *k)
{
	const struct timeval pause = { .tv_usec = NEXT_ADDRESS_MS * 1000 };
	const struct lane *l = k->lane;
	unsigned int i = k->begun;

	if (k->passed || i == l->nto)
		return;
	k->begun++;
	k->attempts[i] = (struct attempt){ k, i };
	k->fetches[i] = fetch_start(&(struct fetch_conf){ .fetcher = l->test->conf.fetcher,
							  .url = l->target->url,
							  .parsed = &l->target->parsed,
							  .headers = l->target->headers,
							  .ifname = &l->test->conf.ifname,
							  .trust = l->test->conf.trust,
							  .proxy = l->proxy,
							  .trace = l->test->conf.trace,
							  .show_certificate = l->target->controller,
							  .document = l->test->conf.document,
							  .from = k->from,
							  .to = l->to[i] },
				    attempt_ended, &k->attempts[i]);
	if (k->begun < l->nto)
		event_add(k->next_ev, &pause);
}

static void on_next(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	track_next(arg);
}

/* ---- Lanes ---- */

static void lane_begin(struct lane *l)
{
	for (unsigned int i = 0; i < l->ntracks; i++)
		track_next(&l->tracks[i]);
}

static void name_found(enum conn_dns dns, const struct ipaddr *addrs, unsigned int n, void *arg)
{
	struct lane *l = arg;

	l->looked_up = true;
	l->dns = dns;
	l->nto = n;
	if (n)
		memcpy(l->to, addrs, n * sizeof(addrs[0]));
	lane_begin(l);
	look_whether_settled(l->test);
}

static void add_track(struct lane *l, const struct ipaddr *from)
{
	struct track *k = &l->tracks[l->ntracks++];

	k->lane = l;
	k->from = *from;
	k->next_ev = event_new(l->test->conf.base, -1, 0, on_next, k);
	if (!k->next_ev)
		abort();
}

static bool has_source(const struct port_test *t, int family)
{
	for (unsigned int i = 0; i < t->conf.nsources; i++)
		if (t->conf.sources[i].family == family)
			return true;
	return false;
}

static void add_lane(struct chain *c, unsigned int way, int family)
{
	const struct http_proxy *proxy = &c->ways->way[way];
	const bool direct = proxy->kind == HTTP_PROXY_DIRECT;
	const struct http_url *whom = direct ? &c->target->parsed : &proxy->url;
	const struct ipaddr *literal = &whom->addr;
	struct port_test *t = c->test;
	struct lane *l;

	if ((ipaddr_is_set(literal) && literal->family != family) || !has_source(t, family))
		return;
	l = t->lanes[t->nlanes++] = xcalloc(1, sizeof(*l));
	*l = (struct lane){ .test = t,
			    .chain = c,
			    .way = way,
			    .target = c->target,
			    .proxy = direct ? NULL : proxy,
			    .whom = whom,
			    .family = family };
	for (unsigned int i = 0; i < t->conf.nsources; i++)
		if (t->conf.sources[i].family == family)
			add_track(l, &t->conf.sources[i]);
	if (ipaddr_is_set(literal))
		name_found(CONN_DNS_FOUND, literal, 1, l);
	else
		l->lookup = resolver_start(t->resolver, whom->host, family, name_found, l);
}

/* ---- Ways ---- */

static struct timeval patience(const struct chain *c)
{
	unsigned int ms = c->test->conf.deadline_ms / (c->ways->n + 1);

	if (ms > PORT_PATIENCE_MS)
		ms = PORT_PATIENCE_MS;
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static void chain_next(struct chain *c)
{
	const struct timeval wait = patience(c);
	unsigned int way = c->begun++;

	event_del(c->next_ev);
	if (c->begun < c->ways->n)
		event_add(c->next_ev, &wait);
	add_lane(c, way, AF_INET);
	add_lane(c, way, AF_INET6);
}

static void on_next_way(evutil_socket_t fd, short what, void *arg)
{
	struct chain *c = arg;

	(void)fd, (void)what;
	chain_next(c);
	look_whether_settled(c->test);
}

static void chain_begin(struct port_test *t, unsigned int i)
{
	static const struct port_ways direct = { .way = { { .kind = HTTP_PROXY_DIRECT } }, .n = 1 };
	const struct port_ways *ways = t->conf.ways ? &t->conf.ways[i] : &direct;
	struct chain *c = &t->chains[i];

	*c = (struct chain){ .test = t,
			     .target = &t->conf.targets[i],
			     .ways = ways->n ? ways : &direct };
	c->next_ev = event_new(t->conf.base, -1, 0, on_next_way, c);
	if (!c->next_ev)
		abort();
	chain_next(c);
}

/* ---- Life ---- */

struct resolver *port_resolver(const struct port_conf *conf)
{
	struct resolver_conf rc = { .base = conf->base,
				    .ifname = conf->ifname,
				    .nservers = conf->nservers,
				    .trace = conf->trace };

	memcpy(rc.servers, conf->servers, sizeof(rc.servers));
	for (unsigned int i = conf->nsources; i-- > 0;)
		*(conf->sources[i].family == AF_INET ? &rc.from4 : &rc.from6) = conf->sources[i];
	return resolver_new(&rc);
}

struct port_test *port_test_start(const struct port_conf *conf, const struct port_ops *ops,
				  void *arg)
{
	const struct timeval limit = { .tv_sec = conf->deadline_ms / 1000,
				       .tv_usec = conf->deadline_ms % 1000 * 1000 };
	struct port_test *t = xcalloc(1, sizeof(*t));

	t->conf = *conf;
	t->ops = ops;
	t->arg = arg;
	t->begun = mono_now();
	t->resolver = port_resolver(conf);
	t->deadline_ev = event_new(conf->base, -1, 0, on_deadline, t);
	t->settle_ev = event_new(conf->base, -1, 0, on_settle, t);
	if (!t->deadline_ev || !t->settle_ev || event_add(t->deadline_ev, &limit) < 0)
		abort();
	for (unsigned int i = 0; i < conf->ntargets; i++)
		chain_begin(t, i);
	look_whether_settled(t);
	return t;
}

static void track_fini(struct track *k)
{
	struct conn_attempt attempt;

	for (unsigned int i = 0; i < k->begun; i++)
		if (k->fetches[i])
			fetch_give_up(take_ptr(k->fetches[i]), &attempt);
	event_free(k->next_ev);
}

struct port_test *port_test_free(struct port_test *t)
{
	if (!t)
		return NULL;
	each_track(t, track_fini);
	resolver_free(t->resolver);
	for (unsigned int i = 0; i < t->conf.ntargets; i++)
		event_free(t->chains[i].next_ev);
	for (unsigned int i = 0; i < t->nlanes; i++)
		free(t->lanes[i]);
	event_free(t->deadline_ev);
	event_free(t->settle_ev);
	free(t);
	return NULL;
}
