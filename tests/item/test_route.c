/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/rtnetlink.h>

#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"
#include "tests/item/values.h"
#include "tests/item/veths.h"

static void address(struct dp_graph *g, const char *ifname, const char *text)
{
	struct dp_addr addr = { .prefix = test_prefix(text), .nodad = true };

	strcpy(addr.ifname.str, ifname);
	dp_want(g, &dp_addr_type, &addr);
}

static void veth_world(struct dp_graph *g)
{
	want_v_and_w(g);
	address(g, "v0", "10.1.0.1/24");
	address(g, "w0", "10.2.0.1/24");
	address(g, "v0", "fd00:1::1/64");
	address(g, "w0", "fd00:2::1/64");
}

static struct dp_route one(const char *dst, uint32_t table, uint32_t metric, struct dp_nexthop nh)
{
	return (struct dp_route){ .dst = test_prefix(dst),
				  .table = table,
				  .metric = metric,
				  .nexthops = 1,
				  .nexthop = { nh } };
}

static void conforms(const struct dp_route *a, const struct dp_route *b)
{
	item_conformance(&(struct item_story){
		.type = &dp_route_type, .a = a, .b = b, .world = veth_world });
}

static void unicast_route_conforms(void **state)
{
	const struct dp_route a = one("0.0.0.0/0", 800, 0, test_via("v0", "10.1.0.254", 0));
	struct dp_route b = one("0.0.0.0/0", 800, 0, test_via("w0", "10.2.0.254", 0));

	(void)state;
	b.prefsrc = test_addr("10.2.0.1");
	conforms(&a, &b);
}

static void unicast_ipv6_route_conforms(void **state)
{
	const struct dp_route a = one("::/0", 800, 0, test_via("v0", "fd00:1::fe", 0));
	struct dp_route b = one("::/0", 800, 0, test_via("w0", "fe80::1", 0));

	(void)state;
	b.prefsrc = test_addr("fd00:2::1");
	conforms(&a, &b);
}

static void connected_routes_conform(void **state)
{
	const struct dp_route a = one("10.9.1.0/24", 900, 7, test_via("v0", NULL, 0));
	const struct dp_route b = one("10.9.1.0/24", 900, 7, test_via("w0", NULL, 0));
	const struct dp_route a6 = one("fd00:9::/48", 900, 7, test_via("v0", NULL, 0));
	const struct dp_route b6 = one("fd00:9::/48", 900, 7, test_via("w0", NULL, 0));

	(void)state;
	conforms(&a, &b);
	conforms(&a6, &b6);
}

static void route_with_host_bits_and_without_table_conforms(void **state)
{
	const struct dp_route a = one("10.9.1.77/24", 0, 7, test_via("v0", "10.1.0.254", 0));
	const struct dp_route a6 = one("fd00:9::77/48", 0, 0, test_via("v0", "fd00:1::fe", 0));

	(void)state;
	conforms(&a, NULL);
	conforms(&a6, NULL);
}

static void route_by_gateway_alone_conforms(void **state)
{
	const struct dp_route a = one("10.9.0.0/16", 254, 7, test_via("", "10.1.0.254", 0));
	const struct dp_route a6 = one("fd00:9::/48", 254, 7, test_via("", "fd00:1::fe", 0));

	(void)state;
	conforms(&a, NULL);
	conforms(&a6, NULL);
}

static void unreachable_and_blackhole_conform(void **state)
{
	static const char *const dsts[] = { "0.0.0.0/0", "::/0" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct dp_route a = { .dst = test_prefix(dsts[i]),
				      .table = 800,
				      .metric = UINT32_MAX,
				      .kind = DP_ROUTE_UNREACHABLE };
		struct dp_route b = a;

		b.kind = DP_ROUTE_BLACKHOLE;
		conforms(&a, &b);
		b = one(dsts[i], 800, UINT32_MAX,
			i ? test_via("v0", "fd00:1::fe", 0) : test_via("v0", "10.1.0.254", 0));
		conforms(&a, &b);
	}
}

static void local_route_conforms(void **state)
{
	struct dp_route a = one("10.9.0.0/16", 100, 0, test_via("lo", NULL, 0));
	struct dp_route a6 = one("fd00:9::/48", 100, 0, test_via("lo", NULL, 0));

	(void)state;
	a.kind = a6.kind = DP_ROUTE_LOCAL;
	conforms(&a, NULL);
	conforms(&a6, NULL);
}

static void onlink_route_conforms(void **state)
{
	struct dp_route a = one("10.9.0.0/16", 800, 0, test_via("v0", "172.16.0.1", 0));
	struct dp_route a6 = one("fd00:9::/48", 800, 0, test_via("v0", "fd77::1", 0));
	struct dp_route b = one("10.9.0.0/16", 800, 0, test_via("v0", "10.1.0.254", 0));
	struct dp_route b6 = one("fd00:9::/48", 800, 0, test_via("v0", "fd00:1::fe", 0));

	(void)state;
	a.nexthop[0].onlink = a6.nexthop[0].onlink = true;
	conforms(&a, &b);
	conforms(&a6, &b6);
}

static void ipv4_route_through_an_ipv6_gateway_conforms(void **state)
{
	struct dp_route a = one("10.9.0.0/16", 800, 0, test_via("v0", "fe80::77", 0));
	struct dp_route b = one("10.9.0.0/16", 800, 0, test_via("v0", "10.1.0.254", 0));

	(void)state;
	conforms(&a, &b);
}

static void multipath_conforms(void **state)
{
	struct dp_route a = { .dst = test_prefix("10.9.0.0/16"),
			      .table = 800,
			      .nexthops = 2,
			      .nexthop = { test_via("v0", "10.1.0.254", 0),
					   test_via("w0", "10.2.0.254", 3) } };
	struct dp_route b = a;

	(void)state;
	b.nexthop[1].weight = 7;
	conforms(&a, &b);
	b = one("10.9.0.0/16", 800, 0, test_via("w0", "10.2.0.254", 0));
	conforms(&a, &b);
}

static void ipv6_multipath_conforms(void **state)
{
	struct dp_route a = { .dst = test_prefix("fd00:9::/48"),
			      .table = 800,
			      .nexthops = 2,
			      .nexthop = { test_via("w0", "fd00:2::fe", 2),
					   test_via("v0", "fd00:1::fe", 0) } };
	struct dp_route b = a;

	(void)state;
	b.nexthop[0].weight = 7;
	conforms(&a, &b);
	b = one("fd00:9::/48", 800, 0, test_via("w0", "fd00:2::fe", 0));
	conforms(&a, &b);
	b = (struct dp_route){ .dst = test_prefix("fd00:9::/48"),
			       .table = 800,
			       .kind = DP_ROUTE_UNREACHABLE };
	conforms(&a, &b);
}

static void eight_ways_conform(void **state)
{
	struct dp_route a = { .dst = test_prefix("10.9.0.0/16"), .table = 800, .nexthops = 8 };
	struct dp_route a6 = { .dst = test_prefix("fd00:9::/48"), .table = 800, .nexthops = 8 };

	(void)state;
	for (int i = 0; i < 8; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.1.0.%d", 10 + i);
		a.nexthop[i] = test_via("v0", text, (uint8_t)(i + 1));
		snprintf(text, sizeof(text), "fd00:1::%d", 10 + i);
		a6.nexthop[i] = test_via("v0", text, 0);
	}
	conforms(&a, NULL);
	conforms(&a6, NULL);
}

/* ---- Loss ---- */

static struct node *routed_node(void)
{
	struct node *n = node_new();
	struct dp_route route = one("10.9.0.0/16", 800, 0, test_via("v0", "10.1.0.254", 0));
	struct dp_route route6 = one("fd00:9::/48", 800, 0, test_via("v0", "fd00:1::fe", 0));
	struct dp_graph *g;

	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	g = dp_graph_new("routes");
	address(g, "v0", "10.1.0.1/24");
	address(g, "v0", "fd00:1::1/64");
	dp_want(g, &dp_route_type, &route);
	dp_after(g, &dp_addr_type, "v0/10.1.0.1/24");
	dp_want(g, &dp_route_type, &route6);
	dp_after(g, &dp_addr_type, "v0/fd00:1::1/64");
	dp_submit(node_dp(n), g);
	node_wait_state(n, &dp_route_type, "4/800/10.9.0.0/16/0", DP_CREATED);
	node_wait_state(n, &dp_route_type, "6/800/fd00:9::/48/1024", DP_CREATED);
	return n;
}

static void silent(const void *arg)
{
	struct node *n = routed_node();

	(void)arg;
	sh("ip link set v0 down && ip link set v0 up"); /* the kernel says nothing of the route */
	node_turn(n, 20);
	node_wait_state(n, &dp_route_type, "4/800/10.9.0.0/16/0", DP_CREATED);
	node_wait_state(n, &dp_route_type, "6/800/fd00:9::/48/1024", DP_CREATED);
	sh("ip route show table 800 | grep -q 10.9.0.0/16");
	sh("ip -6 route show table 800 | grep -q fd00:9::/48");
	sh("ip link set v0 down");
	node_wait_state(n, &dp_route_type, "4/800/10.9.0.0/16/0", DP_WAITING);
	node_wait_state(n, &dp_route_type, "6/800/fd00:9::/48/1024", DP_WAITING);
	node_free(n);
}

static void routes_that_vanish_without_a_word_return(void **state)
{
	(void)state;
	in_space(silent, NULL);
}

static bool is_repaired(struct node *n, void *arg)
{
	(void)n;
	return sh_try("ip route show table 800 | grep -q 'via %s '", (const char *)arg) == 0 &&
	       dp_idle(node_dp(n));
}

static void replaced(const void *arg)
{
	struct node *n = routed_node();

	(void)arg;
	sh("ip route replace 10.9.0.0/16 via 10.1.0.253 table 800 proto 240");
	node_wait(n, 1000, is_repaired, (char *)"10.1.0.254", "the right gateway");
	sh("ip route del 10.9.0.0/16 table 800");
	node_wait(n, 1000, is_repaired, (char *)"10.1.0.254", "the route");
	node_free(n);
}

static void changed_and_deleted_routes_are_repaired(void **state)
{
	(void)state;
	in_space(replaced, NULL);
}

/* One way of two is deleted: what is left is known, and mended. */
static void one_of_two(const void *arg)
{
	const struct dp_route both = { .dst = test_prefix("fd00:9::/48"),
				       .table = 800,
				       .nexthops = 2,
				       .nexthop = { test_via("v0", "fd00:1::fe", 0),
						    test_via("v0", "fd00:1::ff", 0) } };
	struct node *n = routed_node();

	(void)arg;
	node_apply(
		n, &dp_addr_type,
		&(struct dp_addr){ .ifname = IFNAME("v0"), .prefix = test_prefix("10.5.0.1/24") });
	dp_patch(node_dp(n), "routes", &dp_route_type, &both);
	node_settle(n);
	sh("test $(ip -6 route show table 800 | grep -c nexthop) = 2");
	sh("ip -6 route del fd00:9::/48 via fd00:1::ff dev v0 table 800");
	node_wait_sh(n, 5000, "test $(ip -6 route show table 800 | grep -c nexthop) = 2");
	node_free(n);
}

static void lost_way_of_a_multipath_route_is_repaired(void **state)
{
	(void)state;
	in_space(one_of_two, NULL);
}

static void as_wanted(const void *arg)
{
	const struct dp_route want = { .dst = test_prefix("10.7.0.0/16"),
				       .table = 100,
				       .metric = 7,
				       .kind = DP_ROUTE_UNREACHABLE };
	struct node *n = node_new();

	(void)arg;
	node_apply(n, &dp_route_type, &want);
	node_turn(n, 50); /* the kernel's word comes */
	require(memcmp(dp_have(node_dp(n), &dp_route_type, "4/100/10.7.0.0/16/7"), &want,
		       sizeof(want)) == 0,
		"two copies are kept");
	node_free(n);
}

static void route_that_is_there_as_wanted_is_kept_once(void **state)
{
	(void)state;
	in_space(as_wanted, NULL);
}

/* ---- Foreign ones ---- */

static void foreign(const void *arg)
{
	const struct dp_route *have;
	struct node *n;

	(void)arg;
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up && "
	   "ip address add 10.1.0.1/24 dev v0 && ip address add fd00:1::1/64 dev v0 nodad");
	sh("ip route add default via 10.1.0.254 metric 5 && ip route add 10.7.0.0/16 via "
	   "10.1.0.254");
	n = node_new();
	node_wait_state(n, &dp_route_type, "4/254/0.0.0.0/0/5", DP_FOREIGN);
	assert_int_equal(dp_state(node_dp(n), &dp_route_type, "4/254/10.7.0.0/16/0", NULL),
			 DP_ABSENT);
	sh("ip -6 route add default via fd00:1::fe dev v0 proto ra metric 6");
	node_wait_state(n, &dp_route_type, "6/254/::/0/6", DP_FOREIGN);
	have = dp_have(node_dp(n), &dp_route_type, "6/254/::/0/6");
	assert_int_equal(have->protocol, RTPROT_RA);
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("ip route del default");
	node_wait_state(n, &dp_route_type, "4/254/0.0.0.0/0/5", DP_ABSENT);
	sh("ip -6 route show | grep -q '^default via fd00:1::fe'");
	node_free(n);
}

static void foreign_default_routes_are_seen_and_no_others(void **state)
{
	(void)state;
	in_space(foreign, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unicast_route_conforms),
		cmocka_unit_test(unicast_ipv6_route_conforms),
		cmocka_unit_test(connected_routes_conform),
		cmocka_unit_test(route_with_host_bits_and_without_table_conforms),
		cmocka_unit_test(route_by_gateway_alone_conforms),
		cmocka_unit_test(unreachable_and_blackhole_conform),
		cmocka_unit_test(local_route_conforms),
		cmocka_unit_test(onlink_route_conforms),
		cmocka_unit_test(ipv4_route_through_an_ipv6_gateway_conforms),
		cmocka_unit_test(multipath_conforms),
		cmocka_unit_test(ipv6_multipath_conforms),
		cmocka_unit_test(eight_ways_conform),
		cmocka_unit_test(routes_that_vanish_without_a_word_return),
		cmocka_unit_test(changed_and_deleted_routes_are_repaired),
		cmocka_unit_test(lost_way_of_a_multipath_route_is_repaired),
		cmocka_unit_test(route_that_is_there_as_wanted_is_kept_once),
		cmocka_unit_test(foreign_default_routes_are_seen_and_no_others),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
