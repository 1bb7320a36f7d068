/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "pubsub/internal.h"

/*
 * The address of dir/name. sun_path holds 108 bytes; a folder with a longer path is reached
 * through a descriptor, which must stay open (in *ret_fd) until the address is used.
 */
static int address(const char *dir, const char *name, struct sockaddr_un *ret, int *ret_fd)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = -1, n;

	n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", dir, name);
	if (n >= (int)sizeof(sa.sun_path)) {
		fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		n = snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%s", fd, name);
		if (n >= (int)sizeof(sa.sun_path)) {
			close(fd);
			return -ENAMETOOLONG;
		}
	}
	*ret = sa;
	*ret_fd = fd;
	return 0;
}

int ps_dial(const char *dir, const char *name)
{
	_cleanup_(closep) int dir_fd = -1, fd = -1;
	struct sockaddr_un sa;
	int r;

	r = address(dir, name, &sa, &dir_fd);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* A unix socket connects at once or not at all. */
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return take_fd(&fd);
}

/*
 * Bound under another name and renamed when it listens: who sees the name can connect, and a dead
 * predecessor's socket is replaced without a gap.
 */
int ps_listen(const char *dir, const char *name, mode_t mode)
{
	_cleanup_(closep) int tmp_dir = -1, final_dir = -1, fd = -1;
	struct sockaddr_un tmp, final;
	char hidden[NAME_MAX + 1];
	int r;

	fd = ps_dial(dir, name);
	if (fd >= 0 || fd == -EAGAIN)
		return -EADDRINUSE;
	if (snprintf(hidden, sizeof(hidden), ".%s.new", name) >= (int)sizeof(hidden))
		return -ENAMETOOLONG;
	r = address(dir, hidden, &tmp, &tmp_dir);
	if (r == 0)
		r = address(dir, name, &final, &final_dir);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (unlink(tmp.sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&tmp, sizeof(tmp)) < 0)
		return -errno;
	if (chmod(tmp.sun_path, mode) < 0 || listen(fd, PS_SUBSCRIBERS_MAX) < 0 ||
	    rename(tmp.sun_path, final.sun_path) < 0) {
		r = -errno;
		unlink(tmp.sun_path);
		return r;
	}
	return take_fd(&fd);
}

bool ps_access_allows(const struct ps_access *access, uid_t own, const struct ucred *who,
		      const gid_t *groups, size_t n_groups)
{
	if (who->uid == 0 || who->uid == own)
		return true;
	for (const uid_t *u = access->uids; u && *u != (uid_t)-1; u++) {
		if (*u == who->uid)
			return true;
	}
	for (const gid_t *g = access->gids; g && *g != (gid_t)-1; g++) {
		if (*g == who->gid)
			return true;
		for (size_t i = 0; i < n_groups; i++) {
			if (*g == groups[i])
				return true;
		}
	}
	return false;
}
