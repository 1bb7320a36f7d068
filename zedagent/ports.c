/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: system adapters, and the layers below that only exist for them. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

/* The label a layer has among the ports: its adapter's name, or its own. */
static const char *port_label(const struct za_map *m, const struct za_lower *lower)
{
	return lower->adapter == ZA_NONE ? lower->label
					 : m->eve->systemadapterlist[lower->adapter]->name;
}

/* How ports name a layer below them; one that nobody knows keeps the name it was asked for by. */
static const char *lower_label(const struct za_map *m, const char *label)
{
	size_t found = 0;

	return za_names_find(&m->labels, label, &found) ? port_label(m, &m->lowers[found]) : label;
}

/* Ties each adapter to what it runs on (ZA_NONE: nothing known); afterwards port_label() is
 * final. */
static int bind_adapters(struct za_map *m, size_t *lower_of)
{
	for (size_t i = 0; i < m->eve->n_systemadapterlist; i++) {
		const EVE(SystemAdapter) *a = m->eve->systemadapterlist[i];
		const char *label = *a->lowerlayername ? a->lowerlayername : a->name;
		struct za_at at = za_at("/systemAdapterList/%zu", i);
		struct za_lower *lower;

		if (!za_is_name(a->name))
			return za_refuse(m->err, &at, "/name", "expected a name of 1 to 128 bytes");
		lower_of[i] = ZA_NONE;
		if (!za_names_find(&m->labels, label, &lower_of[i]))
			continue;
		lower = &m->lowers[lower_of[i]];
		lower->needed = true;
		if (lower->adapter == ZA_NONE)
			lower->adapter = i;
	}
	return 0;
}

static void port_fail(Ew__PortConfig *port, const char *error) /* the first says most */
{
	if (error && !port->error[0])
		port->error = xstrdup(error);
}

/* VLAN tag or bond settings; what is wrong with the layer is an error of the port. */
static void map_layer(const struct za_map *m, const struct za_lower *lower, Ew__PortConfig *port)
{
	static const Ew__VlanConfig vlan_init = EW__VLAN_CONFIG__INIT;

	za_set(&port->ifname, lower->ifname);
	za_set(&port->phylabel, lower->phylabel);
	za_set(&port->pci_address, lower->pci);
	za_set(&port->usb_address, lower->usb);
	port_fail(port, lower->error);
	port->wireless = lower->wireless;
	port->pnac = za_map_pnac(m, lower->label);
	if (lower->kind == ZA_VLAN) {
		const EVE(VlanAdapter) *v = m->eve->vlans[lower->index];

		port->vlan = xmemdup(&vlan_init, sizeof(vlan_init));
		za_set(&port->vlan->parent, lower_label(m, v->lower_layer_name));
		port->vlan->vid = v->vlan_id;
		port->lower_case = EW__PORT_CONFIG__LOWER_VLAN;
	} else if (lower->kind == ZA_BOND) {
		const EVE(BondAdapter) *b = m->eve->bonds[lower->index];

		port->bond = za_map_bond(b);
		for (size_t i = 0; i < b->n_lower_layer_names; i++)
			ZA_ADD(port->bond, members,
			       xstrdup(lower_label(m, b->lower_layer_names[i])));
		port->lower_case = EW__PORT_CONFIG__LOWER_BOND;
	}
}

/* Cost and being management: EVE takes "uplink" for the latter; where no adapter says it, all
 * that get addresses are management ports. */
static int map_role(struct za_map *m, const EVE(SystemAdapter) * a, const struct za_at *at,
		    bool any_uplink, Ew__PortConfig *port)
{
	bool addressed = port->dhcp != EW__DHCP_MODE__DHCP_NONE;

	port->cost = a->cost > 255 ? 255 : a->cost;
	port->local_changes = a->allow_local_modifications;
	port->is_mgmt = any_uplink ? a->uplink : addressed;
	if (port->is_mgmt && !addressed)
		return za_refuse(m->err, at, "/networkUUID",
				 "a management port needs a network with DHCP or static addresses");
	return 0;
}

static bool is_l2_only(const EVE(SystemAdapter) * a)
{
	char uuid[ZA_UUID_SIZE];

	return !*a->networkuuid || (za_uuid_parse(a->networkuuid, uuid) && za_uuid_is_nil(uuid));
}

static Ew__PortConfig *port_new(struct za_map *m)
{
	Ew__PortConfig *port = xcalloc(1, sizeof(*port));

	ew__port_config__init(port);
	ZA_ADD(m->out->ports, ports, port); /* owned from the start: errors need no undoing */
	return port;
}

/* A name that is the label of another layer would make two ports of that name. */
static void judge_name(const struct za_map *m, const char *name, size_t lower, Ew__PortConfig *port)
{
	_cleanup_(freep) char *error = NULL;
	size_t other = 0;

	if (!za_names_find(&m->labels, name, &other) || other == lower)
		return;
	error = xasprintf("\"%.80s\" is the label of another adapter", name);
	port_fail(port, error);
}

static void map_unknown_lower(const EVE(SystemAdapter) * a, Ew__PortConfig *port)
{
	_cleanup_(freep) char *error = xasprintf("nothing has the label \"%.80s\"",
						 *a->lowerlayername ? a->lowerlayername : a->name);

	port_fail(port, error);
}

static int map_adapter(struct za_map *m, size_t i, size_t lower, bool any_uplink)
{
	const EVE(SystemAdapter) *a = m->eve->systemadapterlist[i];
	struct za_at at = za_at("/systemAdapterList/%zu", i);
	Ew__PortConfig *port = port_new(m);
	int r = 0;

	za_set(&port->logicallabel, a->name);
	judge_name(m, a->name, lower, port);
	if (lower == ZA_NONE)
		map_unknown_lower(a, port);
	else
		map_layer(m, &m->lowers[lower], port);
	for (size_t k = 0; k < a->n_shared_labels; k++)
		ZA_ADD(port, shared_labels, xstrdup(a->shared_labels[k]));
	if (!is_l2_only(a))
		r = za_map_addressing(m, a, &at, port);
	return r < 0 ? r : map_role(m, a, &at, any_uplink, port);
}

static void need(struct za_map *m, const char *label)
{
	size_t found = 0;

	if (za_names_find(&m->labels, label, &found))
		m->lowers[found].needed = true;
}

/* What is below of that is needed, too: VLANs first, as they may stand on bonds. */
static void need_lowers(struct za_map *m)
{
	for (size_t i = 0; i < m->n_lowers; i++)
		if (m->lowers[i].needed && m->lowers[i].kind == ZA_VLAN)
			need(m, m->eve->vlans[m->lowers[i].index]->lower_layer_name);
	for (size_t i = 0; i < m->n_lowers; i++) {
		const EVE(BondAdapter) * b;

		if (!m->lowers[i].needed || m->lowers[i].kind != ZA_BOND)
			continue;
		b = m->eve->bonds[m->lowers[i].index];
		for (size_t k = 0; k < b->n_lower_layer_names; k++)
			need(m, b->lower_layer_names[k]);
	}
}

/* Layers that carry others and have no adapter become ports without addresses. */
static void map_carriers(struct za_map *m)
{
	need_lowers(m);
	for (size_t i = 0; i < m->n_lowers; i++) {
		const struct za_lower *lower = &m->lowers[i];
		Ew__PortConfig *port;

		if (!lower->needed || lower->adapter != ZA_NONE)
			continue;
		port = port_new(m);
		za_set(&port->logicallabel, lower->label);
		map_layer(m, lower, port);
	}
}

int za_map_ports(struct za_map *m)
{
	size_t n = m->eve->n_systemadapterlist;
	_cleanup_(freep) size_t *lower_of = xcalloc(n + 1, sizeof(*lower_of));
	const struct za_at none = { "" };
	bool any_uplink = false;
	int r;

	r = bind_adapters(m, lower_of);
	for (size_t i = 0; i < n; i++)
		any_uplink = any_uplink || m->eve->systemadapterlist[i]->uplink;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = map_adapter(m, i, lower_of[i], any_uplink);
	if (r < 0)
		return r;
	map_carriers(m);
	if (m->out->ports->n_ports > ZA_PORTS_MAX)
		return za_refuse(m->err, &none, "/systemAdapterList",
				 "more than %d ports, with those that only carry others",
				 ZA_PORTS_MAX);
	return 0;
}
