/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/upstream/reach.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/cleanup.h"

#define SLOTS (REACH_TARGETS * REACH_QUESTIONS)

struct slot {
	struct reach *reach;
	struct event *ev; /* NULL: free */
	int fd;
};

struct reach {
	struct event_base *base;
	const struct reach_ops *ops;
	void *arg;
	unsigned int next; /* slot: the oldest question makes way */
	struct slot slots[SLOTS];
};

static void close_slot(struct slot *s)
{
	if (!s->ev)
		return;
	event_free(take_ptr(s->ev));
	close(s->fd);
}

void reach_forget(struct reach *r)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		close_slot(&r->slots[i]);
}

static bool is_open(const struct reach *r)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (r->slots[i].ev)
			return true;
	return false;
}

static void on_settled(evutil_socket_t fd, short what, void *arg)
{
	struct slot *s = arg;
	struct reach *r = s->reach;
	int err = 0;
	socklen_t len = sizeof(err);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err == 0 || err == ECONNREFUSED) {
		reach_forget(r);
		r->ops->answered(r->arg);
		return;
	}
	close_slot(s);
	if (!is_open(r))
		r->ops->refused(strerror(err), r->arg);
}

/* By the device; the kernel chooses the address.
 * QUICKACK off before connect(): the handshake's last ACK waits (tcp_rcv_synsent_state_process() in
 * net/ipv4/tcp_input.c), and closing with LINGER 0 sends a reset in its place. */
static int prepare(int fd, const struct reach_way *way)
{
	const struct linger at_once = { .l_onoff = 1 };
	const int off = 0, once = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, way->ifname.str, sizeof(way->ifname.str)) <
		    0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &once, sizeof(once)) < 0)
		return -errno;
	return 0;
}

static int begin_connect(int fd, const struct reach_target *to)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_addr = to->addr.v4,
				    .sin_port = htons(to->port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_addr = to->addr.v6,
				    .sin6_port = htons(to->port) };
	bool is_four = to->addr.family == AF_INET;

	if (connect(fd, is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six,
		    is_four ? sizeof(four) : sizeof(six)) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

static int ask_one(struct reach *r, const struct reach_way *way, const struct reach_target *to)
{
	struct slot *s = &r->slots[r->next++ % SLOTS];
	_cleanup_(closep) int fd =
		socket(to->addr.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int e;

	if (fd < 0)
		return -errno;
	close_slot(s);
	e = prepare(fd, way);
	if (e == 0)
		e = begin_connect(fd, to);
	if (e < 0)
		return e;
	s->reach = r;
	s->ev = event_new(r->base, fd, EV_WRITE, on_settled, s);
	if (!s->ev || event_add(s->ev, NULL) < 0)
		abort();
	s->fd = take_fd(&fd);
	return 0;
}

/* What cannot be asked is a question without an answer. */
void reach_ask(struct reach *r, const struct reach_way *way)
{
	for (unsigned int i = 0; i < way->ntargets; i++)
		(void)ask_one(r, way, &way->target[i]);
}

struct reach *reach_new(struct event_base *base, const struct reach_ops *ops, void *arg)
{
	struct reach *r = xcalloc(1, sizeof(*r));

	r->base = base;
	r->ops = ops;
	r->arg = arg;
	return r;
}

struct reach *reach_free(struct reach *r)
{
	if (!r)
		return NULL;
	reach_forget(r);
	free(r);
	return NULL;
}
