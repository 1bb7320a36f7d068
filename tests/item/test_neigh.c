/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"
#include "tests/item/values.h"
#include "tests/item/veths.h"

static void neigh_conforms(void **state)
{
	static const char *const addrs[] = { "10.1.0.2", "fd00:1::2", "fe80::2" };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		item_conformance(&(struct item_story){
			.type = &dp_neigh_type,
			.a = &(struct dp_neigh){ .ifname = IFNAME("v0"),
						 .addr = test_addr(addrs[i]),
						 .mac = { { 2, 0, 0, 0, 0, 1 } } },
			.b = &(struct dp_neigh){ .ifname = IFNAME("v0"),
						 .addr = test_addr(addrs[i]),
						 .mac = { { 2, 0, 0, 0, 0, 2 } } },
			.world = want_v,
		});
}

static void proxy_conforms(void **state)
{
	static const char *const addrs[] = { "10.1.0.2", "fd00:1::2" };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		item_conformance(&(struct item_story){
			.type = &dp_neigh_type,
			.a = &(struct dp_neigh){ .ifname = IFNAME("v0"),
						 .addr = test_addr(addrs[i]),
						 .proxy = true },
			.world = want_v,
			.no_drift = true, /* the kernel does not tell of them */
		});
}

static void others(const void *arg)
{
	struct node *n;

	(void)arg;
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	sh("ip neigh add 10.1.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent");
	sh("ip neigh add 10.1.0.3 lladdr 02:00:00:00:00:03 dev v0 nud reachable");
	sh("ip neigh add proxy fd00:1::9 dev v0");
	n = node_new();
	assert_null(dp_have(node_dp(n), &dp_neigh_type, "v0/10.1.0.2"));
	node_apply(n, &dp_neigh_type,
		   &(struct dp_neigh){ .ifname = IFNAME("v0"),
				       .addr = test_addr("10.1.0.3"),
				       .mac = { { 2, 0, 0, 0, 0, 4 } } });
	sh("ip neigh show dev v0 | grep '10.1.0.3 lladdr 02:00:00:00:00:04' | grep -q PERMANENT");
	dp_sweep(node_dp(n));
	node_apply(n, &dp_neigh_type, NULL);
	sh("ip neigh show dev v0 | grep -q 10.1.0.2 && ip neigh show proxy | grep -q fd00:1::9");
	node_free(n);
}

static void learned_entry_is_taken_over_and_foreign_ones_are_left_alone(void **state)
{
	(void)state;
	in_space(others, NULL);
}

static void falls(const void *arg)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("n");

	(void)arg;
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	dp_want(g, &dp_neigh_type,
		&(struct dp_neigh){ .ifname = IFNAME("v0"),
				    .addr = test_addr("10.1.0.3"),
				    .mac = { { 2, 0, 0, 0, 0, 4 } } });
	dp_want(g, &dp_neigh_type,
		&(struct dp_neigh){
			.ifname = IFNAME("v0"), .addr = test_addr("fd00::3"), .proxy = true });
	dp_submit(node_dp(n), g);
	node_wait_state(n, &dp_neigh_type, "v0/10.1.0.3", DP_CREATED);
	node_wait_state(n, &dp_neigh_type, "v0/proxy/fd00::3", DP_CREATED);
	sh("ip link set v0 down");
	node_wait_state(n, &dp_neigh_type, "v0/10.1.0.3", DP_WAITING);
	node_wait_state(n, &dp_neigh_type, "v0/proxy/fd00::3", DP_WAITING);
	sh("ip link set v0 up");
	node_wait_state(n, &dp_neigh_type, "v0/10.1.0.3", DP_CREATED);
	node_wait_state(n, &dp_neigh_type, "v0/proxy/fd00::3", DP_CREATED);
	sh("ip neigh show dev v0 | grep -q 10.1.0.3 && ip neigh show proxy | grep -q fd00::3");
	node_free(n);
}

static void entries_return_with_their_interface(void **state)
{
	(void)state;
	in_space(falls, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neigh_conforms),
		cmocka_unit_test(proxy_conforms),
		cmocka_unit_test(learned_entry_is_taken_over_and_foreign_ones_are_left_alone),
		cmocka_unit_test(entries_return_with_their_interface),
	};

	return cmocka_run_group_tests_name("neigh", tests, NULL, NULL);
}
