/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/items/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inotify.h"
#include "base/list.h"
#include "dataplane/items/host.h"
#include "dataplane/items/link.h"

#define PENDING_MAX 64 /* files that never became namespaces are not waited for for ever */

struct pending { /* a file in NETNS_DIR that is not a namespace yet */
	struct list list;
	char name[sizeof(((struct dp_netns *)NULL)->name)];
};

struct host {
	struct dp *dp;
	struct event *folder, *mounts; /* NULL: not listened to */
	int folder_fd, mounts_fd;
	struct list pending;
	unsigned int pendings;
};

/* ---- Links ---- */

static void link_changed(const char *ifname, const void *was, const void *now, void *arg)
{
	struct host *host = arg;

	(void)ifname;
	if (was && !now)
		dp_sysctl_link_gone(host->dp, was);
	else if (was && !dp_link_has_carrier(was) && dp_link_has_carrier(now))
		dp_dhcpcd_carrier_back(host->dp, now);
}

/* ---- Network namespaces ---- */

static void pending_drop(struct host *host, struct pending *p)
{
	list_remove(&p->list);
	host->pendings--;
	free(p);
}

static void mounts_unwatch(struct host *host)
{
	if (host->mounts)
		event_free(take_ptr(host->mounts));
	closep(&host->mounts_fd);
	host->mounts_fd = -1;
}

/* Something was mounted somewhere. */
static void mounts_changed(evutil_socket_t fd, short what, void *arg)
{
	struct host *host = arg;
	struct pending *p, *tmp;

	(void)fd;
	(void)what;
	list_for_each_safe (p, tmp, &host->pending, list)
		if (dp_netns_appeared(host->dp, p->name))
			pending_drop(host, p);
	if (list_empty(&host->pending))
		mounts_unwatch(host);
}

/*
 * `ip netns add` makes a file first and mounts the namespace over it then, of which inotify says
 * nothing. The kernel wakes pollers of mountinfo at each mount; the file itself is always
 * readable, hence edge-triggered.
 */
static void mounts_watch(struct host *host)
{
	if (host->mounts)
		return;
	host->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (host->mounts_fd < 0)
		return;
	host->mounts = event_new(dp_base(host->dp), host->mounts_fd, EV_READ | EV_ET | EV_PERSIST,
				 mounts_changed, host);
	event_add(host->mounts, NULL);
}

static void netns_made(struct host *host, const char *name)
{
	struct pending *p;

	if (dp_netns_appeared(host->dp, name) || strlen(name) >= sizeof(p->name) ||
	    host->pendings >= PENDING_MAX)
		return;
	p = xcalloc(1, sizeof(*p));
	strcpy(p->name, name);
	list_append(&host->pending, &p->list);
	host->pendings++;
	mounts_watch(host);
	mounts_changed(-1, 0, host); /* mounted before we listened? */
}

static void netns_gone(struct host *host, const char *name)
{
	struct pending *p, *tmp;

	list_for_each_safe (p, tmp, &host->pending, list)
		if (strcmp(p->name, name) == 0)
			pending_drop(host, p);
	if (list_empty(&host->pending))
		mounts_unwatch(host);
	dp_gone(host->dp, &dp_netns_type, name);
}

static void folder_changed(evutil_socket_t fd, short what, void *arg)
{
	const struct inotify_event *event;
	struct inotify_events events;
	struct host *host = arg;

	(void)what;
	for (event = inotify_first(&events, fd); event; event = inotify_next(&events)) {
		if (event->mask & IN_Q_OVERFLOW) {
			dp_resync_begin(host->dp, &dp_netns_type);
			dp_netns_type.observe(host->dp);
			dp_resync_end(host->dp, &dp_netns_type);
		} else if (event->len && event->mask & IN_CREATE) {
			netns_made(host, event->name);
		} else if (event->len) {
			netns_gone(host, event->name);
		}
	}
}

void dp_host_watch_netns(struct dp *dp)
{
	struct host *host = dp_backend_state(dp, &dp_host_backend);

	if (!host || host->folder)
		return;
	host->folder_fd = inotify_open(NETNS_DIR, IN_CREATE | IN_DELETE);
	if (host->folder_fd < 0)
		return;
	host->folder =
		event_new(dp_base(dp), host->folder_fd, EV_READ | EV_PERSIST, folder_changed, host);
	event_add(host->folder, NULL);
}

/* ---- The backend ---- */

static int host_open(struct dp *dp, void **ret_state)
{
	struct host *host = xcalloc(1, sizeof(*host));
	int r;

	host->dp = dp;
	host->folder_fd = host->mounts_fd = -1;
	list_init(&host->pending);
	r = dp_watch(dp, &dp_link_type, link_changed, host);
	if (r < 0)
		free(host);
	else
		*ret_state = host;
	return r;
}

static void host_flush(void *state)
{
	(void)state; /* carries nothing */
}

static void host_close(void *state)
{
	struct host *host = state;
	struct pending *p, *tmp;

	list_for_each_safe (p, tmp, &host->pending, list)
		pending_drop(host, p);
	mounts_unwatch(host);
	if (host->folder)
		event_free(host->folder);
	closep(&host->folder_fd);
	free(host);
}

const struct dp_backend dp_host_backend = {
	.name = "host",
	.open = host_open,
	.flush = host_flush,
	.close = host_close,
};
