/* SPDX-License-Identifier: Apache-2.0 */
/* Network adapters that are given to apps as they are: ports keep their hands off. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

/* EVE names the group, and takes the labels of a single adapter as well. */
static bool is_meant(const EVE(PhysicalIO) * io, const char *name)
{
	return strcmp(io->assigngrp, name) == 0 || strcmp(io->logicallabel, name) == 0 ||
	       strcmp(io->phylabel, name) == 0;
}

static void assign(struct za_map *m, const struct za_lower *lower, const char *app)
{
	Ew__AssignedAdapter *adapter = xcalloc(1, sizeof(*adapter));

	ew__assigned_adapter__init(adapter);
	ZA_ADD(m->out->assigned, adapters, adapter);
	za_set(&adapter->logicallabel, lower->label);
	za_set(&adapter->ifname, lower->ifname);
	za_set(&adapter->pci_address, lower->pci);
	za_set(&adapter->usb_address, lower->usb);
	za_set(&adapter->app, app);
}

static bool is_network(const EVE(PhysicalIO) * io)
{
	return io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEth) ||
	       io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEthPF) ||
	       io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetWLAN) ||
	       io->ptype == EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetWWAN);
}

int za_map_assigned(struct za_map *m)
{
	for (size_t i = 0; i < m->eve->n_apps; i++) {
		const EVE(AppInstanceConfig) *app = m->eve->apps[i];

		for (size_t k = 0; app->activate && k < app->n_adapters; k++) {
			for (size_t j = 0; j < m->n_lowers; j++) {
				const struct za_lower *lower = &m->lowers[j];
				const EVE(PhysicalIO) * io;

				if (lower->kind != ZA_PHYSICAL || !*app->adapters[k]->name)
					continue;
				io = m->eve->deviceiolist[lower->index];
				if (is_network(io) && is_meant(io, app->adapters[k]->name))
					assign(m, lower, app->displayname);
			}
		}
	}
	return 0;
}
