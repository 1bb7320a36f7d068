/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive: parts become files of a folder beside it, tar packs them, the result takes its name at
 * once. Killed in between, the folder FILE.XXXXXX stays (mode 0700), and what FILE was.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cmd/edgeway/dump.h"

#define TAR_SECONDS 60

struct tar {
	struct event_base *base;
	struct child *child;
	int status; /* -ETIME: it took too long */
};

static void exited(struct child *c, int status, void *arg)
{
	struct tar *tar = arg;

	(void)c;
	tar->status = status;
	event_base_loopbreak(tar->base);
}

/* tar -czf ARCHIVE -C FOLDER STEM */
static int run_tar(const char *archive, const char *folder, const char *stem, char **ret_why)
{
	static const struct child_ops ops = { .exited = exited };
	const char *const argv[] = { "tar", "-czf", archive, "-C", folder, stem, NULL };
	const struct child_conf conf = { .argv = argv, .netns_fd = -1, .log_fd = -1 };
	struct tar tar = { .base = event_base_new(), .status = -ETIME };
	int r;

	if (!tar.base)
		return -ENOMEM;
	r = child_start(tar.base, &conf, &ops, &tar, &tar.child);
	if (r == 0) {
		event_base_loopexit(tar.base, &(struct timeval){ .tv_sec = TAR_SECONDS });
		event_base_dispatch(tar.base);
		child_free(tar.child);
	}
	event_base_free(tar.base);
	if (r == -ENOENT)
		*ret_why = xstrdup("there is no program tar");
	else if (r == 0 && tar.status == -ETIME)
		*ret_why = xasprintf("tar takes longer than %d s", TAR_SECONDS);
	else if (r == 0 && tar.status)
		*ret_why = xasprintf("tar ended with status %d", tar.status);
	return r == 0 && tar.status ? -EIO : r;
}

static int write_parts(const struct dump *dump, const char *folder, const struct strbuf *manifest)
{
	_cleanup_(freep) char *path = xasprintf("%s/MANIFEST", folder);
	int r = mkdir(folder, 0700) < 0 ? -errno : 0;

	if (r == 0)
		r = file_replace_volatile(path, strbuf_str(manifest), manifest->len, 0600);
	for (size_t i = 0; r == 0 && i < dump->n; i++) {
		const struct dump_part *p = &dump->parts[i];
		_cleanup_(freep) char *file = xasprintf("%s/%s", folder, p->name);

		if (p->end != DUMP_LEFT_OUT)
			r = file_replace_volatile(file, strbuf_str(&p->text), p->text.len, 0600);
	}
	return r;
}

static int fsync_path(const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Durable, with its mode, before it has its name. */
static int take_place(const char *archive, const char *file)
{
	int r = chmod(archive, 0600) < 0 ? -errno : fsync_path(archive);

	if (r == 0 && rename(archive, file) < 0)
		r = -errno;
	return r;
}

static int pack(const struct dump *dump, const char *file, const char *stem,
		const struct strbuf *manifest, char **ret_why)
{
	_cleanup_(freep) char *folder = xasprintf("%s.XXXXXX", file), *parts = NULL,
			      *archive = NULL;
	int r;

	if (!mkdtemp(folder))
		return -errno;
	parts = xasprintf("%s/%s", folder, stem);
	archive = xasprintf("%s/archive", folder);
	r = write_parts(dump, parts, manifest);
	if (r == 0)
		r = run_tar(archive, folder, stem, ret_why);
	if (r == 0)
		r = take_place(archive, file);
	dir_remove(folder);
	return r;
}

/* SIGINT and SIGTERM come when the folder is gone again: it does not take long. */
int dump_pack(const struct dump *dump, const char *file, const char *stem,
	      const struct strbuf *manifest, char **ret_why)
{
	mode_t mask = umask(077);
	sigset_t ending, before;
	int r;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, &before);
	*ret_why = NULL;
	r = pack(dump, file, stem, manifest, ret_why);
	umask(mask);
	if (r < 0 && !*ret_why)
		*ret_why = xstrdup(strerror(-r));
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
