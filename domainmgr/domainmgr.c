/* SPDX-License-Identifier: Apache-2.0 */
/* Two inputs (app config, zedrouter's view of it), one engine outside and one in each app. */
#include "domainmgr/domainmgr.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>

#include "api/topics.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/log.h"
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "dataplane/nl/rtnl.h"
#include "dataplane/report.h"
#include "domainmgr/model.h"

enum dm_input { DM_INPUT_CONFIG = 1, DM_INPUT_NETWORK = 2, DM_INPUTS_ALL = 3 };

struct domainmgr {
	struct daemon *daemon;
	struct dp *dp;
	struct ps *ps;
	struct ps_pub *pub;
	struct event *apply_ev;
	struct hmap apps; /* dm_app.node by uuid */
	unsigned int synced;
	bool swept;
};

/* All an app's namespace is given; what else is in there is the app's own. */
static const struct dp_type *const inside_types[] = { &dp_link_type, &dp_addr_type, &dp_route_type,
						      NULL };
static const struct dp_backend *const inside_backends[] = { &dp_rtnl_backend, NULL };

static struct dm_app *find_app(const struct domainmgr *dm, const char *uuid)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &dm->apps, hash_string(uuid))
	{
		struct dm_app *app = container_of(node, struct dm_app, node);

		if (strcmp(app->uuid, uuid) == 0)
			return app;
	}
	return NULL;
}

static struct dm_app *get_app(struct domainmgr *dm, const char *uuid)
{
	struct dm_app *app = find_app(dm, uuid);

	if (app)
		return app;
	app = xcalloc(1, sizeof(*app));
	app->dm = dm;
	snprintf(app->uuid, sizeof(app->uuid), "%s", uuid);
	hmap_insert(&dm->apps, &app->node, hash_string(app->uuid));
	return app;
}

static void free_app(struct domainmgr *dm, struct dm_app *app)
{
	dp_free(app->inside);
	hmap_remove(&dm->apps, &app->node);
	free(app);
}

/* ---- The app's namespace ---- */

static void app_changed(struct dm_app *app)
{
	app->dirty = true;
	event_active(app->dm->apply_ev, 0, 0);
}

static void inside_changed(const struct dp_report *report, void *arg)
{
	dp_report_log(report);
	app_changed(arg);
}

/* All that is ours in there is on its ends of veth pairs, and goes with them. */
static bool has_inside(const struct dm_app *app)
{
	for (unsigned int i = 0; i < app->nvifs; i++)
		if (app->vifs[i].ready)
			return true;
	return false;
}

static int open_inside(struct domainmgr *dm, struct dm_app *app)
{
	_cleanup_(freep) char *path = xasprintf("/run/netns/%s", app->netns);
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	const struct dp_conf conf = {
		.owner = "domainmgr",
		.run_dir = daemon_run_dir(dm->daemon),
		.netns_fd = fd,
		.types = inside_types,
		.backends = inside_backends,
		.changed = inside_changed,
		.arg = app,
	};

	if (fd < 0)
		return -errno;
	app->adopted = false;
	return dp_new(daemon_base(dm->daemon), &conf, &app->inside);
}

static int adopt_inside(struct dm_app *app)
{
	int r = dp_adopt(app->inside);

	if (r < 0)
		app->inside = dp_free(app->inside);
	app->adopted = r == 0;
	return r;
}

static void apply_inside(struct domainmgr *dm, struct dm_app *app)
{
	bool there = app->netns[0] && dp_have(dm->dp, &dp_netns_type, app->netns);
	int r = 0;

	if (!there) {
		app->inside = dp_free(app->inside);
		return;
	}
	/* Before its network is ready there is time to listen; a look takes the kernel's big lock,
	 * for which others wait that make the network. */
	if (!app->inside)
		r = open_inside(dm, app);
	if (r == 0 && !app->adopted && !has_inside(app))
		return;
	if (r == 0 && !app->adopted)
		r = adopt_inside(app);
	if (r == 0)
		r = dp_submit(app->inside, dm_intent_inside(app));
	if (r < 0) {
		log_error("app_namespace", "app=%s netns=%s err=%d", app->displayname, app->netns,
			  -r);
		return;
	}
	if (dm->swept)
		dp_sweep(app->inside);
	dp_run(app->inside);
}

/* ---- Apply and status ---- */

static void publish(struct domainmgr *dm, const struct dm_app *app)
{
	struct arena arena = { 0 };
	struct dp_report report;
	char scope[64], problem[200] = "";
	bool settled;

	dm_app_scope(app->uuid, scope);
	settled = dp_scope_settled(dm->dp, scope) && app->inside &&
		  (app->adopted ? dp_scope_settled(app->inside, "app") : !has_inside(app));
	if (dp_scope_problem(dm->dp, scope, &report) ||
	    (app->inside && dp_scope_problem(app->inside, "app", &report)))
		dp_report_str(&report, problem, sizeof(problem));
	ps_publish_domain_status(dm->pub, app->uuid, dm_status(app, problem, settled, &arena));
	arena_fini(&arena);
}

static void submit_outside(struct domainmgr *dm, const struct dm_app *app)
{
	int r = dp_submit(dm->dp, dm_intent_outside(app));

	if (r < 0)
		log_error("submit_failed", "app=%s err=%d", app->displayname, -r);
}

static void apply_app(struct domainmgr *dm, struct dm_app *app)
{
	app->dirty = false;
	apply_inside(dm, app);
	if (app->configured)
		publish(dm, app);
	else
		ps_unpublish(dm->pub, app->uuid);
}

/* Outside first and all at once: pairs of many apps are made, and removed, together. What that
 * makes known dirties further apps, which belong to this turn, too. */
static void domainmgr_apply(struct domainmgr *dm)
{
	struct hmap_node *node, *tmp;

	hmap_for_each (node, &dm->apps) {
		struct dm_app *app = container_of(node, struct dm_app, node);

		if (app->dirty)
			submit_outside(dm, app);
	}
	dp_run(dm->dp);
	hmap_for_each_safe (node, tmp, &dm->apps) {
		struct dm_app *app = container_of(node, struct dm_app, node);

		if (app->dirty)
			apply_app(dm, app);
		if (!app->configured && !app->connected)
			free_app(dm, app);
	}
}

static void on_apply(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	domainmgr_apply(arg);
}

/* ---- Inputs ---- */

static void config_changed(const char *key, const Ew__AppConfig *was, const Ew__AppConfig *now,
			   void *arg)
{
	struct domainmgr *dm = arg;
	struct dm_app *app = get_app(dm, key);

	/* In another namespace everything is another thing. */
	if (was && (!now || strcmp(was->netns, now->netns) != 0))
		app->inside = dp_free(app->inside);
	dm_app_set_config(app, now);
	app_changed(app);
}

static void network_changed(const char *key, const Ew__AppNetworkStatus *was,
			    const Ew__AppNetworkStatus *now, void *arg)
{
	struct dm_app *app = get_app(arg, key);

	(void)was;
	dm_app_set_network(app, now);
	/* ready is about the first moment of an interface. One that is there stays while its
	 * rules are mended. */
	for (unsigned int i = 0; i < app->nvifs; i++)
		if (dp_have(app->dm->dp, &dp_veth_type, app->vifs[i].ifname.str))
			app->vifs[i].ready = true;
	app_changed(app);
}

static void netns_changed(const char *key, const void *was, const void *now, void *arg)
{
	struct domainmgr *dm = arg;
	struct hmap_node *node;

	(void)was;
	hmap_for_each (node, &dm->apps) {
		struct dm_app *app = container_of(node, struct dm_app, node);

		if (strcmp(app->netns, key) != 0)
			continue;
		/* One of that name made in the same turn is another one, and sockets of ours would keep
		 * the old one alive. */
		if (!now)
			app->inside = dp_free(app->inside);
		app_changed(app);
	}
}

static void input_synced(struct domainmgr *dm, enum dm_input input)
{
	struct hmap_node *node;

	dm->synced |= input;
	if (dm->synced != DM_INPUTS_ALL || dm->swept)
		return;
	dm->swept = true;
	hmap_for_each (node, &dm->apps)
		container_of(node, struct dm_app, node)->dirty = true;
	domainmgr_apply(dm);
	dp_sweep(dm->dp);
	ps_publish_synced(dm->pub);
	daemon_ready(dm->daemon, "apps connected");
}

static void config_synced(void *arg)
{
	input_synced(arg, DM_INPUT_CONFIG);
}

static void network_synced(void *arg)
{
	input_synced(arg, DM_INPUT_NETWORK);
}

/* ---- Life ---- */

/* Scopes are "app/<uuid>". */
static void item_changed(const struct dp_report *report, void *arg)
{
	struct dm_app *app = NULL;

	dp_report_log(report);
	if (report->scope && strncmp(report->scope, "app/", 4) == 0)
		app = find_app(arg, report->scope + 4);
	if (app)
		app_changed(app);
}

/* What is to do outside, and in each app's namespace. */
static int control_plan(const char *args, FILE *out, void *arg)
{
	struct domainmgr *dm = arg;
	struct hmap_node *node;
	int r = dp_plan(dm->dp, out);

	(void)args;
	hmap_for_each (node, &dm->apps) {
		const struct dm_app *app = container_of(node, struct dm_app, node);

		if (r == 0 && app->inside)
			r = dp_plan(app->inside, out);
	}
	return r;
}

static int domainmgr_open_dp(struct domainmgr *dm)
{
	const struct dp_conf conf = {
		.owner = "domainmgr",
		.run_dir = daemon_run_dir(dm->daemon),
		.netns_fd = -1,
		.changed = item_changed,
		.arg = dm,
	};
	int r;

	r = dp_new(daemon_base(dm->daemon), &conf, &dm->dp);
	if (r == 0)
		r = dp_watch(dm->dp, &dp_netns_type, netns_changed, dm);
	if (r == 0)
		r = dp_adopt(dm->dp);
	if (r < 0)
		return r;
	dp_control_graph(dm->dp, daemon_control(dm->daemon));
	control_add(daemon_control(dm->daemon), "plan", "what is still to do, in and around apps",
		    control_plan, dm);
	return 0;
}

static int domainmgr_open_bus(struct domainmgr *dm)
{
	static const struct ps_app_config_ops config_ops = {
		.changed = config_changed,
		.synced = config_synced,
	};
	static const struct ps_app_network_status_ops network_ops = {
		.changed = network_changed,
		.synced = network_synced,
	};
	const struct ps_conf conf = {
		.agent = "domainmgr",
		.run_dir = daemon_run_dir(dm->daemon),
		.state_dir = daemon_state_dir(dm->daemon),
	};
	struct ps_sub *sub; /* dm->ps frees them */
	int r;

	r = ps_connect(daemon_base(dm->daemon), &conf, &dm->ps);
	if (r == 0)
		r = ps_advertise_domain_status(dm->ps, NULL, &dm->pub);
	if (r == 0)
		r = ps_subscribe_app_config(dm->ps, &config_ops, dm, &sub);
	if (r == 0)
		r = ps_subscribe_app_network_status(dm->ps, &network_ops, dm, &sub);
	return r;
}

int domainmgr_new(struct daemon *d, struct domainmgr **ret)
{
	struct domainmgr *dm = xcalloc(1, sizeof(*dm));
	int r;

	dm->daemon = d;
	hmap_init(&dm->apps);
	dm->apply_ev = event_new(daemon_base(d), -1, 0, on_apply, dm);
	r = dm->apply_ev ? 0 : -ENOMEM;
	if (r == 0)
		r = domainmgr_open_dp(dm);
	if (r == 0)
		r = domainmgr_open_bus(dm);
	if (r < 0) {
		log_error("start_failed", "err=%d", -r);
		domainmgr_free(dm);
		return r;
	}
	*ret = dm;
	return 0;
}

struct domainmgr *domainmgr_free(struct domainmgr *dm)
{
	struct hmap_node *node, *tmp;

	if (!dm)
		return NULL;
	ps_free(dm->ps);
	hmap_for_each_safe (node, tmp, &dm->apps)
		free_app(dm, container_of(node, struct dm_app, node));
	hmap_fini(&dm->apps);
	dp_free(dm->dp);
	if (dm->apply_ev)
		event_free(dm->apply_ev);
	free(dm);
	return NULL;
}
