/* SPDX-License-Identifier: Apache-2.0 */
/* A c-ares channel for each server, so that a silent one holds up nobody. */
#include "conntest/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <event2/event.h>
#include <netdb.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/strbuf.h"
#include "conntest/trace.h"

/* Of each question, doubled with each repetition: 0.5, 1, 2, 4, 8 s. */
#define FIRST_TIMEOUT_MS 500
#define TRIES 5
#define SOCKETS 4 /* of one channel: UDP, and TCP after a truncated answer */

struct server {
	struct resolver *resolver;
	struct ipaddr addr;
	ares_channel channel;
	struct event *timer, *sockets[SOCKETS];
	unsigned int questions, answers;
};

struct resolver {
	struct resolver_conf conf;
	struct list lookups;
	struct server servers[RESOLVER_SERVERS]; /* those that can be asked */
	unsigned int nservers;
};

struct lookup {
	struct list link;
	struct resolver *resolver;
	char *host;
	int family;
	unsigned int pending; /* questions */
	enum conn_dns dns;
	struct ipaddr addrs[RESOLVER_FOUND];
	unsigned int naddrs;
	bool told;
	struct event *tell_ev;
	resolver_fn *found;
	void *arg;
};

struct question {
	struct lookup *lookup;
	struct server *server;
};

/* ---- The loop ---- */

static void rearm(struct server *s)
{
	struct timeval wait;

	if (ares_timeout(s->channel, NULL, &wait))
		event_add(s->timer, &wait);
	else
		event_del(s->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd, (void)what;
	ares_process_fd(s->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(s);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	ares_process_fd(s->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	rearm(s);
}

static void watch_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
	const short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	struct server *s = arg;
	struct event **slot = NULL;

	for (unsigned int i = 0; i < SOCKETS; i++)
		if (s->sockets[i] && event_get_fd(s->sockets[i]) == fd)
			slot = &s->sockets[i];
	for (unsigned int i = 0; i < SOCKETS && !slot; i++)
		if (!s->sockets[i])
			slot = &s->sockets[i];
	if (!slot)
		return; /* more than a channel has: its timer gives up on that question */
	if (*slot)
		event_free(*slot);
	*slot = NULL;
	if (!what)
		return;
	*slot = event_new(s->resolver->conf.base, fd, what | EV_PERSIST, on_socket, s);
	if (!*slot || event_add(*slot, NULL) < 0)
		abort();
}

/* ---- Servers ---- */

static void server_bind(const struct server *s)
{
	const struct resolver_conf *conf = &s->resolver->conf;

	ares_set_local_dev(s->channel, conf->ifname.str);
	if (s->addr.family == AF_INET)
		ares_set_local_ip4(s->channel, ntohl(conf->from4.v4.s_addr));
	else
		ares_set_local_ip6(s->channel, conf->from6.byte);
}

static void server_open(struct resolver *r, const struct ipaddr *addr)
{
	struct ares_options options = { .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
					.timeout = FIRST_TIMEOUT_MS,
					.tries = TRIES,
					.sock_state_cb = watch_socket };
	struct ares_addr_port_node node = { .family = addr->family };
	struct server *s = &r->servers[r->nservers];

	s->resolver = r;
	s->addr = *addr;
	options.sock_state_cb_data = s;
	if (ares_init_options(&s->channel, &options,
			      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				      ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS)
		abort();
	memcpy(&node.addr, addr->byte, sizeof(node.addr));
	ares_set_servers_ports(s->channel, &node);
	server_bind(s);
	s->timer = event_new(r->conf.base, -1, 0, on_timer, s);
	if (!s->timer)
		abort();
	r->nservers++;
}

static void server_close(struct server *s)
{
	ares_destroy(s->channel);
	event_free(s->timer);
	for (unsigned int i = 0; i < SOCKETS; i++)
		if (s->sockets[i])
			event_free(s->sockets[i]);
}

/* ---- Lookups ---- */

static void on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *l = arg;

	(void)fd, (void)what;
	if (l->told)
		return;
	l->told = true;
	event_del(l->tell_ev);
	l->found(l->dns, l->addrs, l->naddrs, l->arg);
}

static enum conn_dns from_status(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return CONN_DNS_FOUND;
	case ARES_ENODATA:
		return CONN_DNS_NO_ADDRESS;
	case ARES_ENOTFOUND:
		return CONN_DNS_NO_NAME;
	case ARES_ETIMEOUT:
	case ARES_ECANCELLED:
	case ARES_EDESTRUCTION:
		return CONN_DNS_PENDING;
	case ARES_ESERVFAIL:
	case ARES_ECONNREFUSED:
		return CONN_DNS_TEMPORARY;
	}
	return CONN_DNS_FAILED;
}

static unsigned int read_addresses(int family, const uint8_t *msg, int len,
				   struct ipaddr ret[RESOLVER_FOUND])
{
	struct ares_addr6ttl six[RESOLVER_FOUND];
	struct ares_addrttl four[RESOLVER_FOUND];
	int n = RESOLVER_FOUND, r;

	if (family == AF_INET)
		r = ares_parse_a_reply(msg, len, NULL, four, &n);
	else
		r = ares_parse_aaaa_reply(msg, len, NULL, six, &n);
	if (r != ARES_SUCCESS || n < 0)
		return 0;
	for (int i = 0; i < n; i++)
		ret[i] = family == AF_INET ? ipaddr_from(AF_INET, &four[i].ipaddr)
					   : ipaddr_from(AF_INET6, &six[i].ip6addr);
	return (unsigned int)n;
}

/* The first answer that has addresses ends it; one that is sure of none, after a grace. */
static void conclude(struct lookup *l)
{
	const struct timeval grace = { .tv_sec = RESOLVER_GRACE_MS / 1000,
				       .tv_usec = RESOLVER_GRACE_MS % 1000 * 1000 };

	if (l->told)
		return;
	if (l->dns == CONN_DNS_FOUND || !l->pending)
		event_active(l->tell_ev, 0, 0);
	else if ((l->dns == CONN_DNS_NO_ADDRESS || l->dns == CONN_DNS_NO_NAME) &&
		 !event_pending(l->tell_ev, EV_TIMEOUT, NULL))
		event_add(l->tell_ev, &grace);
}

static const char *kind_of(const struct lookup *l)
{
	return l->family == AF_INET ? "A" : "AAAA";
}

static void trace_answer(const struct question *q, int status, int timeouts,
			 const struct ipaddr *addrs, unsigned int n)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	const struct lookup *l = q->lookup;
	char server[INET6_ADDRSTRLEN];

	for (unsigned int i = 0; i < n; i++) {
		strbuf_add(&text, i ? ", " : "");
		ipaddr_format(&addrs[i], &text);
	}
	if (!n)
		strbuf_add(&text, status == ARES_SUCCESS ? "no address" : ares_strerror(status));
	if (timeouts)
		strbuf_addf(&text, ", asked %d times", timeouts + 1);
	trace_add(q->server->resolver->conf.trace, mono_now(), "dns %.80s %s: %s says %s", l->host,
		  kind_of(l), ipaddr_str(&q->server->addr, server), strbuf_str(&text));
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
	struct question *q = arg;
	struct lookup *l = q->lookup;
	struct server *s = q->server;
	enum conn_dns dns = from_status(status);
	struct ipaddr addrs[RESOLVER_FOUND];
	unsigned int n = 0;

	if (status == ARES_EDESTRUCTION) {
		free(q);
		return;
	}
	l->pending--;
	s->answers += dns != CONN_DNS_PENDING;
	if (dns == CONN_DNS_FOUND)
		n = read_addresses(l->family, msg, len, addrs);
	trace_answer(q, status, timeouts, addrs, n);
	free(q);
	if (dns == CONN_DNS_FOUND && !n)
		dns = CONN_DNS_NO_ADDRESS;
	if (n && l->dns != CONN_DNS_FOUND) {
		memcpy(l->addrs, addrs, n * sizeof(addrs[0]));
		l->naddrs = n;
	}
	l->dns = conn_dns_better(l->dns, dns);
	conclude(l);
}

static void trace_question(const struct lookup *l)
{
	_cleanup_(strbuf_fini) struct strbuf servers = STRBUF_INIT;

	resolver_servers(l->resolver, &servers);
	trace_add(l->resolver->conf.trace, mono_now(), "dns %.80s %s: %s is asked", l->host,
		  kind_of(l), servers.len ? servers.str : "nobody");
}

struct lookup *resolver_start(struct resolver *r, const char *host, int family, resolver_fn *found,
			      void *arg)
{
	struct lookup *l = xcalloc(1, sizeof(*l));

	l->resolver = r;
	l->host = xstrdup(host);
	l->family = family;
	l->dns = r->nservers ? CONN_DNS_PENDING : CONN_DNS_NO_SERVER;
	l->pending = r->nservers;
	l->found = found;
	l->arg = arg;
	l->tell_ev = event_new(r->conf.base, -1, 0, on_tell, l);
	if (!l->tell_ev)
		abort();
	list_append(&r->lookups, &l->link);
	trace_question(l);
	for (unsigned int i = 0; i < r->nservers; i++) {
		struct question *q = xcalloc(1, sizeof(*q));

		*q = (struct question){ l, &r->servers[i] };
		r->servers[i].questions++;
		ares_query(r->servers[i].channel, host, ns_c_in,
			   family == AF_INET ? ns_t_a : ns_t_aaaa, on_answer, q);
		rearm(&r->servers[i]);
	}
	conclude(l);
	return l;
}

enum conn_dns lookup_state(const struct lookup *l)
{
	return l->dns;
}

/* ---- Life ---- */

struct resolver *resolver_new(const struct resolver_conf *conf)
{
	struct resolver *r = xcalloc(1, sizeof(*r));

	r->conf = *conf;
	list_init(&r->lookups);
	for (unsigned int i = 0; i < conf->nservers; i++) {
		const struct ipaddr *addr = &conf->servers[i];

		if (ipaddr_is_set(addr->family == AF_INET ? &conf->from4 : &conf->from6))
			server_open(r, addr);
	}
	return r;
}

struct resolver *resolver_free(struct resolver *r)
{
	struct lookup *l, *next;

	if (!r)
		return NULL;
	for (unsigned int i = 0; i < r->nservers; i++)
		server_close(&r->servers[i]);
	list_for_each_safe (l, next, &r->lookups, link) {
		event_free(l->tell_ev);
		free(l->host);
		free(l);
	}
	free(r);
	return NULL;
}

/* ---- Words ---- */

static void add_server(const struct server *s, struct strbuf *out)
{
	strbuf_add(out, out->len ? ", " : "");
	ipaddr_format(&s->addr, out);
}

void resolver_servers(const struct resolver *r, struct strbuf *out)
{
	for (unsigned int i = 0; i < r->nservers; i++)
		add_server(&r->servers[i], out);
}

void resolver_silent(const struct resolver *r, struct strbuf *out)
{
	for (unsigned int i = 0; i < r->nservers; i++)
		if (r->servers[i].questions && !r->servers[i].answers)
			add_server(&r->servers[i], out);
}
