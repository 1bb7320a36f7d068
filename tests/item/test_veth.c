/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

static void pair_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_veth_type,
		.a = &(struct dp_veth){ .ifname = IFNAME("v0"), .peer = IFNAME("p0"), .up = true },
		.b = &(struct dp_veth){ .ifname = IFNAME("v0"),
					.peer = IFNAME("p0"),
					.mac = { { 2, 0, 0, 0, 0, 1 } },
					.peer_mac = { { 2, 0, 0, 0, 0, 2 } },
					.mtu_bytes = 1400,
					.peer_up = true },
	});
}

static void two_namespaces(void)
{
	sh("ip netns add app1; ip netns add app2");
}

static const struct dp_veth into_app1 = { .ifname = IFNAME("v0"),
					  .peer = IFNAME("eth0"),
					  .peer_mac = { { 2, 0, 0, 0, 0, 2 } },
					  .peer_netns = "app1",
					  .up = true,
					  .peer_up = true };
static const struct dp_veth into_app2 = {
	.ifname = IFNAME("v0"), .peer = IFNAME("eth1"), .peer_netns = "app2", .up = true
};

static void pair_into_a_namespace_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){ .type = &dp_veth_type,
					       .prepare = two_namespaces,
					       .a = &into_app1,
					       .b = &into_app2 });
}

/* No news of it come once it has been made: nobody brings up a carrier. */
static void pair_whose_other_end_is_down_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_veth_type, .prepare = two_namespaces, .a = &into_app2 });
}

static void names_taken(void)
{
	two_namespaces();
	sh("ip link add eth0 type veth peer name eth1");
}

static void peer_may_have_a_name_that_is_taken_here(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_veth_type, .prepare = names_taken, .a = &into_app1, .b = &into_app2 });
}

static void touched(const void *arg)
{
	const struct dp_veth veth = into_app1;
	struct node *n;

	(void)arg;
	two_namespaces();
	n = node_new();
	node_apply(n, &dp_veth_type, &veth);
	sh("ip -o link show v0 | cut -d: -f1 > /run/before");
	sh("ip netns exec app1 ip link set eth0 down");
	node_turn(n, 50);
	sh("ip netns exec app1 ip link show eth0 | grep 'state DOWN'");
	node_free(n);

	/* The next run cannot tell it from an end that was never finished: up, but the same. */
	n = node_new();
	node_apply(n, &dp_veth_type, &veth);
	sh("ip -o link show v0 | cut -d: -f1 | cmp - /run/before");
	sh("ip netns exec app1 ip link show eth0 up | grep eth0");
	node_free(n);
}

static void application_may_take_its_end_down_until_the_next_run(void **state)
{
	(void)state;
	in_space(touched, NULL);
}

static void namespace_gone(const void *arg)
{
	const struct dp_veth veth = {
		.ifname = IFNAME("v0"), .peer = IFNAME("eth0"), .peer_netns = "app1", .up = true
	};
	struct node *n;

	(void)arg;
	two_namespaces();
	n = node_new();
	node_apply(n, &dp_veth_type, &veth);
	sh("ip netns delete app1");
	node_wait_state(n, &dp_veth_type, "v0", DP_WAITING);
	sh("ip netns add app1");
	node_wait_state(n, &dp_veth_type, "v0", DP_CREATED);
	sh("ip netns exec app1 ip link show eth0");
	node_free(n);
}

static void falls_and_returns_with_its_namespace(void **state)
{
	(void)state;
	in_space(namespace_gone, NULL);
}

static void other_end_in_our_group(const void *arg)
{
	struct node *n;

	(void)arg;
	sh("ip netns add app1");
	n = node_new();
	node_apply(n, &dp_veth_type,
		   &(struct dp_veth){
			   .ifname = IFNAME("v0"), .peer = IFNAME("eth0"), .peer_netns = "app1" });
	sh("ip netns exec app1 ip link show eth0 | grep 'group default'");
	sh("ip link show v0 | grep 'group 240'");
	sh("ip -d link show v0 | grep 'numtxqueues 1 '");
	node_free(n);
}

static void only_our_end_is_marked_and_one_queue_made(void **state)
{
	(void)state;
	in_space(other_end_in_our_group, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pair_conforms),
		cmocka_unit_test(pair_into_a_namespace_conforms),
		cmocka_unit_test(pair_whose_other_end_is_down_conforms),
		cmocka_unit_test(peer_may_have_a_name_that_is_taken_here),
		cmocka_unit_test(application_may_take_its_end_down_until_the_next_run),
		cmocka_unit_test(falls_and_returns_with_its_namespace),
		cmocka_unit_test(only_our_end_is_marked_and_one_queue_made),
	};

	return cmocka_run_group_tests_name("veth", tests, NULL, NULL);
}
