/* SPDX-License-Identifier: Apache-2.0 */
/* Applications of the model: their interfaces, with names, MACs and addresses. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/numbers.h"
#include "config.pb-c.h"
#include "zedrouter/model.h"

struct zr_app *zr_model_app(const struct zr_model *m, const char *uuid)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &m->apps, hash_string(uuid))
	{
		struct zr_app *app = container_of(node, struct zr_app, node);

		if (strcmp(app->uuid, uuid) == 0)
			return app;
	}
	return NULL;
}

static void vif_key(const struct zr_vif *vif, char ret[3 * ZR_UUID])
{
	snprintf(ret, 3 * ZR_UUID, "%s/%s/%u", vif->ni_uuid, vif->app->uuid, vif->index);
}

static bool addr_is_taken(const struct zr_ni *ni, const struct zr_vif *but,
			  const struct ipaddr *addr)
{
	const struct zr_vif *vif;

	list_for_each (vif, &ni->vifs, of_ni)
		if (vif != but && ipaddr_equal(&vif->addr, addr))
			return true;
	return false;
}

static void give_static(struct zr_vif *vif)
{
	if (!prefix_contains(&vif->ni->subnet, &vif->wanted))
		snprintf(vif->error, sizeof(vif->error), "static address is not in the subnet");
	else if (ipaddr_equal(&vif->ni->gateway, &vif->wanted))
		snprintf(vif->error, sizeof(vif->error), "static address is the gateway's");
	else if (addr_is_taken(vif->ni, vif, &vif->wanted))
		snprintf(vif->error, sizeof(vif->error), "static address is taken");
	else
		vif->addr = vif->wanted;
}

static void give_number(struct zr_model *m, struct zr_vif *vif)
{
	char name[3 * ZR_UUID];
	uint32_t number = 0;

	vif_key(vif, name);
	if (numbers_get(m->vif_numbers, name, &number) < 0)
		snprintf(vif->error, sizeof(vif->error), "network instance has no room left");
	vif->number = (uint16_t)number;
}

/* The number chosen before a restart comes first; a static address in the way is stepped over. */
static void give_from_range(struct zr_model *m, struct zr_vif *vif)
{
	char name[3 * ZR_UUID];
	struct ipaddr addr;
	uint32_t number;

	vif_key(vif, name);
	if (numbers_get(m->addr_numbers, name, &number) < 0 ||
	    ipaddr_add(&vif->ni->range_first, number - 1, &addr) < 0 ||
	    ipaddr_compare(&addr, &vif->ni->range_last) > 0) {
		numbers_release(m->addr_numbers, name);
		snprintf(vif->error, sizeof(vif->error), "no free IP addresses in DHCP range");
	} else if (addr_is_taken(vif->ni, vif, &addr)) {
		snprintf(vif->error, sizeof(vif->error), "address is taken by a static one");
	} else {
		vif->addr = addr;
	}
}

/* Access lists that name all apps of the instance change with its members. */
static void tell_eid_users(struct zr_ni *ni)
{
	struct zr_vif *vif;

	list_for_each (vif, &ni->vifs, of_ni)
		if (vif->uses_eids)
			vif->app->dirty = true;
}

static void give_all(struct zr_model *m, struct zr_vif *vif)
{
	vif->error[0] = '\0';
	if (vif->ni->error[0])
		snprintf(vif->error, sizeof(vif->error), "network instance has an error");
	else if (ipaddr_is_set(&vif->wanted))
		give_static(vif);
	else
		give_from_range(m, vif);
	if (!vif->error[0])
		give_number(m, vif);
	vif->ni->lacking |= vif->error[0] != '\0';
}

static void give_lacking(struct zr_model *m, struct zr_ni *ni)
{
	struct zr_vif *vif;

	ni->lacking = false;
	list_for_each (vif, &ni->vifs, of_ni) {
		if (!vif->error[0])
			continue;
		give_all(m, vif);
		if (vif->error[0])
			continue;
		vif->app->dirty = ni->dirty = true;
		tell_eid_users(ni);
	}
}

/* What somebody had who left may be what another one waits for. */
static void share_out(struct zr_model *m)
{
	struct hmap_node *node;

	hmap_for_each (node, &m->instances) {
		struct zr_ni *ni = container_of(node, struct zr_ni, node);

		if (ni->left && ni->lacking)
			give_lacking(m, ni);
		ni->left = false;
	}
}

static void vif_leave(struct zr_vif *vif)
{
	list_remove(&vif->of_ni);
	if (!vif->ni)
		return;
	vif->ni->left = true;
	tell_eid_users(vif->ni);
}

void zr_vif_join(struct zr_model *m, struct zr_vif *vif, struct zr_ni *ni)
{
	vif_leave(vif);
	vif->ni = ni;
	vif->addr = (struct ipaddr){ 0 };
	vif->error[0] = '\0';
	vif->app->dirty = true;
	if (!ni) {
		list_append(&m->orphans, &vif->of_ni);
		snprintf(vif->error, sizeof(vif->error), "network instance not found");
		return;
	}
	ni->dirty = true;
	list_append(&ni->vifs, &vif->of_ni);
	give_all(m, vif);
	tell_eid_users(ni);
}

static void vif_free(struct zr_vif *vif)
{
	vif_leave(vif);
	list_remove(&vif->of_app);
	if (vif->ni)
		vif->ni->dirty = true;
	free(vif);
}

/* 02:16:3e:APP:APP:VIF: ours to choose (locally administered), the same after a restart. */
static struct mac generated_mac(const struct zr_app *app, unsigned int index)
{
	return (struct mac){ { 0x02, 0x16, 0x3e, (uint8_t)(app->number >> 8), (uint8_t)app->number,
			       (uint8_t)(index + 1) } };
}

static void vif_new(struct zr_model *m, struct zr_app *app, const Ew__AppAdapter *msg,
		    unsigned int index)
{
	struct zr_vif *vif = xcalloc(1, sizeof(*vif));

	vif->app = app;
	vif->index = index;
	vif->config = msg;
	for (size_t i = 0; i < msg->n_acl; i++) {
		vif->uses_eids = vif->uses_eids || msg->acl[i]->eidset || msg->acl[i]->host[0];
		vif->uses_ports =
			vif->uses_ports || msg->acl[i]->action == EW__ACL_ACTION__ACL_PORTMAP;
	}
	snprintf(vif->adapter, sizeof(vif->adapter), "%s", msg->name);
	snprintf(vif->ni_uuid, sizeof(vif->ni_uuid), "%s", msg->network_instance);
	snprintf(vif->ifname.str, sizeof(vif->ifname.str), "nbu%ux%u", (index + 1) % 1000,
		 app->number);
	vif->mac = generated_mac(app, index);
	if (msg->mac[0])
		(void)mac_parse(msg->mac, &vif->mac); /* zedagent has checked both */
	if (msg->address[0])
		(void)ipaddr_parse(msg->address, &vif->wanted);
	list_init(&vif->of_ni);
	list_append(&app->vifs, &vif->of_app);
	zr_vif_join(m, vif, zr_model_ni(m, vif->ni_uuid));
}

/* What adapters that are gone had may be given to others. */
static void release_numbers(struct zr_model *m, const struct list *vifs,
			    const struct Ew__AppConfig *config)
{
	struct zr_vif *vif;

	list_for_each (vif, vifs, of_app) {
		char name[3 * ZR_UUID];

		if (config && vif->index < config->n_adapters &&
		    strcmp(config->adapters[vif->index]->network_instance, vif->ni_uuid) == 0)
			continue;
		vif_key(vif, name);
		numbers_release(m->addr_numbers, name);
		numbers_release(m->vif_numbers, name);
	}
}

static void app_drop_vifs(struct zr_app *app)
{
	struct zr_vif *vif, *tmp;

	list_for_each_safe (vif, tmp, &app->vifs, of_app)
		vif_free(vif);
}

static void app_free(struct zr_model *m, struct zr_app *app)
{
	release_numbers(m, &app->vifs, NULL);
	app_drop_vifs(app);
	hmap_remove(&m->apps, &app->node);
	numbers_release(m->app_numbers, app->uuid);
	free(app);
}

static struct zr_app *app_new(struct zr_model *m, const char *uuid)
{
	struct zr_app *app = xcalloc(1, sizeof(*app));
	uint32_t number = 0;

	snprintf(app->uuid, sizeof(app->uuid), "%s", uuid);
	list_init(&app->vifs);
	hmap_insert(&m->apps, &app->node, hash_string(app->uuid));
	if (numbers_get(m->app_numbers, app->uuid, &number) < 0)
		snprintf(app->error, sizeof(app->error), "all app numbers are taken");
	app->number = (uint16_t)number;
	return app;
}

void zr_model_set_app(struct zr_model *m, const char *uuid, const struct Ew__AppConfig *config)
{
	struct zr_app *app = zr_model_app(m, uuid);

	if (!config) {
		if (app)
			app_free(m, app);
		share_out(m);
		return;
	}
	if (!app)
		app = app_new(m, uuid);
	release_numbers(m, &app->vifs, config);
	app_drop_vifs(app);
	snprintf(app->displayname, sizeof(app->displayname), "%s", config->displayname);
	if (app->number)
		snprintf(app->error, sizeof(app->error), "%s", config->error);
	app->activate = config->activate;
	app->dirty = true;
	for (unsigned int i = 0; app->number && i < config->n_adapters; i++)
		vif_new(m, app, config->adapters[i], i);
	share_out(m);
}
