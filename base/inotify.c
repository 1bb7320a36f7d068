/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inotify.h"

#include <unistd.h>

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
