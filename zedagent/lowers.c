/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ports run on: physical adapters, VLANs, bonds. Nothing is refused here: what is wrong with
 * one of them is an error of the ports on it, as in EVE, and how layers may stand on each other
 * is nim's to judge, for other sources of ports too.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

static const char *physical_address(const EVE(PhysicalIO) * io, const char *kind)
{
	for (size_t i = 0; i < io->n_phyaddrs; i++) {
		if (strcasecmp(io->phyaddrs[i]->key, kind) == 0 && *io->phyaddrs[i]->value)
			return io->phyaddrs[i]->value;
	}
	return NULL;
}

static void fail(struct za_lower *lower, char *error) /* takes error; the first says most */
{
	if (lower->error)
		free(error);
	else
		lower->error = error;
}

/* Adds a layer; its label should be unique in the device. */
static void lower_add(struct za_map *m, const struct za_lower *lower, const char *where)
{
	struct za_lower *added;
	const char *other;
	size_t first = 0;

	m->lowers = xrealloc(m->lowers, m->n_lowers + 1, sizeof(*m->lowers));
	added = &m->lowers[m->n_lowers];
	*added = *lower;
	if (!za_is_name(lower->label))
		fail(added, xstrdup("expected a label of 1 to 128 bytes"));
	other = za_names_add(&m->labels, lower->label, where, m->n_lowers);
	if (other) {
		fail(added, xasprintf("label \"%.80s\" is taken by %s", lower->label, other));
		if (za_names_find(&m->labels, lower->label, &first))
			fail(&m->lowers[first],
			     xasprintf("label \"%.80s\" is taken by %s", lower->label, where));
	}
	m->n_lowers++;
}

static const char *unsupported(EVE_COMMON(PhyIoType) ptype)
{
	/* Not a switch without default: this is outside input, and binary enums are open. */
	if (ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEthVF))
		return "virtual functions as ports are not supported yet";
	if (ptype != EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEth) &&
	    ptype != EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetWLAN) &&
	    ptype != EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetWWAN) &&
	    ptype != EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEthPF))
		return "is not a network device";
	return NULL;
}

static void map_physical(struct za_map *m, size_t i)
{
	const EVE(PhysicalIO) *io = m->eve->deviceiolist[i];
	struct za_at at = za_at("/deviceIoList/%zu", i);
	const char *why = unsupported(io->ptype), *ifname = physical_address(io, "ifname");
	struct za_lower lower = {
		.kind = ZA_PHYSICAL,
		.index = i,
		.label = *io->logicallabel ? io->logicallabel : io->phylabel,
		.phylabel = io->phylabel,
		.pci = physical_address(io, "pcilong"),
		.usb = physical_address(io, "usbaddr"),
		.adapter = ZA_NONE,
	};
	bool addressed;

	if (io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetWLAN))
		lower.wireless = EW__WIRELESS_TYPE__WIRELESS_WIFI;
	if (io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetWWAN))
		lower.wireless = EW__WIRELESS_TYPE__WIRELESS_CELLULAR;
	/* One that is named by its address has no name but what it is found under, a modem the one
	 * that its daemon tells of. */
	addressed =
		lower.pci || lower.usb || lower.wireless == EW__WIRELESS_TYPE__WIRELESS_CELLULAR;
	lower.ifname = ifname ? ifname : addressed ? "" : lower.label;
	if (why)
		fail(&lower, xstrdup(why));
	lower_add(m, &lower, at.path);
}

static void map_bond(struct za_map *m, size_t i)
{
	const EVE(BondAdapter) *b = m->eve->bonds[i];
	struct za_at at = za_at("/bonds/%zu", i);
	const struct za_lower lower = {
		.kind = ZA_BOND,
		.index = i,
		.label = b->logicallabel,
		.phylabel = "",
		.ifname = *b->interface_name ? b->interface_name : b->logicallabel,
		.adapter = ZA_NONE,
	};

	lower_add(m, &lower, at.path);
}

static void map_vlan(struct za_map *m, size_t i)
{
	const EVE(VlanAdapter) *v = m->eve->vlans[i];
	struct za_at at = za_at("/vlans/%zu", i);
	const struct za_lower lower = {
		.kind = ZA_VLAN,
		.index = i,
		.label = v->logicallabel,
		.phylabel = "",
		.ifname = *v->interface_name ? v->interface_name : v->logicallabel,
		.adapter = ZA_NONE,
	};

	lower_add(m, &lower, at.path);
}

int za_map_lowers(struct za_map *m)
{
	for (size_t i = 0; i < m->eve->n_deviceiolist; i++)
		map_physical(m, i);
	for (size_t i = 0; i < m->eve->n_bonds; i++)
		map_bond(m, i);
	for (size_t i = 0; i < m->eve->n_vlans; i++)
		map_vlan(m, i);
	return 0;
}

void za_lowers_free(struct za_map *m)
{
	for (size_t i = 0; i < m->n_lowers; i++)
		free(m->lowers[i].error);
	free(m->lowers);
}
