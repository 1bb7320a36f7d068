/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in places that are not ours (/etc/resolv.conf). What was there is kept beside it, as a
 * second name of the very file (or symbolic link): link(2), then rename(2) of ours over the first
 * name, so that at each instant one of the two is there. A place that was empty is remembered by a
 * symbolic link to ABSENT. Which places are ours is on record, <run_dir>/<owner>/prior/placed/.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hmap.h"
#include "base/strbuf.h"
#include "dataplane/items/host.h"
#include "dataplane/items/rundir.h"

#define RECORDS "prior/placed"
#define SUFFIX ".edgeway-prior"
#define ABSENT "edgeway-found-no-file"
#define CONTENT_MAX 65536

static int placed_copy(void *dst, const void *src)
{
	const struct dp_placed *from = src;
	struct dp_placed *to = dst;

	*to = *from;
	to->content = xstrdup(from->content ? from->content : "");
	return 0;
}

static void placed_clear(void *spec)
{
	struct dp_placed *placed = spec;

	free(take_ptr(placed->content));
}

static void placed_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct dp_placed *)spec)->path);
}

static enum dp_change placed_diff(const void *have, const void *want)
{
	const struct dp_placed *h = have, *w = want;

	return strcmp(h->content, w->content) == 0 ? DP_SAME : DP_MODIFY;
}

static void placed_print(const void *spec, struct strbuf *out)
{
	const struct dp_placed *placed = spec;
	const char *content = placed->content ? placed->content : "";

	strbuf_addf(out, "bytes=%zu hash=%08x", strlen(content),
		    hash_bytes(content, strlen(content), 0));
}

/* ---- What was there ---- */

static char *prior_path(const char *path)
{
	return xasprintf("%s" SUFFIX, path);
}

static bool prior_is_absent(const char *prior)
{
	char text[sizeof(ABSENT)];

	return readlink(prior, text, sizeof(text)) == sizeof(ABSENT) - 1 &&
	       memcmp(text, ABSENT, sizeof(ABSENT) - 1) == 0;
}

/* Once: what is there later is ours. */
static int prior_keep(const char *path)
{
	_cleanup_(freep) char *prior = prior_path(path);
	struct stat st;

	if (lstat(prior, &st) == 0 || linkat(AT_FDCWD, path, AT_FDCWD, prior, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	return symlink(ABSENT, prior) < 0 ? -errno : 0;
}

/* An interrupted run may have kept it and not placed anything yet: rename() of two names of one
 * file does nothing, and leaves both. */
static int prior_restore(const char *path)
{
	_cleanup_(freep) char *prior = prior_path(path);
	struct stat st;

	if (lstat(prior, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (prior_is_absent(prior) ? unlink(path) < 0 && errno != ENOENT : rename(prior, path) < 0)
		return -errno;
	return unlink(prior) < 0 && errno != ENOENT ? -errno : 0;
}

/* ---- Records ---- */

static char *record_path(const char *run_dir, const char *owner, const char *path)
{
	_cleanup_(strbuf_fini) struct strbuf escaped = STRBUF_INIT;

	rundir_escape(path, &escaped);
	return xasprintf("%s/%s/" RECORDS "/%s", run_dir, owner, strbuf_str(&escaped));
}

static int record_write(const char *run_dir, const char *owner, const char *path)
{
	_cleanup_(freep) char *record = record_path(run_dir, owner, path);

	return file_replace_volatile(record, "", 0, 0644);
}

int dp_placed_remember(const char *run_dir, const char *owner, const char *path)
{
	_cleanup_(freep) char *prior = prior_path(path);
	struct stat st;

	if (lstat(prior, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	return record_write(run_dir, owner, path);
}

/* ---- The item type ---- */

static int placed_create(struct dp_op *op, const void *want)
{
	const struct dp_conf *conf = dp_conf(dp_op_dp(op));
	const struct dp_placed *placed = want;
	int r;

	if (placed->path[0] != '/')
		return -EINVAL;
	r = record_write(conf->run_dir, conf->owner, placed->path);
	if (r == 0)
		r = prior_keep(placed->path);
	if (r == 0)
		r = file_replace(placed->path, placed->content, strlen(placed->content), 0644);
	return r;
}

static int placed_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return placed_create(op, want);
}

static int placed_remove(struct dp_op *op, const void *have)
{
	const struct dp_conf *conf = dp_conf(dp_op_dp(op));
	const struct dp_placed *placed = have;
	_cleanup_(freep) char *record = record_path(conf->run_dir, conf->owner, placed->path);
	int r = prior_restore(placed->path);

	if (r < 0)
		return r;
	if (unlink(record) < 0 && errno != ENOENT)
		return -errno;
	*strrchr(record, '/') = '\0';
	rmdir(record); /* when it was the last one */
	return 0;
}

static void observe_one(struct dp *dp, const char *escaped, void *arg)
{
	struct dp_placed placed = { 0 };

	(void)arg;
	if (!rundir_unescape(escaped, placed.path, sizeof(placed.path)))
		return;
	if (file_read(placed.path, CONTENT_MAX, &placed.content, NULL) < 0)
		placed.content = xstrdup(""); /* taken away: to be written again, or put back */
	dp_observed(dp, &dp_placed_type, &placed, true);
	placed_clear(&placed);
}

static int placed_observe(struct dp *dp)
{
	rundir_each(dp, RECORDS, observe_one, NULL);
	return 0;
}

const struct dp_type dp_placed_type = {
	.name = "placed",
	.size = sizeof(struct dp_placed),
	.copy = placed_copy,
	.clear = placed_clear,
	.key = placed_key,
	.diff = placed_diff,
	.print = placed_print,
	.create = placed_create,
	.modify = placed_modify,
	.remove = placed_remove,
	.observe = placed_observe,
	.aside = true,
};
