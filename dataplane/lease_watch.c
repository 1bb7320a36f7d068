/* SPDX-License-Identifier: Apache-2.0 */
/* Watches the folder of lease files; each interface's parts make up to two leases. */
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inotify.h"
#include "base/list.h"
#include "dataplane/lease.h"

enum part { PART_4, PART_6, PART_RA, PARTS };
static const char *const part_names[PARTS] = { "4", "6", "ra" };
static const int families[] = { AF_INET, AF_INET6 };

struct row { /* one interface */
	struct list list;
	struct dp_lease_watch *watch;
	struct ifname ifname;
	struct dp_lease *part[PARTS]; /* NULL: none */
	struct dp_lease *told[2]; /* IPv4, IPv6 as last told; NULL: none */
	struct event *expiry;
};

struct dp_lease_watch {
	struct event_base *base;
	struct event *readable;
	char *dir;
	int fd;
	dp_lease_fn *fn;
	void *arg;
	struct list rows;
	bool *freed; /* set by dp_lease_watch_free() while a callback runs */
};

/* ---- Rows ---- */

static void row_free(struct row *row)
{
	for (int i = 0; i < PARTS; i++)
		free(row->part[i]);
	free(row->told[0]);
	free(row->told[1]);
	if (row->expiry)
		event_free(row->expiry);
	list_remove(&row->list);
	free(row);
}

static struct row *row_find(struct dp_lease_watch *watch, const struct ifname *ifname)
{
	struct row *row;

	list_for_each (row, &watch->rows, list)
		if (ifname_equal(&row->ifname, ifname))
			return row;
	return NULL;
}

/* What counts now: expired leases do not. NULL when there is none; the caller frees. */
static struct dp_lease *row_lease(const struct row *row, int family)
{
	const struct dp_lease *live[PARTS] = { NULL };
	struct dp_lease *lease;
	uint64_t now_s = dp_lease_clock();

	for (int i = 0; i < PARTS; i++)
		if (row->part[i] && !dp_lease_expired(row->part[i], now_s))
			live[i] = row->part[i];
	if (family == AF_INET)
		return live[PART_4] ? xmemdup(live[PART_4], sizeof(*lease)) : NULL;
	if (!live[PART_6] && !live[PART_RA])
		return NULL;
	lease = xcalloc(1, sizeof(*lease));
	dp_lease_merge(live[PART_6], live[PART_RA], lease);
	return lease;
}

static bool lease_equal(const struct dp_lease *a, const struct dp_lease *b)
{
	return a && b ? memcmp(a, b, sizeof(*a)) == 0 : a == b;
}

/* Tells what changed. false: the watch was freed by the callback. */
static bool row_tell(struct row *row)
{
	struct dp_lease_watch *watch = row->watch;
	const struct ifname ifname = row->ifname;
	bool freed = false;

	for (int i = 0; i < 2; i++) {
		struct dp_lease *lease = row_lease(row, families[i]);

		if (lease_equal(lease, row->told[i])) {
			free(lease);
			continue;
		}
		free(row->told[i]);
		row->told[i] = lease;
		watch->freed = &freed;
		watch->fn(&ifname, families[i], lease, watch->arg);
		if (freed)
			return false;
		watch->freed = NULL;
	}
	return true;
}

/* One timer per interface, at the next end of a part; renewals move it, so it rarely fires. */
static void row_arm(struct row *row)
{
	uint64_t now_s = dp_lease_clock(), next = UINT64_MAX;

	for (int i = 0; i < PARTS; i++)
		if (row->part[i] && row->part[i]->expires_s > now_s &&
		    row->part[i]->expires_s < next)
			next = row->part[i]->expires_s;
	evtimer_del(row->expiry);
	if (next != UINT64_MAX)
		evtimer_add(row->expiry, &(struct timeval){ .tv_sec = (time_t)(next - now_s) });
}

static void row_expired(evutil_socket_t fd, short what, void *arg)
{
	struct row *row = arg;

	(void)fd;
	(void)what;
	row_arm(row);
	row_tell(row);
}

static struct row *row_get(struct dp_lease_watch *watch, const struct ifname *ifname)
{
	struct row *row = row_find(watch, ifname);

	if (row)
		return row;
	row = xcalloc(1, sizeof(*row));
	row->watch = watch;
	row->ifname = *ifname;
	row->expiry = evtimer_new(watch->base, row_expired, row);
	list_append(&watch->rows, &row->list);
	return row;
}

/* ---- Files ---- */

/* "<ifname>.<part>"; the interface's name may hold dots itself. */
static int name_split(const char *name, struct ifname *ret_ifname, enum part *ret_part)
{
	const char *dot = strrchr(name, '.');
	char ifname[IFNAMSIZ] = "";

	if (!dot || dot == name || (size_t)(dot - name) >= sizeof(ifname))
		return -EINVAL;
	memcpy(ifname, name, (size_t)(dot - name));
	for (int i = 0; i < PARTS; i++) {
		if (strcmp(dot + 1, part_names[i]) != 0)
			continue;
		*ret_part = (enum part)i;
		return ifname_parse(ifname, ret_ifname);
	}
	return -EINVAL;
}

static struct dp_lease *lease_load(const char *dir, const char *name)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", dir, name);
	_cleanup_(freep) struct dp_lease *lease = xcalloc(1, sizeof(*lease));
	_cleanup_(freep) char *text = NULL;
	size_t len;

	if (file_read(path, DP_LEASE_FILE_MAX, &text, &len) < 0)
		return NULL;
	if (dp_lease_parse(text, len, lease) < 0)
		return NULL;
	return take_ptr(lease);
}

/* false: the watch was freed by the callback. */
static bool file_changed(struct dp_lease_watch *watch, const char *name)
{
	struct ifname ifname;
	enum part part;
	struct row *row;

	if (name[0] == '.' || name_split(name, &ifname, &part) < 0)
		return true;
	row = row_get(watch, &ifname);
	free(row->part[part]);
	row->part[part] = lease_load(watch->dir, name);
	row_arm(row);
	if (!row_tell(row))
		return false;
	if (!row->part[PART_4] && !row->part[PART_6] && !row->part[PART_RA])
		row_free(row);
	return true;
}

static bool scan(struct dp_lease_watch *watch)
{
	DIR *dir = opendir(watch->dir);
	const struct dirent *entry;
	bool alive = true;

	while (alive && dir && (entry = readdir(dir)))
		alive = file_changed(watch, entry->d_name);
	if (dir)
		closedir(dir);
	return alive;
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct dp_lease_watch *watch = arg;
	const struct inotify_event *event;
	struct inotify_events events;

	(void)what;
	for (event = inotify_first(&events, fd); event; event = inotify_next(&events)) {
		if (event->mask & IN_Q_OVERFLOW) {
			scan(watch);
			return;
		}
		if (event->len && !file_changed(watch, event->name))
			return;
	}
}

int dp_lease_watch_new(struct event_base *base, const char *run_dir, const char *owner,
		       dp_lease_fn *fn, void *arg, struct dp_lease_watch **ret)
{
	struct dp_lease_watch *watch = xcalloc(1, sizeof(*watch));
	int r;

	watch->base = base;
	watch->fn = fn;
	watch->arg = arg;
	watch->dir = xasprintf("%s/%s/lease", run_dir, owner);
	list_init(&watch->rows);
	r = watch->fd = inotify_open(watch->dir, IN_MOVED_TO | IN_DELETE);
	if (r < 0) {
		dp_lease_watch_free(watch);
		return r;
	}
	watch->readable = event_new(base, watch->fd, EV_READ | EV_PERSIST, readable, watch);
	event_add(watch->readable, NULL);
	*ret = watch;
	scan(watch);
	return 0;
}

void dp_lease_watch_repeat(const struct dp_lease_watch *watch)
{
	const struct row *row;

	list_for_each (row, &watch->rows, list)
		for (int i = 0; i < 2; i++)
			if (row->told[i])
				watch->fn(&row->ifname, families[i], row->told[i], watch->arg);
}

struct dp_lease_watch *dp_lease_watch_free(struct dp_lease_watch *watch)
{
	struct row *row, *tmp;

	if (!watch)
		return NULL;
	if (watch->freed)
		*watch->freed = true;
	list_for_each_safe (row, tmp, &watch->rows, list)
		row_free(row);
	if (watch->readable)
		event_free(watch->readable);
	closep(&watch->fd);
	free(watch->dir);
	free(watch);
	return NULL;
}
