/* SPDX-License-Identifier: Apache-2.0 */
/* Files below <run_dir>/<owner>/files/: the configuration of helper processes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hmap.h"
#include "base/strbuf.h"
#include "dataplane/items/host.h"
#include "dataplane/items/rundir.h"

#define FOLDER "files"
#define CONTENT_MAX (16U << 20) /* larger than any configuration we write */
#define DEPTH_MAX 8

const char *dp_file_path(const char *run_dir, const char *owner, const char *name, char buf[256])
{
	snprintf(buf, 256, "%s/%s/" FOLDER "/%s", run_dir, owner, name);
	return buf;
}

static int file_copy(void *dst, const void *src)
{
	const struct dp_file *from = src;
	struct dp_file *to = dst;

	*to = *from;
	to->content = xstrdup(from->content ? from->content : "");
	return 0;
}

static void file_clear(void *spec)
{
	struct dp_file *file = spec;

	free(take_ptr(file->content));
}

static void file_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct dp_file *)spec)->name);
}

static uint32_t file_mode(const struct dp_file *file)
{
	return file->mode ? file->mode : 0644;
}

static const char *file_content(const struct dp_file *file)
{
	return file->content ? file->content : "";
}

static enum dp_change file_diff(const void *have, const void *want)
{
	const struct dp_file *h = have, *w = want;

	if (file_mode(h) == file_mode(w) && strcmp(file_content(h), file_content(w)) == 0)
		return DP_SAME;
	return DP_MODIFY;
}

static void file_print(const void *spec, struct strbuf *out)
{
	const struct dp_file *file = spec;
	size_t len = strlen(file_content(file));

	strbuf_addf(out, "mode=%04o bytes=%zu hash=%08x", file_mode(file), len,
		    hash_bytes(file_content(file), len, 0));
}

/* Each component a plain name: nothing leaves the folder. */
static bool name_is_safe(const char *name)
{
	_cleanup_(freep) char *copy = xstrdup(name);
	char *rest = copy, *part;

	while ((part = strsep(&rest, "/")))
		if (!rundir_is_name(part))
			return false;
	return true;
}

static int file_write(const struct dp *dp, const struct dp_file *file)
{
	_cleanup_(freep) char *path = NULL;
	const char *content = file_content(file);

	if (!name_is_safe(file->name))
		return -EINVAL;
	path = rundir_path(dp, FOLDER, file->name);
	return file_replace_volatile(path, content, strlen(content), file_mode(file));
}

static int file_create(struct dp_op *op, const void *want)
{
	return file_write(dp_op_dp(op), want);
}

static int file_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return file_write(dp_op_dp(op), want);
}

/* Folders go with their last file, up to and without the daemon's own. */
static int file_remove_item(struct dp_op *op, const void *have)
{
	const struct dp_file *file = have;
	_cleanup_(freep) char *path = NULL;
	size_t top;

	if (!name_is_safe(file->name))
		return 0; /* create refused it: nothing is there */
	path = rundir_path(dp_op_dp(op), FOLDER, file->name);
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	top = strlen(path) - strlen(file->name) - sizeof(FOLDER); /* <run_dir>/<owner> */
	while (strlen(path) > top) {
		*strrchr(path, '/') = '\0';
		if (strlen(path) <= top || rmdir(path) < 0)
			break;
	}
	return 0;
}

static void observe_one(struct dp *dp, const char *path, const char *name, mode_t mode)
{
	struct dp_file file = { .mode = mode & 07777 };
	_cleanup_(freep) char *content = NULL;
	size_t len;

	if (strlen(name) >= sizeof(file.name) || !name_is_safe(name))
		return;
	if (file_read(path, CONTENT_MAX, &content, &len) < 0)
		return;
	strcpy(file.name, name);
	file.content = content;
	dp_observed(dp, &dp_file_type, &file, true);
}

/* prefix: of the names, "" or "dnsmasq/". Temporary files of an interrupted write are dropped. */
static void observe_folder(struct dp *dp, const char *folder, const char *prefix, int depth)
{
	DIR *dir = depth < DEPTH_MAX ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_(freep) char *path = xasprintf("%s/%s", folder, entry->d_name);
		_cleanup_(freep) char *name = NULL;
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			name = xasprintf("%s%s/", prefix, entry->d_name);
			observe_folder(dp, path, name, depth + 1);
		} else if (S_ISREG(st.st_mode) && entry->d_name[0] == '.') {
			unlink(path);
		} else if (S_ISREG(st.st_mode)) {
			name = xasprintf("%s%s", prefix, entry->d_name);
			observe_one(dp, path, name, st.st_mode);
		}
	}
	if (dir)
		closedir(dir);
}

static int file_observe(struct dp *dp)
{
	_cleanup_(freep) char *path = rundir_path(dp, FOLDER, NULL);

	observe_folder(dp, path, "", 0);
	return 0;
}

const struct dp_type dp_file_type = {
	.name = "file",
	.size = sizeof(struct dp_file),
	.copy = file_copy,
	.clear = file_clear,
	.key = file_key,
	.diff = file_diff,
	.print = file_print,
	.create = file_create,
	.modify = file_modify,
	.remove = file_remove_item,
	.observe = file_observe,
	.aside = true,
};
