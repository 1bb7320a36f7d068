/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: system adapters, and the layers below that only exist for them. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

#define MTU_DEFAULT 1500

/* The label a layer has among the ports: its adapter's name, or its own. */
static const char *port_label(const struct za_map *m, const struct za_lower *lower)
{
	return lower->adapter == ZA_NONE ? lower->label
					 : m->eve->systemadapterlist[lower->adapter]->name;
}

static int find_lower_of(struct za_map *m, size_t i, const struct za_at *at, size_t *ret)
{
	const EVE(SystemAdapter) *a = m->eve->systemadapterlist[i];
	const char *label = *a->lowerlayername ? a->lowerlayername : a->name;
	const char *member = *a->lowerlayername ? "/lowerLayerName" : "/name";
	const struct za_lower *lower;
	size_t found;

	if (!za_names_find(&m->labels, label, &found))
		return za_refuse(m->err, at, member, "nothing has the label \"%.80s\"", label);
	lower = &m->lowers[found];
	if (!lower->ifname.str[0])
		return za_refuse(m->err, at, member, "\"%.80s\" is not a network device", label);
	if (lower->adapter != ZA_NONE)
		return za_refuse(m->err, at, member, "\"%.80s\" is used by /systemAdapterList/%zu",
				 label, lower->adapter);
	if (lower->bond != ZA_NONE)
		return za_refuse(m->err, at, member, "\"%.80s\" is a member of /bonds/%zu", label,
				 lower->bond);
	*ret = found;
	return 0;
}

/* Ties each adapter to what it runs on; afterwards port_label() is final. */
static int bind_adapters(struct za_map *m, struct za_names *names)
{
	size_t lower = 0, other_lower;
	int r;

	for (size_t i = 0; i < m->eve->n_systemadapterlist; i++) {
		const EVE(SystemAdapter) *a = m->eve->systemadapterlist[i];
		struct za_at at = za_at("/systemAdapterList/%zu", i);
		const char *other;

		if (!za_is_name(a->name))
			return za_refuse(m->err, &at, "/name", "expected a name of 1 to 128 bytes");
		other = za_names_add(names, a->name, at.path, i);
		if (other)
			return za_refuse(m->err, &at, "/name", "\"%.80s\" is taken by %s", a->name,
					 other);
		r = find_lower_of(m, i, &at, &lower);
		if (r < 0)
			return r;
		if (za_names_find(&m->labels, a->name, &other_lower) && other_lower != lower)
			return za_refuse(m->err, &at, "/name",
					 "\"%.80s\" is the label of another adapter", a->name);
		m->lowers[lower].adapter = i;
	}
	return 0;
}

static int map_shared_labels(struct za_map *m, const EVE(SystemAdapter) * a, const struct za_at *at,
			     const struct za_names *names, Ew__PortConfig *port)
{
	static const char *const reserved[] = { "all", "uplink", "freeuplink" };
	size_t index;

	for (size_t k = 0; k < a->n_shared_labels; k++) {
		struct za_at place = za_at("%s/sharedLabels/%zu", at->path, k);
		const char *label = a->shared_labels[k];

		if (!za_is_name(label))
			return za_refuse(m->err, &place, "", "expected a label of 1 to 128 bytes");
		for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
			if (strcmp(label, reserved[i]) == 0)
				return za_refuse(m->err, &place, "", "\"%.80s\" is reserved",
						 label);
		}
		if (za_names_find(names, label, &index))
			return za_refuse(m->err, &place, "", "\"%.80s\" is the name of a port",
					 label);
		ZA_ADD(port, shared_labels, xstrdup(label));
	}
	return 0;
}

/* VLAN tag or bond settings, in the kernel's terms. */
static void map_layer(const struct za_map *m, const struct za_lower *lower, Ew__PortConfig *port)
{
	static const Ew__VlanConfig vlan_init = EW__VLAN_CONFIG__INIT;

	za_set(&port->ifname, lower->ifname.str);
	za_set(&port->phylabel, lower->phylabel);
	za_set(&port->error, lower->unsupported);
	if (lower->kind == ZA_VLAN) {
		const EVE(VlanAdapter) *v = m->eve->vlans[lower->index];

		port->vlan = xmemdup(&vlan_init, sizeof(vlan_init));
		za_set(&port->vlan->parent, port_label(m, &m->lowers[lower->parent]));
		port->vlan->vid = v->vlan_id;
		port->lower_case = EW__PORT_CONFIG__LOWER_VLAN;
	} else if (lower->kind == ZA_BOND) {
		port->bond = za_map_bond(m->eve->bonds[lower->index]);
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

static int map_adapter(struct za_map *m, const struct za_lower *lower, const struct za_names *names,
		       struct za_names *addresses, bool any_uplink)
{
	const EVE(SystemAdapter) *a = m->eve->systemadapterlist[lower->adapter];
	struct za_at at = za_at("/systemAdapterList/%zu", lower->adapter);
	Ew__PortConfig *port = port_new(m);
	int r;

	za_set(&port->logicallabel, a->name);
	map_layer(m, lower, port);
	r = map_shared_labels(m, a, &at, names, port);
	if (r == 0 && !is_l2_only(a))
		r = za_map_addressing(m, a, &at, port);
	if (r == 0)
		r = map_role(m, a, &at, any_uplink, port);
	if (r < 0)
		return r;
	for (size_t i = 0; i < port->n_addresses; i++) {
		const char *other = za_names_add(addresses, port->addresses[i], at.path, 0);

		if (other)
			return za_refuse(m->err, &at, "/addr", "%s is the address of %s", a->addr,
					 other);
	}
	return 0;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t effective_mtu(uint32_t mtu)
{
	return mtu ? mtu : MTU_DEFAULT;
}

/* A layer carries at least what those above send: VLANs first, then bonds to their members. */
static void spread_mtu(struct za_map *m, Ew__PortConfig *const *port_of)
{
	static const enum za_lower_kind order[] = { ZA_VLAN, ZA_BOND };

	for (size_t i = 0; i < m->n_lowers; i++) {
		if (port_of[i])
			m->lowers[i].mtu = effective_mtu(port_of[i]->mtu);
	}
	for (size_t k = 0; k < ARRAY_SIZE(order); k++) {
		for (size_t i = 0; i < m->n_lowers; i++) {
			struct za_lower *upper = &m->lowers[i];

			if (upper->kind != order[k] || !upper->mtu)
				continue;
			if (upper->kind == ZA_VLAN) {
				struct za_lower *parent = &m->lowers[upper->parent];

				parent->mtu = max_u32(parent->mtu, upper->mtu);
				continue;
			}
			for (size_t j = 0; j < m->n_lowers; j++) {
				if (m->lowers[j].bond == upper->index)
					m->lowers[j].mtu = max_u32(m->lowers[j].mtu, upper->mtu);
			}
		}
	}
}

/* Layers that carry others and have no adapter become ports without addresses. */
static void map_carriers(struct za_map *m, Ew__PortConfig **port_of)
{
	spread_mtu(m, port_of);
	for (size_t i = 0; i < m->n_lowers; i++) {
		const struct za_lower *lower = &m->lowers[i];

		if (!lower->mtu)
			continue;
		if (!port_of[i]) {
			port_of[i] = port_new(m);
			za_set(&port_of[i]->logicallabel, lower->label);
			map_layer(m, lower, port_of[i]);
		}
		if (port_of[i]->mtu || lower->mtu != MTU_DEFAULT)
			port_of[i]->mtu = lower->mtu;
	}
}

int za_map_ports(struct za_map *m)
{
	_cleanup_(za_names_fini) struct za_names names = { 0 }, addresses = { 0 };
	_cleanup_(freep) Ew__PortConfig **port_of = xcalloc(m->n_lowers + 1, sizeof(*port_of));
	_cleanup_(freep) size_t *lower_of = NULL;
	size_t n = m->eve->n_systemadapterlist;
	const struct za_at none = { "" };
	bool any_uplink = false;
	int r;

	r = bind_adapters(m, &names);
	if (r < 0)
		return r;
	lower_of = xcalloc(n + 1, sizeof(*lower_of));
	for (size_t i = 0; i < m->n_lowers; i++) {
		if (m->lowers[i].adapter != ZA_NONE)
			lower_of[m->lowers[i].adapter] = i;
	}
	for (size_t i = 0; i < n; i++)
		any_uplink = any_uplink || m->eve->systemadapterlist[i]->uplink;
	for (size_t i = 0; i < n; i++) {
		r = map_adapter(m, &m->lowers[lower_of[i]], &names, &addresses, any_uplink);
		if (r < 0)
			return r;
		port_of[lower_of[i]] = m->out->ports->ports[i];
	}
	map_carriers(m, port_of);
	if (m->out->ports->n_ports > ZA_PORTS_MAX)
		return za_refuse(m->err, &none, "/systemAdapterList",
				 "more than %d ports, with those that only carry others",
				 ZA_PORTS_MAX);
	return 0;
}
