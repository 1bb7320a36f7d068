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

static void filtering_bridge(struct dp_graph *g)
{
	dp_want(g, &dp_bridge_type,
		&(struct dp_bridge){ .ifname = IFNAME("bn1"), .vlan_filtering = true });
	dp_want(g, &dp_veth_type,
		&(struct dp_veth){ .ifname = IFNAME("v0"), .peer = IFNAME("p0"), .up = true });
	dp_want(g, &dp_brport_type,
		&(struct dp_brport){ .ifname = IFNAME("v0"), .bridge = IFNAME("bn1") });
}

static void bridge_that_filters_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_bridge_type,
		.a = &(struct dp_bridge){ .ifname = IFNAME("bn1"), .vlan_filtering = true },
		.b = &(struct dp_bridge){ .ifname = IFNAME("bn1") },
	});
}

static void access_vlan_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_brvlan_type,
		.world = filtering_bridge,
		.a = &(struct dp_brvlan){ .ifname = IFNAME("v0"),
					  .first = 7,
					  .last = 7,
					  .pvid = true,
					  .untagged = true },
		.b = &(struct dp_brvlan){ .ifname = IFNAME("v0"), .first = 7, .last = 7 },
	});
}

static void trunk_range_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_brvlan_type,
		.world = filtering_bridge,
		.a = &(struct dp_brvlan){ .ifname = IFNAME("v0"), .first = 10, .last = 20 },
		.b =
			&(struct dp_brvlan){
				.ifname = IFNAME("v0"), .first = 10, .last = 20, .untagged = true },
	});
}

static void vlan_of_the_bridge_itself_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_brvlan_type,
		.world = filtering_bridge,
		.a =
			&(struct dp_brvlan){
				.ifname = IFNAME("bn1"), .first = 7, .last = 7, .self = true },
	});
}

static void adjacent(const void *arg)
{
	const struct dp_brvlan low = { .ifname = IFNAME("v0"), .first = 10, .last = 20 };
	const struct dp_brvlan high = { .ifname = IFNAME("v0"), .first = 21, .last = 30 };
	int run;

	(void)arg;
	for (run = 0; run < 2; run++) {
		struct node *n = node_new();
		struct dp_graph *g = dp_graph_new("item");

		filtering_bridge(g);
		dp_want(g, &dp_brvlan_type, &low);
		dp_want(g, &dp_brvlan_type, &high);
		dp_submit(node_dp(n), g);
		node_wait_state(n, &dp_brvlan_type, "v0/10-20", DP_CREATED);
		node_wait_state(n, &dp_brvlan_type, "v0/21-30", DP_CREATED);
		dp_sweep(node_dp(n));
		node_settle(n);
		node_turn(n, 100);
		node_wait_state(n, &dp_brvlan_type, "v0/21-30", DP_CREATED);
		sh("bridge -compressvlans vlan show dev v0 | grep 'v0 *10-30$'");
		node_free(n);
	}
}

static void ranges_the_kernel_joins_are_still_two(void **state)
{
	(void)state;
	in_space(adjacent, NULL);
}

static void starts_empty(const void *arg)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("item");

	(void)arg;
	filtering_bridge(g);
	dp_submit(node_dp(n), g);
	node_wait_state(n, &dp_brport_type, "v0", DP_CREATED);
	require(sh_try("bridge vlan show | grep -E '(bn1|v0) +[0-9]'") != 0, "has a VLAN");
	node_free(n);
}

static void filtering_bridge_has_no_vlan_at_first(void **state)
{
	(void)state;
	in_space(starts_empty, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bridge_that_filters_conforms),
		cmocka_unit_test(access_vlan_conforms),
		cmocka_unit_test(trunk_range_conforms),
		cmocka_unit_test(vlan_of_the_bridge_itself_conforms),
		cmocka_unit_test(ranges_the_kernel_joins_are_still_two),
		cmocka_unit_test(filtering_bridge_has_no_vlan_at_first),
	};

	return cmocka_run_group_tests_name("brvlan", tests, NULL, NULL);
}
