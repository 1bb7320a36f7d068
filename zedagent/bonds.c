/* SPDX-License-Identifier: Apache-2.0 */
/* Bond settings: EVE's message to ours. nim judges them. */
#include "base/cleanup.h"
#include "zedagent/map.h"

Ew__BondConfig *za_map_bond(const EVE(BondAdapter) * b)
{
	Ew__BondConfig *bond = xcalloc(1, sizeof(*bond));

	ew__bond_config__init(bond);
	bond->mode = (Ew__BondMode)b->bond_mode; /* the same numbers */
	bond->lacp_fast = b->lacp_rate == EVE_VALUE(COMMON__LACP_RATE, LACP_RATE_FAST);
	if (b->monitoring_case == EVE_VALUE(CONFIG__BOND_ADAPTER, MONITORING_MII)) {
		bond->mii = true;
		bond->miimon_ms = b->mii->interval;
		bond->updelay_ms = b->mii->updelay;
		bond->downdelay_ms = b->mii->downdelay;
	} else if (b->monitoring_case == EVE_VALUE(CONFIG__BOND_ADAPTER, MONITORING_ARP)) {
		bond->arp = true;
		bond->arp_interval_ms = b->arp->interval;
		for (size_t i = 0; i < b->arp->n_ip_targets; i++)
			ZA_ADD(bond, arp_targets, xstrdup(b->arp->ip_targets[i]));
	}
	return bond;
}
