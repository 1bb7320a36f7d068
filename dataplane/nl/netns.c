/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define NETNS_DIR "/run/netns"

/* Enters; *ret_saved is where netns_leave() goes back to, -1: nowhere. */
static int netns_enter(int netns_fd, int *ret_saved)
{
	_cleanup_(closep) int saved = -1;

	if (netns_fd >= 0) {
		saved = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (saved < 0 || setns(netns_fd, CLONE_NEWNET) < 0)
			return -errno;
	}
	*ret_saved = take_fd(&saved);
	return 0;
}

static void netns_leave(int saved)
{
	if (saved < 0)
		return;
	/* To go on in the wrong namespace would configure the wrong machine. */
	if (setns(saved, CLONE_NEWNET) < 0)
		abort();
	close(saved);
}

int netns_socket(int netns_fd, int domain, int type, int protocol)
{
	int saved = -1, fd, r;

	r = netns_enter(netns_fd, &saved);
	if (r < 0)
		return r;
	fd = socket(domain, type | SOCK_CLOEXEC, protocol);
	r = fd < 0 ? -errno : fd;
	netns_leave(saved);
	return r;
}

int netns_open(int netns_fd, const char *path, int flags)
{
	int saved = -1, fd, r;

	r = netns_enter(netns_fd, &saved);
	if (r < 0)
		return r;
	fd = open(path, flags | O_CLOEXEC);
	r = fd < 0 ? -errno : fd;
	netns_leave(saved);
	return r;
}

static int sysfs_here(void)
{
	_cleanup_(closep) int fs = fsopen("sysfs", FSOPEN_CLOEXEC);
	int root;

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	root = fsmount(fs, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			       MOUNT_ATTR_NOEXEC);
	return root < 0 ? -errno : root;
}

int netns_sysfs(int netns_fd)
{
	int saved = -1, r;

	r = netns_enter(netns_fd, &saved);
	if (r < 0)
		return r;
	r = sysfs_here();
	netns_leave(saved);
	return r;
}

int netns_by_name(const char *name)
{
	char path[sizeof(NETNS_DIR) + 256];
	int fd;

	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strlen(name) > 255)
		return -EINVAL;
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
