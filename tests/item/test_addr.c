/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/items/foreign.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"
#include "tests/item/values.h"
#include "tests/item/veths.h"

static void addr_conforms(void **state)
{
	static const char *const prefixes[] = { "10.1.0.1/24", "10.1.0.1/32", "fd00:1::1/64",
						"fe80::99/64" };

	(void)state;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		item_conformance(&(struct item_story){
			.type = &dp_addr_type,
			.a = &(struct dp_addr){ .ifname = IFNAME("v0"),
						.prefix = test_prefix(prefixes[i]),
						.nodad = true },
			.b = &(struct dp_addr){ .ifname = IFNAME("v0"),
						.prefix = test_prefix(prefixes[i]),
						.nodad = true,
						.noprefixroute = true },
			.world = want_v,
		});
}

/* ---- Foreign ones ---- */

static void foreign(const void *arg)
{
	struct node *n = node_new();

	(void)arg;
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	sh("ip address add 10.2.0.1/24 dev v0 && ip address add fd00:2::1/64 dev v0 nodad");
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_FOREIGN);
	node_wait_state(n, &dp_addr_type, "v0/fd00:2::1/64", DP_FOREIGN);
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("ip address show v0 | grep -q 10.2.0.1/24");
	sh("ip address flush dev v0 scope global");
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_ABSENT);
	node_wait_state(n, &dp_addr_type, "v0/fd00:2::1/64", DP_ABSENT);
	sh("ip address add 10.2.0.1/24 dev v0");
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_FOREIGN);
	sh("ip link del v0");
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_ABSENT);
	node_free(n);
}

static void foreign_addresses_are_seen_and_left_alone(void **state)
{
	(void)state;
	in_space(foreign, NULL);
}

static void left_behind(const void *arg)
{
	const struct dp_addr addr = { .ifname = IFNAME("v0"),
				      .prefix = test_prefix("10.2.0.1/24") };
	struct dp_route route;
	struct node *n;

	(void)arg;
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	sh("ip address add 10.2.0.1/16 dev v0 && ip address add 10.2.0.1/24 dev v0");
	sh("ip route add default via 10.2.0.9 dev v0 metric 7 proto static");
	sh("ip route add default via 10.2.0.9 dev v0 proto boot");
	n = node_new();
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_FOREIGN);
	assert_int_equal(dp_addr_remove_now(node_dp(n), &addr), 0);
	assert_null(dp_have(node_dp(n), &dp_addr_type, "v0/10.2.0.1/24"));
	sh("ip address show v0 | grep -q 10.2.0.1/16"); /* the same address, not this one */
	assert_int_equal(dp_addr_remove_now(node_dp(n), &addr), -EADDRNOTAVAIL);

	sh("ip address add 10.2.0.1/24 dev v0");
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_FOREIGN);
	assert_int_equal(dp_addr_take_now(node_dp(n), &addr), 0);
	node_apply(n, &dp_addr_type, &addr);
	assert_int_equal(dp_state(node_dp(n), &dp_addr_type, "v0/10.2.0.1/24", NULL), DP_CREATED);

	route = *(const struct dp_route *)dp_have(node_dp(n), &dp_route_type, "4/254/0.0.0.0/0/0");
	assert_int_equal(dp_route_remove_now(node_dp(n), &route), 0);
	assert_null(dp_have(node_dp(n), &dp_route_type, "4/254/0.0.0.0/0/0"));
	assert_int_equal(dp_route_remove_now(node_dp(n), &route),
			 -ESRCH); /* nor any other metric's */
	sh("ip route show default | grep -q 'metric 7'");
	node_free(n);
}

static void what_was_left_behind_is_removed_or_taken_as_it_is(void **state)
{
	(void)state;
	in_space(left_behind, NULL);
}

static void lengths(const void *arg)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("lengths");

	(void)arg;
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	sh("ip address add 10.2.0.1/16 dev v0");
	dp_want(g, &dp_addr_type,
		&(struct dp_addr){ .ifname = IFNAME("v0"), .prefix = test_prefix("10.2.0.1/24") });
	dp_submit(node_dp(n), g);
	dp_sweep(node_dp(n));
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_CREATED);
	dp_submit(node_dp(n), dp_graph_new("lengths"));
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_ABSENT);
	sh("ip address show v0 | grep -q 10.2.0.1/16");
	node_free(n);
}

static void the_same_address_with_another_length_stays(void **state)
{
	(void)state;
	in_space(lengths, NULL);
}

/* ---- Falling and returning ---- */

static void want_both(struct node *n)
{
	struct dp_graph *g = dp_graph_new("both");

	dp_want(g, &dp_addr_type,
		&(struct dp_addr){ .ifname = IFNAME("v0"), .prefix = test_prefix("10.2.0.1/24") });
	dp_want(g, &dp_addr_type,
		&(struct dp_addr){ .ifname = IFNAME("v0"),
				   .prefix = test_prefix("fd00:2::1/64"),
				   .nodad = true });
	dp_submit(node_dp(n), g);
}

static void falls(const void *arg)
{
	struct node *n = node_new();

	(void)arg;
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	want_both(n);
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_CREATED);
	node_wait_state(n, &dp_addr_type, "v0/fd00:2::1/64", DP_CREATED);
	sh("ip address show v0 | grep -q 'inet 10.2.0.1/24 brd 10.2.0.255'");
	sh("ip link set v0 down"); /* the kernel removes the IPv6 one */
	node_turn(n, 20);
	node_wait_state(n, &dp_addr_type, "v0/fd00:2::1/64", DP_CREATED);
	sh("ip link set v0 up");
	node_turn(n, 20);
	node_wait_state(n, &dp_addr_type, "v0/fd00:2::1/64", DP_CREATED);
	sh("ip address show v0 | grep -q 'inet6 fd00:2::1/64'");
	sh("ip link del v0");
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_WAITING);
	node_wait_state(n, &dp_addr_type, "v0/fd00:2::1/64", DP_WAITING);
	sh("ip link add v0 type veth peer name v1 && ip link set v0 up");
	node_wait_state(n, &dp_addr_type, "v0/10.2.0.1/24", DP_CREATED);
	node_wait_state(n, &dp_addr_type, "v0/fd00:2::1/64", DP_CREATED);
	node_free(n);
}

static void addresses_return_with_their_interface(void **state)
{
	(void)state;
	in_space(falls, NULL);
}

/* ---- Duplicates ---- */

static bool is_unique(struct node *n, void *arg)
{
	const struct dp_addr *have = dp_have(node_dp(n), &dp_addr_type, "v0/fd00:2::1/64");

	(void)arg;
	return have && !have->tentative && !have->dadfailed;
}

static bool is_duplicate(struct node *n, void *arg)
{
	struct dp_counts counts;

	(void)arg;
	dp_counts(node_dp(n), &counts);
	return counts.repaired > 0; /* found, and made anew */
}

static void duplicate(const void *arg)
{
	struct node *n;

	(void)arg;
	sh("ip netns add other && ip link add v0 type veth peer name v1 netns other && "
	   "ip link set v0 up && ip -n other link set v1 up");
	sh("ip -n other address add fd00:2::1/64 dev v1 nodad");
	n = node_new();
	node_apply(
		n, &dp_addr_type,
		&(struct dp_addr){ .ifname = IFNAME("v0"), .prefix = test_prefix("fd00:2::1/64") });
	node_wait(n, 8000, is_duplicate, NULL, "the duplicate to be found");
	sh("ip -n other address del fd00:2::1/64 dev v1");
	node_wait(n, 40000, is_unique, NULL, "the address to be usable");
	node_free(n);
}

static void duplicate_address_is_tried_again_until_it_is_free(void **state)
{
	(void)state;
	in_space(duplicate, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addr_conforms),
		cmocka_unit_test(foreign_addresses_are_seen_and_left_alone),
		cmocka_unit_test(what_was_left_behind_is_removed_or_taken_as_it_is),
		cmocka_unit_test(the_same_address_with_another_length_stays),
		cmocka_unit_test(addresses_return_with_their_interface),
		cmocka_unit_test(duplicate_address_is_tried_again_until_it_is_free),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
