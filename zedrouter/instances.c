/* SPDX-License-Identifier: Apache-2.0 */
/* Network instances of the model: from the bus message, with number, bridge name and errors. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/numbers.h"
#include "config.pb-c.h"
#include "zedrouter/uplinks.h"

static void ni_fail(struct zr_ni *ni, const char *what, const char *value)
{
	if (!ni->error[0])
		snprintf(ni->error, sizeof(ni->error), "%s%s%s", what, value[0] ? ": " : "", value);
}

struct zr_ni *zr_model_ni(const struct zr_model *m, const char *uuid)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &m->instances, hash_string(uuid))
	{
		struct zr_ni *ni = container_of(node, struct zr_ni, node);

		if (strcmp(ni->uuid, uuid) == 0)
			return ni;
	}
	return NULL;
}

static void load_subnet(struct zr_ni *ni, const struct Ew__NetworkInstanceConfig *msg)
{
	if (prefix_parse(msg->subnet, &ni->subnet) < 0)
		ni_fail(ni, "bad subnet", msg->subnet);
	ni->subnet = prefix_network(&ni->subnet);
	if (ipaddr_parse(msg->gateway, &ni->gateway) < 0 ||
	    !prefix_contains(&ni->subnet, &ni->gateway))
		ni_fail(ni, "gateway is not in the subnet", msg->gateway);
	if (ipaddr_parse(msg->dhcp_start, &ni->range_first) < 0 ||
	    ipaddr_parse(msg->dhcp_end, &ni->range_last) < 0 ||
	    !prefix_contains(&ni->subnet, &ni->range_first) ||
	    !prefix_contains(&ni->subnet, &ni->range_last))
		ni_fail(ni, "DHCP range is not in the subnet", msg->dhcp_start);
}

static void load_servers(struct zr_ni *ni, const struct Ew__NetworkInstanceConfig *msg)
{
	for (size_t i = 0; i < msg->n_dns_servers && ni->ndns < ZR_SERVERS; i++) {
		if (ipaddr_parse(msg->dns_servers[i], &ni->dns[ni->ndns]) < 0)
			ni_fail(ni, "bad DNS server", msg->dns_servers[i]);
		else
			ni->ndns++;
	}
	for (size_t i = 0; i < msg->n_ntp_servers && ni->nntp < ZR_SERVERS; i++)
		snprintf(ni->ntp[ni->nntp++], ZR_NAME, "%s", msg->ntp_servers[i]);
}

static void load_names(struct zr_ni *ni, const struct Ew__NetworkInstanceConfig *msg)
{
	size_t n = 0;

	for (size_t i = 0; i < msg->n_static_dns; i++)
		n += msg->static_dns[i]->n_addresses;
	ni->names = n ? xcalloc(n, sizeof(*ni->names)) : NULL;
	for (size_t i = 0; i < msg->n_static_dns; i++) {
		const Ew__StaticDns *dns = msg->static_dns[i];

		for (size_t j = 0; j < dns->n_addresses; j++) {
			struct zr_name *name = &ni->names[ni->nnames];

			if (ipaddr_parse(dns->addresses[j], &name->addr) < 0) {
				ni_fail(ni, "bad address of a DNS name", dns->addresses[j]);
				continue;
			}
			snprintf(name->name, sizeof(name->name), "%s", dns->name);
			ni->nnames++;
		}
	}
}

/* A route leads to an app of the instance (gateway in the subnet) or out by a port. */
static void load_uplink(struct zr_model *m, const struct zr_ni *ni, const char *label,
			struct zr_static_route *route)
{
	bool own = !label[0] || strcmp(label, ni->port_label) == 0;

	if (own)
		label = ni->port_label;
	if (label[0] &&
	    !(ipaddr_is_set(&route->gateway) && prefix_contains(&ni->subnet, &route->gateway)))
		route->uplink = zr_uplink_use(m, label, route->dst.addr.family, own && ni->sharing);
}

/* Two to one place would be one item wanted in two ways, and nothing of the instance would be made. */
static bool route_fits(struct zr_ni *ni, const struct prefix *dst, const char *text)
{
	bool twice = false;

	for (unsigned int i = 0; i < ni->nroutes; i++)
		twice |= prefix_equal(&ni->routes[i].dst, dst);
	if (twice)
		ni_fail(ni, "two static routes to one network", text);
	else if (prefix_equal(&ni->subnet, dst))
		ni_fail(ni, "static route to the own subnet", text);
	else
		return true;
	return false;
}

static void load_routes(struct zr_model *m, struct zr_ni *ni,
			const struct Ew__NetworkInstanceConfig *msg)
{
	size_t n = msg->n_static_routes;

	ni->routes = n ? xcalloc(n, sizeof(*ni->routes)) : NULL;
	for (size_t i = 0; i < n; i++) {
		const Ew__StaticRoute *r = msg->static_routes[i];
		struct zr_static_route *route = &ni->routes[ni->nroutes];

		if (prefix_parse(r->destination, &route->dst) < 0 ||
		    route->dst.addr.family != ni->subnet.addr.family) {
			ni_fail(ni, "bad destination of a static route", r->destination);
			continue;
		}
		if (r->gateway[0] && ipaddr_parse(r->gateway, &route->gateway) < 0) {
			ni_fail(ni, "bad gateway of a static route", r->gateway);
			continue;
		}
		route->dst = prefix_network(&route->dst);
		if (!route_fits(ni, &route->dst, r->destination))
			continue;
		load_uplink(m, ni, r->port_label, route);
		ni->nroutes++;
	}
}

static void load_number(struct zr_model *m, struct zr_ni *ni)
{
	uint32_t number = 0;

	if (numbers_get(m->ni_numbers, ni->uuid, &number) < 0) {
		ni_fail(ni, "all bridge numbers are taken", "");
		return;
	}
	ni->number = (uint16_t)number;
	snprintf(ni->bridge.str, sizeof(ni->bridge.str), "bn%u", number);
}

/* All but identity and links, which outlive a change of config. */
static void ni_load(struct zr_model *m, struct zr_ni *ni,
		    const struct Ew__NetworkInstanceConfig *msg)
{
	snprintf(ni->displayname, sizeof(ni->displayname), "%s", msg->displayname);
	snprintf(ni->port_label, sizeof(ni->port_label), "%s", msg->port_label);
	ni->sharing = msg->share_equal_cost;
	ni->drain_s = msg->drain_s;
	snprintf(ni->domain, sizeof(ni->domain), "%s", msg->domain);
	ni->local = msg->type == EW__NETWORK_INSTANCE_TYPE__NI_LOCAL;
	ni->activate = msg->activate;
	ni->dnsmasq_off = msg->dnsmasq_off;
	ni->propagate_connected = msg->propagate_connected_routes;
	ni->mtu_bytes = msg->mtu;
	if (msg->error[0])
		ni_fail(ni, msg->error, "");
	if (!ni->local)
		ni_fail(ni, "only local network instances are supported", "");
	else
		load_subnet(ni, msg);
	load_servers(ni, msg);
	load_names(ni, msg);
	load_routes(m, ni, msg);
	load_number(m, ni);
	if (ni->port_label[0])
		ni->uplink = zr_uplink_use(m, ni->port_label, ni->subnet.addr.family, ni->sharing);
	ni->selected = zr_uplink_first(ni->uplink);
	ni->dirty = ni->reroutes = true;
}

static void ni_fini(struct zr_ni *ni)
{
	zr_uplink_leave(ni->uplink);
	for (unsigned int i = 0; i < ni->nroutes; i++)
		zr_uplink_leave(ni->routes[i].uplink);
	free(ni->names);
	free(ni->routes);
}

static void ni_unload(struct zr_ni *ni)
{
	struct zr_ni keep = *ni;

	ni_fini(ni);
	memset((char *)ni + offsetof(struct zr_ni, displayname), 0,
	       sizeof(*ni) - offsetof(struct zr_ni, displayname));
	ni->flows = keep.flows;
	ni->begun = keep.begun;
	ni->drains = keep.drains;
	ni->cheaper_at = keep.cheaper_at;
	ni->bridge = keep.bridge;
	ni->conflict_told = keep.conflict_told;
}

static struct zr_ni *ni_new(struct zr_model *m, const char *uuid)
{
	struct zr_ni *ni = xcalloc(1, sizeof(*ni));

	snprintf(ni->uuid, sizeof(ni->uuid), "%s", uuid);
	list_init(&ni->vifs);
	ni->selected = -1;
	hmap_insert(&m->instances, &ni->node, hash_string(ni->uuid));
	return ni;
}

/* Its VIFs become VIFs of an unknown instance; their apps have to be told. */
static void ni_free(struct zr_model *m, struct zr_ni *ni)
{
	struct zr_vif *vif, *tmp;

	list_for_each_safe (vif, tmp, &ni->vifs, of_ni)
		zr_vif_join(m, vif, NULL);
	hmap_remove(&m->instances, &ni->node);
	numbers_release(m->ni_numbers, ni->uuid);
	ni_fini(ni);
	free(ni);
}

/* VIFs that wait for this instance find it now; those it had may fit another way. */
static void ni_claim_vifs(struct zr_model *m, struct zr_ni *ni)
{
	struct zr_vif *vif, *tmp;

	list_for_each_safe (vif, tmp, &ni->vifs, of_ni)
		zr_vif_join(m, vif, NULL);
	list_for_each_safe (vif, tmp, &m->orphans, of_ni)
		if (strcmp(vif->ni_uuid, ni->uuid) == 0)
			zr_vif_join(m, vif, ni);
}

void zr_model_set_ni(struct zr_model *m, const char *uuid,
		     const struct Ew__NetworkInstanceConfig *config)
{
	struct zr_ni *ni = zr_model_ni(m, uuid);

	if (!config) {
		if (ni)
			ni_free(m, ni);
		return;
	}
	if (ni)
		ni_unload(ni);
	else
		ni = ni_new(m, uuid);
	ni_load(m, ni, config);
	ni_claim_vifs(m, ni);
	zr_ni_check_ports(m, ni);
}

static void app_forget(struct zr_model *m)
{
	struct hmap_node *node, *tmp;

	hmap_for_each_safe (node, tmp, &m->apps)
		zr_model_set_app(m, container_of(node, struct zr_app, node)->uuid, NULL);
}

void zr_model_init(struct zr_model *m)
{
	memset(m, 0, sizeof(*m));
	hmap_init(&m->instances);
	hmap_init(&m->apps);
	hmap_init(&m->uplinks);
	list_init(&m->orphans);
}

void zr_model_fini(struct zr_model *m)
{
	struct hmap_node *node, *tmp;

	app_forget(m);
	hmap_for_each_safe (node, tmp, &m->instances)
		ni_free(m, container_of(node, struct zr_ni, node));
	zr_uplinks_purge(m);
	hmap_fini(&m->uplinks);
	hmap_fini(&m->instances);
	hmap_fini(&m->apps);
}
