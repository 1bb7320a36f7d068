/* SPDX-License-Identifier: Apache-2.0 */
/* A process's place on the bus: the folder of sockets, watched for publishers that come. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inotify.h"
#include "base/log.h"
#include "pubsub/internal.h"

const struct ps_topic *ps_topic_find(const char *name)
{
	for (const struct ps_topic *const *t = ps_topics; *t; t++) {
		if (strcmp((*t)->name, name) == 0)
			return *t;
	}
	return NULL;
}

void ps_report(const struct ps_pub *pub, const char *fmt, ...)
{
	const struct ps_conf *conf = &pub->ps->conf;
	char why[PS_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	(conf->report ?: ps_report_log)(pub->topic, why, conf->arg);
}

void ps_report_log(const struct ps_topic *topic, const char *why, void *arg)
{
	(void)arg;
	log_warning("bus_report", "topic=%s why=\"%s\"", topic->name, why);
}

int ps_connect(struct event_base *base, const struct ps_conf *conf, struct ps **ret)
{
	_cleanup_(freep) char *dir = xasprintf("%s/bus", conf->run_dir);
	struct ps *ps;
	int r;

	r = dir_make(dir, PS_BUS_MODE);
	if (r < 0)
		return r;
	ps = xcalloc(1, sizeof(*ps));
	ps->base = base;
	ps->conf = *conf;
	ps->bus_dir = take_ptr(dir);
	ps->batch.copy = xcalloc(1, PS_CHUNK);
	ps->inotify_fd = -1;
	list_init(&ps->pubs);
	list_init(&ps->subs);
	*ret = ps;
	return 0;
}

static void watch_stop(struct ps *ps)
{
	if (ps->inotify_ev)
		event_free(ps->inotify_ev);
	if (ps->rewatch_ev)
		event_free(ps->rewatch_ev);
	ps->inotify_ev = ps->rewatch_ev = NULL;
	closep(&ps->inotify_fd);
	ps->inotify_fd = -1;
}

struct ps *ps_free(struct ps *ps)
{
	struct ps_pub *pub, *tmp;

	if (!ps)
		return NULL;
	ps_subs_free(ps);
	list_for_each_safe (pub, tmp, &ps->pubs, link)
		ps_pub_free(pub);
	watch_stop(ps);
	free(ps->batch.copy);
	free(ps->in);
	free(ps->bus_dir);
	free(ps);
	return NULL;
}

static int watch_add(struct ps *ps)
{
	int r = dir_make(ps->bus_dir, PS_BUS_MODE);

	if (r < 0)
		return r;
	if (inotify_add_watch(ps->inotify_fd, ps->bus_dir, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) <
	    0)
		return -errno;
	return 0;
}

/* The folder was removed and is watched again: whoever came in between made no event. */
static void rewatch(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval second = { .tv_sec = 1 };
	struct ps *ps = arg;

	(void)fd, (void)what;
	if (watch_add(ps) < 0)
		event_add(ps->rewatch_ev, &second);
	else
		ps_subs_wake(ps, NULL);
}

static void inotify_read(evutil_socket_t fd, short what, void *arg)
{
	const struct inotify_event *event;
	struct inotify_events events;
	struct ps *ps = arg;

	(void)what;
	for (event = inotify_first(&events, fd); event; event = inotify_next(&events)) {
		if (event->mask & IN_IGNORED)
			event_active(ps->rewatch_ev, EV_TIMEOUT, 0);
		else if (event->mask & IN_Q_OVERFLOW)
			ps_subs_wake(ps, NULL);
		else if (event->len)
			ps_subs_wake(ps, event->name);
	}
}

int ps_watch(struct ps *ps)
{
	int r;

	if (ps->inotify_fd >= 0)
		return 0;
	ps->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (ps->inotify_fd < 0)
		return -errno;
	r = watch_add(ps);
	if (r == 0) {
		ps->inotify_ev =
			event_new(ps->base, ps->inotify_fd, EV_READ | EV_PERSIST, inotify_read, ps);
		ps->rewatch_ev = event_new(ps->base, -1, 0, rewatch, ps);
		if (!ps->inotify_ev || !ps->rewatch_ev || event_add(ps->inotify_ev, NULL) < 0)
			r = -ENOMEM;
	}
	if (r < 0)
		watch_stop(ps);
	return r;
}
