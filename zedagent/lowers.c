/* SPDX-License-Identifier: Apache-2.0 */
/* What ports run on: physical adapters, VLANs, bonds. Bonds first, so that a VLAN may name one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

static const char *physical_ifname(const EVE(PhysicalIO) * io, const char *label)
{
	for (size_t i = 0; i < io->n_phyaddrs; i++) {
		if (strcasecmp(io->phyaddrs[i]->key, "ifname") == 0 && *io->phyaddrs[i]->value)
			return io->phyaddrs[i]->value;
	}
	return label;
}

/* Adds a layer with its label and interface name, both unique in the device. */
static int lower_add(struct za_map *m, const struct za_lower *lower, const char *ifname,
		     const struct za_at *at, const char *ifname_member)
{
	struct za_lower added = *lower;
	struct za_at place = za_at("%s%s", at->path, "/logicallabel");
	const char *other;

	if (!za_is_name(lower->label))
		return za_refuse(m->err, &place, "", "expected a label of 1 to 128 bytes");
	other = za_names_add(&m->labels, lower->label, at->path, m->n_lowers);
	if (other)
		return za_refuse(m->err, &place, "", "label \"%.80s\" is taken by %s", lower->label,
				 other);
	if (ifname) {
		place = za_at("%s%s", at->path, ifname_member);
		if (ifname_parse(ifname, &added.ifname) < 0)
			return za_refuse(m->err, &place, "",
					 "\"%.80s\" is no interface name (1 to 15 bytes)", ifname);
		other = za_names_add(&m->ifnames, ifname, at->path, m->n_lowers);
		if (other)
			return za_refuse(m->err, &place, "", "interface \"%.80s\" is taken by %s",
					 ifname, other);
	}
	m->lowers = xrealloc(m->lowers, m->n_lowers + 1, sizeof(*m->lowers));
	m->lowers[m->n_lowers++] = added;
	return 0;
}

static int map_physical(struct za_map *m, size_t i)
{
	const EVE(PhysicalIO) *io = m->eve->deviceiolist[i];
	struct za_at at = za_at("/deviceIoList/%zu", i);
	struct za_lower lower = {
		.kind = ZA_PHYSICAL,
		.index = i,
		.label = *io->logicallabel ? io->logicallabel : io->phylabel,
		.phylabel = io->phylabel,
		.adapter = ZA_NONE,
		.bond = ZA_NONE,
		.parent = ZA_NONE,
	};
	bool network = true;

	/* Not a switch without default: this is outside input, and binary enums are open. */
	if (io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetWLAN))
		lower.unsupported = "Wi-Fi ports are not supported yet";
	else if (io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetWWAN))
		lower.unsupported = "cellular ports are not supported yet";
	else if (io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEthVF))
		lower.unsupported = "virtual functions as ports are not supported yet";
	else
		network = io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEth) ||
			  io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEthPF);
	return lower_add(m, &lower, network ? physical_ifname(io, lower.label) : NULL, &at,
			 "/phyaddrs/ifname");
}

/* The layer below of the given label, in *ret. */
static int find_lower(struct za_map *m, const char *label, const struct za_at *at, size_t *ret)
{
	size_t found = 0;

	if (!za_names_find(&m->labels, label, &found))
		return za_refuse(m->err, at, "", "nothing has the label \"%.80s\"", label);
	if (!m->lowers[found].ifname.str[0])
		return za_refuse(m->err, at, "", "\"%.80s\" is not a network device", label);
	*ret = found;
	return 0;
}

static int map_bond_member(struct za_map *m, size_t bond, size_t k)
{
	const EVE(BondAdapter) *b = m->eve->bonds[bond];
	struct za_at at = za_at("/bonds/%zu/lowerLayerNames/%zu", bond, k);
	struct za_lower *member;
	size_t found = 0;
	int r;

	r = find_lower(m, b->lower_layer_names[k], &at, &found);
	if (r < 0)
		return r;
	member = &m->lowers[found];
	if (member->kind != ZA_PHYSICAL || member->unsupported)
		return za_refuse(m->err, &at, "", "\"%.80s\" is not a physical Ethernet adapter",
				 member->label);
	if (member->bond != ZA_NONE)
		return za_refuse(m->err, &at, "", "\"%.80s\" is a member of /bonds/%zu already",
				 member->label, member->bond);
	member->bond = bond;
	return 0;
}

static int map_bond(struct za_map *m, size_t i)
{
	const EVE(BondAdapter) *b = m->eve->bonds[i];
	struct za_at at = za_at("/bonds/%zu", i);
	struct za_lower lower = {
		.kind = ZA_BOND,
		.index = i,
		.label = b->logicallabel,
		.phylabel = "",
		.adapter = ZA_NONE,
		.bond = ZA_NONE,
		.parent = ZA_NONE,
	};
	int r;

	r = za_check_bond(m, b, &at);
	if (r < 0)
		return r;
	for (size_t k = 0; k < b->n_lower_layer_names; k++) {
		r = map_bond_member(m, i, k);
		if (r < 0)
			return r;
	}
	return lower_add(m, &lower, *b->interface_name ? b->interface_name : b->logicallabel, &at,
			 "/interfaceName");
}

static int map_vlan(struct za_map *m, size_t i, struct za_names *vids)
{
	const EVE(VlanAdapter) *v = m->eve->vlans[i];
	struct za_at at = za_at("/vlans/%zu", i), place = za_at("/vlans/%zu/lowerLayerName", i);
	struct za_lower lower = {
		.kind = ZA_VLAN,
		.index = i,
		.label = v->logicallabel,
		.phylabel = "",
		.adapter = ZA_NONE,
		.bond = ZA_NONE,
	};
	_cleanup_(freep) char *vid = NULL;
	const struct za_lower *parent;
	const char *other;
	int r;

	if (v->vlan_id < 1 || v->vlan_id > 4094)
		return za_refuse(m->err, &at, "/vlanId", "expected 1 to 4094");
	r = find_lower(m, v->lower_layer_name, &place, &lower.parent);
	if (r < 0)
		return r;
	parent = &m->lowers[lower.parent];
	if (parent->kind == ZA_VLAN)
		return za_refuse(m->err, &place, "", "\"%.80s\" is a VLAN itself", parent->label);
	if (parent->bond != ZA_NONE)
		return za_refuse(m->err, &place, "", "\"%.80s\" is a member of a bond",
				 parent->label);
	vid = xasprintf("%zu/%u", lower.parent, v->vlan_id);
	other = za_names_add(vids, vid, at.path, i);
	if (other)
		return za_refuse(m->err, &at, "/vlanId", "VLAN %u of \"%.80s\" is taken by %s",
				 v->vlan_id, parent->label, other);
	lower.unsupported = parent->unsupported;
	return lower_add(m, &lower, *v->interface_name ? v->interface_name : v->logicallabel, &at,
			 "/interfaceName");
}

int za_map_lowers(struct za_map *m)
{
	_cleanup_(za_names_fini) struct za_names vids = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->eve->n_deviceiolist; i++)
		r = map_physical(m, i);
	for (size_t i = 0; r == 0 && i < m->eve->n_bonds; i++)
		r = map_bond(m, i);
	for (size_t i = 0; r == 0 && i < m->eve->n_vlans; i++)
		r = map_vlan(m, i, &vids);
	return r;
}
