/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells when a file may have changed: written and closed, replaced by rename, removed, linked.
 * The folder is watched, not the file; while the folder is missing, the nearest one above.
 */
#pragma once

struct event_base;
struct za_watch;

/* changed() runs from the loop, never from here, once for a burst of changes. */
int za_watch_new(struct event_base *base, const char *path, void (*changed)(void *arg), void *arg,
		 struct za_watch **ret);
struct za_watch *za_watch_free(struct za_watch *w);
