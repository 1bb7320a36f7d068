/* SPDX-License-Identifier: Apache-2.0 */
#include "base/helper.h"

#include <errno.h>
#include <event2/event.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/said.h"

struct helper {
	struct child *child;
	struct event *late_ev;
	unsigned int timeout_ms;
	bool late;
	int said_fd;
	size_t said_max;
	helper_done_fn *done;
	void *arg;
};

static void exited(struct child *c, int status, void *arg)
{
	struct helper *h = arg;
	size_t len;
	_cleanup_(freep) char *said = said_read(h->said_fd, h->said_max, &len);
	helper_done_fn *done = h->done;
	bool late = h->late;

	(void)c;
	arg = h->arg;
	helper_free(h);
	done(status, late, said, len, arg);
}

static void add_limit(struct helper *h, unsigned int ms)
{
	event_add(h->late_ev,
		  &(struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 });
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;
	unsigned int more_ms = child_more_ms(h->child, h->timeout_ms);

	(void)fd, (void)what;
	if (more_ms) {
		add_limit(h, more_ms);
		return;
	}
	h->late = true;
	child_stop(h->child, 0);
}

int helper_start(struct event_base *base, const struct helper_conf *conf, struct helper **ret)
{
	static const struct child_ops ops = { .exited = exited };
	struct child_conf child = { .argv = conf->argv, .netns_fd = -1 };
	struct helper *h = xcalloc(1, sizeof(*h));
	int r;

	h->done = conf->done;
	h->arg = conf->arg;
	h->said_max = conf->said_max;
	h->timeout_ms = conf->timeout_ms;
	child.log_fd = h->said_fd = said_open(conf->said_max);
	h->late_ev = evtimer_new(base, on_late, h);
	r = h->said_fd < 0 ? h->said_fd : h->late_ev ? 0 : -ENOMEM;
	if (r == 0)
		r = child_start(base, &child, &ops, h, &h->child);
	if (r < 0) {
		helper_free(h);
		return r;
	}
	add_limit(h, conf->timeout_ms);
	*ret = h;
	return 0;
}

struct helper *helper_free(struct helper *h)
{
	if (!h)
		return NULL;
	child_free(h->child);
	if (h->late_ev)
		event_free(h->late_ev);
	closep(&h->said_fd);
	free(h);
	return NULL;
}
