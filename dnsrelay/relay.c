/* SPDX-License-Identifier: Apache-2.0 */
/* The clients' side: datagrams, and connections with one query under way each. */
#include "dnsrelay/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dnsrelay/message.h"
#include "dnsrelay/query.h"

#define SESSIONS 16
#define SESSION_IDLE_S 10
#define DATAGRAMS 32 /* read in one turn of the loop */

struct relay {
	struct queries queries;
	int udp, tcp;
	struct event *datagram, *connection;
	struct list asked, sessions;
	unsigned int nsessions;
};

/* ---- UDP ---- */

struct asked { /* a datagram that is not answered yet */
	struct list node;
	struct relay *relay;
	struct sockaddr_in from;
	uint16_t id;
	struct query *query;
};

static void asked_free(struct asked *a)
{
	list_remove(&a->node);
	free(a);
}

static void asked_answered(const uint8_t *msg, size_t len, void *arg)
{
	struct asked *a = arg;

	/* One that does not fit into the socket is asked for again. */
	sendto(a->relay->udp, msg, len, MSG_DONTWAIT, (struct sockaddr *)&a->from, sizeof(a->from));
	asked_free(a);
}

static struct asked *find_asked(const struct relay *relay, const struct sockaddr_in *from,
				uint16_t id)
{
	struct asked *a;

	list_for_each (a, &relay->asked, node)
		if (a->id == id && a->from.sin_port == from->sin_port &&
		    a->from.sin_addr.s_addr == from->sin_addr.s_addr)
			return a;
	return NULL;
}

static void take_datagram(struct relay *relay, const struct sockaddr_in *from, const uint8_t *msg,
			  size_t len)
{
	struct asked *a = len >= DNS_HEADER ? find_asked(relay, from, dns_id(msg)) : NULL;

	if (a) {
		query_again(a->query);
		return;
	}
	a = xcalloc(1, sizeof(*a));
	a->relay = relay;
	a->from = *from;
	list_append(&relay->asked, &a->node);
	if (len >= DNS_HEADER)
		a->id = dns_id(msg);
	if (query_start(&relay->queries, false, msg, len, asked_answered, a, &a->query) < 0)
		asked_free(a);
}

static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
	uint8_t msg[UINT16_MAX];

	(void)what;
	for (unsigned int i = 0; i < DATAGRAMS; i++) {
		struct sockaddr_in from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, msg, sizeof(msg), MSG_DONTWAIT, (struct sockaddr *)&from,
				     &from_len);

		if (n < 0)
			return;
		take_datagram(arg, &from, msg, (size_t)n);
	}
}

/* ---- TCP ---- */

struct session {
	struct list node;
	struct relay *relay;
	struct bufferevent *stream;
	struct query *query; /* NULL: none under way */
};

static void session_free(struct session *s)
{
	query_free(s->query);
	bufferevent_free(s->stream);
	list_remove(&s->node);
	s->relay->nsessions--;
	free(s);
}

static void session_answered(const uint8_t *msg, size_t len, void *arg)
{
	const uint8_t head[2] = { (uint8_t)(len >> 8), (uint8_t)len };
	struct session *s = arg;

	s->query = NULL;
	bufferevent_write(s->stream, head, sizeof(head));
	bufferevent_write(s->stream, msg, len);
	/* What came meanwhile is read in a turn of its own. */
	bufferevent_trigger(s->stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void session_read(struct bufferevent *stream, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	_cleanup_(freep) uint8_t *msg = NULL;
	struct session *s = arg;
	const uint8_t *data;
	size_t len;

	if (s->query || evbuffer_get_length(in) < 2)
		return;
	data = evbuffer_pullup(in, 2);
	len = (size_t)data[0] << 8 | data[1];
	if (evbuffer_get_length(in) < 2 + len)
		return;
	if (len < DNS_HEADER) {
		session_free(s);
		return;
	}
	msg = xmemdup(evbuffer_pullup(in, (ssize_t)(2 + len)) + 2, len);
	evbuffer_drain(in, 2 + len);
	if (query_start(&s->relay->queries, true, msg, len, session_answered, s, &s->query) < 0)
		session_free(s);
}

static void session_event(struct bufferevent *stream, short what, void *arg)
{
	struct session *s = arg;

	(void)stream;
	/* Idle for too long, unless it is us who are slow. */
	if (!(what & BEV_EVENT_TIMEOUT) || !s->query)
		session_free(s);
	else
		bufferevent_enable(s->stream, EV_READ);
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval idle = { .tv_sec = SESSION_IDLE_S };
	_cleanup_(closep) int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct relay *relay = arg;
	struct session *s;

	(void)what;
	if (client < 0 || relay->nsessions == SESSIONS)
		return;
	s = xcalloc(1, sizeof(*s));
	s->relay = relay;
	s->stream = bufferevent_socket_new(relay->queries.base, client, BEV_OPT_CLOSE_ON_FREE);
	if (!s->stream) {
		free(s);
		return;
	}
	take_fd(&client);
	list_append(&relay->sessions, &s->node);
	relay->nsessions++;
	bufferevent_setcb(s->stream, session_read, NULL, session_event, s);
	bufferevent_setwatermark(s->stream, EV_READ, 0, 2 + UINT16_MAX);
	bufferevent_set_timeouts(s->stream, &idle, &idle);
	bufferevent_enable(s->stream, EV_READ | EV_WRITE);
}

/* ---- Both ---- */

static int open_listener(int type)
{
	const struct sockaddr_in addr = { .sin_family = AF_INET,
					  .sin_port = htons(DNS_RELAY_PORT),
					  .sin_addr.s_addr = inet_addr(DNS_RELAY_ADDR) };
	_cleanup_(closep) int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	/* Only for TCP: connections of an earlier run linger in TIME_WAIT. */
	if (fd < 0 ||
	    (type == SOCK_STREAM &&
	     setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, SESSIONS) < 0))
		return -errno;
	return take_fd(&fd);
}

static int listen_on(struct relay *relay, int type, int *ret_fd, event_callback_fn fn,
		     struct event **ret)
{
	int fd = open_listener(type);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	*ret = event_new(relay->queries.base, fd, EV_READ | EV_PERSIST, fn, relay);
	return *ret && event_add(*ret, NULL) == 0 ? 0 : -ENOMEM;
}

int relay_new(struct event_base *base, const struct dns_conf *conf, struct relay **ret)
{
	_cleanup_(relay_freep) struct relay *relay = xcalloc(1, sizeof(*relay));
	int r;

	queries_init(&relay->queries, base, conf);
	list_init(&relay->asked);
	list_init(&relay->sessions);
	relay->udp = relay->tcp = -1;
	r = listen_on(relay, SOCK_DGRAM, &relay->udp, on_datagram, &relay->datagram);
	if (r == 0)
		r = listen_on(relay, SOCK_STREAM, &relay->tcp, on_connection, &relay->connection);
	if (r == 0)
		*ret = take_ptr(relay);
	return r;
}

void relay_set_conf(struct relay *relay, const struct dns_conf *conf)
{
	queries_set_conf(&relay->queries, conf);
}

struct relay *relay_free(struct relay *relay)
{
	struct session *s, *next_s;
	struct asked *a, *next_a;

	if (!relay)
		return NULL;
	list_for_each_safe (s, next_s, &relay->sessions, node)
		session_free(s);
	queries_fini(&relay->queries);
	list_for_each_safe (a, next_a, &relay->asked, node)
		asked_free(a);
	if (relay->datagram)
		event_free(relay->datagram);
	if (relay->connection)
		event_free(relay->connection);
	closep(&relay->udp);
	closep(&relay->tcp);
	free(relay);
	return NULL;
}
