/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/framed.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/rate.h"
#include "base/said.h"
#include "base/strbuf.h"
#include "conntest/wire.h"

#define SAID_MAX 16384 /* of what it says, be it of a sanitizer */
#define SAID_LINES 40 /* that are logged in SAID_MS, of all helpers together */
#define SAID_MS 60000

struct framed {
	const char *name;
	const struct framed_ops *ops;
	void *arg;
	struct child *child; /* NULL: it has ended */
	int fd;
	int said_fd; /* its standard output and error */
	struct event *read_ev, *write_ev, *take_ev, *limit_ev;
	struct strbuf out, in;
	size_t sent;
	unsigned int limit_ms;
	unsigned int left; /* frames that may still come */
	bool eof, closed;
	int status; /* of its exit */
	char failure[160]; /* the first thing that went wrong; "" */
};

/* What libraries complain of is for the log, and never for the protocol. */
static void log_said(const struct framed *h)
{
	static struct rate rate; /* helpers come and go, and so does what they say */
	size_t len;
	_cleanup_(freep) char *said = said_read(h->said_fd, SAID_MAX, &len);
	char *rest = said;
	unsigned int unsaid;

	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line && rate_allow(&rate, SAID_LINES, SAID_MS, mono_now(), &unsaid))
			log_warning("helper_said", "program=\"%s\" line=\"%s\" unsaid=%u", h->name,
				    line, unsaid);
}

static void end_when_over(struct framed *h)
{
	const struct framed_ops *ops = h->ops;
	_cleanup_(freep) char *failure = NULL;
	int status = h->status;
	void *arg = h->arg;

	if (!h->closed || h->child)
		return;
	/* Last: its own words, which may be read after its death, say more. */
	if (!h->failure[0] && h->status < 0)
		snprintf(h->failure, sizeof(h->failure), "%s crashed: %s", h->name,
			 strsignal(-h->status));
	else if (!h->failure[0] && h->status > 0)
		snprintf(h->failure, sizeof(h->failure), "%s failed", h->name);
	failure = h->failure[0] ? xstrdup(h->failure) : NULL;
	log_said(h);
	framed_free(h);
	ops->ended(failure, status, arg);
}

static void fail(struct framed *h, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* Nothing it says counts any more. It is killed, and the end follows with its death; of one that is
 * dead already it is now: we may be gone. */
static void fail(struct framed *h, const char *fmt, ...)
{
	va_list ap;

	if (!h->failure[0]) {
		va_start(ap, fmt);
		vsnprintf(h->failure, sizeof(h->failure), fmt, ap);
		va_end(ap);
	}
	h->closed = true;
	event_del(h->read_ev);
	event_del(h->write_ev);
	event_del(h->take_ev);
	if (h->child)
		child_signal(h->child, SIGKILL);
	end_when_over(h);
}

/* ---- What it is asked, and what it says ---- */

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct framed *h = arg;
	ssize_t n =
		send(fd, h->out.str + h->sent, h->out.len - h->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)what;
	h->sent += n > 0 ? (size_t)n : 0;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || h->sent == h->out.len)
		event_del(h->write_ev); /* its end will tell why it does not read */
}

static void fail_of_nonsense(struct framed *h)
{
	fail(h, "%s talks nonsense", h->name);
}

void framed_fail(struct framed *h, const char *why)
{
	fail(h, "%s", why);
}

static void take_frame(struct framed *h, size_t size)
{
	size_t len = size - CONN_WIRE_HEAD;
	_cleanup_(freep) uint8_t *frame = xcalloc(1, len + 1);

	if (!h->left) {
		fail_of_nonsense(h);
		return;
	}
	h->left--;
	memcpy(frame, h->in.str + CONN_WIRE_HEAD, len);
	memmove(h->in.str, h->in.str + size, h->in.len - size);
	h->in.len -= size;
	if (h->ops->frame(frame, len, h->arg) < 0) /* else we may be gone now */
		fail_of_nonsense(h);
}

/* One frame each time, with the next already under way: the callback may free us. */
static void on_take(evutil_socket_t fd, short what, void *arg)
{
	struct framed *h = arg;
	int size = conn_wire_next((const uint8_t *)h->in.str, h->in.len);

	(void)fd, (void)what;
	if (size > 0) {
		event_active(h->take_ev, 0, 0);
		take_frame(h, (size_t)size);
	} else if (size < 0) {
		fail_of_nonsense(h);
	} else if (h->eof) {
		h->closed = true;
		end_when_over(h);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct framed *h = arg;
	char part[16384];
	ssize_t n = recv(fd, part, sizeof(part), MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		strbuf_addmem(&h->in, part, (size_t)n);
	h->eof = n <= 0;
	if (h->eof)
		event_del(h->read_ev);
	event_active(h->take_ev, 0, 0);
}

/* ---- Its life ---- */

static int add_limit(struct framed *h, unsigned int ms)
{
	const struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	return event_add(h->limit_ev, &limit);
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct framed *h = arg;
	unsigned int more_ms = h->child ? child_more_ms(h->child, h->limit_ms) : 0;

	(void)fd, (void)what;
	if (more_ms && add_limit(h, more_ms) == 0)
		return;
	fail(h, "%s did not end within %u ms", h->name, h->limit_ms);
}

static void on_exited(struct child *child, int status, void *arg)
{
	struct framed *h = arg;

	h->child = child_free(child);
	h->status = status;
	end_when_over(h);
}

static int open_events(struct framed *h, struct event_base *base)
{
	h->read_ev = event_new(base, h->fd, EV_READ | EV_PERSIST, on_readable, h);
	h->write_ev = event_new(base, h->fd, EV_WRITE | EV_PERSIST, on_writable, h);
	h->take_ev = event_new(base, -1, 0, on_take, h);
	h->limit_ev = event_new(base, -1, 0, on_limit, h);
	return h->read_ev && h->write_ev && h->take_ev && h->limit_ev &&
			       event_add(h->read_ev, NULL) == 0 &&
			       event_add(h->write_ev, NULL) == 0 && add_limit(h, h->limit_ms) == 0
		       ? 0
		       : -ENOMEM;
}

static int start_child(struct framed *h, struct event_base *base, const char *path)
{
	static const struct child_ops ops = { .exited = on_exited };
	const char *argv[] = { path, NULL };
	int fds[2], r;

	h->said_fd = said_open(SAID_MAX);
	if (h->said_fd < 0)
		return h->said_fd;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	r = child_start(
		base,
		&(struct child_conf){
			.argv = argv, .netns_fd = -1, .log_fd = h->said_fd, .stdin_fd = fds[1] },
		&ops, h, &h->child);
	close(fds[1]);
	h->fd = fds[0];
	return r;
}

int framed_start(struct event_base *base, const struct framed_conf *conf,
		 const struct framed_ops *ops, void *arg, struct framed **ret)
{
	struct framed *h = xcalloc(1, sizeof(*h));
	int r;

	*h = (struct framed){ .name = conf->name,
			      .ops = ops,
			      .arg = arg,
			      .fd = -1,
			      .said_fd = -1,
			      .left = conf->frames,
			      .limit_ms = conf->limit_ms };
	conn_wire_add(conf->request, &h->out);
	r = start_child(h, base, conf->path);
	if (r == 0)
		r = open_events(h, base);
	if (r < 0)
		framed_free(h);
	else
		*ret = h;
	return r;
}

static void free_event(struct event *ev)
{
	if (ev)
		event_free(ev);
}

struct framed *framed_free(struct framed *h)
{
	if (!h)
		return NULL;
	free_event(h->read_ev);
	free_event(h->write_ev);
	free_event(h->take_ev);
	free_event(h->limit_ev);
	child_free(h->child);
	closep(&h->fd);
	closep(&h->said_fd);
	strbuf_fini(&h->out);
	strbuf_fini(&h->in);
	free(h);
	return NULL;
}
