/* SPDX-License-Identifier: Apache-2.0 */
/* Three inputs (instances, apps, ports) change the model; apply turns it into graphs. */
#include "zedrouter/zedrouter.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "dataplane/caps.h"
#include "dataplane/dp.h"
#include "dataplane/items/link.h"
#include "dataplane/mark.h"
#include "dataplane/nl/ct_flush.h"
#include "dataplane/report.h"
#include "zedrouter/acl.h"
#include "zedrouter/follow.h"
#include "zedrouter/intent.h"
#include "zedrouter/kept.h"
#include "zedrouter/recheck.h"
#include "zedrouter/tell.h"
#include "zedrouter/uplinks.h"

enum zr_input {
	ZR_INPUT_INSTANCES = 1 << 0,
	ZR_INPUT_APPS = 1 << 1,
	ZR_INPUT_PORTS = 1 << 2,
	ZR_INPUT_CAPS = 1 << 3, /* VRFs or rules? */
	ZR_INPUTS_ALL = (1 << 4) - 1,
};

struct zedrouter {
	struct daemon *daemon;
	struct dp *dp;
	struct ps *ps;
	struct zr_teller teller; /* of statuses: dp, model and the two publishers */
	struct event *apply_ev; /* inputs changed: apply once at the end of this turn */
	struct event *follow_ev; /* … and see to the rest in the next one */
	struct caps_query *caps;
	struct ct_flush *flush;
	struct zr_recheck *recheck;
	struct event *tell_ev; /* the engine reported: statuses follow */
	struct event *drained_ev; /* flows have had their time on a dearer port */
	struct zr_intent_conf conf;
	struct zr_model model;
	bool node_dirty;
	unsigned int synced; /* enum zr_input bits */
	bool swept;
};

/* ---- Apply ---- */

static void submit(struct zedrouter *zr, struct dp_graph *g)
{
	if (dp_graph_error(g) < 0)
		log_error("submit_failed", "scope=%s err=%d", dp_graph_scope(g),
			  -dp_graph_error(g));
	(void)dp_submit(zr->dp, g); /* which returns that */
}

static void drop_scope(struct zedrouter *zr, const char *scope)
{
	submit(zr, dp_graph_new(scope));
}

static void drop_vif(struct zedrouter *zr, const char *app, unsigned int index)
{
	char scope[ZR_SCOPE];

	zr_vif_scope(app, index, "port", scope);
	drop_scope(zr, scope);
	zr_vif_scope(app, index, "rules", scope);
	drop_scope(zr, scope);
	zr_recheck_note(zr->recheck, scope, NULL, NULL);
}

static void apply_vif(struct zedrouter *zr, const struct zr_vif *vif)
{
	_cleanup_(strbuf_fini) struct strbuf why = STRBUF_INIT;
	_cleanup_(zr_acl_freep) struct zr_acl *acl = NULL;
	bool works = zr_vif_works(vif);
	char scope[ZR_SCOPE];

	acl = works ? zr_vif_acl(vif, &why) : NULL;
	submit(zr, zr_intent_vif_rules(&zr->conf, &zr->model, vif, acl));
	submit(zr, zr_intent_vif_port(vif));
	zr_vif_scope(vif->app->uuid, vif->index, "rules", scope);
	zr_recheck_note(zr->recheck, scope, works ? &vif->addr : NULL, acl);
	if (why.len)
		log_warning("acl_incomplete", "app=%s adapter=%s why=\"%s\"", vif->app->displayname,
			    vif->adapter, strbuf_str(&why));
}

static void apply_app(struct zedrouter *zr, struct zr_app *app)
{
	const struct zr_vif *vif;
	unsigned int n = 0;

	list_for_each (vif, &app->vifs, of_app) {
		apply_vif(zr, vif);
		n++;
	}
	for (unsigned int i = n; i < app->submitted; i++)
		drop_vif(zr, app->uuid, i);
	app->submitted = n;
	app->dirty = false;
	app->untold = true;
}

static void drop_ni(struct zedrouter *zr, const char *uuid)
{
	char scope[ZR_SCOPE];

	zr_way_scope(uuid, scope);
	drop_scope(zr, scope);
	zr_ni_scope(uuid, scope);
	drop_scope(zr, scope);
}

static void apply_ni(struct zedrouter *zr, struct zr_ni *ni)
{
	if (ni->dirty)
		submit(zr, zr_intent_ni(&zr->conf, &zr->model, ni, &ni->stamps));
	submit(zr, zr_intent_way(&zr->conf, &zr->model, ni));
	ni->dirty = ni->way_dirty = ni->reroutes = false;
	ni->untold = true;
}

static void follow_flows(struct zedrouter *zr, const struct zr_ports *was)
{
	int64_t ms;

	dp_run(zr->dp);
	ms = zr_flush_follow(zr->flush, &zr->model, was);
	if (ms < 0)
		event_del(zr->drained_ev);
	else
		event_add(zr->drained_ev, &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
}

/* was: the ports before, when they are what has changed. */
static void finish_apply(struct zedrouter *zr, const struct zr_ports *was)
{
	follow_flows(zr, was);
	zr_recheck_run(zr->recheck);
	zr_tell(&zr->teller, false);
	zr_log_uplinks(&zr->model);
	zr_log_conflicts(&zr->model);
}

/* Builds the graphs of what changed. false: not yet. */
static bool submit_all(struct zedrouter *zr, const struct zr_ports *was)
{
	struct hmap_node *node;

	/* A half-known world wants less than there is: what an earlier run built stays until all
	 * is known. */
	if (zr->synced != ZR_INPUTS_ALL)
		return false;
	zr_uplinks_purge(&zr->model);
	zr_numbers_sync(&zr->model);
	submit(zr, zr_intent_uplinks(&zr->model));
	/* Flows are waiting for their new way: it is made, and they are sent on it, before anything
	 * else, which takes the longer the more instances there are. */
	if (was)
		follow_flows(zr, was);
	submit(zr, zr_intent_links(&zr->model));
	if (zr->node_dirty)
		submit(zr, zr_intent_node(&zr->conf, &zr->model));
	zr->node_dirty = false;
	hmap_for_each (node, &zr->model.instances) {
		struct zr_ni *ni = container_of(node, struct zr_ni, node);

		if (ni->dirty || ni->way_dirty)
			apply_ni(zr, ni);
	}
	hmap_for_each (node, &zr->model.apps) {
		struct zr_app *app = container_of(node, struct zr_app, node);

		if (app->dirty)
			apply_app(zr, app);
	}
	return true;
}

static void zedrouter_apply(struct zedrouter *zr, const struct zr_ports *was)
{
	if (submit_all(zr, was))
		finish_apply(zr, was);
}

/* The engine's own turn comes first: when there is much to do it pauses in between, and apps whose
 * network is ready by then are told of while the rest is made. */
static void on_apply(evutil_socket_t fd, short what, void *arg)
{
	struct zedrouter *zr = arg;

	(void)fd, (void)what;
	if (submit_all(zr, NULL))
		event_add(zr->follow_ev, &(struct timeval){ 0 });
}

static void on_follow(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	finish_apply(arg, NULL);
}

static void on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct zedrouter *zr = arg;
	bool busy;

	(void)fd, (void)what;
	/* Items that news of this turn made dirty count as unsettled, and most are found to be as
	 * wanted without another report. */
	busy = dp_look(zr->dp);
	zr_tell(&zr->teller, busy);
	if (busy)
		event_add(zr->tell_ev, &(struct timeval){ 0 });
	else
		zr_recheck_run(zr->recheck); /* what is gone is gone from the kernel, too */
}

/* ---- Inputs ---- */

static void ni_changed(const char *key, const Ew__NetworkInstanceConfig *was,
		       const Ew__NetworkInstanceConfig *now, void *arg)
{
	struct zedrouter *zr = arg;

	(void)was;
	zr_model_set_ni(&zr->model, key, now);
	zr->node_dirty = true; /* the first one needs the base, the last one takes it along */
	if (!now) {
		drop_ni(zr, key);
		ps_unpublish(zr->teller.ni_pub, key);
	}
	event_active(zr->apply_ev, 0, 0);
}

static void app_changed(const char *key, const Ew__AppConfig *was, const Ew__AppConfig *now,
			void *arg)
{
	struct zedrouter *zr = arg;
	struct zr_app *app = zr_model_app(&zr->model, key);

	(void)was;
	if (!now && app) {
		for (unsigned int i = 0; i < app->submitted; i++)
			drop_vif(zr, key, i);
		ps_unpublish(zr->teller.app_pub, key);
	}
	zr_model_set_app(&zr->model, key, now);
	event_active(zr->apply_ev, 0, 0);
}

static void ports_changed(const char *key, const Ew__DeviceNetworkStatus *was,
			  const Ew__DeviceNetworkStatus *now, void *arg)
{
	_cleanup_(freep) struct zr_ports *before = NULL;
	struct zedrouter *zr = arg;

	(void)key, (void)was;
	before = zr_model_set_ports(&zr->model, now);
	zedrouter_apply(zr, before);
}

/* Did an earlier run leave anything? */
static bool was_here(struct zedrouter *zr)
{
	struct dp_counts counts;

	dp_run(zr->dp); /* what was adopted is judged */
	dp_counts(zr->dp, &counts);
	return counts.leftover > 0;
}

/* Only now is an object nobody wants a leftover. */
static void input_synced(struct zedrouter *zr, enum zr_input input)
{
	bool fresh;

	zr->synced |= input;
	if (zr->synced != ZR_INPUTS_ALL || zr->swept)
		return;
	zr->swept = true;
	fresh = !was_here(zr); /* then there are no flows either */
	zr->model.followed = fresh;
	zr_numbers_retain(&zr->model);
	zedrouter_apply(zr, NULL);
	dp_sweep(zr->dp);
	if (!fresh) {
		zr_recheck_all(zr->recheck);
		event_active(zr->tell_ev, 0, 0);
	}
	ps_publish_synced(zr->teller.ni_pub);
	ps_publish_synced(zr->teller.app_pub);
	daemon_ready(zr->daemon, "instances configured");
}

static void instances_synced(void *arg)
{
	input_synced(arg, ZR_INPUT_INSTANCES);
}

static void apps_synced(void *arg)
{
	input_synced(arg, ZR_INPUT_APPS);
}

static void caps_known(const struct caps *caps, int err, void *arg)
{
	struct zedrouter *zr = arg;

	if (err < 0)
		log_warning("caps_unknown", "err=%d why=\"doing without VRF devices\"", -err);
	zr->model.vrf = err == 0 && caps_has(caps, CAPS_VRF);
	zr->caps = caps_query_free(zr->caps); /* caps go with it */
	zr->model.br_netfilter = access("/proc/sys/net/bridge/bridge-nf-call-iptables", F_OK) == 0;
	log_info("routing_domains", "by=%s", zr->model.vrf ? "vrf" : "rules");
	input_synced(zr, ZR_INPUT_CAPS);
	zedrouter_apply(zr, NULL);
}

static void ports_synced(void *arg)
{
	input_synced(arg, ZR_INPUT_PORTS);
}

/* ---- Life ---- */

static bool scope_of(const struct dp_report *report, const char *what, char ret_uuid[ZR_UUID])
{
	const char *uuid;
	size_t len;

	if (!report->scope || strncmp(report->scope, what, strlen(what)) != 0)
		return false;
	uuid = report->scope + strlen(what);
	len = strcspn(uuid, "/");
	if (!len || len >= ZR_UUID)
		return false;
	memcpy(ret_uuid, uuid, len);
	ret_uuid[len] = '\0';
	return true;
}

/* Which status does a report concern? Its scope says so: "ni/<uuid>", "vif/<app>/…". */
static void item_changed(const struct dp_report *report, void *arg)
{
	struct zedrouter *zr = arg;
	char uuid[ZR_UUID];

	dp_report_log(report);
	if (scope_of(report, "vif/", uuid)) {
		struct zr_app *app = zr_model_app(&zr->model, uuid);

		if (app)
			app->untold = true;
	} else if (scope_of(report, "ni/", uuid)) {
		struct zr_ni *ni = zr_model_ni(&zr->model, uuid);
		struct zr_vif *vif;

		if (!ni)
			return;
		ni->untold = true;
		if (report->type == &dp_bridge_type) /* its VIFs' readiness hangs on it */
			list_for_each (vif, &ni->vifs, of_ni)
				vif->app->untold = true;
	} else {
		return;
	}
	event_active(zr->tell_ev, 0, 0);
}

static int zedrouter_open_dp(struct zedrouter *zr)
{
	const struct dp_conf conf = {
		.owner = "zedrouter",
		.run_dir = daemon_run_dir(zr->daemon),
		.netns_fd = -1,
		.changed = item_changed,
		.arg = zr,
	};
	int r;

	zr->conf = (struct zr_intent_conf){
		.table = dp_mark("zedrouter")->nft_table,
		.run_dir = conf.run_dir,
		.owner = conf.owner,
	};
	r = dp_new(daemon_base(zr->daemon), &conf, &zr->dp);
	if (r == 0)
		r = dp_adopt(zr->dp);
	if (r < 0)
		return r;
	dp_control(zr->dp, daemon_control(zr->daemon));
	zr->teller.dp = zr->dp;
	zr->teller.model = &zr->model;
	zr->recheck = zr_recheck_new(daemon_base(zr->daemon), zr->dp, &zr->model, zr->conf.table);
	return r;
}

static int zedrouter_open_bus(struct zedrouter *zr)
{
	static const struct ps_network_instance_config_ops ni_ops = {
		.changed = ni_changed,
		.synced = instances_synced,
	};
	static const struct ps_app_config_ops app_ops = {
		.changed = app_changed,
		.synced = apps_synced,
	};
	static const struct ps_device_network_status_ops port_ops = {
		.changed = ports_changed,
		.synced = ports_synced,
	};
	const struct ps_conf conf = {
		.agent = "zedrouter",
		.run_dir = daemon_run_dir(zr->daemon),
		.state_dir = daemon_state_dir(zr->daemon),
	};
	struct ps_sub *sub; /* zr->ps frees them */
	int r;

	r = ps_connect(daemon_base(zr->daemon), &conf, &zr->ps);
	if (r == 0)
		r = ps_advertise_network_instance_status(zr->ps, NULL, &zr->teller.ni_pub);
	if (r == 0)
		r = ps_advertise_app_network_status(zr->ps, NULL, &zr->teller.app_pub);
	if (r == 0)
		r = ps_subscribe_network_instance_config(zr->ps, &ni_ops, zr, &sub);
	if (r == 0)
		r = ps_subscribe_app_config(zr->ps, &app_ops, zr, &sub);
	if (r == 0)
		r = ps_subscribe_device_network_status(zr->ps, &port_ops, zr, &sub);
	return r;
}

int zedrouter_new(struct daemon *d, struct zedrouter **ret)
{
	struct zedrouter *zr = xcalloc(1, sizeof(*zr));
	int r;

	zr->daemon = d;
	zr_model_init(&zr->model);
	zr->apply_ev = event_new(daemon_base(d), -1, 0, on_apply, zr);
	zr->follow_ev = evtimer_new(daemon_base(d), on_follow, zr);
	zr->tell_ev = evtimer_new(daemon_base(d), on_tell, zr);
	zr->drained_ev = evtimer_new(daemon_base(d), on_apply, zr);
	zr->flush = zr_flush_new(daemon_base(d));
	r = zr->apply_ev && zr->follow_ev && zr->tell_ev && zr->drained_ev && zr->flush ? 0
											: -ENOMEM;
	if (r == 0)
		r = zr_numbers_open(&zr->model, daemon_base(d), daemon_run_dir(d),
				    daemon_state_dir(d));
	if (r == 0)
		r = zedrouter_open_dp(zr);
	if (r == 0)
		r = zedrouter_open_bus(zr);
	if (r == 0)
		r = caps_ask(daemon_base(d), daemon_run_dir(d), caps_known, zr, &zr->caps);
	if (r < 0) {
		log_error("start_failed", "err=%d", -r);
		zedrouter_free(zr);
		return r;
	}
	*ret = zr;
	return 0;
}

struct zedrouter *zedrouter_free(struct zedrouter *zr)
{
	if (!zr)
		return NULL;
	caps_query_free(zr->caps);
	ct_flush_free(zr->flush);
	ps_free(zr->ps);
	zr_recheck_free(zr->recheck);
	dp_free(zr->dp);
	zr_model_fini(&zr->model);
	zr_numbers_free(&zr->model);
	if (zr->apply_ev)
		event_free(zr->apply_ev);
	if (zr->follow_ev)
		event_free(zr->follow_ev);
	if (zr->tell_ev)
		event_free(zr->tell_ev);
	if (zr->drained_ev)
		event_free(zr->drained_ev);
	free(zr);
	return NULL;
}
