/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/tell.h"

#include "api/topics.h"
#include "base/arena.h"
#include "dataplane/dp.h"
#include "dataplane/items/link.h"
#include "dataplane/report.h"
#include "zedrouter/intent.h"
#include "zedrouter/status.h"

/* busy: the engine is at work, and the last word is not spoken of what is not settled. */
static void tell_ni(const struct zr_teller *t, struct zr_ni *ni, bool busy)
{
	struct arena arena = { 0 };
	struct dp_report report;
	char scope[2][ZR_SCOPE], problem[200] = "";
	bool settled;

	zr_ni_scope(ni->uuid, scope[0]);
	zr_way_scope(ni->uuid, scope[1]);
	settled = dp_scope_settled(t->dp, scope[0]) && dp_scope_settled(t->dp, scope[1]);
	if (busy && !settled)
		return;
	if (dp_scope_problem(t->dp, scope[0], &report) ||
	    dp_scope_problem(t->dp, scope[1], &report))
		dp_report_str(&report, problem, sizeof(problem));
	ni->untold = false;
	ps_publish_network_instance_status(t->ni_pub, ni->uuid,
					   zr_ni_status(t->model, ni, problem, !settled, &arena));
	arena_fini(&arena);
}

static void vif_state(const struct zr_teller *t, const struct zr_vif *vif, struct zr_vif_state *ret)
{
	char rules[ZR_SCOPE], ni[ZR_SCOPE];
	struct dp_report report;

	zr_vif_scope(vif->app->uuid, vif->index, "rules", rules);
	zr_ni_scope(vif->ni_uuid, ni);
	ret->ready = dp_scope_settled(t->dp, rules) &&
		     dp_state(t->dp, &dp_bridge_type, vif->ni ? vif->ni->bridge.str : "", NULL) ==
			     DP_CREATED;
	if (dp_scope_problem(t->dp, rules, &report))
		dp_report_str(&report, ret->problem, sizeof(ret->problem));
}

static void tell_app(const struct zr_teller *t, struct zr_app *app, bool busy)
{
	struct arena arena = { 0 };
	struct zr_vif_state *states;
	const struct zr_vif *vif;
	unsigned int n = 0, ready = 0;

	list_for_each (vif, &app->vifs, of_app)
		n++;
	states = arena_alloc(&arena, (n + 1) * sizeof(*states));
	n = 0;
	list_for_each (vif, &app->vifs, of_app) {
		vif_state(t, vif, &states[n]);
		ready += states[n++].ready;
	}
	if (!busy || ready == n) {
		app->untold = false;
		ps_publish_app_network_status(t->app_pub, app->uuid,
					      zr_app_status(t->model, app, states, &arena));
	}
	arena_fini(&arena);
}

/* Apps first: for them somebody waits. */
void zr_tell(const struct zr_teller *t, bool busy)
{
	struct hmap_node *node;

	hmap_for_each (node, &t->model->apps) {
		struct zr_app *app = container_of(node, struct zr_app, node);

		if (app->untold)
			tell_app(t, app, busy);
	}
	hmap_for_each (node, &t->model->instances) {
		struct zr_ni *ni = container_of(node, struct zr_ni, node);

		if (ni->untold)
			tell_ni(t, ni, busy);
	}
}
