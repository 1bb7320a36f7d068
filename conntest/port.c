/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/port.h"

#include <event2/event.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "conntest/fetch.h"
#include "conntest/neighbour.h"

/* The next address of a target is tried when the one before has failed, or has not connected
 * within this time: RFC 8305 section 5. */
#define NEXT_ADDRESS_MS 250

struct track { /* from one own address to one target */
	struct lane *lane;
	struct ipaddr from;
	struct fetch *fetches[RESOLVER_FOUND];
	struct attempt {
		struct track *track;
		unsigned int index;
	} attempts[RESOLVER_FOUND];
	unsigned int begun, failed; /* addresses of the target */
	struct event *next_ev;
	bool passed;
	struct conn_result worst; /* of those that failed: what tells most */
};

struct lane { /* one target by one family */
	struct port_test *test;
	const struct port_target *target;
	const struct http_proxy *proxy; /* NULL: the target itself is asked */
	const struct http_url *whom; /* of the proxy, else of the target */
	int family;
	struct lookup *lookup; /* NULL: the target is an address */
	bool looked_up;
	enum conn_dns dns;
	struct ipaddr to[RESOLVER_FOUND];
	unsigned int nto;
	struct track tracks[PORT_SOURCES];
	unsigned int ntracks;
};

struct port_test {
	struct port_conf conf;
	const struct port_ops *ops;
	void *arg;
	struct mono begun;
	struct resolver *resolver;
	struct event *deadline_ev, *settle_ev;
	bool told; /* the verdict */
	bool over; /* ended() is under way */
	struct lane lanes[2 * PORT_TARGETS];
	unsigned int nlanes;
};

/* ---- What it comes to ---- */

static void tell(struct port_test *t, const struct conn_result *result,
		 const struct port_target *target)
{
	struct conn_result told = *result;

	if (t->told)
		return;
	t->told = true;
	told.latency_ms = (uint32_t)mono_diff_ms(mono_now(), t->begun);
	t->ops->verdict(&told, target, t->arg);
}

static bool lane_is_void(const struct lane *l)
{
	return l->looked_up && l->dns == CONN_DNS_NO_ADDRESS;
}

static bool track_is_settled(const struct track *k)
{
	return k->passed || (k->begun == k->lane->nto && k->failed == k->begun);
}

static bool lane_is_settled(const struct lane *l)
{
	if (!l->looked_up)
		return false;
	for (unsigned int i = 0; i < l->ntracks && l->nto; i++)
		if (!track_is_settled(&l->tracks[i]))
			return false;
	return true;
}

static bool lane_has_passed(const struct lane *l)
{
	for (unsigned int i = 0; i < l->ntracks; i++)
		if (l->tracks[i].passed)
			return true;
	return false;
}

/* A router that does not even answer the kernel explains why nothing else does. */
static void blame_gateway(const struct port_test *t, int family, struct conn_result *result)
{
	char text[INET6_ADDRSTRLEN];

	if (result->outcome == CONN_REMOTE || result->stage < CONN_STAGE_DNS ||
	    result->stage > CONN_STAGE_TCP)
		return;
	for (unsigned int i = 0; i < t->conf.ngateways; i++) {
		const struct ipaddr *gateway = &t->conf.gateways[i];

		if (gateway->family != family || !neighbour_is_silent(&t->conf.ifname, gateway))
			continue;
		*result =
			(struct conn_result){ .outcome = CONN_FAILED, .stage = CONN_STAGE_GATEWAY };
		snprintf(result->why, sizeof(result->why), "the router %s does not answer",
			 ipaddr_str(gateway, text));
	}
}

static void lane_judge(const struct lane *l, struct conn_result *ret)
{
	if (!l->nto) {
		_cleanup_(strbuf_fini) struct strbuf servers = STRBUF_INIT;

		resolver_servers(l->test->resolver, &servers);
		conn_judge_dns(l->looked_up ? l->dns : lookup_state(l->lookup), l->whom->host,
			       strbuf_str(&servers), ret);
	} else {
		*ret = l->tracks[0].worst;
		for (unsigned int i = 1; i < l->ntracks; i++)
			if (conn_tells_more(&l->tracks[i].worst, ret))
				*ret = l->tracks[i].worst;
	}
	blame_gateway(l->test, l->family, ret);
}

static void judge(const struct port_test *t, struct conn_result *ret)
{
	bool any = false;

	*ret = (struct conn_result){ .outcome = CONN_NOT_READY, .stage = CONN_STAGE_ADDRESS };
	snprintf(ret->why, sizeof(ret->why), "no address that a target could be reached from");
	for (unsigned int i = 0; i < t->nlanes; i++) {
		struct conn_result one;

		lane_judge(&t->lanes[i], &one);
		if (!any || conn_tells_more(&one, ret))
			*ret = one;
		any = true;
	}
}

/* ---- Warnings ---- */

static void add_track_warnings(const struct lane *l, struct strbuf *out)
{
	for (unsigned int i = 0; i < l->ntracks; i++)
		if (!l->tracks[i].passed && l->tracks[i].worst.why[0])
			strbuf_addf(out, "%s%s", out->len ? "; " : "", l->tracks[i].worst.why);
}

static void add_lane_warning(const struct port_test *t, const struct lane *l, struct strbuf *out)
{
	struct conn_result result;

	if (lane_is_void(l))
		return;
	if (lane_has_passed(l)) {
		add_track_warnings(l, out);
		return;
	}
	lane_judge(l, &result);
	/* Of several targets one has to answer by each family. */
	for (unsigned int i = 0; i < t->nlanes; i++)
		if (t->lanes[i].family == l->family && lane_has_passed(&t->lanes[i]))
			return;
	strbuf_addf(out, "%sIPv%d does not work: %s", out->len ? "; " : "",
		    l->family == AF_INET ? 4 : 6, result.why);
}

static void warn(struct port_test *t)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT, silent = STRBUF_INIT;

	for (unsigned int i = 0; i < t->nlanes; i++)
		add_lane_warning(t, &t->lanes[i], &text);
	resolver_silent(t->resolver, &silent);
	if (silent.len)
		strbuf_addf(&text, "%sno answer from DNS %s", text.len ? "; " : "",
			    strbuf_str(&silent));
	t->ops->warning(strbuf_str(&text), t->arg);
}

/* ---- The end ---- */

static void give_up_track(struct track *k)
{
	for (unsigned int i = 0; i < k->begun; i++) {
		struct conn_attempt attempt;
		struct conn_result result;

		if (!k->fetches[i])
			continue;
		fetch_give_up(take_ptr(k->fetches[i]), &attempt);
		conn_judge_attempt(&attempt, wall_ms() / 1000, &result);
		if (!k->worst.why[0] || conn_tells_more(&result, &k->worst))
			k->worst = result;
	}
}

static void each_track(struct port_test *t, void (*fn)(struct track *k))
{
	for (unsigned int i = 0; i < t->nlanes; i++)
		for (unsigned int j = 0; j < t->lanes[i].ntracks; j++)
			fn(&t->lanes[i].tracks[j]);
}

static void end(struct port_test *t)
{
	bool passed = t->told;
	struct conn_result result;

	if (t->over)
		return;
	t->over = true;
	event_del(t->deadline_ev);
	each_track(t, give_up_track);
	if (passed) {
		warn(t);
	} else {
		judge(t, &result);
		tell(t, &result, NULL);
	}
	t->ops->ended(t->arg); /* t may be gone now */
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	end(arg);
}

static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct port_test *t = arg;

	(void)fd, (void)what;
	for (unsigned int i = 0; i < t->nlanes; i++)
		if (!lane_is_settled(&t->lanes[i]))
			return;
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
	if (t->told)
		return;
	if (left_ms > PORT_AFTERGLOW_MS)
		left_ms = PORT_AFTERGLOW_MS;
	if (left_ms < 0)
		left_ms = 0;
	wait = (struct timeval){ .tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000 };
	event_add(t->deadline_ev, &wait);
	tell(t, &good, k->lane->target);
}

static void attempt_ended(struct conn_attempt *attempt, void *arg)
{
	struct attempt *a = arg;
	struct track *k = a->track;
	struct conn_result result;

	k->fetches[a->index] = NULL;
	conn_judge_attempt(attempt, wall_ms() / 1000, &result);
	if (result.outcome == CONN_OK) {
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
							  .show_certificate = l->target->controller,
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

static const struct http_proxy *proxy_of(const struct port_conf *conf,
					 const struct port_target *target)
{
	const struct http_proxy *proxy =
		target->parsed.tls ? &conf->https_proxy : &conf->http_proxy;

	return proxy->url.port && !http_proxy_excepts(conf->exceptions, &target->parsed) ? proxy
											 : NULL;
}

static void add_lane(struct port_test *t, const struct port_target *target, int family)
{
	const struct http_proxy *proxy = proxy_of(&t->conf, target);
	const struct http_url *whom = proxy ? &proxy->url : &target->parsed;
	const struct ipaddr *literal = &whom->addr;
	struct lane *l = &t->lanes[t->nlanes];

	*l = (struct lane){
		.test = t, .target = target, .proxy = proxy, .whom = whom, .family = family
	};
	if (ipaddr_is_set(literal) && literal->family != family)
		return;
	for (unsigned int i = 0; i < t->conf.nsources; i++)
		if (t->conf.sources[i].family == family)
			add_track(l, &t->conf.sources[i]);
	if (!l->ntracks)
		return;
	t->nlanes++;
	if (ipaddr_is_set(literal))
		name_found(CONN_DNS_FOUND, literal, 1, l);
	else
		l->lookup = resolver_start(t->resolver, whom->host, family, name_found, l);
}

/* ---- Life ---- */

static struct resolver *open_resolver(const struct port_conf *conf)
{
	struct resolver_conf rc = { .base = conf->base,
				    .ifname = conf->ifname,
				    .nservers = conf->nservers };

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
	t->resolver = open_resolver(conf);
	t->deadline_ev = event_new(conf->base, -1, 0, on_deadline, t);
	t->settle_ev = event_new(conf->base, -1, 0, on_settle, t);
	if (!t->deadline_ev || !t->settle_ev || event_add(t->deadline_ev, &limit) < 0)
		abort();
	for (unsigned int i = 0; i < conf->ntargets; i++) {
		add_lane(t, &conf->targets[i], AF_INET);
		add_lane(t, &conf->targets[i], AF_INET6);
	}
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
	event_free(t->deadline_ev);
	event_free(t->settle_ev);
	free(t);
	return NULL;
}
