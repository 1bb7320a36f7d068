/* SPDX-License-Identifier: Apache-2.0 */
/* Bond settings: EVE's into the kernel's (Documentation/networking/bonding.rst). */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

#define MIIMON_DEFAULT_MS 100

#define BOND_MS_MAX 600000

/* The kernel refuses ARP monitoring in these modes (bond_option_arp_interval_set()). */
static bool bond_mode_without_arp(EVE_COMMON(BondMode) mode)
{
	return mode == EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_802_3AD) ||
	       mode == EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_BALANCE_TLB) ||
	       mode == EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_BALANCE_ALB);
}

static int check_bond_arp(struct za_map *m, const EVE(BondAdapter) * b, const struct za_at *at)
{
	struct ipaddr target;

	if (bond_mode_without_arp(b->bond_mode))
		return za_refuse(m->err, at, "/arp", "this bond mode cannot be monitored by ARP");
	if (b->arp->interval < 1 || b->arp->interval > BOND_MS_MAX)
		return za_refuse(m->err, at, "/arp/interval", "expected 1 to %d ms", BOND_MS_MAX);
	if (b->arp->n_ip_targets < 1 || b->arp->n_ip_targets > 16)
		return za_refuse(m->err, at, "/arp/ipTargets", "expected 1 to 16 addresses");
	for (size_t i = 0; i < b->arp->n_ip_targets; i++) {
		struct za_at place = za_at("%s/arp/ipTargets/%zu", at->path, i);

		if (ipaddr_parse(b->arp->ip_targets[i], &target) < 0 || target.family != AF_INET)
			return za_refuse(m->err, &place, "", "\"%.80s\" is no IPv4 address",
					 b->arp->ip_targets[i]);
	}
	return 0;
}

int za_check_bond(struct za_map *m, const EVE(BondAdapter) * b, const struct za_at *at)
{
	if (b->bond_mode < EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_BALANCE_RR) ||
	    b->bond_mode > EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_BALANCE_ALB))
		return za_refuse(m->err, at, "/bondMode", "a bond mode is required");
	if (b->n_lower_layer_names == 0)
		return za_refuse(m->err, at, "/lowerLayerNames", "a bond needs a member");
	/* The kernel makes a bond0 of its own when the module loads. */
	if (strcmp(*b->interface_name ? b->interface_name : b->logicallabel, "bond0") == 0)
		return za_refuse(m->err, at,
				 *b->interface_name ? "/interfaceName" : "/logicallabel",
				 "the name bond0 is reserved");
	if (b->monitoring_case == EVE_VALUE(CONFIG__BOND_ADAPTER, MONITORING_ARP))
		return check_bond_arp(m, b, at);
	if (b->monitoring_case == EVE_VALUE(CONFIG__BOND_ADAPTER, MONITORING_MII) &&
	    (b->mii->interval > BOND_MS_MAX || b->mii->updelay > BOND_MS_MAX ||
	     b->mii->downdelay > BOND_MS_MAX))
		return za_refuse(m->err, at, "/mii", "expected at most %d ms", BOND_MS_MAX);
	return 0;
}

/* These modes never notice a dead member without a monitor. */
static bool bond_mode_needs_monitor(EVE_COMMON(BondMode) mode)
{
	return mode == EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_ACTIVE_BACKUP) ||
	       mode == EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_BALANCE_TLB) ||
	       mode == EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_BALANCE_ALB);
}

static void map_mii(const EVE(MIIMonitor) * mii, Ew__BondConfig *bond)
{
	uint32_t interval = mii->interval ? mii->interval : MIIMON_DEFAULT_MS;

	bond->miimon_ms = interval;
	/* The kernel counts delays in intervals and rounds down. */
	bond->updelay_ms = mii->updelay / interval * interval;
	bond->downdelay_ms = mii->downdelay / interval * interval;
}

Ew__BondConfig *za_map_bond(const EVE(BondAdapter) * b)
{
	Ew__BondConfig *bond = xcalloc(1, sizeof(*bond));

	ew__bond_config__init(bond);
	for (size_t i = 0; i < b->n_lower_layer_names; i++)
		ZA_ADD(bond, members, xstrdup(b->lower_layer_names[i]));
	/* The same order as the kernel's BOND_MODE_*, one higher. */
	bond->mode = (uint32_t)b->bond_mode - 1;
	bond->lacp_fast = b->lacp_rate == EVE_VALUE(COMMON__LACP_RATE, LACP_RATE_FAST);
	if (b->monitoring_case == EVE_VALUE(CONFIG__BOND_ADAPTER, MONITORING_MII)) {
		map_mii(b->mii, bond);
	} else if (b->monitoring_case == EVE_VALUE(CONFIG__BOND_ADAPTER, MONITORING_ARP)) {
		bond->arp_interval_ms = b->arp->interval;
		for (size_t i = 0; i < b->arp->n_ip_targets; i++)
			ZA_ADD(bond, arp_targets, xstrdup(b->arp->ip_targets[i]));
	} else if (bond_mode_needs_monitor(b->bond_mode)) {
		bond->miimon_ms = MIIMON_DEFAULT_MS;
	}
	return bond;
}
