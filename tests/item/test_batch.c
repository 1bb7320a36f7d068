/* SPDX-License-Identifier: Apache-2.0 */
/* Many operations in one flush: each has its own fate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define ROUTES 3000 /* several sends */
#define BAD 1234

static struct dp_route route(unsigned int i)
{
	struct dp_route r = { .dst = { .addr = { .family = AF_INET }, .len = 32 },
			      .table = 100,
			      .nexthops = 1,
			      .nexthop[0] = { .ifname = IFNAME("e0") } };

	r.dst.addr.v4.s_addr = htonl(0x0a000000 + i);
	if (i == BAD) /* no such network is connected */
		require(ipaddr_parse("198.51.100.9", &r.nexthop[0].gateway) == 0, "address");
	return r;
}

static void one_of_many(const void *arg)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("item");
	struct dp_report problem;
	struct dp_counts counts;
	unsigned int i;

	(void)arg;
	sh("ip link add e0 up type veth peer name e1; ip link set e1 up");
	for (i = 0; i < ROUTES; i++) {
		struct dp_route r = route(i);

		dp_want(g, &dp_route_type, &r);
	}
	node_wait_state(n, &dp_link_type, "e0", DP_FOREIGN);
	node_turn(n, 50);
	require(dp_submit(node_dp(n), g) == 0, "submit");
	node_settle(n);
	dp_counts(node_dp(n), &counts);
	require(counts.created == ROUTES - 1 && counts.failed == 1, "%u created, %u failed",
		counts.created, counts.failed);
	require(dp_scope_problem(node_dp(n), "item", &problem), "no problem is told");
	require(strstr(problem.key, "10.0.4.210") && problem.why &&
			strstr(problem.why, "invalid gateway"),
		"%s: %s", problem.key, problem.why);
	sh("test $(ip route show table 100 | wc -l) = %d", ROUTES - 1);
	node_free(n);
}

static void one_bad_message_of_thousands_fails_alone_with_the_kernels_words(void **state)
{
	(void)state;
	in_space(one_of_many, NULL);
}

static struct node *node_with_bridges(int count)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("item");
	struct dp_bridge bridge = { 0 };
	int i;

	for (i = 0; i < count; i++) {
		snprintf(bridge.ifname.str, sizeof(bridge.ifname.str), "bn%d", i);
		dp_want(g, &dp_bridge_type, &bridge);
	}
	require(dp_submit(node_dp(n), g) == 0, "submit");
	node_settle(n);
	sh("test $(ip -o link show type bridge | wc -l) = %d", count);
	return n;
}

static void undeletable(const void *arg)
{
	struct node *n = node_with_bridges(3);

	(void)arg;
	sh("ip link set lo group 10240"); /* lo has no delete: the kernel refuses the group */
	node_apply(n, &dp_bridge_type, NULL);
	sh("test $(ip -o link show type bridge | wc -l) = 0");
	sh("ip link show lo");
	node_free(n);
}

static void links_go_one_by_one_where_the_group_cannot_go(void **state)
{
	(void)state;
	in_space(undeletable, NULL);
}

static void many_links(const void *arg)
{
	struct node *n = node_with_bridges(80); /* more than one group delete */
	struct dp_graph *g = dp_graph_new("other");

	(void)arg;
	require(dp_submit(node_dp(n), dp_graph_new("item")) == 0, "submit");
	/* What comes meanwhile does not wait for all of them. */
	dp_run(node_dp(n));
	dp_want(g, &dp_bridge_type, &(struct dp_bridge){ .ifname = IFNAME("bn0") });
	dp_want(g, &dp_bridge_type, &(struct dp_bridge){ .ifname = IFNAME("bn79") });
	dp_want(g, &dp_bridge_type, &(struct dp_bridge){ .ifname = IFNAME("fresh") });
	require(dp_submit(node_dp(n), g) == 0, "submit");
	dp_run(node_dp(n));
	sh("ip link show fresh");
	node_settle(n);
	node_wait_state(n, &dp_bridge_type, "bn79", DP_CREATED);
	sh("test $(ip -o link show type bridge | wc -l) = 3");
	node_free(n);
}

static void removing_many_links_holds_nobody_up(void **state)
{
	(void)state;
	in_space(many_links, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bad_message_of_thousands_fails_alone_with_the_kernels_words),
		cmocka_unit_test(links_go_one_by_one_where_the_group_cannot_go),
		cmocka_unit_test(removing_many_links_holds_nobody_up),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
