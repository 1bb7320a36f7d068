/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/items/host.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

static void netns_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){ .type = &dp_netns_type,
					       .a = &(struct dp_netns){ .name = "app1" } });
}

static void makes(const void *arg)
{
	struct node *n = node_new();

	(void)arg;
	node_apply(n, &dp_netns_type, &(struct dp_netns){ .name = "app1" });
	sh("ip netns exec app1 ip link show lo | grep -q UP");
	sh("test $(ip netns exec app1 readlink /proc/self/ns/net) != $(readlink "
	   "/proc/self/ns/net)");
	node_apply(n, &dp_netns_type, NULL);
	sh("test ! -e /run/netns/app1");
	node_free(n);
}

static void namespace_is_another_one_with_loopback_up(void **state)
{
	(void)state;
	in_space(makes, NULL);
}

static void watches(const void *arg)
{
	struct node *n = node_new();

	(void)arg;
	sh("ip netns add foreign");
	node_wait_state(n, &dp_netns_type, "foreign", DP_FOREIGN);
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("ip netns exec foreign true");
	sh("touch /run/netns/plainfile");
	node_turn(n, 50);
	assert_int_equal(dp_state(node_dp(n), &dp_netns_type, "plainfile", NULL), DP_ABSENT);
	sh("ip netns add second && ip netns del foreign");
	node_wait_state(n, &dp_netns_type, "second", DP_FOREIGN);
	node_wait_state(n, &dp_netns_type, "foreign", DP_ABSENT);
	node_free(n);
}

static void foreign_namespaces_are_seen_and_left_alone(void **state)
{
	(void)state;
	in_space(watches, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netns_conforms),
		cmocka_unit_test(namespace_is_another_one_with_loopback_up),
		cmocka_unit_test(foreign_namespaces_are_seen_and_left_alone),
	};

	return cmocka_run_group_tests_name("netns", tests, NULL, NULL);
}
