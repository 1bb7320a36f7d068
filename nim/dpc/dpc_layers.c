/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_layers.h"

#include <string.h>

#include "base/cleanup.h"
#include "nim/conn/conn_result.h"

#define DEPTH_MAX 3 /* VLAN on bond on card */

static const Ew__PortConfig *find_label(const Ew__DevicePortConfig *config, const char *label)
{
	for (size_t i = 0; i < config->n_ports; i++)
		if (strcmp(config->ports[i]->logicallabel, label) == 0)
			return config->ports[i];
	return NULL;
}

static bool same_interface(const Ew__PortConfig *a, const Ew__PortConfig *b)
{
	return strcmp(a->ifname, b->ifname) == 0 && strcmp(a->pci_address, b->pci_address) == 0 &&
	       strcmp(a->usb_address, b->usb_address) == 0;
}

static const Ew__PortConfig *find_mgmt(const Ew__DevicePortConfig *config,
				       const Ew__PortConfig *port)
{
	for (size_t i = 0; i < config->n_ports; i++)
		if (config->ports[i]->is_mgmt && same_interface(config->ports[i], port))
			return config->ports[i];
	return NULL;
}

/* What a test up to this stage depends on. A field that is not named here counts at every stage. */
static Ew__PortConfig up_to(const Ew__PortConfig *port, enum conn_stage stage)
{
	Ew__PortConfig p = *port;

	p.logicallabel = p.phylabel = p.error = (char *)protobuf_c_empty_string;
	p.n_shared_labels = p.n_ntp_servers = 0;
	p.cost = 0;
	p.is_mgmt = p.is_l3 = p.local_changes = false;
	p.lower_case = EW__PORT_CONFIG__LOWER__NOT_SET; /* by what it stands on: lowers_differ() */
	if (stage < CONN_STAGE_TCP)
		p.mtu = 0;
	if (stage < CONN_STAGE_DNS) {
		p.proxy = NULL;
		p.n_dns_servers = 0;
		p.domain = (char *)protobuf_c_empty_string;
	}
	if (stage < CONN_STAGE_GATEWAY) {
		p.n_gateways = 0;
		p.no_default_route = false;
	}
	if (stage < CONN_STAGE_ADDRESS) {
		p.n_addresses = 0;
		p.dhcp = EW__DHCP_MODE__DHCP_NONE;
		p.ip_versions = EW__IP_VERSIONS__IP_DUAL;
	}
	return p;
}

static bool messages_differ(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t a_len = protobuf_c_message_get_packed_size(a);
	size_t b_len = protobuf_c_message_get_packed_size(b);
	_cleanup_(freep) uint8_t *a_bytes = xcalloc(1, a_len + 1);
	_cleanup_(freep) uint8_t *b_bytes = xcalloc(1, b_len + 1);

	protobuf_c_message_pack(a, a_bytes);
	protobuf_c_message_pack(b, b_bytes);
	return a_len != b_len || memcmp(a_bytes, b_bytes, a_len) != 0;
}

struct side { /* a port and the configuration it is of */
	const Ew__DevicePortConfig *config;
	const Ew__PortConfig *port;
};

static bool differ(struct side a, struct side b, enum conn_stage stage, int depth);

static bool layers_differ(struct side a, const char *a_label, struct side b, const char *b_label,
			  int depth)
{
	a.port = find_label(a.config, a_label);
	b.port = find_label(b.config, b_label);
	if (!a.port || !b.port)
		return a.port != b.port;
	return differ(a, b, CONN_STAGE_LINK, depth + 1);
}

static bool bonds_differ(struct side a, struct side b, int depth)
{
	Ew__BondConfig one = *a.port->bond, other = *b.port->bond;

	if (one.n_members != other.n_members)
		return true;
	for (size_t i = 0; i < one.n_members; i++)
		if (layers_differ(a, one.members[i], b, other.members[i], depth))
			return true;
	one.n_members = other.n_members = 0;
	return messages_differ(&one.base, &other.base);
}

static bool lowers_differ(struct side a, struct side b, int depth)
{
	if (a.port->lower_case != b.port->lower_case || depth == DEPTH_MAX)
		return true;
	switch (a.port->lower_case) {
	case EW__PORT_CONFIG__LOWER_VLAN:
		return a.port->vlan->vid != b.port->vlan->vid ||
		       layers_differ(a, a.port->vlan->parent, b, b.port->vlan->parent, depth);
	case EW__PORT_CONFIG__LOWER_BOND:
		return bonds_differ(a, b, depth);
	case EW__PORT_CONFIG__LOWER__NOT_SET:
	case _EW__PORT_CONFIG__LOWER__CASE_IS_INT_SIZE:
		break;
	}
	return false;
}

static bool differ(struct side a, struct side b, enum conn_stage stage, int depth)
{
	Ew__PortConfig one = up_to(a.port, stage), other = up_to(b.port, stage);

	return messages_differ(&one.base, &other.base) || lowers_differ(a, b, depth);
}

static const Ew__DpcPortResult *find_result(const Ew__DpcEntry *entry, const char *label)
{
	for (size_t i = 0; i < entry->n_results; i++)
		if (strcmp(entry->results[i]->logicallabel, label) == 0)
			return entry->results[i];
	return NULL;
}

bool dpc_changes_failure(const Ew__DpcEntry *failed, const Ew__DevicePortConfig *other)
{
	struct side was = { failed->config, NULL }, now = { other, NULL };

	for (size_t i = 0; i < other->n_ports; i++) {
		const Ew__DpcPortResult *result;

		now.port = other->ports[i];
		if (!now.port->is_mgmt || now.port->error[0])
			continue;
		was.port = find_mgmt(failed->config, now.port);
		result = was.port ? find_result(failed, was.port->logicallabel) : NULL;
		if (!result || differ(was, now, (enum conn_stage)result->stage, 0))
			return true;
	}
	return false;
}

bool dpc_same_connectivity(const Ew__DevicePortConfig *a, const Ew__DevicePortConfig *b)
{
	struct side one = { a, NULL }, other = { b, NULL };
	size_t balance = 0;

	for (size_t i = 0; i < b->n_ports; i++)
		balance += b->ports[i]->is_mgmt;
	for (size_t i = 0; i < a->n_ports; i++) {
		one.port = a->ports[i];
		if (!one.port->is_mgmt)
			continue;
		other.port = find_mgmt(b, one.port);
		if (!other.port || differ(one, other, CONN_STAGE_DONE, 0))
			return false;
		balance--;
	}
	return balance == 0;
}
