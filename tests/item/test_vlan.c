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

static void parents(struct dp_graph *g)
{
	dp_want(g, &dp_veth_type,
		&(struct dp_veth){ .ifname = IFNAME("v0"), .peer = IFNAME("p0"), .up = true });
	dp_want(g, &dp_veth_type,
		&(struct dp_veth){ .ifname = IFNAME("v1"), .peer = IFNAME("p1") });
}

static void vlan_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_vlan_type,
		.world = parents,
		.a = &(struct dp_vlan){ .ifname = IFNAME("v0.7"),
					.parent = IFNAME("v0"),
					.vid = 7 },
		.b = &(struct dp_vlan){ .ifname = IFNAME("v0.7"),
					.parent = IFNAME("v0"),
					.vid = 8,
					.mtu_bytes = 1400 },
	});
}

static void vlan_below_a_parent_that_is_down_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_vlan_type,
		.world = parents,
		.a = &(struct dp_vlan){ .ifname = IFNAME("v1.7"),
					.parent = IFNAME("v1"),
					.vid = 7 },
		.b = &(struct dp_vlan){ .ifname = IFNAME("v1.7"),
					.parent = IFNAME("v0"),
					.vid = 7 },
	});
}

static void parent_story(const void *arg)
{
	const struct dp_vlan vlan = { .ifname = IFNAME("e0.7"), .parent = IFNAME("e0"), .vid = 7 };
	struct node *n = node_new();

	(void)arg;
	sh("ip link add e0 type veth peer name e1");
	node_apply(n, &dp_vlan_type, &vlan);
	sh("ip link set e0 up");
	node_wait_sh(n, 5000, "ip link show e0.7 up | grep -q e0.7");
	sh("ip link set e0.7 down");
	node_wait_sh(n, 5000, "ip link show e0.7 up | grep -q e0.7");
	sh("ip link delete e0");
	node_wait_state(n, &dp_vlan_type, "e0.7", DP_WAITING);
	sh("ip link add e0 up type veth peer name e1");
	node_wait_state(n, &dp_vlan_type, "e0.7", DP_CREATED);
	sh("ip link show e0.7 up | grep e0.7");
	node_free(n);
}

static void follows_its_parent(void **state)
{
	(void)state;
	in_space(parent_story, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vlan_conforms),
		cmocka_unit_test(vlan_below_a_parent_that_is_down_conforms),
		cmocka_unit_test(follows_its_parent),
	};

	return cmocka_run_group_tests_name("vlan", tests, NULL, NULL);
}
