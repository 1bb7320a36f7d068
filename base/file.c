/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* Folder part of path: "a/b" gives "a", "b" gives ".", "/b" gives "/". */
static int dir_of(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	if (!slash)
		strcpy(ret, ".");
	else if (!len)
		strcpy(ret, "/");
	else
		*(char *)mempcpy(ret, path, len) = '\0';
	return 0;
}

static int dir_sync(const char *path_within)
{
	_cleanup_(closep) int fd = -1;
	char dir[PATH_MAX];
	int r;

	r = dir_of(path_within, dir);
	if (r < 0)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Reads until the end or size bytes. */
static int read_full(int fd, char *buf, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_(freep) char *buf = NULL;
	_cleanup_(closep) int fd = -1;
	size_t size, len = 0;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max)
		return -EFBIG;
	/* /proc and /sys say 0; files may grow under us: one byte more tells "there is more". */
	for (size = (st.st_size > 0 ? (size_t)st.st_size : 4095) + 1;; size *= 2) {
		size_t limit = size > max ? max + 1 : size, n = 0;
		char *bigger = realloc(buf, limit + 1);
		int r;

		if (!bigger)
			return -ENOMEM;
		buf = bigger;
		r = read_full(fd, buf + len, limit - len, &n);
		if (r < 0)
			return r;
		len += n;
		if (len > max)
			return -EFBIG;
		if (len < limit)
			break;
	}
	buf[len] = '\0';
	*ret = take_ptr(buf);
	if (ret_len)
		*ret_len = len;
	return 0;
}

static int write_full(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * The temporary name is fixed (one process owns a file), so that a crash leaves at most one
 * leftover, which the next write reuses; the dot hides it from programs that read whole folders.
 */
static int temporary_name(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int n = snprintf(ret, PATH_MAX, "%.*s.%s.new", (int)(name - path), path, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int open_temporary(const char *path, const char *temporary)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(temporary, flags, 0600);
	char dir[PATH_MAX];
	int r;

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	r = dir_of(path, dir);
	if (r == 0)
		r = dir_make(dir, 0755);
	if (r < 0)
		return r;
	fd = open(temporary, flags, 0600);
	return fd < 0 ? -errno : fd;
}

static int replace(const char *path, const void *data, size_t len, mode_t mode, bool durable)
{
	_cleanup_(closep) int fd = -1;
	char temporary[PATH_MAX];
	int r;

	r = temporary_name(path, temporary);
	if (r < 0)
		return r;
	fd = open_temporary(path, temporary);
	if (fd < 0)
		return fd;
	r = write_full(fd, data, len);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	return durable ? dir_sync(path) : 0;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode)
{
	return replace(path, data, len, mode, true);
}

int file_replace_volatile(const char *path, const void *data, size_t len, mode_t mode)
{
	return replace(path, data, len, mode, false);
}

int file_write_value(const char *path, const char *value)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(value);
	ssize_t n;

	if (fd < 0)
		return -errno;
	/* One write(): the kernel parses each as a whole value. */
	do
		n = write(fd, value, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int file_remove(const char *path)
{
	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : -errno;
	return dir_sync(path);
}

static int dir_exists(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int dir_make(const char *path, mode_t mode)
{
	char parent[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(parent))
		return -ENAMETOOLONG;
	if (mkdir(path, mode) == 0)
		return 0;
	if (errno == EEXIST)
		return dir_exists(path);
	if (errno != ENOENT)
		return -errno;
	/* Parents one by one; somebody else may make one at the same time: EEXIST is fine. */
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		*(char *)mempcpy(parent, path, i) = '\0';
		if (mkdir(parent, i == len ? mode : 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return dir_exists(path);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	(void)remove(path);
	return 0;
}

int dir_remove(const char *path)
{
	nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}
