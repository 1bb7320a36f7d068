/* SPDX-License-Identifier: Apache-2.0 */
#include "base/keep.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/backoff.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/fsync.h"

#define PAUSE_MAX_MS 300000

enum keep_state { KEEP_IDLE, KEEP_SYNCING_FILE, KEEP_SYNCING_FOLDER };

struct keep {
	char *path, *temporary, *folder;
	enum keep_state state;
	int fd; /* what is being synced, or -1 */
	char *data; /* the newest; not on disk yet unless idle and !waiting */
	size_t len;
	bool waiting; /* data is newer than what is being written */
	unsigned int failures; /* in a row */
	struct event *again;
	struct fsync *sync;
	void (*failed)(int err, void *arg);
	void *arg;
};

static void begin(struct keep *keep);

static int write_temporary(struct keep *keep)
{
	size_t done = 0;

	keep->fd =
		open(keep->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (keep->fd < 0)
		return -errno;
	while (done < keep->len) {
		ssize_t n = write(keep->fd, keep->data + done, keep->len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static void try_later(struct keep *keep, int err)
{
	unsigned int pause_ms = backoff_ms(++keep->failures, PAUSE_MAX_MS);

	unlink(keep->temporary); /* a part of it would be in the way on a full disk */
	event_add(keep->again, &(struct timeval){ pause_ms / 1000, pause_ms % 1000 * 1000 });
	if (keep->failures == 1 && keep->failed)
		keep->failed(err, keep->arg);
}

static void finish(struct keep *keep, int err)
{
	closep(&keep->fd);
	keep->fd = -1;
	keep->state = KEEP_IDLE;
	if (err < 0)
		try_later(keep, err);
	else
		keep->failures = 0;
	if (keep->waiting)
		begin(keep);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct keep *keep = arg;

	(void)fd, (void)what;
	if (keep->state == KEEP_IDLE)
		begin(keep);
}

static int to_folder(struct keep *keep)
{
	closep(&keep->fd);
	keep->fd = -1;
	if (rename(keep->temporary, keep->path) < 0)
		return -errno;
	keep->fd = open(keep->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return keep->fd < 0 ? -errno : 0;
}

static void on_synced(int err, void *arg)
{
	struct keep *keep = arg;

	if (err < 0 || keep->state == KEEP_SYNCING_FOLDER) {
		finish(keep, err);
		return;
	}
	err = to_folder(keep);
	if (err < 0) {
		finish(keep, err);
		return;
	}
	keep->state = KEEP_SYNCING_FOLDER;
	fsync_start(keep->sync, keep->fd);
}

static void begin(struct keep *keep)
{
	int r;

	event_del(keep->again);
	keep->waiting = false;
	keep->state = KEEP_SYNCING_FILE;
	r = dir_make(keep->folder, 0755);
	if (r == 0)
		r = write_temporary(keep);
	if (r < 0)
		finish(keep, r);
	else
		fsync_start(keep->sync, keep->fd);
}

struct keep *keep_new(struct event_base *base, const char *path, void (*failed)(int err, void *arg),
		      void *arg)
{
	struct keep *keep = xcalloc(1, sizeof(*keep));
	const char *slash = strrchr(path, '/');

	keep->fd = -1;
	keep->failed = failed;
	keep->arg = arg;
	keep->path = xstrdup(path);
	keep->folder = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
	keep->temporary = xasprintf("%s/.%s.new", keep->folder, slash ? slash + 1 : path);
	keep->again = evtimer_new(base, on_again, keep);
	if (!keep->again || fsync_new(base, on_synced, keep, &keep->sync) < 0)
		return keep_free(keep);
	return keep;
}

void keep_store(struct keep *keep, char *data, size_t len)
{
	free(keep->data);
	keep->data = data;
	keep->len = len;
	keep->waiting = true;
	if (keep->state == KEEP_IDLE)
		begin(keep);
}

struct keep *keep_free(struct keep *keep)
{
	if (!keep)
		return NULL;
	fsync_free(keep->sync);
	closep(&keep->fd);
	if (keep->state == KEEP_SYNCING_FILE || keep->waiting || keep->failures)
		(void)file_replace(keep->path, keep->data, keep->len, 0600);
	if (keep->again)
		event_free(keep->again);
	free(keep->path);
	free(keep->temporary);
	free(keep->folder);
	free(keep->data);
	free(keep);
	return NULL;
}
