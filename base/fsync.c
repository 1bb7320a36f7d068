/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fsync.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <event2/event.h>

#include "base/cleanup.h"

struct fsync {
	aio_context_t ctx; /* made when first needed; 0: not yet, or not available here */
	int event_fd;
	struct event *ev;
	void (*done)(int err, void *arg);
	void *arg;
	bool running, known; /* known: the result is in err already */
	int err;
};

/* Takes the result. Returns whether it was there; block: waits for it. */
static bool collect(struct fsync *s, bool block)
{
	struct io_event ev;
	long n;

	if (!s->running || s->known)
		return true;
	do {
		n = syscall(SYS_io_getevents, s->ctx, block ? 1L : 0L, 1L, &ev, NULL);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return false;
	s->err = n < 0 ? -errno : ev.res < 0 ? (int)ev.res : 0;
	s->known = true;
	return true;
}

static int finish(struct fsync *s)
{
	int err = s->err;

	s->running = s->known = false;
	s->err = 0;
	return err;
}

static void fsync_event(evutil_socket_t fd, short what, void *arg)
{
	struct fsync *s = arg;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		count = 0; /* woken by event_active() */
	if (s->running && collect(s, false))
		s->done(finish(s), s->arg);
}

int fsync_new(struct event_base *base, void (*done)(int err, void *arg), void *arg,
	      struct fsync **ret)
{
	struct fsync *s = xcalloc(1, sizeof(*s));

	s->done = done;
	s->arg = arg;
	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->event_fd >= 0)
		s->ev = event_new(base, s->event_fd, EV_READ | EV_PERSIST, fsync_event, s);
	if (!s->ev || event_add(s->ev, NULL) < 0) {
		fsync_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void fsync_start(struct fsync *s, int fd)
{
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_FSYNC,
		.aio_fildes = (uint32_t)fd,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)s->event_fd,
	};
	struct iocb *list[] = { &cb };

	s->running = true;
	if (!s->ctx && syscall(SYS_io_setup, 1L, &s->ctx) < 0)
		s->ctx = 0;
	if (s->ctx && syscall(SYS_io_submit, s->ctx, 1L, list) == 1)
		return;
	s->err = fsync(fd) < 0 ? -errno : 0;
	s->known = true;
	event_active(s->ev, EV_READ, 0);
}

int fsync_wait(struct fsync *s)
{
	if (!s->running)
		return 0;
	collect(s, true);
	return finish(s);
}

struct fsync *fsync_free(struct fsync *s)
{
	if (!s)
		return NULL;
	fsync_wait(s);
	if (s->ctx)
		syscall(SYS_io_destroy, s->ctx);
	if (s->ev)
		event_free(s->ev);
	if (s->event_fd >= 0)
		close(s->event_fd);
	free(s);
	return NULL;
}
