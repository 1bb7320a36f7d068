/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells when a file may have changed: written and closed, replaced by rename, removed, linked.
 * The folder is watched, not the file; while the folder is missing, the nearest one above. A path
 * that ends in "/" and a star means every file of that folder. However many watches an event base
 * has, they are one inotify instance of the user's 128.
 */
#pragma once

struct event_base;
struct file_watch;

/*
 * changed() runs from the loop, never from here, once for a burst of changes; it may free this
 * watch and others, and make new ones. The base must outlive the watch.
 */
int file_watch_new(struct event_base *base, const char *path, void (*changed)(void *arg), void *arg,
		   struct file_watch **ret);
struct file_watch *file_watch_free(struct file_watch *w);
