/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"
#include "tests/item/values.h"
#include "tests/item/veths.h"

static struct dp_nhmember via(uint8_t slot, const char *ifname, const char *gateway, uint8_t weight)
{
	struct dp_nhmember m = { .slot = slot, .way = test_via(ifname, gateway, weight) };

	m.way.onlink = gateway;
	return m;
}

static struct dp_nhgroup group(uint8_t family, struct dp_nhmember a)
{
	return (struct dp_nhgroup){ .family = family, .number = 7, .members = 1, .member = { a } };
}

static struct dp_nhgroup pair(uint8_t family, struct dp_nhmember a, struct dp_nhmember b)
{
	return (struct dp_nhgroup){
		.family = family, .number = 7, .members = 2, .member = { a, b }
	};
}

static void conforms(struct dp_nhgroup a, struct dp_nhgroup b)
{
	item_conformance(&(struct item_story){
		.type = &dp_nhgroup_type, .a = &a, .b = &b, .world = want_v_and_w });
}

static const char *gw(int family, int n)
{
	static const char *const gateways[2][2] = { { "10.1.0.254", "10.2.0.254" },
						    { "fe80::1", "fd00:2::fe" } };

	return gateways[family == AF_INET6][n];
}

static void group_of_one_conforms(void **state)
{
	(void)state;
	for (int family = AF_INET;; family = AF_INET6) {
		conforms(group(family, via(1, "v0", gw(family, 0), 255)),
			 group(family, via(2, "w0", gw(family, 1), 255)));
		conforms(group(family, via(1, "v0", gw(family, 0), 255)),
			 group(family, via(1, "w0", gw(family, 1), 255)));
		if (family == AF_INET6)
			return;
	}
}

static void group_of_two_conforms(void **state)
{
	(void)state;
	for (int family = AF_INET;; family = AF_INET6) {
		conforms(pair(family, via(1, "v0", gw(family, 0), 255),
			      via(2, "w0", gw(family, 1), 1)),
			 pair(family, via(2, "w0", gw(family, 1), 255),
			      via(1, "v0", gw(family, 0), 1)));
		conforms(pair(family, via(1, "v0", gw(family, 0), 255),
			      via(2, "w0", gw(family, 1), 255)),
			 group(family, via(2, "w0", gw(family, 1), 255)));
		if (family == AF_INET6)
			return;
	}
}

static void member_without_gateway_conforms(void **state)
{
	(void)state;
	conforms(group(AF_INET, via(255, "v0", NULL, 1)), group(AF_INET, via(255, "w0", NULL, 1)));
}

static void full_group_conforms(void **state)
{
	struct dp_nhgroup a = { .family = AF_INET, .number = DP_NHGROUPS }, b;

	(void)state;
	for (uint8_t i = 0; i < DP_NEXTHOPS; i++)
		a.member[a.members++] = via(i + 1, i % 2 ? "v0" : "w0", "10.1.0.254", 255);
	b = a;
	b.members--;
	conforms(a, b);
}

/* ---- Routes by groups ---- */

static struct dp_route by_group(int family)
{
	return (struct dp_route){ .dst = test_prefix(family == AF_INET6 ? "::/0" : "0.0.0.0/0"),
				  .table = 800,
				  .metric = family == AF_INET6 ? 1024 : 0,
				  .nhid = dp_nhgroup_id(family, 7) };
}

static void grouped_world(struct dp_graph *g)
{
	const struct dp_nhgroup four = group(AF_INET, via(1, "v0", gw(AF_INET, 0), 255));
	const struct dp_nhgroup six = group(AF_INET6, via(1, "v0", gw(AF_INET6, 0), 255));

	dp_want(g, &dp_nhgroup_type, &four);
	dp_want(g, &dp_nhgroup_type, &six);
}

static void route_by_a_group_conforms(void **state)
{
	(void)state;
	for (int family = AF_INET;; family = AF_INET6) {
		const struct dp_route a = by_group(family);
		struct dp_route b = by_group(family);

		b.nhid = 0;
		b.nexthops = 1;
		b.nexthop[0] = via(1, "w0", gw(family, 1), 0).way;
		item_conformance(&(struct item_story){ .type = &dp_route_type,
						       .a = &a,
						       .b = &b,
						       .prepare = make_v_and_w,
						       .world = grouped_world });
		if (family == AF_INET6)
			return;
	}
}

/* ---- What the kernel does by itself ---- */

#define KEY4 "4/7"
#define ROUTE4 "4/800/0.0.0.0/0/0"
#define ROUTE6 "6/800/::/0/1024"
#define ID4 1157629696 /* 0x45000700 */
#define ID6 1166018304

/* By v0, with w0 as its standby when there is to be one; and a route of each family by it. */
static struct dp_graph *routes(bool standby)
{
	struct dp_graph *g = dp_graph_new("routes");

	for (int family = AF_INET;; family = AF_INET6) {
		struct dp_nhgroup both = pair(family, via(1, "v0", gw(family, 0), 255),
					      via(2, "w0", gw(family, 1), 1));
		struct dp_route route = by_group(family);

		if (!standby)
			both.members = 1;
		dp_want(g, &dp_nhgroup_type, &both);
		dp_want(g, &dp_route_type, &route);
		if (family == AF_INET6)
			return g;
	}
}

static struct node *routed_node(bool standby)
{
	struct node *n = node_new();

	make_v_and_w();
	sh("echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode && "
	   "ip address add 10.1.0.1/24 dev v0 && ip address add 10.2.0.1/24 dev w0");
	dp_submit(node_dp(n), routes(standby));
	node_wait_state(n, &dp_route_type, ROUTE4, DP_CREATED);
	node_wait_state(n, &dp_route_type, ROUTE6, DP_CREATED);
	node_settle(n);
	return n;
}

/* Every flow by this interface; the hash of a flow takes in its addresses. */
static void require_way(const char *dev)
{
	sh("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do "
	   "ip route get 198.51.$i.7 table 800 2>/dev/null; done >/dev/null; "
	   "ip rule add pref 5 lookup 800 && ip -6 rule add pref 5 lookup 800 && "
	   "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do "
	   "ip route get 198.51.$i.7 | grep -q 'dev %s ' || exit 1; "
	   "ip -6 route get 2001:db8::$i | grep -q 'dev %s ' || exit 1; done; "
	   "ip rule del pref 5 && ip -6 rule del pref 5",
	   dev, dev);
}

static void standby(const void *arg)
{
	struct node *n = routed_node(true);

	(void)arg;
	require_way("v0"); /* the standby has no flow of it */
	sh("ip link set v1 down"); /* its carrier is gone, and nobody of ours has been asked */
	require_way("w0");
	sh("ip route show table 800 | grep -q 'nhid %u'", ID4);
	sh("ip -6 route show table 800 | grep -q 'nhid %u'", ID6);
	sh("ip link add x type veth peer name y && ip link set x up && ip link set y up");
	node_turn(n, 20); /* nothing that could not succeed is tried */
	node_wait_state(n, &dp_nhgroup_type, KEY4, DP_CREATED);
	sh("ip link set v1 up");
	node_wait_sh(n, 5000, "ip nexthop show id %u | grep -q ,255/", ID4);
	node_settle(n);
	require_way("v0");
	node_free(n);
}

static void kernel_moves_to_the_standby_by_itself_and_back_is_ours(void **state)
{
	(void)state;
	in_space(standby, NULL);
}

/* Nothing is tried that cannot succeed, and who asks is told why. */
static void require_waiting(struct node *n)
{
	const struct dp_nhgroup *have;
	const char *why;

	node_wait_state(n, &dp_route_type, ROUTE4, DP_WAITING);
	assert_int_equal(dp_state(node_dp(n), &dp_route_type, ROUTE4, &why), DP_WAITING);
	assert_string_equal(why, "needs nhgroup " KEY4 ": not as required");
	have = dp_have(node_dp(n), &dp_nhgroup_type, KEY4);
	assert_true(have && have->asleep);
}

static void alone(const void *arg)
{
	struct node *n = routed_node(false);

	(void)arg;
	sh("ip link set v1 down");
	sh("! ip nexthop show id %u 2>/dev/null | grep -q group", ID4);
	sh("! ip route show table 800 | grep -q default"); /* the kernel's doing */
	sh("! ip -6 route show table 800 | grep -q default");
	sh("ip link add x type veth peer name y && ip link set x up && ip link set y up");
	node_turn(n, 20);
	node_wait_state(n, &dp_nhgroup_type, KEY4, DP_CREATED);
	require_waiting(n);
	sh("ip link set v1 up");
	node_wait_sh(n, 5000, "ip route show table 800 | grep -q 'nhid %u'", ID4);
	node_wait_sh(n, 5000, "ip -6 route show table 800 | grep -q 'nhid %u'", ID6);
	node_wait_state(n, &dp_route_type, ROUTE4, DP_CREATED);
	node_free(n);
}

static void last_member_takes_group_and_routes_along_and_all_return(void **state)
{
	(void)state;
	in_space(alone, NULL);
}

/* The wish changes before the news of the lost group has come in. */
static void unnoticed(const void *arg)
{
	struct node *n = routed_node(false);
	struct dp_nhgroup other = group(AF_INET, via(2, "w0", gw(AF_INET, 1), 255));

	(void)arg;
	sh("ip link set v1 down");
	dp_patch(node_dp(n), "routes", &dp_nhgroup_type, &other);
	node_wait_sh(n, 5000, "ip nexthop show id %u | grep -q 'group %u,'", ID4, ID4 + 2);
	node_wait_sh(n, 5000, "ip route show table 800 | grep -q 'nhid %u'", ID4);
	node_free(n);
}

static void group_that_was_lost_unnoticed_is_made_anew_with_its_routes(void **state)
{
	(void)state;
	in_space(unnoticed, NULL);
}

static void replaced(const void *arg)
{
	struct node *n = routed_node(true);
	struct dp_nhgroup other =
		pair(AF_INET, via(2, "w0", gw(AF_INET, 1), 255), via(1, "v0", gw(AF_INET, 0), 1));

	(void)arg;
	sh("(timeout 30 ip monitor route nexthop >/run/told & echo $! >/run/pid); "
	   "until grep -q . /run/told; do ip route add 192.0.2.0/24 dev w0 table 9; "
	   "ip route del 192.0.2.0/24 dev w0 table 9; done");
	dp_patch(node_dp(n), "routes", &dp_nhgroup_type, &other);
	node_settle(n);
	sh("ip nexthop show id %u | grep -q 'group %u,255/%u '", ID4, ID4 + 2, ID4 + 1);
	sh("ip route add 192.0.2.0/24 dev w0 table 10; until grep -q 'table 10' /run/told; do "
	   "sleep "
	   ".01; "
	   "done; kill $(cat /run/pid); ! grep -q 'table 800' /run/told");
	node_free(n);
}

static void replaced_group_moves_routes_without_touching_them(void **state)
{
	(void)state;
	in_space(replaced, NULL);
}

/* ---- Members whose link does not run ---- */

static void late(const void *arg)
{
	struct node *n = node_new();
	struct dp_nhgroup both =
		pair(AF_INET, via(1, "v0", gw(AF_INET, 0), 255), via(2, "w0", gw(AF_INET, 1), 255));
	struct dp_route route = by_group(AF_INET);

	(void)arg;
	make_v_and_w();
	sh("ip link set w1 down && ip link del v0"); /* one without carrier, and one not there yet */
	dp_patch(node_dp(n), "routes", &dp_nhgroup_type, &both);
	dp_patch(node_dp(n), "routes", &dp_route_type, &route);
	node_settle(n);
	sh("! ip nexthop | grep -q .");
	require_waiting(n);
	sh("ip link set w1 up");
	node_wait_sh(n, 5000, "ip nexthop show id %u | grep -q 'group %u,255 '", ID4, ID4 + 2);
	node_wait_sh(n, 5000, "ip route show table 800 | grep -q 'nhid %u'", ID4);
	node_free(n);
	n = node_new(); /* adopted as it is: what is asleep is not missed */
	dp_patch(node_dp(n), "routes", &dp_nhgroup_type, &both);
	dp_patch(node_dp(n), "routes", &dp_route_type, &route);
	node_wait_state(n, &dp_nhgroup_type, KEY4, DP_CREATED);
	sh("ip link add v0 up type veth peer name v1 && ip link set v1 up");
	node_wait_sh(n, 5000, "ip nexthop show id %u | grep -q 'group %u,255/%u,255 '", ID4,
		     ID4 + 1, ID4 + 2);
	node_wait_state(n, &dp_route_type, ROUTE4, DP_CREATED);
	node_settle(n);
	node_free(n);
}

static void group_is_made_of_the_members_that_can_be_and_mended_when_others_come(void **state)
{
	(void)state;
	in_space(late, NULL);
}

static void asleep(const void *arg)
{
	struct node *n = routed_node(false);
	struct dp_nhgroup other = group(AF_INET, via(1, "w0", gw(AF_INET, 1), 255));
	struct dp_nhgroup both =
		pair(AF_INET, via(1, "w0", gw(AF_INET, 1), 255), via(2, "v0", gw(AF_INET, 0), 255));

	(void)arg;
	sh("ip link set w1 down");
	node_settle(n);
	dp_patch(node_dp(n), "routes", &dp_nhgroup_type, &both);
	node_wait_sh(n, 5000, "ip nexthop show id %u | grep -q 'group %u,255 '", ID4, ID4 + 2);
	sh("! ip nexthop show id %u 2>/dev/null | grep -q .",
	   ID4 + 1); /* what was v0 in that slot */
	node_wait_state(n, &dp_nhgroup_type, KEY4, DP_CREATED);
	dp_patch(node_dp(n), "routes", &dp_nhgroup_type, &other);
	node_wait_sh(n, 5000, "! ip nexthop show id %u 2>/dev/null | grep -q .", ID4);
	require_waiting(n);
	sh("ip link set w1 up");
	node_wait_sh(n, 5000, "ip nexthop show id %u | grep -q 'group %u,255 '", ID4, ID4 + 1);
	node_wait_sh(n, 5000, "ip route show table 800 | grep -q 'nhid %u'", ID4);
	node_settle(n);
	node_free(n);
}

static void group_changes_to_members_that_are_asleep(void **state)
{
	(void)state;
	in_space(asleep, NULL);
}

/* ---- Drift ---- */

static void meddled(const void *arg)
{
	struct node *n = routed_node(true);

	(void)arg;
	sh("ip nexthop replace id %u group %u type resilient proto 240", ID4, ID4 + 2);
	node_wait_sh(n, 5000, "ip nexthop show id %u | grep -q ,255/", ID4);
	sh("ip nexthop replace id %u via 10.9.0.9 dev v0 onlink proto 240", ID4 + 1);
	node_wait_sh(n, 5000, "ip nexthop show id %u | grep -q 'via 10.1.0.254 '", ID4 + 1);
	sh("ip nexthop del id %u", ID4); /* and its routes go */
	node_wait_sh(n, 5000, "ip route show table 800 | grep -q 'nhid %u'", ID4);
	node_free(n);
	n = node_new(); /* who is mended without end is mended ever later */
	dp_submit(node_dp(n), routes(true));
	node_wait_state(n, &dp_nhgroup_type, KEY4, DP_CREATED);
	sh("ip nexthop add id %u via 10.9.0.9 dev v0 onlink proto 240", ID4 + 9);
	node_wait_sh(n, 5000, "! ip nexthop | grep -q 10.9.0.9");
	node_free(n);
}

static void what_others_change_is_repaired(void **state)
{
	(void)state;
	in_space(meddled, NULL);
}

static void foreign(const void *arg)
{
	struct node *n;
	struct dp_nhgroup mine = group(AF_INET, via(1, "v0", gw(AF_INET, 0), 255));

	(void)arg;
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	sh("ip nexthop add id 5 via 10.1.0.9 dev v0 onlink && "
	   "ip nexthop add id %u via 10.1.0.9 dev v0 onlink && ip nexthop add id %u group %u",
	   ID4 + 1, ID4, ID4 + 1);
	n = node_new();
	dp_patch(node_dp(n), "x", &dp_nhgroup_type, &mine);
	node_wait_state(n, &dp_nhgroup_type, KEY4, DP_FAILED);
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("ip nexthop show id 5 | grep -q 10.1.0.9 && ip nexthop show id %u | grep -q 10.1.0.9",
	   ID4 + 1);
	node_free(n);
}

static void those_of_others_are_left_alone(void **state)
{
	(void)state;
	in_space(foreign, NULL);
}

static void leftover(const void *arg)
{
	struct node *n;

	(void)arg;
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	sh("ip nexthop add id %u via 10.1.0.9 dev v0 onlink proto 240", ID4 + 1); /* killed there */
	n = node_new();
	node_wait_state(n, &dp_nhgroup_type, KEY4, DP_LEFTOVER);
	dp_sweep(node_dp(n));
	node_wait_sh(n, 5000, "! ip nexthop | grep -q .");
	node_free(n);
}

static void member_without_a_group_is_swept(void **state)
{
	(void)state;
	in_space(leftover, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(group_of_one_conforms),
		cmocka_unit_test(group_of_two_conforms),
		cmocka_unit_test(member_without_gateway_conforms),
		cmocka_unit_test(full_group_conforms),
		cmocka_unit_test(route_by_a_group_conforms),
		cmocka_unit_test(kernel_moves_to_the_standby_by_itself_and_back_is_ours),
		cmocka_unit_test(last_member_takes_group_and_routes_along_and_all_return),
		cmocka_unit_test(group_that_was_lost_unnoticed_is_made_anew_with_its_routes),
		cmocka_unit_test(replaced_group_moves_routes_without_touching_them),
		cmocka_unit_test(
			group_is_made_of_the_members_that_can_be_and_mended_when_others_come),
		cmocka_unit_test(group_changes_to_members_that_are_asleep),
		cmocka_unit_test(what_others_change_is_repaired),
		cmocka_unit_test(those_of_others_are_left_alone),
		cmocka_unit_test(member_without_a_group_is_swept),
	};

	return cmocka_run_group_tests_name("nhgroup", tests, NULL, NULL);
}
