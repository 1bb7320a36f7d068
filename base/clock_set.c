/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock_set.h"

#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"

struct clock_set {
	int fd;
	struct event *ev;
	void (*changed)(void *arg);
	void *arg;
};

/* A timer of the real-time clock is cancelled when that is set: timerfd_create(2). */
static int arm(const struct clock_set *c)
{
	const struct itimerspec never = { .it_value = { .tv_sec = (time_t)1 << 40 } };

	return timerfd_settime(c->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0
		       ? -errno
		       : 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct clock_set *c = arg;
	uint64_t expired;

	(void)what;
	if (read(fd, &expired, sizeof(expired)) < 0 && errno != ECANCELED)
		return;
	(void)arm(c);
	c->changed(c->arg);
}

int clock_set_new(struct event_base *base, void (*changed)(void *arg), void *arg,
		  struct clock_set **ret)
{
	struct clock_set *c = xcalloc(1, sizeof(*c));
	int r;

	c->changed = changed;
	c->arg = arg;
	c->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	r = c->fd < 0 ? -errno : arm(c);
	if (r == 0) {
		c->ev = event_new(base, c->fd, EV_READ | EV_PERSIST, on_timer, c);
		r = c->ev && event_add(c->ev, NULL) == 0 ? 0 : -ENOMEM;
	}
	if (r < 0) {
		clock_set_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct clock_set *clock_set_free(struct clock_set *c)
{
	if (!c)
		return NULL;
	if (c->ev)
		event_free(c->ev);
	closep(&c->fd);
	free(c);
	return NULL;
}
