/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

static void bond_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_bond_type,
		.a = &(struct dp_bond){ .ifname = IFNAME("bond9"),
					.mode = DP_BOND_ACTIVE_BACKUP,
					.miimon_ms = 100 },
		.b = &(struct dp_bond){ .ifname = IFNAME("bond9"),
					.mode = DP_BOND_8023AD,
					.lacp_fast = true,
					.mtu_bytes = 1400,
					.miimon_ms = 50,
					.updelay_ms = 120,
					.downdelay_ms = 100 },
	});
}

static void bond_with_arp_monitor_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_bond_type,
		.a = &(struct dp_bond){ .ifname = IFNAME("bond9"),
					.mode = DP_BOND_ACTIVE_BACKUP,
					.arp_interval_ms = 200,
					.arp_validate = true,
					.arp_targets = { { htonl(0x0a000001) } } },
		.b = &(struct dp_bond){ .ifname = IFNAME("bond9"),
					.mode = DP_BOND_ACTIVE_BACKUP,
					.miimon_ms = 100 },
	});
}

static void shows(const char *what)
{
	sh("ip -d link show bond9 | tr '\\n' ' ' | grep -qF '%s' || "
	   "{ ip -d link show bond9; false; }",
	   what);
}

static void live(const void *arg)
{
	struct dp_bond bond = { .ifname = IFNAME("bond9"),
				.mode = DP_BOND_ACTIVE_BACKUP,
				.miimon_ms = 100 };
	struct node *n = node_new();

	(void)arg;
	node_apply(n, &dp_bond_type, &bond);
	sh("ip -o link show bond9 | cut -d: -f1 > /run/before");
	bond.miimon_ms = 50;
	bond.mtu_bytes = 1400;
	node_apply(n, &dp_bond_type, &bond);
	shows("miimon 50 ");
	bond = (struct dp_bond){ .ifname = IFNAME("bond9"),
				 .mode = DP_BOND_ACTIVE_BACKUP,
				 .arp_interval_ms = 200,
				 .arp_validate = true,
				 .arp_targets = { { htonl(0x0a000001) } } };
	node_apply(n, &dp_bond_type, &bond);
	shows("miimon 0 ");
	shows("arp_interval 200 ");
	shows("arp_ip_target 10.0.0.1 ");
	shows("arp_validate active ");
	bond.arp_interval_ms = 300;
	bond.arp_targets[1].s_addr = htonl(0x0a000002);
	node_apply(n, &dp_bond_type, &bond);
	shows("arp_interval 300 ");
	shows("arp_ip_target 10.0.0.1,10.0.0.2 ");
	bond = (struct dp_bond){ .ifname = IFNAME("bond9"),
				 .mode = DP_BOND_ACTIVE_BACKUP,
				 .miimon_ms = 100,
				 .updelay_ms = 200 };
	node_apply(n, &dp_bond_type, &bond);
	shows("miimon 100 updelay 200 ");
	shows("arp_interval 0 ");
	sh("ip -o link show bond9 | cut -d: -f1 | cmp - /run/before");
	node_free(n);
}

static void monitor_changes_without_a_new_bond(void **state)
{
	(void)state;
	in_space(live, NULL);
}

static void lacp(const void *arg)
{
	struct dp_bond bond = { .ifname = IFNAME("bond9"), .mode = DP_BOND_8023AD };
	struct node *n = node_new();

	(void)arg;
	node_apply(n, &dp_bond_type, &bond);
	sh("ip -o link show bond9 | cut -d: -f1 > /run/before");
	sh("ip link add e0 type veth peer name e1 && ip link set e1 up && "
	   "ip link set e0 master bond9");
	node_wait_sh(n, 5000, "ip link show e0 | grep -q LOWER_UP");
	bond.lacp_fast = true;
	node_apply(n, &dp_bond_type, &bond);
	shows("lacp_rate fast");
	sh("ip link show bond9 up | grep bond9 && ip link show e0 | grep 'master bond9'");
	sh("ip -o link show bond9 | cut -d: -f1 | cmp - /run/before");
	node_free(n);
}

static void lacp_rate_changes_without_a_new_bond(void **state)
{
	(void)state;
	in_space(lacp, NULL);
}

static void modes(const void *arg)
{
	static const char *const names[] = { "balance-rr", "active-backup", "balance-xor",
					     "broadcast",  "802.3ad",	    "balance-tlb",
					     "balance-alb" };
	struct node *n = node_new();

	(void)arg;
	for (unsigned int i = 0; i < 7; i++) {
		const struct dp_bond bond = { .ifname = IFNAME("bond9"), .mode = i };
		char mode[32];

		node_apply(n, &dp_bond_type, &bond);
		snprintf(mode, sizeof(mode), "mode %s miimon %d ", names[i], i < 4 ? 0 : 100);
		shows(mode);
	}
	node_free(n);
}

static void each_mode_is_made_of_the_one_before(void **state)
{
	(void)state;
	in_space(modes, NULL);
}

static void two_bonds(struct dp_graph *g)
{
	dp_want(g, &dp_bond_type, &(struct dp_bond){ .ifname = IFNAME("bond8"), .miimon_ms = 100 });
	dp_want(g, &dp_bond_type, &(struct dp_bond){ .ifname = IFNAME("bond9"), .miimon_ms = 100 });
}

static void a_pair(void)
{
	sh("ip link add e0 up type veth peer name e1");
}

static void bond_member_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_bond_member_type,
		.prepare = a_pair,
		.world = two_bonds,
		.a = &(struct dp_bond_member){ .ifname = IFNAME("e0"), .bond = IFNAME("bond9") },
		.b = &(struct dp_bond_member){ .ifname = IFNAME("e0"), .bond = IFNAME("bond8") },
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bond_conforms),
		cmocka_unit_test(bond_with_arp_monitor_conforms),
		cmocka_unit_test(monitor_changes_without_a_new_bond),
		cmocka_unit_test(lacp_rate_changes_without_a_new_bond),
		cmocka_unit_test(each_mode_is_made_of_the_one_before),
		cmocka_unit_test(bond_member_conforms),
	};

	return cmocka_run_group_tests_name("bond", tests, NULL, NULL);
}
