/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/inotify.h"
#include "base/list.h"

/* Not IN_MODIFY: a file half written is nobody's configuration. Whoever is done closes it. */
#define WATCH_MASK                                                                                 \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF |   \
	 IN_MOVE_SELF)

/*
 * The inotify instance of all watches of one event base: fs.inotify.max_user_instances is 128 for
 * everything of one user. One folder has one wd there, whoever watches it, and one mask.
 */
struct instance {
	struct list link; /* in instances */
	struct event_base *base;
	struct list watches;
	int fd;
	struct event *ev;
	bool telling; /* on_readable() runs: it looks at us again */
};

struct file_watch {
	struct list link; /* in the watches of its instance */
	struct instance *of;
	char *path;
	char name[NAME_MAX + 1]; /* of the entry we wait for in the watched folder; "*": any */
	bool at_file; /* the entry is the file, not a folder on the way to it */
	bool hit; /* to be told */
	int wd;
	void (*changed)(void *arg);
	void *arg;
};

static struct list instances = LIST_INIT(instances);

/* Cuts the last part off: *ret_name is the part, the folder remains in path. False: none left. */
static bool split(char *path, char ret_name[static NAME_MAX + 1])
{
	char *slash = strrchr(path, '/');

	if (!slash || slash[1] == '\0' || strlen(slash + 1) > NAME_MAX)
		return false;
	strcpy(ret_name, slash + 1);
	slash[slash == path] = '\0'; /* "/" stays */
	return true;
}

/* Forgets the folder, which another watch may need yet. */
static void leave(struct file_watch *w, int wd)
{
	const struct file_watch *other;

	if (wd < 0)
		return;
	list_for_each (other, &w->of->watches, link)
		if (other != w && other->wd == wd)
			return;
	(void)inotify_rm_watch(w->of->fd, wd); /* fails when the folder is gone */
}

/* Watches the deepest folder there is on the way to the file. */
static int arm_once(struct file_watch *w)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	bool at_file = true;
	int wd = -1;

	strcpy(path, w->path);
	errno = ENAMETOOLONG;
	while (split(path, name)) {
		wd = inotify_add_watch(w->of->fd, path, WATCH_MASK | IN_ONLYDIR);
		if (wd >= 0 || (errno != ENOENT && errno != ENOTDIR))
			break;
		at_file = false;
	}
	if (wd < 0)
		return -errno;
	if (w->wd != wd)
		leave(w, w->wd);
	strcpy(w->name, name);
	w->at_file = at_file;
	w->wd = wd;
	return 0;
}

/* A folder may appear between looking for it and watching the one above: look until nothing
 * changes any more. */
static int arm(struct file_watch *w)
{
	int wd, r;

	do {
		wd = w->wd;
		r = arm_once(w);
	} while (r == 0 && w->wd != wd && !w->at_file);
	return r;
}

static bool is_any(const struct file_watch *w)
{
	return w->at_file && strcmp(w->name, "*") == 0;
}

/* A file just made is empty, its writer will close it; a link is complete. */
static bool is_complete(const struct file_watch *w, const char *name)
{
	size_t folder = strlen(w->path) - strlen(w->name);
	_cleanup_(freep) char *path = xasprintf("%.*s%s", (int)folder, w->path, name);
	struct stat st;

	return lstat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_nlink > 1);
}

static bool is_link(const struct file_watch *w)
{
	struct stat st;

	return lstat(w->path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool concerns(const struct file_watch *w, const struct inotify_event *ev)
{
	if (ev->mask & IN_Q_OVERFLOW)
		return true;
	if (ev->wd != w->wd)
		return false;
	if (ev->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF))
		return true;
	if (!ev->len)
		return false;
	if (strcmp(ev->name, w->name) != 0 && !is_any(w))
		return w->at_file && is_link(w); /* what it leads to may be what was moved here */
	return !w->at_file || !(ev->mask & IN_CREATE) || is_complete(w, ev->name);
}

static void mark(struct instance *in, const struct inotify_event *event)
{
	struct file_watch *w;

	list_for_each (w, &in->watches, link)
		w->hit = w->hit || concerns(w, event);
}

static struct file_watch *next_hit(struct instance *in)
{
	struct file_watch *w;

	list_for_each (w, &in->watches, link)
		if (w->hit)
			return w;
	return NULL;
}

/* Goes with its last watch. */
static void instance_release(struct instance *in)
{
	if (in->telling || !list_empty(&in->watches))
		return;
	list_remove(&in->link);
	if (in->ev)
		event_free(in->ev);
	closep(&in->fd);
	free(in);
}

/* All events are read before the first is told: whoever is told may free this watch and others. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	const struct inotify_event *event;
	struct inotify_events events;
	struct instance *in = arg;
	struct file_watch *w;

	(void)what;
	while ((event = inotify_first(&events, fd)))
		for (; event; event = inotify_next(&events))
			mark(in, event);
	in->telling = true;
	while ((w = next_hit(in))) {
		w->hit = false;
		(void)arm(w); /* else the events of a folder above bring us here again */
		w->changed(w->arg);
	}
	in->telling = false;
	instance_release(in);
}

static int instance_new(struct event_base *base, struct instance **ret)
{
	struct instance *in = xcalloc(1, sizeof(*in));
	int r;

	list_init(&in->watches);
	list_append(&instances, &in->link);
	in->base = base;
	in->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	r = in->fd < 0 ? -errno : 0;
	if (r == 0) {
		in->ev = event_new(base, in->fd, EV_READ | EV_PERSIST, on_readable, in);
		r = in->ev && event_add(in->ev, NULL) == 0 ? 0 : -ENOMEM;
	}
	if (r < 0) {
		instance_release(in);
		return r;
	}
	*ret = in;
	return 0;
}

static int instance_get(struct event_base *base, struct instance **ret)
{
	struct instance *in;

	list_for_each (in, &instances, link) {
		if (in->base == base) {
			*ret = in;
			return 0;
		}
	}
	return instance_new(base, ret);
}

int file_watch_new(struct event_base *base, const char *path, void (*changed)(void *arg), void *arg,
		   struct file_watch **ret)
{
	struct file_watch *w;
	struct instance *in;
	int r;

	if (strlen(path) >= PATH_MAX - 2)
		return -ENAMETOOLONG;
	r = instance_get(base, &in);
	if (r < 0)
		return r;
	w = xcalloc(1, sizeof(*w));
	w->of = in;
	list_append(&in->watches, &w->link);
	w->path = path[0] == '/' ? xstrdup(path) : xasprintf("./%s", path);
	w->wd = -1;
	w->changed = changed;
	w->arg = arg;
	r = arm(w);
	if (r < 0) {
		file_watch_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct file_watch *file_watch_free(struct file_watch *w)
{
	if (!w)
		return NULL;
	leave(w, w->wd);
	list_remove(&w->link);
	instance_release(w->of);
	free(w->path);
	free(w);
	return NULL;
}
