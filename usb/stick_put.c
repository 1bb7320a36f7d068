/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to a stick: whole files, or none by that name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "usb/stick.h"

#define DEPTH_MAX 3
#define PART ".part" /* a file that is being written */

static int copy_bytes(int from, int to)
{
	char part[65536];
	ssize_t n;

	while ((n = read(from, part, sizeof(part))) > 0)
		for (ssize_t at = 0, done; at < n; at += done) {
			done = write(to, part + at, (size_t)(n - at));
			if (done < 0)
				return -errno;
		}
	return n < 0 ? -errno : 0;
}

static int copy_file(int from_dir, int to_dir, const char *name)
{
	_cleanup_(closep) int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_(closep) int to =
		openat(to_dir, PART, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r;

	if (from < 0 || to < 0)
		return -errno;
	r = copy_bytes(from, to);
	if (r == 0 && fsync(to) < 0)
		r = -errno;
	if (r == 0 && renameat(to_dir, PART, to_dir, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(to_dir, PART, 0);
	return r;
}

static int copy_folder(int from_dir, int to_dir, const char *name, unsigned int depth);

static int copy_entries(DIR *from, int to, unsigned int depth)
{
	const struct dirent *entry;
	int r = 0;

	while (r == 0 && (entry = readdir(from))) {
		if (entry->d_name[0] == '.')
			continue;
		if (entry->d_type == DT_DIR)
			r = copy_folder(dirfd(from), to, entry->d_name, depth + 1);
		else if (entry->d_type == DT_REG && depth)
			r = copy_file(dirfd(from), to, entry->d_name);
	}
	return r;
}

static int open_folder(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

/* Folders of the first level are the owner's wish: what is not there gets nothing. */
static int copy_folder(int from_dir, int to_dir, const char *name, unsigned int depth)
{
	_cleanup_(closep) int to = -1;
	int from, r;
	DIR *dir;

	if (depth > DEPTH_MAX)
		return -ELOOP;
	if (depth > 1 && mkdirat(to_dir, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	to = open_folder(to_dir, name);
	if (to < 0)
		return depth == 1 && (to == -ENOENT || to == -ENOTDIR) ? 0 : to;
	from = open_folder(from_dir, name);
	dir = from < 0 ? NULL : fdopendir(from);
	if (!dir) {
		r = from < 0 ? from : -errno;
		closep(&from);
		return r;
	}
	r = copy_entries(dir, to, depth);
	closedir(dir);
	return r;
}

int stick_put(int root, const char *folder)
{
	_cleanup_(closep) int top = open_folder(root, "."); /* root itself is for paths only */
	DIR *from = opendir(folder);
	int r;

	if (!from || top < 0) {
		r = from ? top : -errno;
		if (from)
			closedir(from);
		return r;
	}
	r = copy_entries(from, top, 0);
	closedir(from);
	if (syncfs(top) < 0 && r == 0)
		r = -errno;
	return r;
}
