/* SPDX-License-Identifier: Apache-2.0 */
#include "domainmgr/model.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "config.pb-c.h"
#include "status.pb-c.h"

void dm_app_set_config(struct dm_app *app, const struct Ew__AppConfig *msg)
{
	app->configured = msg != NULL;
	if (!msg)
		return;
	snprintf(app->displayname, sizeof(app->displayname), "%s", msg->displayname);
	snprintf(app->netns, sizeof(app->netns), "%s", msg->netns);
	snprintf(app->error, sizeof(app->error), "%s", msg->error);
	app->activate = msg->activate;
	app->wanted_vifs = (uint8_t)(msg->n_adapters > DM_VIFS ? DM_VIFS : msg->n_adapters);
	if (msg->n_adapters > DM_VIFS)
		snprintf(app->error, sizeof(app->error), "more than %d network adapters", DM_VIFS);
}

static void load_vif(struct dm_vif *vif, const Ew__VifStatus *msg)
{
	/* zedrouter writes these; a value that does not parse is as good as absent. */
	(void)ifname_parse(msg->ifname, &vif->ifname);
	(void)mac_parse(msg->mac, &vif->mac);
	for (size_t i = 0; i < msg->n_addresses && vif->naddrs < DM_ADDRS; i++)
		if (prefix_parse(msg->addresses[i], &vif->addrs[vif->naddrs]) == 0)
			vif->naddrs++;
	if (msg->gateway[0])
		(void)ipaddr_parse(msg->gateway, &vif->gateway);
	vif->mtu_bytes = msg->mtu;
	vif->ready = msg->ready && vif->ifname.str[0];
	snprintf(vif->error, sizeof(vif->error), "%s", msg->error);
}

void dm_app_set_network(struct dm_app *app, const struct Ew__AppNetworkStatus *msg)
{
	memset(app->vifs, 0, sizeof(app->vifs));
	app->nvifs = 0;
	app->connected = msg != NULL;
	for (size_t i = 0; msg && i < msg->n_vifs && app->nvifs < DM_VIFS; i++)
		load_vif(&app->vifs[app->nvifs++], msg->vifs[i]);
}

static const char *app_error(const struct dm_app *app, const char *problem)
{
	if (app->error[0])
		return app->error;
	for (unsigned int i = 0; i < app->nvifs; i++)
		if (app->vifs[i].error[0])
			return app->vifs[i].error;
	return problem;
}

static bool network_is_ready(const struct dm_app *app)
{
	if (!app->connected || app->nvifs != app->wanted_vifs)
		return false;
	for (unsigned int i = 0; i < app->nvifs; i++)
		if (!app->vifs[i].ready)
			return false;
	return true;
}

struct Ew__DomainStatus *dm_status(const struct dm_app *app, const char *problem, bool settled,
				   struct arena *arena)
{
	Ew__DomainStatus *s = arena_alloc(arena, sizeof(*s));
	const char *error = app->activate ? app_error(app, problem) : "";

	ew__domain_status__init(s);
	s->uuid = arena_strdup(arena, app->uuid);
	s->displayname = arena_strdup(arena, app->displayname);
	s->kind = EW__APP_KIND__APP_NAMESPACE;
	s->netns = arena_strdup(arena, app->netns);
	s->error = arena_strdup(arena, error);
	s->vifs = arena_alloc(arena, (app->nvifs + 1u) * sizeof(*s->vifs));
	for (unsigned int i = 0; i < app->nvifs; i++)
		s->vifs[s->n_vifs++] = arena_strdup(arena, app->vifs[i].ifname.str);
	if (!app->activate)
		s->state = EW__DOMAIN_STATE__DOMAIN_HALTED;
	else if (error[0])
		s->state = EW__DOMAIN_STATE__DOMAIN_ERROR;
	else
		s->state = network_is_ready(app) && settled ? EW__DOMAIN_STATE__DOMAIN_RUNNING
							    : EW__DOMAIN_STATE__DOMAIN_WAITING;
	return s;
}
