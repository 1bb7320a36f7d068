/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/ports_model.h"

#include <errno.h>
#include <jansson.h>

#include "api/topics.h"
#include "base/cleanup.h"

const char *const port_lease_parts[PORT_LEASES] = {
	[PORT_DHCP4] = "4",
	[PORT_DHCP6] = "6",
	[PORT_RA] = "ra",
};

static const void *row_of(const struct status *rows, const struct ps_topic *topic, const char *key)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->rows[i].topic == topic && strcmp(rows->rows[i].key, key) == 0)
			return rows->rows[i].msg;
	return NULL;
}

void ports_init(struct ports *ports, const struct status *rows)
{
	const Ew__DeviceNetworkStatus *d = row_of(rows, &ps_topic_device_network_status, "global");

	*ports = (struct ports){ .rows = rows, .device = d };
	if (!d)
		return;
	ports->n = d->n_ports;
	ports->list = xcalloc(ports->n + 1, sizeof(*ports->list));
	for (size_t i = 0; i < ports->n; i++) {
		struct port_facts *port = &ports->list[i];
		const char *label = d->ports[i]->logicallabel;

		port->p = d->ports[i];
		port->meter = row_of(rows, &ps_topic_port_meter_status, label);
		port->eapol = row_of(rows, &ps_topic_pnac_metrics, label);
		port->wwan = row_of(rows, &ps_topic_wwan_metrics, label);
		port->wlan = row_of(rows, &ps_topic_wlan_metrics, label);
		port->default4 = strcmp(label, d->default_port4) == 0;
		port->default6 = strcmp(label, d->default_port6) == 0;
	}
}

static void port_fini(struct port_facts *port)
{
	for (size_t i = 0; i < port->nfaults; i++) {
		free(port->faults[i].type);
		free(port->faults[i].key);
		free(port->faults[i].state);
		free(port->faults[i].why);
	}
	free(port->faults);
}

void ports_fini(struct ports *ports)
{
	for (size_t i = 0; i < ports->n; i++)
		port_fini(&ports->list[i]);
	free(ports->list);
}

struct port_facts *ports_find(const struct ports *ports, const char *name)
{
	for (size_t i = 0; i < ports->n; i++)
		if (strcmp(ports->list[i].p->logicallabel, name) == 0)
			return &ports->list[i];
	for (size_t i = 0; i < ports->n; i++)
		if (strcmp(ports->list[i].p->ifname, name) == 0)
			return &ports->list[i];
	return NULL;
}

/* ---- The graph ---- */

static const char *member(const json_t *item, const char *name)
{
	const char *text = json_string_value(json_object_get(item, name));

	return text ? text : "";
}

static void add_fault(struct port_facts *port, const json_t *item)
{
	port->faults = xrealloc(port->faults, port->nfaults + 1, sizeof(*port->faults));
	port->faults[port->nfaults++] = (struct port_fault){
		.type = xstrdup(member(item, "type")),
		.key = xstrdup(member(item, "key")),
		.state = xstrdup(member(item, "state")),
		.why = xstrdup(member(item, "why")),
	};
}

static void look_at_scopes(struct ports *ports, const json_t *item)
{
	const json_t *scopes = json_object_get(item, "scopes"), *scope;
	size_t i;

	if (strcmp(member(item, "state"), "created") == 0)
		return;
	json_array_foreach(scopes, i, scope)
	{
		const char *name = json_string_value(scope);

		/* Of an item that is only looked at, being foreign is as wanted. */
		if (!name || strncmp(name, "port/", 5) != 0 ||
		    (strcmp(member(item, "state"), "foreign") == 0 && !*member(item, "why")))
			continue;
		for (size_t j = 0; j < ports->n; j++)
			if (strcmp(ports->list[j].p->logicallabel, name + 5) == 0)
				add_fault(&ports->list[j], item);
	}
}

int ports_add_graph(struct ports *ports, const char *json, size_t len)
{
	json_t *root = json_loadb(json, len, 0, NULL);
	const json_t *items = json_object_get(root, "items");

	if (!json_is_array(items)) {
		json_decref(root);
		return -EINVAL;
	}
	for (size_t i = 0; i < json_array_size(items); i++)
		look_at_scopes(ports, json_array_get(items, i));
	json_decref(root);
	return 0;
}

/* ---- What follows ---- */

static bool lease_holds(const struct dp_lease *lease, const struct ipaddr *addr)
{
	for (unsigned int i = 0; i < lease->addrs; i++)
		if (ipaddr_equal(&lease->addr[i].addr, addr))
			return true;
	return false;
}

const char *port_address_source(const struct port_facts *port, const char *address,
				const struct dp_lease **ret_lease)
{
	static const char *const names[PORT_LEASES] = {
		[PORT_DHCP4] = "DHCP",
		[PORT_DHCP6] = "DHCPv6",
		[PORT_RA] = "router advertisement",
	};
	struct prefix prefix;

	*ret_lease = NULL;
	if (strcmp(address, port->p->boot_address) == 0)
		return strstr(address, "/32") ? "the boot, kept for its connections" : "the boot";
	if (port->p->dhcp == EW__DHCP_MODE__DHCP_STATIC)
		return "static";
	if (port->p->wireless && port->p->wireless->cellular)
		return "the network";
	if (prefix_parse(address, &prefix) < 0)
		return "other means";
	for (unsigned int i = 0; i < PORT_LEASES; i++) {
		if (!lease_holds(&port->lease[i], &prefix.addr))
			continue;
		*ret_lease = &port->lease[i];
		return names[i];
	}
	return "other means";
}

int64_t ports_lease_end(const struct ports *ports, const struct dp_lease *lease)
{
	if (!lease->expires_s)
		return 0;
	return ports->unix_s + (int64_t)(lease->expires_s - ports->boot_s);
}

enum port_use port_used_by(const struct port_facts *port, const Ew__NetworkInstanceStatus *ni)
{
	if (strcmp(ni->selected_port, port->p->logicallabel) == 0)
		return PORT_USED;
	for (size_t i = 0; i < ni->n_uplinks; i++)
		if (strcmp(ni->uplinks[i], port->p->logicallabel) == 0)
			return PORT_USED;
	if (strcmp(ni->port_label, port->p->logicallabel) == 0)
		return PORT_MAY_BE_USED;
	for (size_t i = 0; i < port->p->n_labels; i++)
		if (strcmp(ni->port_label, port->p->labels[i]) == 0)
			return PORT_MAY_BE_USED;
	return PORT_NOT_USED;
}
