/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
					.arp_targets = { { htonl(0x0a000001) } } },
		.b = &(struct dp_bond){ .ifname = IFNAME("bond9"),
					.mode = DP_BOND_ACTIVE_BACKUP,
					.miimon_ms = 100 },
	});
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
	sh("ip -d link show bond9 | grep 'miimon 50'");
	sh("ip -o link show bond9 | cut -d: -f1 | cmp - /run/before");
	node_free(n);
}

static void monitor_changes_without_a_new_bond(void **state)
{
	(void)state;
	in_space(live, NULL);
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
		cmocka_unit_test(bond_member_conforms),
	};

	return cmocka_run_group_tests_name("bond", tests, NULL, NULL);
}
