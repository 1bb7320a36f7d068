/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc.h"

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
#include "base/strbuf.h"
#include "base/wall.h"
#include "dpc.pb-c.h"
#include "nim/dpc_json.h"
#include "nim/dpc_ports.h"
#include "nim/stored.h"

#define CONTROLLER_KEY "zedagent" /* as in EVE */
#define KEY_MAX 128 /* bytes */
#define FILES_MAX 64 /* that are looked at */
/* EVE's time priority of a file that has none: it yields to any controller's. */
#define TIME_PRIORITY_DEFAULT_MS 315532800000LL /* 1980-01-01 */

struct nim_dpc {
	char *dir;
	struct dpc_list list;
	Ew__DpcRefusal *refusals[FILES_MAX]; /* owned */
	size_t n_refusals;
	struct file_watch *watch;
	struct stored *stored;
	void (*changed)(void *arg);
	void *arg;
};

static void store(struct nim_dpc *dpc)
{
	struct strbuf text = STRBUF_INIT;

	dpc_list_format(&dpc->list, &text);
	stored_put(dpc->stored, &text);
}

static int parse(const char *text, size_t len, void *arg, struct pbjson_error *err)
{
	struct nim_dpc *dpc = arg;

	return dpc_list_parse(text, len, &dpc->list, err);
}

/* ---- Files ---- */

struct scan {
	struct nim_dpc *dpc;
	Ew__DpcRefusal *refusals[FILES_MAX];
	size_t n_refusals;
	bool changed;
};

static Ew__DpcRefusal *refusal_new(const char *file, const struct pbjson_error *err)
{
	Ew__DpcRefusal *refusal = xcalloc(1, sizeof(*refusal));

	ew__dpc_refusal__init(refusal);
	refusal->file = xstrdup(file);
	refusal->pointer = xstrdup(err->pointer);
	refusal->why = xstrdup(err->why);
	return refusal;
}

static bool refused_before(const struct nim_dpc *dpc, const Ew__DpcRefusal *refusal)
{
	for (size_t i = 0; i < dpc->n_refusals; i++)
		if (strcmp(dpc->refusals[i]->file, refusal->file) == 0 &&
		    strcmp(dpc->refusals[i]->pointer, refusal->pointer) == 0 &&
		    strcmp(dpc->refusals[i]->why, refusal->why) == 0)
			return true;
	return false;
}

/* The whole folder is read at each change: only news are told. */
static void refuse(struct scan *scan, const char *file, const struct pbjson_error *err)
{
	Ew__DpcRefusal *refusal = refusal_new(file, err);

	if (!refused_before(scan->dpc, refusal)) {
		log_error("dpc_refused", "file=\"%s/%s\" pointer=\"%s\" why=\"%s\"", scan->dpc->dir,
			  file, err->pointer, err->why);
		scan->changed = true;
	}
	scan->refusals[scan->n_refusals++] = refusal;
}

static int read_dpc(const char *path, Dpc__Config **ret, struct pbjson_error *err)
{
	_cleanup_(freep) char *text = NULL;
	struct stat st;
	size_t len;
	int r = 0;

	/* A FIFO or a device would hold us up. */
	if (stat(path, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	if (r == 0)
		r = file_read(path, DPC_JSON_MAX, &text, &len);
	if (r == 0)
		return dpc_json_parse(text, len, ret, err);
	if (r == -EFBIG)
		snprintf(err->why, sizeof(err->why), "larger than %d bytes", DPC_JSON_MAX);
	else
		snprintf(err->why, sizeof(err->why), "cannot be read: %s",
			 r == -EINVAL ? "not a regular file" : strerror(-r));
	return r;
}

static int check_key(const struct nim_dpc *dpc, const char *key, const char *file,
		     struct pbjson_error *err)
{
	static const char *const reserved[] = { CONTROLLER_KEY, "bootstrap", "lastresort", "manual",
						"lps" };
	const Ew__DpcEntry *other = dpc_list_find(&dpc->list, key);

	snprintf(err->pointer, sizeof(err->pointer), "/Key");
	if (strlen(key) > KEY_MAX) {
		snprintf(err->why, sizeof(err->why), "longer than %d bytes", KEY_MAX);
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (strcmp(key, reserved[i]) == 0) {
			snprintf(err->why, sizeof(err->why), "\"%s\" is reserved", key);
			return -EINVAL;
		}
	}
	if (other && strcmp(other->file, file) != 0) {
		snprintf(err->why, sizeof(err->why), "\"%.60s\" is the key of %.80s", key,
			 other->file);
		return -EINVAL;
	}
	return 0;
}

/* A file that gave itself another key is another entry. */
static void drop_other_keys(struct scan *scan, const char *file, const char *key)
{
	struct dpc_list *list = &scan->dpc->list;

	for (size_t i = list->n; i-- > 0;) {
		if (strcmp(list->entries[i]->file, file) == 0 &&
		    strcmp(list->entries[i]->key, key) != 0) {
			dpc_list_remove(list, list->entries[i]->key);
			scan->changed = true;
		}
	}
}

static int put_file(struct scan *scan, const char *file, const Dpc__Config *dpc,
		    struct arena *arena, struct pbjson_error *err)
{
	int stem = (int)(strlen(file) - strlen(".json"));
	const char *key = *dpc->key ? dpc->key : arena_printf(arena, "%.*s", stem, file);
	Ew__DevicePortConfig *config = NULL;
	const char *ignored;
	int r;

	r = dpc_ports(dpc, arena, &config, err);
	if (r == 0)
		r = check_key(scan->dpc, key, file, err);
	if (r < 0)
		return r;
	drop_other_keys(scan, file, key);
	r = dpc_list_put(
		&scan->dpc->list,
		dpc_entry_new(key, EW__DPC_SOURCE__DPC_OVERRIDE,
			      dpc->timepriority ? config->timestamp_ms : TIME_PRIORITY_DEFAULT_MS,
			      file, config));
	if (r < 0) {
		*err = (struct pbjson_error){ "",
					      "more port configurations than there is room for" };
		return r;
	}
	if (r == 0)
		return 0;
	scan->changed = true;
	ignored = dpc_ignored(dpc, arena);
	log_info("dpc_read", "key=\"%s\" file=\"%s/%s\" ports=%zu why=\"%s\"", key, scan->dpc->dir,
		 file, config->n_ports, dpc_list_find(&scan->dpc->list, key)->error);
	if (ignored[0])
		log_warning("dpc_ignored", "key=\"%s\" parts=\"%s\"", key, ignored);
	return 0;
}

static void scan_file(struct scan *scan, const char *file)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", scan->dpc->dir, file);
	struct pbjson_error err = { "", "" };
	struct arena arena = { 0 };
	Dpc__Config *dpc = NULL;
	int r;

	r = read_dpc(path, &dpc, &err);
	if (r == 0)
		r = put_file(scan, file, dpc, &arena, &err);
	if (r < 0)
		refuse(scan, file, &err);
	if (dpc)
		dpc__config__free_unpacked(dpc, NULL);
	arena_fini(&arena);
}

static int is_json(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static bool is_among(const char *file, struct dirent *const *files, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(files[i]->d_name, file) == 0)
			return true;
	return false;
}

static void drop_vanished(struct scan *scan, struct dirent *const *files, int n)
{
	struct dpc_list *list = &scan->dpc->list;

	for (size_t i = list->n; i-- > 0;) {
		const Ew__DpcEntry *entry = list->entries[i];

		if (!entry->file[0] || is_among(entry->file, files, n))
			continue;
		log_info("dpc_gone", "key=\"%s\" file=\"%s/%s\"", entry->key, scan->dpc->dir,
			 entry->file);
		dpc_list_remove(list, entry->key);
		scan->changed = true;
	}
}

static void set_refusals(struct nim_dpc *dpc, Ew__DpcRefusal *const *refusals, size_t n)
{
	for (size_t i = 0; i < dpc->n_refusals; i++)
		ew__dpc_refusal__free_unpacked(dpc->refusals[i], NULL);
	for (size_t i = 0; i < n; i++)
		dpc->refusals[i] = refusals[i];
	dpc->n_refusals = n;
}

/* True: something is other than before. */
static bool scan_folder(struct nim_dpc *dpc)
{
	struct scan scan = { .dpc = dpc };
	struct dirent **files = NULL;
	int n = scandir(dpc->dir, &files, is_json, alphasort);

	/* A folder that cannot be read says nothing about its files; one that is gone does. */
	if (n < 0 && errno != ENOENT && errno != ENOTDIR) {
		log_error("dpc_folder", "dir=\"%s\" why=\"%s\"", dpc->dir, strerror(errno));
		return false;
	}
	if (n > FILES_MAX)
		log_error("dpc_folder", "dir=\"%s\" why=\"more than %d files\"", dpc->dir,
			  FILES_MAX);
	drop_vanished(&scan, files, n);
	for (int i = 0; i < n && i < FILES_MAX; i++)
		scan_file(&scan, files[i]->d_name);
	for (int i = 0; i < n; i++)
		free(files[i]);
	free(files);
	scan.changed = scan.changed || scan.n_refusals != dpc->n_refusals;
	set_refusals(dpc, scan.refusals, scan.n_refusals);
	return scan.changed;
}

static void on_files(void *arg)
{
	struct nim_dpc *dpc = arg;

	if (!scan_folder(dpc))
		return;
	store(dpc);
	dpc->changed(dpc->arg);
}

/* ---- Controller ---- */

void nim_dpc_controller(struct nim_dpc *dpc, const Ew__DevicePortConfig *config)
{
	if (dpc_list_put(&dpc->list,
			 dpc_entry_new(CONTROLLER_KEY, EW__DPC_SOURCE__DPC_CONTROLLER,
				       config->timestamp_ms ? config->timestamp_ms : wall_ms(), "",
				       config)) > 0)
		store(dpc);
}

/* ---- Life ---- */

const Ew__DpcEntry *nim_dpc_in_force(const struct nim_dpc *dpc)
{
	return dpc_list_in_force(&dpc->list);
}

Ew__DevicePortConfigList nim_dpc_message(struct nim_dpc *dpc)
{
	Ew__DevicePortConfigList msg = dpc_list_message(&dpc->list);

	msg.refusals = dpc->refusals;
	msg.n_refusals = dpc->n_refusals;
	return msg;
}

void nim_dpc_status(struct nim_dpc *dpc, Ew__DeviceNetworkStatus *ret)
{
	const Ew__DpcEntry *in_force = nim_dpc_in_force(dpc);

	if (in_force) {
		ret->dpc_key = in_force->key;
		ret->dpc_source = in_force->source;
	}
	ret->dpc_refusals = dpc->refusals;
	ret->n_dpc_refusals = dpc->n_refusals;
}

/* Without it files count from the next start on: no reason to leave the node without its ports. */
static void watch_folder(struct nim_dpc *dpc, struct event_base *base)
{
	_cleanup_(freep) char *files = xasprintf("%s/*", dpc->dir);
	int r = file_watch_new(base, files, on_files, dpc, &dpc->watch);

	if (r < 0)
		log_error("dpc_folder", "dir=\"%s\" why=\"not watched: %s\"", dpc->dir,
			  strerror(-r));
}

int nim_dpc_open(const struct nim_dpc_conf *conf, struct nim_dpc **ret)
{
	struct nim_dpc *dpc = xcalloc(1, sizeof(*dpc));
	int r = stored_open(conf->base, conf->run_dir, conf->state_dir, "dpc-list.json",
			    &dpc->stored);

	if (r < 0) {
		free(dpc);
		return r;
	}
	dpc->dir = xstrdup(conf->dir);
	dpc->changed = conf->changed;
	dpc->arg = conf->arg;
	watch_folder(dpc, conf->base);
	(void)stored_load(dpc->stored, parse, dpc); /* none: files and controller will say */
	if (scan_folder(dpc))
		store(dpc);
	*ret = dpc;
	return 0;
}

struct nim_dpc *nim_dpc_free(struct nim_dpc *dpc)
{
	if (!dpc)
		return NULL;
	file_watch_free(dpc->watch);
	stored_free(dpc->stored);
	set_refusals(dpc, NULL, 0);
	dpc_list_fini(&dpc->list);
	free(dpc->dir);
	free(dpc);
	return NULL;
}
