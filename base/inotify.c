/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inotify.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

const struct inotify_event *inotify_next(struct inotify_events *events)
{
	const struct inotify_event *event = (const void *)(events->buf + events->at);

	if (events->at >= events->len)
		return NULL; /* the kernel gives whole events only: inotify(7) */
	events->at += sizeof(*event) + event->len;
	return event;
}

const struct inotify_event *inotify_first(struct inotify_events *events, int fd)
{
	ssize_t n = read(fd, events->buf, sizeof(events->buf));

	events->at = 0;
	events->len = n < 0 ? 0 : (size_t)n;
	return inotify_next(events);
}

int inotify_open(const char *dir, uint32_t mask)
{
	_cleanup_(closep) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int r = fd < 0 ? -errno : dir_make(dir, 0755);

	if (r == 0 && inotify_add_watch(fd, dir, mask | IN_ONLYDIR) < 0)
		r = -errno;
	return r < 0 ? r : take_fd(&fd);
}
