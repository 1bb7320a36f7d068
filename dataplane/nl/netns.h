/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening things of another network namespace. A socket (and /dev/net/tun) belongs to the
 * namespace its opener was in; afterwards it can be used from anywhere, so the process enters
 * only for the length of one call. netns_fd -1: the caller's own, no switch at all.
 * All return a descriptor (close-on-exec) or -errno.
 */
#pragma once

int netns_socket(int netns_fd, int domain, int type, int protocol);
int netns_open(int netns_fd, const char *path, int flags);
/*
 * The root of a sysfs of the namespace, mounted nowhere and read-only: what /sys shows belongs to
 * whoever mounted it. For openat(). Needs CAP_SYS_ADMIN.
 */
int netns_sysfs(int netns_fd);
/* A namespace by its name under /run/netns, as `ip netns` keeps them. -EINVAL for a bad name. */
int netns_by_name(const char *name);
