/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that wait in an inotify descriptor (IN_NONBLOCK), in order:
 *
 *	for (event = inotify_first(&events, fd); event; event = inotify_next(&events))
 *
 * One such loop takes what one read() gives; the event loop calls again for the rest. An event
 * with IN_Q_OVERFLOW in its mask says that others are lost: look at everything again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>

struct inotify_events {
	size_t at, len;
	char buf[4096] __attribute__((__aligned__(__alignof__(struct inotify_event))));
};

/* A descriptor of its own for what happens in a folder, which is made if it is missing; the caller's to
 * close. inotifywait -m -e … DIR. Or -errno. For one file there is file_watch.h. */
int inotify_open(const char *dir, uint32_t mask);

/* NULL: none waits. Events are in the buffer, until the next inotify_first() of it. */
const struct inotify_event *inotify_first(struct inotify_events *events, int fd);
const struct inotify_event *inotify_next(struct inotify_events *events);
