/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "nim/dpc/dpc_bootstrap.h"
#include "nim/dpc/dpc_files.h"
#include "nim/stored.h"

enum { FOLDER_CONFIG, FOLDER_USB, FOLDERS };

struct nim_dpc {
	struct dpc_list list;
	struct dpc_files *folders[FOLDERS];
	Ew__DpcRefusal *refusals[FOLDERS * DPC_FILES_MAX + 1]; /* borrowed from them */
	size_t n_refusals;
	struct dpc_bootstrap bootstrap;
	char *bootstrap_path;
	struct file_watch *watch; /* of it */
	struct stored *stored;
	void (*changed)(void *arg);
	void *arg;
};

void nim_dpc_store(struct nim_dpc *dpc)
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

static bool scan_folders(struct nim_dpc *dpc, bool vetoed)
{
	const char *veto =
		vetoed ? "there is a " DPC_BOOTSTRAP_FILE ", and with it no file counts" : NULL;
	bool changed = false;

	for (size_t i = 0; i < FOLDERS; i++)
		changed = dpc_files_scan(dpc->folders[i], veto) || changed;
	return changed;
}

static void collect_refusals(struct nim_dpc *dpc)
{
	dpc->n_refusals = 0;
	if (dpc->bootstrap.exists && dpc->bootstrap.refusal)
		dpc->refusals[dpc->n_refusals++] = dpc->bootstrap.refusal;
	for (size_t i = 0; i < FOLDERS; i++) {
		Ew__DpcRefusal *const *refusals;
		size_t n = dpc_files_refusals(dpc->folders[i], &refusals);

		memcpy(&dpc->refusals[dpc->n_refusals], refusals, n * sizeof(*refusals));
		dpc->n_refusals += n;
	}
}

static bool scan(struct nim_dpc *dpc)
{
	size_t refusals = dpc->n_refusals;
	bool changed = false;

	dpc->bootstrap.exists = access(dpc->bootstrap_path, F_OK) == 0;
	switch (dpc_bootstrap_files(&dpc->bootstrap)) {
	case DPC_FILES_COUNT:
		changed = scan_folders(dpc, false);
		break;
	case DPC_FILES_VETOED:
		changed = scan_folders(dpc, true);
		break;
	case DPC_FILES_WAIT:
		break;
	}
	collect_refusals(dpc);
	return changed || dpc->n_refusals != refusals;
}

static void on_files(void *arg)
{
	struct nim_dpc *dpc = arg;

	if (!scan(dpc))
		return;
	nim_dpc_store(dpc);
	dpc->changed(dpc->arg);
}

static void open_folders(struct nim_dpc *dpc, const struct nim_dpc_conf *conf)
{
	_cleanup_(freep) char *usb = xasprintf("%s/usb", conf->run_dir);
	struct dpc_files_conf folder = { .base = conf->base,
					 .dir = conf->dir,
					 .prefix = "",
					 .list = &dpc->list,
					 .touched = on_files,
					 .arg = dpc };
	int r;

	dpc->folders[FOLDER_CONFIG] = dpc_files_new(&folder);
	folder.dir = usb;
	folder.prefix = "usb/";
	folder.may_be_late = true;
	dpc->folders[FOLDER_USB] = dpc_files_new(&folder);
	dpc->bootstrap_path = xasprintf("%s/" DPC_BOOTSTRAP_FILE, conf->config_dir);
	r = file_watch_new(conf->base, dpc->bootstrap_path, on_files, dpc, &dpc->watch);
	if (r < 0)
		log_error("dpc_folder", "dir=\"%s\" why=\"not watched: %s\"", dpc->bootstrap_path,
			  strerror(-r));
}

/* ---- Other sources ---- */

void nim_dpc_controller(struct nim_dpc *dpc, const Ew__DevicePortConfig *config)
{
	if (dpc_list_put(&dpc->list,
			 dpc_entry_new(NIM_DPC_CONTROLLER, EW__DPC_SOURCE__DPC_CONTROLLER,
				       config->timestamp_ms ? config->timestamp_ms : wall_ms(), "",
				       config)) > 0)
		nim_dpc_store(dpc);
}

int nim_dpc_local(struct nim_dpc *dpc, Ew__DpcEntry *entry)
{
	int r = dpc_list_put(&dpc->list, entry);

	if (r > 0)
		nim_dpc_store(dpc);
	return r;
}

bool nim_dpc_end_local(struct nim_dpc *dpc, bool taken_back)
{
	bool ended = dpc_list_end_local(&dpc->list, taken_back);

	if (ended)
		nim_dpc_store(dpc);
	return ended;
}

void nim_dpc_bootstrap(struct nim_dpc *dpc, const Ew__DevicePortConfig *config)
{
	Ew__DpcEntry *entry = dpc_bootstrap_entry(config);
	const char *why = entry->error;
	bool changed = false;

	if (!why[0] && dpc_bootstrap_is_older(&dpc->list, entry))
		why = "older than the one that was taken before";
	dpc_bootstrap_set_error(&dpc->bootstrap, why);
	if (why[0]) {
		log_error("dpc_refused", "file=\"%s\" pointer=\"\" why=\"%s\"", dpc->bootstrap_path,
			  why);
		ew__dpc_entry__free_unpacked(entry, NULL);
	} else {
		changed = dpc_list_put(&dpc->list, entry) > 0;
	}
	changed = scan(dpc) || changed;
	if (changed)
		nim_dpc_store(dpc);
}

void nim_dpc_bootstrap_status(struct nim_dpc *dpc, const Ew__BootstrapStatus *status)
{
	bool changed = dpc_bootstrap_set_status(&dpc->bootstrap, status);

	if (scan(dpc)) {
		nim_dpc_store(dpc);
		changed = true;
	}
	if (changed)
		dpc->changed(dpc->arg);
}

bool nim_dpc_bootstraps(const struct nim_dpc *dpc)
{
	return dpc->bootstrap.exists && dpc_bootstrap_files(&dpc->bootstrap) != DPC_FILES_COUNT;
}

int nim_dpc_put(struct nim_dpc *dpc, Ew__DpcEntry *entry)
{
	int r = dpc_list_put(&dpc->list, entry);

	if (r <= 0)
		return r;
	nim_dpc_store(dpc);
	dpc->changed(dpc->arg);
	return r;
}

int nim_dpc_drop(struct nim_dpc *dpc, const char *key)
{
	if (!dpc_list_find(&dpc->list, key))
		return -ENOENT;
	dpc_list_remove(&dpc->list, key);
	nim_dpc_store(dpc);
	dpc->changed(dpc->arg);
	return 0;
}

const struct dpc_list *nim_dpc_list(const struct nim_dpc *dpc)
{
	return &dpc->list;
}

struct dpc_list *nim_dpc_list_rw(struct nim_dpc *dpc)
{
	return &dpc->list;
}

/* ---- What is told ---- */

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
		ret->dpc_state = in_force->state;
		ret->dpc_index = (uint32_t)dpc_list_index(&dpc->list, in_force);
	}
	ret->dpc_testing = dpc->list.tested != NULL;
	if (ret->dpc_testing && dpc->list.tested != dpc->list.current)
		ret->dpc_candidate = dpc->list.tested->key;
	ret->dpc_refusals = dpc->refusals;
	ret->n_dpc_refusals = dpc->n_refusals;
}

/* ---- Life ---- */

int nim_dpc_open(const struct nim_dpc_conf *conf, struct nim_dpc **ret)
{
	struct nim_dpc *dpc = xcalloc(1, sizeof(*dpc));
	int r = stored_open(conf->base, conf->run_dir, conf->state_dir, "dpc-list.json",
			    &dpc->stored);

	if (r < 0) {
		free(dpc);
		return r;
	}
	dpc->changed = conf->changed;
	dpc->arg = conf->arg;
	open_folders(dpc, conf);
	(void)stored_load(dpc->stored, parse, dpc); /* none: files and controller will say */
	if (scan(dpc))
		nim_dpc_store(dpc);
	*ret = dpc;
	return 0;
}

struct nim_dpc *nim_dpc_free(struct nim_dpc *dpc)
{
	if (!dpc)
		return NULL;
	file_watch_free(dpc->watch);
	for (size_t i = 0; i < FOLDERS; i++)
		dpc_files_free(dpc->folders[i]);
	stored_free(dpc->stored);
	dpc_list_fini(&dpc->list);
	dpc_bootstrap_fini(&dpc->bootstrap);
	free(dpc->bootstrap_path);
	free(dpc);
	return NULL;
}
