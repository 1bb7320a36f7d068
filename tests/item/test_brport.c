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

static void bridges_and_a_pair(struct dp_graph *g)
{
	dp_want(g, &dp_bridge_type, &(struct dp_bridge){ .ifname = IFNAME("bn1") });
	dp_want(g, &dp_bridge_type, &(struct dp_bridge){ .ifname = IFNAME("bn2") });
	dp_want(g, &dp_veth_type,
		&(struct dp_veth){ .ifname = IFNAME("v0"), .peer = IFNAME("p0"), .up = true });
}

static void brport_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_brport_type,
		.world = bridges_and_a_pair,
		.a = &(struct dp_brport){ .ifname = IFNAME("v0"),
					  .bridge = IFNAME("bn1"),
					  .isolated = true,
					  .learning = true },
		.b = &(struct dp_brport){ .ifname = IFNAME("v0"),
					  .bridge = IFNAME("bn2"),
					  .bpdu_guard = true,
					  .hairpin = true,
					  .neigh_suppress = true },
	});
}

static void waits_and_falls(const void *arg)
{
	const struct dp_brport port = { .ifname = IFNAME("v0"),
					.bridge = IFNAME("bn1"),
					.isolated = true };
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("item");

	(void)arg;
	/* zedrouter's side: the bridge is there, the application's link comes later and goes. */
	dp_want(g, &dp_bridge_type, &(struct dp_bridge){ .ifname = IFNAME("bn1") });
	dp_want(g, &dp_brport_type, &port);
	dp_submit(node_dp(n), g);
	node_wait_state(n, &dp_brport_type, "v0", DP_WAITING);
	sh("ip link add v0 type veth peer name p0");
	node_wait_state(n, &dp_brport_type, "v0", DP_CREATED);
	sh("ip -d link show v0 | grep 'master bn1' && ip -d link show v0 | grep 'isolated on'");
	sh("bridge link set dev v0 isolated off");
	node_wait_sh(n, 5000, "ip -d link show v0 | grep -q 'isolated on'");
	sh("ip link set v0 nomaster");
	node_wait_sh(n, 5000,
		     "ip -d link show v0 | tr -d '\\n' | grep -q 'master bn1 .*isolated on'");
	node_wait_state(n, &dp_brport_type, "v0", DP_CREATED);
	sh("ip link delete v0");
	node_wait_state(n, &dp_brport_type, "v0", DP_WAITING);
	node_free(n);
}

static void waits_for_the_link_mends_it_and_falls_with_it(void **state)
{
	(void)state;
	in_space(waits_and_falls, NULL);
}

static void taken(const void *arg)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("item");
	const char *why = NULL;

	(void)arg;
	sh("ip link add br9 type bridge; ip link add v0 type veth peer name p0");
	sh("ip link set v0 master br9");
	dp_want(g, &dp_bridge_type, &(struct dp_bridge){ .ifname = IFNAME("bn1") });
	dp_want(g, &dp_brport_type,
		&(struct dp_brport){ .ifname = IFNAME("v0"), .bridge = IFNAME("bn1") });
	dp_submit(node_dp(n), g);
	node_wait_state(n, &dp_brport_type, "v0", DP_FAILED);
	dp_state(node_dp(n), &dp_brport_type, "v0", &why);
	require(why && strstr(why, "port of br9"), "why: %s", why);
	sh("ip link show v0 | grep 'master br9'");
	node_free(n);
}

static void does_not_take_a_port_from_a_foreign_bridge(void **state)
{
	(void)state;
	in_space(taken, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brport_conforms),
		cmocka_unit_test(waits_for_the_link_mends_it_and_falls_with_it),
		cmocka_unit_test(does_not_take_a_port_from_a_foreign_bridge),
	};

	return cmocka_run_group_tests_name("brport", tests, NULL, NULL);
}
