/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions of block devices: those that are there, and each that comes or goes. No udev needed. */
#pragma once

struct event_base;
struct uevent;
struct uevent_watch;

/* From the loop. An event with UEVENT_REMOVE says that it is gone, any other that it is there. NULL:
 * some were lost; look whether those that were there still are. */
typedef void uevent_fn(const struct uevent *event, void *arg);

/* Needs CAP_SYS_ADMIN: the socket is one of an empty network namespace, so that the interfaces of
 * thousands of apps do not wake us. 0 or -errno. */
int uevent_watch_new(struct event_base *base, uevent_fn *fn, void *arg, struct uevent_watch **ret);
struct uevent_watch *uevent_watch_free(struct uevent_watch *w); /* NULL is fine */
/* Tells of those that are there, now; after some were lost it is done by itself. */
void uevent_watch_scan(struct uevent_watch *w);
