/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsrelay/upstream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define DNS_PORT 53

struct upstream {
	const struct upstream_ops *ops;
	void *arg;
	const uint8_t *msg;
	size_t len;
	int fd; /* UDP; -1: TCP */
	struct event *readable;
	struct bufferevent *stream;
};

static socklen_t server_address(const struct dns_server *server, struct sockaddr_storage *ret)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (server->addr.family == AF_INET) {
		*four = (struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_port = htons(DNS_PORT),
					      .sin_addr = server->addr.v4 };
		return sizeof(*four);
	}
	*six = (struct sockaddr_in6){ .sin6_family = AF_INET6,
				      .sin6_port = htons(DNS_PORT),
				      .sin6_addr = server->addr.v6 };
	if (ipaddr_is_linklocal(&server->addr))
		six->sin6_scope_id = if_nametoindex(server->ifname.str);
	return sizeof(*six);
}

/* Who is not root may bind a socket to a device once (net/core/sock.c, sock_bindtoindex). */
static int open_socket(const struct dns_server *server, int type)
{
	_cleanup_(closep) int fd =
		socket(server->addr.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, server->ifname.str,
				 sizeof(server->ifname.str)) < 0)
		return -errno;
	return take_fd(&fd);
}

static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *up = arg;
	uint8_t msg[UINT16_MAX];
	ssize_t n = recv(fd, msg, sizeof(msg), 0);

	(void)what;
	if (n >= 0)
		up->ops->replied(up, msg, (size_t)n, up->arg);
	else if (errno != EAGAIN && errno != EINTR)
		up->ops->failed(up, up->arg); /* ICMP said so */
}

static int start_udp(struct upstream *up, struct event_base *base, const struct dns_server *server)
{
	struct sockaddr_storage addr;
	socklen_t len = server_address(server, &addr);

	up->fd = open_socket(server, SOCK_DGRAM);
	if (up->fd < 0)
		return up->fd;
	/* Connected: the kernel passes nothing else on, and gives each query a port of its own. */
	if (connect(up->fd, (struct sockaddr *)&addr, len) < 0 ||
	    send(up->fd, up->msg, up->len, 0) < 0)
		return -errno;
	up->readable = event_new(base, up->fd, EV_READ | EV_PERSIST, on_datagram, up);
	return up->readable && event_add(up->readable, NULL) == 0 ? 0 : -ENOMEM;
}

static void on_stream(struct bufferevent *stream, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	struct upstream *up = arg;
	const uint8_t *data;
	size_t len;

	if (evbuffer_get_length(in) < 2)
		return;
	data = evbuffer_pullup(in, 2);
	len = (size_t)data[0] << 8 | data[1];
	if (evbuffer_get_length(in) < 2 + len)
		return;
	data = evbuffer_pullup(in, (ssize_t)(2 + len));
	up->ops->replied(up, data + 2, len, up->arg);
}

static void on_stream_event(struct bufferevent *stream, short what, void *arg)
{
	struct upstream *up = arg;

	(void)stream;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		up->ops->failed(up, up->arg);
}

static int start_tcp(struct upstream *up, struct event_base *base, const struct dns_server *server)
{
	const uint8_t head[2] = { (uint8_t)(up->len >> 8), (uint8_t)up->len };
	struct sockaddr_storage addr;
	socklen_t len = server_address(server, &addr);
	int fd = open_socket(server, SOCK_STREAM);

	if (fd < 0)
		return fd;
	/* Deferred: a connect() that fails at once must not call back before we return. */
	up->stream =
		bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!up->stream) {
		close(fd);
		return -ENOMEM;
	}
	bufferevent_setcb(up->stream, on_stream, NULL, on_stream_event, up);
	bufferevent_write(up->stream, head, sizeof(head));
	bufferevent_write(up->stream, up->msg, up->len);
	if (bufferevent_socket_connect(up->stream, (struct sockaddr *)&addr, (int)len) < 0)
		return -EHOSTUNREACH;
	bufferevent_enable(up->stream, EV_READ | EV_WRITE);
	return 0;
}

int upstream_start(struct event_base *base, const struct dns_server *server, bool tcp,
		   const uint8_t *msg, size_t len, const struct upstream_ops *ops, void *arg,
		   struct upstream **ret)
{
	struct upstream *up = xcalloc(1, sizeof(*up));
	int r;

	*up = (struct upstream){ .ops = ops, .arg = arg, .msg = msg, .len = len, .fd = -1 };
	r = tcp ? start_tcp(up, base, server) : start_udp(up, base, server);
	if (r < 0)
		upstream_free(up);
	else
		*ret = up;
	return r;
}

void upstream_again(struct upstream *up)
{
	if (up->fd >= 0)
		send(up->fd, up->msg, up->len, 0); /* its failure comes as an error to read */
}

struct upstream *upstream_free(struct upstream *up)
{
	if (!up)
		return NULL;
	if (up->readable)
		event_free(up->readable);
	if (up->stream)
		bufferevent_free(up->stream);
	closep(&up->fd);
	free(up);
	return NULL;
}
