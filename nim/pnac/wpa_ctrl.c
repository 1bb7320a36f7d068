/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams: a request gets one answer, and after ATTACH there are events, which begin with '<'
 * (wpa_supplicant/ctrl_iface_unix.c). Our end has an abstract address the kernel chooses, so that
 * nothing is left when we are killed; a connected socket hears nobody but its peer (unix(7)).
 */
#include "nim/pnac/wpa_ctrl.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/file_watch.h"

#define ANSWER_MAX 8192 /* STATUS and MIB have 1 to 2 KiB; longer events lose their end */
#define ANSWER_S 5
#define RETRY_MS 10 /* at first */
#define RETRY_LAST_MS 10240
#define BURST 64 /* datagrams in one turn */

enum { ATTACH = WPA_COMMANDS, COMMANDS, NONE };

static const char *const commands[COMMANDS] = {
	[WPA_STATUS] = "STATUS",
	[WPA_MIB] = "MIB",
	[WPA_REAUTHENTICATE] = "REAUTHENTICATE",
	[WPA_REASSOCIATE] = "REASSOCIATE",
	[ATTACH] = "ATTACH",
};

struct wpa_ctrl {
	struct event_base *base;
	const struct wpa_ctrl_ops *ops;
	void *arg;
	char *path;
	struct file_watch *watch;
	struct event *readable, *timeout;
	int fd; /* -1: not connected */
	bool attached;
	unsigned int asked; /* bits of commands to be sent */
	unsigned int retry_ms; /* pause before the next attempt */
	unsigned int waits; /* for the answer to this one, or NONE */
};

static void disconnect(struct wpa_ctrl *c)
{
	bool was = c->attached;

	if (c->readable)
		event_free(take_ptr(c->readable));
	closep(&c->fd);
	c->fd = -1;
	c->attached = false;
	c->asked = 0;
	c->waits = NONE;
	evtimer_del(c->timeout);
	if (was)
		c->ops->lost(c->arg);
}

/* Nothing will tell when it can be reached: until RETRY_LAST_MS, or its socket is another one. */
static void try_again(struct wpa_ctrl *c)
{
	const struct timeval pause = { .tv_sec = c->retry_ms / 1000,
				       .tv_usec = c->retry_ms % 1000 * 1000 };

	if (c->retry_ms > RETRY_LAST_MS)
		return;
	evtimer_add(c->timeout, &pause);
	c->retry_ms *= 2;
}

static void send_next(struct wpa_ctrl *c)
{
	const struct timeval limit = { .tv_sec = ANSWER_S };

	if (c->fd < 0 || c->waits != NONE || !c->asked)
		return;
	c->waits = (unsigned int)__builtin_ctz(c->asked);
	c->asked &= ~(1u << c->waits);
	if (send(c->fd, commands[c->waits], strlen(commands[c->waits]), MSG_NOSIGNAL) < 0) {
		disconnect(c); /* it is dead, or its queue is full */
		try_again(c);
		return;
	}
	evtimer_add(c->timeout, &limit);
}

/* Connects, or does nothing: when the socket appears we are called again. */
static void start(struct wpa_ctrl *c);

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct wpa_ctrl *c = arg;

	(void)fd, (void)what;
	disconnect(c);
	start(c);
}

static void take_answer(struct wpa_ctrl *c, const char *text, size_t len)
{
	unsigned int command = c->waits;

	if (command == NONE)
		return; /* nobody asked */
	c->waits = NONE;
	evtimer_del(c->timeout);
	if (command != ATTACH) {
		c->ops->answer((enum wpa_command)command, text, len, c->arg);
	} else if (len >= 2 && memcmp(text, "OK", 2) == 0) {
		c->attached = true;
		c->retry_ms = RETRY_MS;
		c->ops->attached(c->arg);
	}
	send_next(c);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct wpa_ctrl *c = arg;
	char text[ANSWER_MAX];

	(void)what;
	for (int i = 0; i < BURST && c->fd == fd; i++) {
		ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			disconnect(c);
		if (n <= 0)
			return;
		if (text[0] == '<')
			c->ops->event(text, (size_t)n, c->arg);
		else
			take_answer(c, text, (size_t)n);
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    bind(fd, &(const struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t)) < 0 ||
	    connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return take_fd(&fd);
}

static void start(struct wpa_ctrl *c)
{
	int fd = connect_to(c->path);

	/* Nobody listens: what is left of a killed one, or bind() is between making the file and having
	 * it known (unix_bind_bsd()). */
	if (fd == -ECONNREFUSED)
		try_again(c);
	if (fd < 0)
		return;
	c->fd = fd;
	c->readable = event_new(c->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	if (!c->readable || event_add(c->readable, NULL) < 0) {
		disconnect(c);
		return;
	}
	c->asked = 1u << ATTACH;
	send_next(c);
}

/* It makes its socket anew also when somebody was late and a queue ran full
 * (wpas_ctrl_iface_reinit()): what is in ours tells what happened. */
static void on_path(void *arg)
{
	struct wpa_ctrl *c = arg;

	if (c->fd >= 0)
		on_readable(c->fd, EV_READ, c);
	disconnect(c);
	c->retry_ms = RETRY_MS;
	start(c);
}

int wpa_ctrl_new(struct event_base *base, const char *path, const struct wpa_ctrl_ops *ops,
		 void *arg, struct wpa_ctrl **ret)
{
	struct wpa_ctrl *c = xcalloc(1, sizeof(*c));
	int r;

	c->base = base;
	c->ops = ops;
	c->arg = arg;
	c->fd = -1;
	c->waits = NONE;
	c->retry_ms = RETRY_MS;
	c->path = xstrdup(path);
	c->timeout = evtimer_new(base, on_timeout, c);
	r = c->timeout ? file_watch_new(base, path, on_path, c, &c->watch) : -ENOMEM;
	if (r < 0) {
		wpa_ctrl_free(c);
		return r;
	}
	start(c);
	*ret = c;
	return 0;
}

struct wpa_ctrl *wpa_ctrl_free(struct wpa_ctrl *c)
{
	if (!c)
		return NULL;
	c->attached = false; /* nobody is told */
	if (c->timeout) {
		disconnect(c);
		event_free(c->timeout);
	}
	file_watch_free(c->watch);
	free(c->path);
	free(c);
	return NULL;
}

void wpa_ctrl_ask(struct wpa_ctrl *c, enum wpa_command command)
{
	if (!c->attached)
		return;
	c->asked |= 1u << command;
	send_next(c);
}
