/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/lps/lps_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/pbjson.h"
#include "base/strbuf.h"
#include "nim/config.h"
#include "nim/dpc/dpc.h"
#include "nim/lps/lps.h"
#include "nim/stored.h"

#define WISH "global" /* the one key */

struct lps_run {
	struct lps_run_conf conf;
	Ew__LocalNetworkConfig *local; /* owned; NULL: nothing is asked for */
	struct lps_merged merged; /* of it and the controller's newest; all-zero: of nothing */
	const char *error; /* of the whole; NULL: none */
	char *refused; /* why a later wish was not understood; owned; NULL: it was */
	struct stored *stored;
	struct ps_sub *sub; /* of the bus, which frees it */
};

static void local_freep(Ew__LocalNetworkConfig **local)
{
	if (*local)
		ew__local_network_config__free_unpacked(*local, NULL);
}

/* ---- Into the list ---- */

static const char *why_was_refused(const struct lps_merged *merged, const char *label)
{
	for (size_t i = 0; i < merged->n; i++)
		if (strcmp(merged->ports[i].label, label) == 0)
			return merged->ports[i].why;
	return "";
}

static void log_refusals(const struct lps_merged *was, const struct lps_merged *now)
{
	for (size_t i = 0; i < now->n; i++)
		if (now->ports[i].why[0] &&
		    strcmp(why_was_refused(was, now->ports[i].label), now->ports[i].why) != 0)
			log_warning("lps_refused", "port=\"%s\" why=\"%s\"", now->ports[i].label,
				    now->ports[i].why);
}

static void merge(struct lps_run *run)
{
	const Ew__DpcEntry *controller =
		dpc_list_find(nim_dpc_list(run->conf.dpc), NIM_DPC_CONTROLLER);
	struct lps_merged was = run->merged;
	Ew__DpcEntry *entry = NULL;

	run->merged = (struct lps_merged){ 0 };
	run->error = NULL;
	if (run->local && controller)
		entry = lps_merge(controller, run->local, &run->merged);
	else if (run->local)
		run->error = "there is no configuration of the controller that it could change";
	if (!entry)
		nim_dpc_end_local(run->conf.dpc, !run->local);
	else if (nim_dpc_local(run->conf.dpc, entry) < 0)
		run->error = "the list of port configurations is full";
	log_refusals(&was, &run->merged);
	lps_merged_fini(&was);
}

/* It stands, and what was asked for is not known: every copy of that is lost. */
static bool is_orphan_below(const struct dpc_list *list)
{
	const Ew__DpcEntry *entry = dpc_list_find(list, LPS_KEY);
	const Ew__DpcEntry *controller = dpc_list_find(list, NIM_DPC_CONTROLLER);

	return entry && controller &&
	       dpc_list_index(list, entry) > dpc_list_index(list, controller);
}

void lps_run_controller(struct lps_run *run)
{
	if (run->local)
		merge(run);
	else if (is_orphan_below(nim_dpc_list(run->conf.dpc)))
		nim_dpc_end_local(run->conf.dpc, false);
}

/* ---- What is asked for ---- */

static void format(const Ew__LocalNetworkConfig *local, struct strbuf *out)
{
	const Ew__LocalNetworkConfig none = EW__LOCAL_NETWORK_CONFIG__INIT;

	pbjson_format(local ? &local->base : &none.base, PBJSON_PRETTY, out);
	strbuf_addc(out, '\n');
}

static bool is_same(const struct lps_run *run, const struct strbuf *now)
{
	_cleanup_(strbuf_fini) struct strbuf was = STRBUF_INIT;

	format(run->local, &was);
	return strcmp(strbuf_str(&was), strbuf_str(now)) == 0;
}

/* As it will be read after a restart: what could not be then is not taken now. */
static int understand(const struct strbuf *text, Ew__LocalNetworkConfig **ret,
		      struct pbjson_error *err)
{
	ProtobufCMessage *msg;
	Ew__LocalNetworkConfig *local;
	int r = pbjson_parse(&ew__local_network_config__descriptor, strbuf_str(text), text->len,
			     &msg, err);

	if (r < 0)
		return r;
	local = (Ew__LocalNetworkConfig *)msg;
	if (local->n_ports > NIM_PORTS) {
		snprintf(err->pointer, sizeof(err->pointer), "/ports");
		snprintf(err->why, sizeof(err->why), "more than %d", NIM_PORTS);
		local_freep(&local);
		return -E2BIG;
	}
	if (local->n_ports)
		*ret = take_ptr(local);
	local_freep(&local);
	return 0;
}

/* now: NULL or without ports, nothing is asked for any more. What is not understood changes nothing.
 * Stored before it is acted on: whoever comes back after a kill must not take back what holds. */
static void ask(struct lps_run *run, const Ew__LocalNetworkConfig *now)
{
	bool stands = dpc_list_find(nim_dpc_list(run->conf.dpc), LPS_KEY) != NULL;
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	Ew__LocalNetworkConfig *local = NULL;
	struct pbjson_error err = { "", "" };
	bool was_refused = run->refused != NULL;

	format(now && now->n_ports ? now : NULL, &text);
	free(take_ptr(run->refused));
	if (understand(&text, &local, &err) < 0) {
		log_warning("lps_refused", "port=\"\" pointer=\"%s\" why=\"%s\"", err.pointer,
			    err.why);
		run->refused = xasprintf("a later one is not understood, at \"%s\": %s",
					 err.pointer, err.why);
		run->conf.changed(run->conf.arg);
		return;
	}
	if (is_same(run, &text) && (local || !stands)) {
		local_freep(&local);
		if (was_refused)
			run->conf.changed(run->conf.arg);
		return;
	}
	local_freep(&run->local);
	run->local = local;
	stored_put(run->stored, &text);
	merge(run);
	if (local)
		log_info("lps_config", "version=\"%s\" ports=%zu replaced=%zu", local->version,
			 local->n_ports, run->merged.replaced);
	else
		log_info("lps_reverted", "why=\"the local profile server asks for nothing\"");
	run->conf.changed(run->conf.arg);
}

static void wish_changed(const char *key, const Ew__LocalNetworkConfig *was,
			 const Ew__LocalNetworkConfig *now, void *arg)
{
	(void)was;
	if (strcmp(key, WISH) == 0)
		ask(arg, now);
}

/* It was taken back while nim did not run. */
static void wish_synced(void *arg)
{
	struct lps_run *run = arg;

	if (!ps_get_local_network_config(run->sub, WISH))
		ask(run, NULL);
}

static int parse(const char *text, size_t len, void *arg, struct pbjson_error *err)
{
	struct lps_run *run = arg;
	_cleanup_(strbuf_fini) struct strbuf copy = STRBUF_INIT;

	strbuf_addmem(&copy, text, len);
	return understand(&copy, &run->local, err);
}

/* ---- What is told ---- */

Ew__LpsStatus *lps_run_summary(const struct lps_run *run, struct arena *arena)
{
	const struct dpc_list *list = nim_dpc_list(run->conf.dpc);

	if (!run->local && !run->refused)
		return NULL;
	return lps_status(list, run->local, &run->merged,
			  run->error ?: run->refused ?: lps_trouble(list, arena), arena);
}

Ew__LpsStatus *lps_run_status(const struct lps_run *run, Ew__DeviceNetworkStatus *status,
			      struct arena *arena)
{
	const struct dpc_list *list = nim_dpc_list(run->conf.dpc);

	lps_status_ports(list, &run->merged, run->error ?: lps_trouble(list, arena), status, arena);
	return lps_run_summary(run, arena);
}

/* ---- Life ---- */

int lps_run_new(const struct lps_run_conf *conf, struct lps_run **ret)
{
	static const struct ps_local_network_config_ops ops = { .changed = wish_changed,
								.synced = wish_synced };
	struct lps_run *run = xcalloc(1, sizeof(*run));
	int r;

	run->conf = *conf;
	r = stored_open(daemon_base(conf->daemon), daemon_run_dir(conf->daemon),
			daemon_state_dir(conf->daemon), "lps.json", &run->stored);
	if (r == 0)
		r = ps_subscribe_local_network_config(conf->ps, &ops, run, &run->sub);
	if (r < 0) {
		lps_run_free(run);
		return r;
	}
	if (stored_load(run->stored, parse, run))
		merge(run);
	*ret = run;
	return 0;
}

struct lps_run *lps_run_free(struct lps_run *run)
{
	if (!run)
		return NULL;
	stored_free(run->stored);
	lps_merged_fini(&run->merged);
	local_freep(&run->local);
	free(run->refused);
	free(run);
	return NULL;
}
