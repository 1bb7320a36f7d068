/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/layers.h"

#include <stdio.h>
#include <string.h>

#include "config.pb-c.h"
#include "nim/bond/bond.h"

#define NONE UINT8_MAX

static uint8_t find(const struct nim_config *config, const char *label)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (strcmp(config->ports[i].label, label) == 0)
			return (uint8_t)i;
	return NONE;
}

static void add_lower(struct nim_config *config, struct nim_port *port, const char *label)
{
	uint8_t lower = find(config, label);

	if (lower == NONE || &config->ports[lower] == port) {
		nim_port_fail(port, "lower layer not found", label);
		return;
	}
	for (unsigned int i = 0; i < port->nlowers; i++) {
		if (port->lowers[i] == lower) {
			nim_port_fail(port, "member named twice", label);
			return;
		}
	}
	port->lowers[port->nlowers++] = lower;
}

static void load_vlan(struct nim_config *config, struct nim_port *port, const Ew__VlanConfig *vlan)
{
	char number[16];

	port->lower = NIM_LOWER_VLAN;
	port->vlan.ifname = port->ifname;
	port->vlan.vid = (uint16_t)vlan->vid;
	snprintf(number, sizeof(number), "%u", vlan->vid);
	if (vlan->vid < 1 || vlan->vid > 4094)
		nim_port_fail(port, "VLAN id is not in 1..4094", number);
	add_lower(config, port, vlan->parent);
	if (port->nlowers)
		port->vlan.parent = config->ports[port->lowers[0]].ifname;
}

static void load_bond(struct nim_config *config, struct nim_port *port, const Ew__BondConfig *bond)
{
	port->lower = NIM_LOWER_BOND;
	nim_bond_load(port, bond);
	if (!bond->n_members)
		nim_port_fail(port, "a bond without members", port->label);
	if (bond->n_members > NIM_MEMBERS)
		nim_port_fail(port, "too many bond members", port->label);
	for (size_t i = 0; i < bond->n_members && i < NIM_MEMBERS; i++)
		add_lower(config, port, bond->members[i]);
}

/* ---- Rules ---- */

static void judge_vlan(struct nim_config *config, unsigned int vlan)
{
	struct nim_port *port = &config->ports[vlan], *parent = &config->ports[port->lowers[0]];
	char number[16];

	if (parent->lower == NIM_LOWER_VLAN)
		nim_port_fail(port, "the parent is a VLAN itself", parent->label);
	if (parent->wireless != NIM_WIRELESS_NONE)
		nim_port_fail(port, "the parent is wireless", parent->label);
	snprintf(number, sizeof(number), "%u", port->vlan.vid);
	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port *other = &config->ports[i];

		if (i != vlan && other->lower == NIM_LOWER_VLAN && other->nlowers &&
		    other->lowers[0] == port->lowers[0] && other->vlan.vid == port->vlan.vid)
			nim_port_fail(port, "VLAN id used twice on its parent", number);
	}
}

/* Who else stands on this member? The first that is found is in the error. */
static void judge_member(struct nim_config *config, struct nim_port *bond, uint8_t index)
{
	struct nim_port *member = &config->ports[index];

	if (member->lower != NIM_LOWER_NONE) {
		nim_port_fail(bond, "a member is no physical port", member->label);
		return;
	}
	if (member->wireless != NIM_WIRELESS_NONE)
		nim_port_fail(bond, "a member is wireless", member->label);
	if (member->is_l3)
		nim_port_fail(member, "has addresses and is a member of a bond", bond->label);
	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port *other = &config->ports[i];

		for (unsigned int k = 0; other != bond && k < other->nlowers; k++) {
			if (other->lowers[k] != index)
				continue;
			nim_port_fail(member,
				      other->lower == NIM_LOWER_BOND
					      ? "is a member of a second bond, too"
					      : "is a member of a bond and carries a VLAN",
				      other->label);
		}
	}
}

static void judge(struct nim_config *config, unsigned int index)
{
	struct nim_port *port = &config->ports[index];

	if (port->lower == NIM_LOWER_VLAN && port->nlowers)
		judge_vlan(config, index);
	for (unsigned int i = 0; port->lower == NIM_LOWER_BOND && i < port->nlowers; i++)
		judge_member(config, port, port->lowers[i]);
}

/* ---- Up and down the layers ---- */

static void inherit_error(struct nim_config *config, struct nim_port *port)
{
	for (unsigned int i = 0; i < port->nlowers; i++) {
		const struct nim_port *lower = &config->ports[port->lowers[i]];
		char what[NIM_LABEL + 32];

		if (!lower->error[0])
			continue;
		snprintf(what, sizeof(what), "lower layer %s", lower->label);
		nim_port_fail(port, what, lower->error);
	}
}

static void carry(struct nim_config *config, const struct nim_port *port)
{
	for (unsigned int i = 0; i < port->nlowers; i++) {
		struct nim_port *lower = &config->ports[port->lowers[i]];

		if (lower->mtu_bytes >= port->mtu_bytes)
			continue;
		lower->mtu_bytes = port->mtu_bytes;
		lower->mtu_given = true;
	}
}

static void each(struct nim_config *config, enum nim_lower kind,
		 void (*fn)(struct nim_config *config, struct nim_port *port))
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (config->ports[i].lower == kind)
			fn(config, &config->ports[i]);
}

static void carry_down(struct nim_config *config, struct nim_port *port)
{
	port->vlan.mtu_bytes = port->bond.mtu_bytes = port->mtu_bytes;
	if (!port->error[0])
		carry(config, port);
}

void nim_layers(struct nim_config *config, const struct Ew__DevicePortConfig *msg)
{
	for (unsigned int i = 0; i < config->nports; i++) {
		const Ew__PortConfig *from = msg->ports[i];

		if (from->lower_case == EW__PORT_CONFIG__LOWER_VLAN)
			load_vlan(config, &config->ports[i], from->vlan);
		else if (from->lower_case == EW__PORT_CONFIG__LOWER_BOND)
			load_bond(config, &config->ports[i], from->bond);
	}
	for (unsigned int i = 0; i < config->nports; i++)
		judge(config, i);
	/* There are no deeper stacks than VLAN, bond, port. */
	each(config, NIM_LOWER_BOND, inherit_error);
	each(config, NIM_LOWER_VLAN, inherit_error);
	each(config, NIM_LOWER_VLAN, carry_down);
	each(config, NIM_LOWER_BOND, carry_down);
}
