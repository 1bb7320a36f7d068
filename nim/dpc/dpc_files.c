/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "nim/dpc/dpc_json.h"
#include "nim/dpc/dpc_read.h"

struct dpc_files {
	char *dir;
	const char *prefix;
	bool may_be_late;
	struct dpc_list *list;
	Ew__DpcRefusal *refusals[DPC_FILES_MAX]; /* owned */
	size_t n_refusals;
	struct file_watch *watch;
};

struct scan {
	struct dpc_files *files;
	const char *veto;
	Ew__DpcRefusal *refusals[DPC_FILES_MAX];
	size_t n_refusals;
	bool changed;
};

/* ---- Refusals ---- */

static Ew__DpcRefusal *refusal_new(const char *name, const struct pbjson_error *err)
{
	Ew__DpcRefusal *refusal = xcalloc(1, sizeof(*refusal));

	ew__dpc_refusal__init(refusal);
	refusal->file = xstrdup(name);
	refusal->pointer = xstrdup(err->pointer);
	refusal->why = xstrdup(err->why);
	return refusal;
}

static bool refused_before(const struct dpc_files *f, const Ew__DpcRefusal *refusal)
{
	for (size_t i = 0; i < f->n_refusals; i++)
		if (strcmp(f->refusals[i]->file, refusal->file) == 0 &&
		    strcmp(f->refusals[i]->pointer, refusal->pointer) == 0 &&
		    strcmp(f->refusals[i]->why, refusal->why) == 0)
			return true;
	return false;
}

/* The whole folder is read at each change: only news are told. */
static void refuse(struct scan *scan, const char *file, const char *name,
		   const struct pbjson_error *err)
{
	Ew__DpcRefusal *refusal = refusal_new(name, err);

	if (!refused_before(scan->files, refusal)) {
		log_error("dpc_refused", "file=\"%s/%s\" pointer=\"%s\" why=\"%s\"",
			  scan->files->dir, file, err->pointer, err->why);
		scan->changed = true;
	}
	scan->refusals[scan->n_refusals++] = refusal;
}

static void set_refusals(struct dpc_files *f, Ew__DpcRefusal *const *refusals, size_t n)
{
	for (size_t i = 0; i < f->n_refusals; i++)
		ew__dpc_refusal__free_unpacked(f->refusals[i], NULL);
	for (size_t i = 0; i < n; i++)
		f->refusals[i] = refusals[i];
	f->n_refusals = n;
}

size_t dpc_files_refusals(const struct dpc_files *f, Ew__DpcRefusal *const **ret)
{
	*ret = f->refusals;
	return f->n_refusals;
}

/* ---- One file ---- */

static int read_text(const char *path, char **ret, size_t *ret_len, struct pbjson_error *err)
{
	struct stat st;
	int r = 0;

	/* A FIFO or a device would hold us up. */
	if (stat(path, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	if (r == 0)
		r = file_read(path, DPC_JSON_MAX, ret, ret_len);
	if (r == -EFBIG)
		snprintf(err->why, sizeof(err->why), "larger than %d bytes", DPC_JSON_MAX);
	else if (r < 0)
		snprintf(err->why, sizeof(err->why), "cannot be read: %s",
			 r == -EINVAL ? "not a regular file" : strerror(-r));
	return r;
}

static int check_other(const struct dpc_list *list, const Ew__DpcEntry *entry,
		       struct pbjson_error *err)
{
	const Ew__DpcEntry *other = dpc_list_find(list, entry->key);

	if (!other || strcmp(other->file, entry->file) == 0)
		return 0;
	snprintf(err->pointer, sizeof(err->pointer), "/Key");
	snprintf(err->why, sizeof(err->why), "\"%.60s\" is the key of %.80s", entry->key,
		 other->file);
	return -EINVAL;
}

/* A file that gave itself another key is another entry. */
static void drop_other_keys(struct scan *scan, const Ew__DpcEntry *now)
{
	struct dpc_list *list = scan->files->list;

	for (size_t i = list->n; i-- > 0;) {
		if (strcmp(list->entries[i]->file, now->file) == 0 &&
		    strcmp(list->entries[i]->key, now->key) != 0 &&
		    !dpc_entry_is_former(list->entries[i], now->key)) {
			dpc_list_remove(list, list->entries[i]->key);
			scan->changed = true;
		}
	}
}

/* Takes entry. */
static int put(struct scan *scan, const char *file, Ew__DpcEntry *entry, struct pbjson_error *err)
{
	_cleanup_(freep) char *key = xstrdup(entry->key);
	int r = check_other(scan->files->list, entry, err);

	if (r < 0) {
		ew__dpc_entry__free_unpacked(entry, NULL);
		return r;
	}
	drop_other_keys(scan, entry);
	r = dpc_list_put(scan->files->list, entry);
	if (r < 0)
		*err = (struct pbjson_error){ "",
					      "more port configurations than there is room for" };
	if (r <= 0)
		return r;
	scan->changed = true;
	entry = (Ew__DpcEntry *)dpc_list_find(scan->files->list, key);
	log_info("dpc_read", "key=\"%s\" file=\"%s/%s\" ports=%zu why=\"%s\"", key,
		 scan->files->dir, file, entry->config->n_ports, entry->error);
	return 0;
}

static int read_file(struct scan *scan, const char *file, const char *name,
		     struct pbjson_error *err)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", scan->files->dir, file);
	_cleanup_(freep) char *stem = xasprintf("%.*s", (int)(strlen(file) - 5), file);
	const struct dpc_origin origin = { .source = EW__DPC_SOURCE__DPC_OVERRIDE,
					   .key = stem,
					   .own_key = true,
					   .time_ms = DPC_TIME_DEFAULT_MS,
					   .file = name };
	_cleanup_(freep) char *text = NULL;
	Ew__DpcEntry *entry = NULL;
	struct arena arena = { 0 };
	size_t len = 0;
	int r;

	r = read_text(path, &text, &len, err);
	if (r == 0)
		r = dpc_read(text, len, &origin, &arena, &entry, err);
	if (r == 0)
		r = put(scan, file, entry, err);
	arena_fini(&arena);
	return r;
}

static void scan_file(struct scan *scan, const char *file)
{
	_cleanup_(freep) char *name = xasprintf("%s%s", scan->files->prefix, file);
	struct pbjson_error err = { "", "" };
	int r = -EPERM;

	if (scan->veto)
		snprintf(err.why, sizeof(err.why), "%s", scan->veto);
	else
		r = read_file(scan, file, name, &err);
	if (r < 0)
		refuse(scan, file, name, &err);
}

/* ---- The folder ---- */

static int is_json(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

/* Its name in the folder; NULL: it comes from elsewhere. */
static const char *name_here(const struct dpc_files *f, const Ew__DpcEntry *entry)
{
	size_t len = strlen(f->prefix);

	if (!entry->file[0] || strncmp(entry->file, f->prefix, len) != 0 ||
	    strchr(entry->file + len, '/'))
		return NULL;
	return entry->file + len;
}

static bool is_among(const char *file, struct dirent *const *files, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(files[i]->d_name, file) == 0)
			return true;
	return false;
}

/* With a veto all have vanished. */
static void drop_vanished(struct scan *scan, struct dirent *const *files, int n)
{
	struct dpc_list *list = scan->files->list;

	for (size_t i = list->n; i-- > 0;) {
		const Ew__DpcEntry *entry = list->entries[i];
		const char *file = name_here(scan->files, entry);

		if (!file || (!scan->veto && is_among(file, files, n)))
			continue;
		log_info("dpc_gone", "key=\"%s\" file=\"%s/%s\"", entry->key, scan->files->dir,
			 file);
		dpc_list_remove(list, entry->key);
		scan->changed = true;
	}
}

/* A folder that cannot be read says nothing about its files; one that is gone does, but for one
 * that somebody is still to make. */
static bool says_nothing(const struct dpc_files *f, int err)
{
	if (err == ENOENT || err == ENOTDIR)
		return f->may_be_late;
	log_error("dpc_folder", "dir=\"%s\" why=\"%s\"", f->dir, strerror(err));
	return true;
}

bool dpc_files_scan(struct dpc_files *f, const char *veto)
{
	struct scan scan = { .files = f, .veto = veto };
	struct dirent **files = NULL;
	int n = scandir(f->dir, &files, is_json, alphasort);

	if (n < 0 && says_nothing(f, errno) && !veto)
		return false;
	if (n > DPC_FILES_MAX)
		log_error("dpc_folder", "dir=\"%s\" why=\"more than %d files\"", f->dir,
			  DPC_FILES_MAX);
	drop_vanished(&scan, files, n);
	for (int i = 0; i < n && i < DPC_FILES_MAX; i++)
		scan_file(&scan, files[i]->d_name);
	for (int i = 0; i < n; i++)
		free(files[i]);
	free(files);
	scan.changed = scan.changed || scan.n_refusals != f->n_refusals;
	set_refusals(f, scan.refusals, scan.n_refusals);
	return scan.changed;
}

struct dpc_files *dpc_files_new(const struct dpc_files_conf *conf)
{
	struct dpc_files *f = xcalloc(1, sizeof(*f));
	_cleanup_(freep) char *all = xasprintf("%s/*", conf->dir);
	int r;

	f->dir = xstrdup(conf->dir);
	f->prefix = conf->prefix;
	f->may_be_late = conf->may_be_late;
	f->list = conf->list;
	r = file_watch_new(conf->base, all, conf->touched, conf->arg, &f->watch);
	/* Then files count from the next start on: no reason to leave the node without its ports. */
	if (r < 0)
		log_error("dpc_folder", "dir=\"%s\" why=\"not watched: %s\"", f->dir, strerror(-r));
	return f;
}

struct dpc_files *dpc_files_free(struct dpc_files *f)
{
	if (!f)
		return NULL;
	file_watch_free(f->watch);
	set_refusals(f, NULL, 0);
	free(f->dir);
	free(f);
	return NULL;
}
