/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsrelay/query.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "dnsrelay/message.h"
#include "dnsrelay/upstream.h"

#define QUERY_SERVERS 24 /* asked for one answer */
#define TIER_SERVERS 6

struct query {
	struct list node;
	struct queries *all;
	bool tcp;
	uint8_t *msg; /* with an id of our own */
	size_t len;
	uint16_t id, client_id;
	struct dns_question question;
	unsigned int domain;
	int tier; /* the last one asked; -1: none yet */
	struct upstream *ups[QUERY_SERVERS]; /* NULL: has failed */
	uint8_t tiers[QUERY_SERVERS];
	unsigned int asked, failed;
	uint8_t *failure; /* the last one told; NULL: none */
	size_t failure_len;
	struct event *timer;
	struct mono started;
	query_fn *fn; /* NULL: is answered, and waits for a server that is not trusted */
	void *arg;
};

static void query_next(struct query *q);

/* ---- Its end ---- */

static void drop_upstreams(struct query *q)
{
	for (unsigned int i = 0; i < q->asked; i++)
		q->ups[i] = upstream_free(q->ups[i]);
	q->asked = q->failed = 0;
}

struct query *query_free(struct query *q)
{
	if (!q)
		return NULL;
	drop_upstreams(q);
	if (q->timer)
		event_free(q->timer);
	list_remove(&q->node);
	q->all->count--;
	free(q->failure);
	free(q->msg);
	free(q);
	return NULL;
}

static void query_tell(struct query *q, uint8_t *msg, size_t len)
{
	query_fn *fn = take_ptr(q->fn);

	dns_set_id(msg, q->client_id);
	fn(msg, len, q->arg);
}

static void query_fail(struct query *q)
{
	_cleanup_(freep) uint8_t *failure = take_ptr(q->failure);

	if (q->fn && failure) {
		query_tell(q, failure, q->failure_len);
	} else if (q->fn) {
		failure = xmemdup(q->msg, q->question.end);
		dns_make_failure(failure);
		query_tell(q, failure, q->question.end);
	}
	query_free(q);
}

/* ---- Answers ---- */

static void query_wait(struct query *q, int64_t ms)
{
	ms = ms > 0 ? ms : 0; /* many silent tiers took longer than all are given */
	event_add(q->timer, &(struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 });
}

static int64_t query_age_ms(const struct query *q)
{
	return mono_diff_ms(mono_now(), q->started);
}

static bool is_distrusted(const struct query *q)
{
	struct mono since = q->all->distrust[q->domain].since;

	return since.ns && mono_diff_ms(mono_now(), since) < DNS_DISTRUST_MS;
}

/*
 * A tier before this one that said nothing for as long as we waited is not waited for next time.
 * One that was asked together with this one may be but the slower of the two: it has its time yet,
 * and is trusted again when it makes use of it. True: to wait for that.
 */
static bool judge_tiers(struct query *q, uint8_t answered_by)
{
	bool in_time = query_age_ms(q) < DNS_PATIENCE_MS, silent = false;

	for (unsigned int i = 0; i < q->asked; i++)
		silent |= q->ups[i] && q->tiers[i] < answered_by;
	if (silent && !in_time) {
		q->all->distrust[q->domain].tier = answered_by;
		q->all->distrust[q->domain].since = mono_now();
	} else if (answered_by == dns_conf_next_tier(&q->all->conf, q->domain, -1) && in_time) {
		q->all->distrust[q->domain].since = (struct mono){ 0 };
	}
	return silent && in_time && is_distrusted(q);
}

static unsigned int upstream_index(const struct query *q, const struct upstream *up)
{
	unsigned int i = 0;

	while (q->ups[i] != up)
		i++;
	return i;
}

static void up_failed(struct upstream *up, void *arg)
{
	struct query *q = arg;
	unsigned int i = upstream_index(q, up);

	q->ups[i] = upstream_free(up);
	q->failed++;
	if (q->failed < q->asked)
		return;
	if (q->fn)
		query_next(q);
	else
		query_free(q);
}

static void up_replied(struct upstream *up, const uint8_t *msg, size_t len, void *arg)
{
	struct query *q = arg;
	_cleanup_(freep) uint8_t *answer = NULL;
	bool more;

	switch (dns_reply_judge(msg, len, q->id, q->msg, &q->question)) {
	case DNS_NO_ANSWER:
		if (q->tcp)
			up_failed(up, q);
		return;
	case DNS_FAILURE:
		free(q->failure);
		q->failure = xmemdup(msg, len);
		q->failure_len = len;
		up_failed(up, q);
		return;
	case DNS_ANSWER:
		more = judge_tiers(q, q->tiers[upstream_index(q, up)]);
		answer = xmemdup(msg, len);
		if (q->fn)
			query_tell(q, answer, len);
		if (more)
			query_wait(q, DNS_PATIENCE_MS - query_age_ms(q));
		else
			query_free(q);
		return;
	}
}

/* ---- Asking ---- */

static void ask_tier(struct query *q)
{
	static const struct upstream_ops ops = { .replied = up_replied, .failed = up_failed };
	const struct dns_conf *conf = &q->all->conf;
	unsigned int n = 0;

	for (unsigned int i = 0; i < conf->nservers && q->asked < QUERY_SERVERS; i++) {
		const struct dns_server *server = &conf->servers[i];

		if (server->domain != q->domain || server->tier != q->tier || n++ >= TIER_SERVERS)
			continue;
		q->tiers[q->asked] = server->tier;
		if (upstream_start(q->all->base, server, q->tcp, q->msg, q->len, &ops, q,
				   &q->ups[q->asked]) < 0)
			q->failed++;
		q->asked++;
	}
}

static bool tier_is_distrusted(const struct query *q)
{
	return is_distrusted(q) && q->tier < q->all->distrust[q->domain].tier;
}

static bool has_next_tier(const struct query *q)
{
	return dns_conf_next_tier(&q->all->conf, q->domain, q->tier) >= 0;
}

static void query_next(struct query *q)
{
	int next;

	while ((next = dns_conf_next_tier(&q->all->conf, q->domain, q->tier)) >= 0) {
		q->tier = next;
		ask_tier(q);
		if (q->failed < q->asked && !tier_is_distrusted(q) && has_next_tier(q)) {
			query_wait(q, DNS_PATIENCE_MS);
			return;
		}
	}
	if (q->failed == q->asked)
		query_fail(q);
	else
		query_wait(q, DNS_GIVE_UP_MS - query_age_ms(q));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct query *q = arg;

	(void)fd, (void)what;
	if (q->fn && has_next_tier(q))
		query_next(q);
	else
		query_fail(q);
}

void query_again(struct query *q)
{
	for (unsigned int i = 0; i < q->asked; i++)
		if (q->ups[i])
			upstream_again(q->ups[i]);
}

/* The id is what a forger has to guess, beside the port. */
static uint16_t random_id(void)
{
	uint16_t id = 0;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		abort();
	return id;
}

static void query_begin(struct query *q)
{
	q->domain = dns_conf_route(&q->all->conf, q->question.name);
	q->tier = -1;
	q->started = mono_now();
	q->id = random_id();
	dns_set_id(q->msg, q->id);
	query_next(q);
}

int query_start(struct queries *all, bool tcp, const uint8_t *msg, size_t len, query_fn *fn,
		void *arg, struct query **ret)
{
	struct dns_question question;
	struct query *q;
	int r = dns_query_parse(msg, len, &question);

	if (r < 0)
		return r;
	q = xcalloc(1, sizeof(*q));
	*q = (struct query){ .all = all,
			     .tcp = tcp,
			     .msg = xmemdup(msg, len),
			     .len = len,
			     .client_id = dns_id(msg),
			     .question = question,
			     .tier = -1,
			     .fn = fn,
			     .arg = arg };
	list_append(&all->under_way, &q->node);
	all->count++;
	q->timer = evtimer_new(all->base, on_timer, q);
	*ret = q;
	if (!q->timer || all->count > DNS_QUERIES)
		query_fail(q);
	else
		query_begin(q);
	return 0;
}

void queries_init(struct queries *all, struct event_base *base, const struct dns_conf *conf)
{
	*all = (struct queries){ .base = base, .conf = *conf };
	list_init(&all->under_way);
}

void queries_fini(struct queries *all)
{
	struct query *q, *next;

	list_for_each_safe (q, next, &all->under_way, node)
		query_free(q);
}

void queries_set_conf(struct queries *all, const struct dns_conf *conf)
{
	struct query *q, *next;

	all->conf = *conf;
	memset(all->distrust, 0, sizeof(all->distrust));
	list_for_each_safe (q, next, &all->under_way, node) {
		drop_upstreams(q);
		if (q->fn)
			query_begin(q);
		else
			query_free(q);
	}
}
