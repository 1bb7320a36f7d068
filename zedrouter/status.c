/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/status.h"

#include "base/arena.h"
#include "status.pb-c.h"
#include "zedrouter/uplinks.h"

static char **one_text(struct arena *a, char *text, size_t *ret_n)
{
	char **list = arena_alloc(a, sizeof(*list));

	list[0] = text;
	*ret_n = 1;
	return list;
}

static const char *ni_error(const struct zr_ni *ni, const char *problem)
{
	if (ni->error[0])
		return ni->error;
	if (!ni->activate)
		return "";
	if (ni->conflict[0])
		return ni->conflict;
	if (problem[0])
		return problem;
	return ni->port_label[0] && ni->selected < 0 ? "no usable port" : "";
}

static Ew__NetworkInstanceState ni_state(const struct zr_ni *ni, const char *error, bool pending)
{
	if (error[0])
		return EW__NETWORK_INSTANCE_STATE__NI_STATE_ERROR;
	if (pending || !ni->activate)
		return EW__NETWORK_INSTANCE_STATE__NI_STATE_INIT;
	return EW__NETWORK_INSTANCE_STATE__NI_STATE_ONLINE;
}

static void ni_uplinks(const struct zr_model *m, const struct zr_uplink *u,
		       Ew__NetworkInstanceStatus *s, struct arena *a)
{
	if (!u)
		return;
	s->uplinks = arena_alloc(a, (u->in_use + 1u) * sizeof(*s->uplinks));
	for (unsigned int i = 0; i < u->in_use; i++)
		s->uplinks[s->n_uplinks++] = arena_strdup(a, m->ports.port[u->port[i]].label);
	if (u->count > u->in_use)
		s->standby = arena_strdup(a, m->ports.port[u->port[u->in_use]].label);
}

static void ni_draining(const struct zr_model *m, const struct zr_ni *ni,
			Ew__NetworkInstanceStatus *s, struct arena *a)
{
	s->draining = arena_alloc(a, (m->ports.count + 1u) * sizeof(*s->draining));
	for (unsigned int i = 0; i < m->ports.count; i++)
		if (zr_portset_has(&ni->draining, zr_port_number(&m->ports.port[i])))
			s->draining[s->n_draining++] = arena_strdup(a, m->ports.port[i].label);
}

struct Ew__NetworkInstanceStatus *zr_ni_status(const struct zr_model *m, const struct zr_ni *ni,
					       const char *problem, bool pending, struct arena *a)
{
	Ew__NetworkInstanceStatus *s = arena_alloc(a, sizeof(*s));
	const char *error = ni_error(ni, problem);
	struct prefix addr = { .addr = ni->gateway, .len = ni->subnet.len };
	const struct zr_vif *vif;
	size_t n = 0;

	ew__network_instance_status__init(s);
	s->uuid = arena_strdup(a, ni->uuid);
	s->displayname = arena_strdup(a, ni->displayname);
	s->type = ni->local ? EW__NETWORK_INSTANCE_TYPE__NI_LOCAL
			    : EW__NETWORK_INSTANCE_TYPE__NI_UNKNOWN;
	s->state = ni_state(ni, error, pending);
	s->bridge = arena_strdup(a, ni->bridge.str);
	s->bridge_address = arena_prefix(a, &addr);
	s->table = zr_ni_table(ni);
	s->port_label = arena_strdup(a, ni->port_label);
	if (ni->selected >= 0)
		s->selected_port = arena_strdup(a, m->ports.port[ni->selected].label);
	ni_uplinks(m, ni->uplink, s, a);
	ni_draining(m, ni, s, a);
	s->mtu = zr_ni_mtu(m, ni);
	list_for_each (vif, &ni->vifs, of_ni)
		n++;
	s->vifs = arena_alloc(a, (n + 1) * sizeof(*s->vifs));
	list_for_each (vif, &ni->vifs, of_ni)
		s->vifs[s->n_vifs++] = arena_strdup(a, vif->ifname.str);
	s->error = arena_strdup(a, error);
	return s;
}

static void vif_addressing(const struct zr_vif *vif, Ew__VifStatus *s, struct arena *a)
{
	const struct zr_ni *ni = vif->ni;
	struct prefix addr = { .addr = vif->addr, .len = ni->subnet.len };

	s->bridge = arena_strdup(a, ni->bridge.str);
	if (ipaddr_is_set(&vif->addr))
		s->addresses = one_text(a, arena_prefix(a, &addr), &s->n_addresses);
	if (ni->port_label[0])
		s->gateway = arena_ipaddr(a, &ni->gateway);
	if (!ni->ndns) {
		s->dns_servers = one_text(a, arena_ipaddr(a, &ni->gateway), &s->n_dns_servers);
		return;
	}
	s->dns_servers = arena_alloc(a, ni->ndns * sizeof(*s->dns_servers));
	for (unsigned int i = 0; i < ni->ndns; i++)
		s->dns_servers[s->n_dns_servers++] = arena_ipaddr(a, &ni->dns[i]);
}

static const char *vif_error(const struct zr_vif *vif, const struct zr_vif_state *state)
{
	if (vif->error[0])
		return vif->error;
	if (vif->ni && vif->ni->conflict[0])
		return "network instance has an error";
	return state->problem;
}

static Ew__VifStatus *vif_status(const struct zr_model *m, const struct zr_vif *vif,
				 const struct zr_vif_state *state, struct arena *a)
{
	Ew__VifStatus *s = arena_alloc(a, sizeof(*s));

	ew__vif_status__init(s);
	s->adapter = arena_strdup(a, vif->adapter);
	s->network_instance = arena_strdup(a, vif->ni_uuid);
	s->ifname = arena_strdup(a, vif->ifname.str);
	s->mac = arena_mac(a, &vif->mac);
	if (vif->ni) {
		vif_addressing(vif, s, a);
		s->mtu = zr_ni_mtu(m, vif->ni);
	}
	s->ready = zr_vif_works(vif) && state->ready;
	s->error = arena_strdup(a, vif_error(vif, state));
	return s;
}

struct Ew__AppNetworkStatus *zr_app_status(const struct zr_model *m, const struct zr_app *app,
					   const struct zr_vif_state *states, struct arena *a)
{
	Ew__AppNetworkStatus *s = arena_alloc(a, sizeof(*s));
	const struct zr_vif *vif;
	size_t n = 0;

	ew__app_network_status__init(s);
	s->uuid = arena_strdup(a, app->uuid);
	s->displayname = arena_strdup(a, app->displayname);
	s->error = arena_strdup(a, app->error);
	list_for_each (vif, &app->vifs, of_app)
		n++;
	s->vifs = arena_alloc(a, (n + 1) * sizeof(*s->vifs));
	list_for_each (vif, &app->vifs, of_app) {
		s->vifs[s->n_vifs] = vif_status(m, vif, &states[s->n_vifs], a);
		s->n_vifs++;
	}
	return s;
}
