/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/bond/bond.h"

#include <stdio.h>
#include <string.h>

#include "config.pb-c.h"

#define MIIMON_DEFAULT_MS 100
#define INTERVAL_MAX_MS 600000

static void load_mode(struct nim_port *port, const Ew__BondConfig *msg)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)msg->mode);
	if (msg->mode < EW__BOND_MODE__BOND_BALANCE_RR ||
	    msg->mode > EW__BOND_MODE__BOND_BALANCE_ALB) {
		nim_port_fail(port, "bond mode is not in 1..7", number);
		return;
	}
	/* The kernel's BOND_MODE_*, in the same order. */
	port->bond.mode = (enum dp_bond_mode)(msg->mode - EW__BOND_MODE__BOND_BALANCE_RR);
}

static void load_targets(struct nim_port *port, const Ew__BondConfig *msg)
{
	if (!msg->n_arp_targets || msg->n_arp_targets > DP_BOND_ARP_TARGETS)
		nim_port_fail(port, "an ARP monitor needs 1 to 16 targets", port->label);
	for (size_t i = 0; i < msg->n_arp_targets && i < DP_BOND_ARP_TARGETS; i++) {
		struct ipaddr target;

		if (ipaddr_parse(msg->arp_targets[i], &target) < 0 || target.family != AF_INET)
			nim_port_fail(port, "ARP target is no IPv4 address", msg->arp_targets[i]);
		else
			port->bond.arp_targets[i] = target.v4;
	}
}

static void load_arp(struct nim_port *port, const Ew__BondConfig *msg)
{
	/* The kernel refuses it (bond_opts[] in drivers/net/bonding/bond_options.c). */
	if (!dp_bond_takes_arp(port->bond.mode))
		nim_port_fail(port, "this bond mode cannot be monitored by ARP", port->label);
	if (!msg->arp_interval_ms || msg->arp_interval_ms > INTERVAL_MAX_MS)
		nim_port_fail(port, "ARP interval is not in 1..600000 ms", port->label);
	port->bond.arp_interval_ms = msg->arp_interval_ms;
	port->bond.arp_validate = true;
	load_targets(port, msg);
}

static void load_mii(struct nim_port *port, const Ew__BondConfig *msg)
{
	uint32_t interval_ms = msg->miimon_ms ? msg->miimon_ms : MIIMON_DEFAULT_MS;

	if (interval_ms > INTERVAL_MAX_MS || msg->updelay_ms > INTERVAL_MAX_MS ||
	    msg->downdelay_ms > INTERVAL_MAX_MS)
		nim_port_fail(port, "MII interval or delay is beyond 600000 ms", port->label);
	port->bond.miimon_ms = interval_ms;
	/* The kernel counts delays in intervals and rounds down. */
	port->bond.updelay_ms = msg->updelay_ms / interval_ms * interval_ms;
	port->bond.downdelay_ms = msg->downdelay_ms / interval_ms * interval_ms;
}

static bool needs_monitor(enum dp_bond_mode mode)
{
	return mode == DP_BOND_ACTIVE_BACKUP || !dp_bond_takes_arp(mode);
}

void nim_bond_load(struct nim_port *port, const struct Ew__BondConfig *msg)
{
	port->bond.ifname = port->ifname;
	port->bond.lacp_fast = msg->lacp_fast;
	load_mode(port, msg);
	if (strcmp(port->ifname.str, "bond0") == 0)
		nim_port_fail(port, "the name is the kernel's", port->ifname.str);
	if (msg->mii && msg->arp)
		nim_port_fail(port, "MII and ARP monitor at once", port->label);
	if (msg->arp)
		load_arp(port, msg);
	else if (msg->mii)
		load_mii(port, msg);
	else if (needs_monitor(port->bond.mode))
		port->bond.miimon_ms = MIIMON_DEFAULT_MS;
}
