/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel does not tell: messages lost to a full socket, routes dropped without a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <linux/netlink.h>

#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"
#include "tests/item/values.h"

static unsigned int resyncs(struct node *n)
{
	struct dp_counts counts;

	dp_counts(node_dp(n), &counts);
	return counts.resyncs;
}

static bool is_mended(struct node *n, void *arg)
{
	(void)n;
	(void)arg;
	return sh_try("ip link show bn1 up | grep -q bn1 && "
		      "ip address show dev bn1 | grep -q 198.51.100.1/24 && "
		      "! ip link show bn2 2> /dev/null") == 0;
}

static struct node *node_with_bridge(void)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("item");

	dp_want(g, &dp_bridge_type, &(struct dp_bridge){ .ifname = IFNAME("bn1") });
	dp_want(g, &dp_addr_type,
		&(struct dp_addr){ .ifname = IFNAME("bn1"),
				   .prefix = test_prefix("198.51.100.1/24") });
	require(dp_submit(node_dp(n), g) == 0, "submit");
	dp_sweep(node_dp(n));
	node_wait_state(n, &dp_addr_type, "bn1/198.51.100.1/24", DP_CREATED);
	return n;
}

static void overrun(const void *arg)
{
	struct node *n = node_with_bridge();
	unsigned int before;

	(void)arg;
	node_turn(n, 50);
	before = resyncs(n);
	/* The loop does not turn meanwhile: the buffer of the socket fills up and the rest of the
	 * news, what we are interested in, is lost. */
	sh("awk 'BEGIN { for (i = 0; i < 30000; i++)"
	   " print \"address add 203.0.113.1/32 dev lo\\naddress del 203.0.113.1/32 dev lo\" }'"
	   " | ip -batch -");
	sh("ip address del 198.51.100.1/24 dev bn1; ip link set bn1 down");
	sh("ip link add bn2 group 240 type bridge");
	node_wait(n, 5000, is_mended, NULL, "what happened during the overrun to be mended");
	require(resyncs(n) > before, "it was mended without a resync: nothing was lost");
	node_settle(n);
	node_turn(n, 1500);
	before = resyncs(n);
	node_turn(n, 300);
	require(resyncs(n) == before, "it resyncs for ever");
	node_free(n);
}

/* EVE: lost netlink messages. */
static void reads_everything_again_after_an_overrun(void **state)
{
	(void)state;
	in_space(overrun, NULL);
}

/* The socket that hears: it is in groups. */
static int monitor_fd(void)
{
	for (int fd = 3; fd < 64; fd++) {
		struct sockaddr_nl name = { 0 };
		socklen_t len = sizeof(name);

		if (getsockname(fd, (struct sockaddr *)&name, &len) == 0 &&
		    name.nl_family == AF_NETLINK && name.nl_groups)
			return fd;
	}
	wrong(__FILE__, __LINE__, "no socket of the monitor");
}

static void set_buffer(int bytes)
{
	require(setsockopt(monitor_fd(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) == 0,
		"buffer");
}

/* One loss after the other, until it waits for 640 ms before it reads everything again. */
static void lose_often(struct node *n, unsigned int link)
{
	const char *noise = "for i in 1 2 3 4 5 6 7 8 9; do echo address add 203.0.113.9$i/32 dev "
			    "lo; echo address del 203.0.113.9$i/32 dev lo; done | ip -batch -";

	set_buffer(1);
	for (unsigned int delay_ms = 0; delay_ms <= 320; delay_ms += delay_ms ? delay_ms : 10) {
		unsigned int before = resyncs(n);

		sh("%s", noise);
		while (resyncs(n) == before)
			node_turn(n, 1);
	}
	sh("%s; ip link add x%u type bridge", noise, link);
	node_turn(n, 1);
	set_buffer(8 << 20);
}

static bool has_route(struct node *n, void *arg)
{
	(void)n;
	return sh_try("ip route show table 100 | grep -q '%s'", (const char *)arg) == 0;
}

static void silent_routes(const void *arg)
{
	struct node *n = node_with_bridge();
	struct dp_graph *g = dp_graph_new("routes");
	struct dp_route route = { .dst = test_prefix("192.0.2.0/24"), .table = 100, .nexthops = 1 };

	(void)arg;
	sh("ip link add e0 up type veth peer name e1; ip link set e1 up");
	sh("ip address add 203.0.113.1/24 dev e0");
	route.nexthop[0].ifname = IFNAME("e0");
	dp_want(g, &dp_route_type, &route);
	route.dst = test_prefix("192.0.3.0/24");
	require(ipaddr_parse("203.0.113.1", &route.prefsrc) == 0, "address");
	dp_want(g, &dp_route_type, &route);
	require(dp_submit(node_dp(n), g) == 0, "submit");
	node_wait(n, 5000, has_route, (void *)"192.0.2.0/24", "the route");
	node_wait(n, 5000, has_route, (void *)"192.0.3.0/24", "the route with a source");

	/* Neither has a RTM_DELROUTE, see fib_sync_down_dev() and fib_sync_down_addr(). */
	sh("ip link set e0 down && ip link set e0 up");
	node_wait(n, 2000, has_route, (void *)"192.0.2.0/24", "the route after down and up");
	sh("ip address del 203.0.113.1/24 dev e0 && ip address add 203.0.113.1/24 dev e0");
	node_wait(n, 2000, has_route, (void *)"192.0.3.0/24", "the route after its source left");
	node_free(n);
}

static void notices_routes_the_kernel_drops_without_a_word(void **state)
{
	(void)state;
	in_space(silent_routes, NULL);
}

/* A route is mended that was dropped while the monitor waits, before it hears of a link it missed. */
static bool is_mended_first(struct node *n, unsigned int try)
{
	struct dp_route route = { .table = 100, .nexthops = 1 };
	char dst[32], link[16];
	bool first;

	sprintf(dst, "192.0.%u.0/24", try);
	sprintf(link, "x%u", try);
	route.dst = test_prefix(dst);
	route.nexthop[0].ifname = IFNAME("e0");
	dp_patch(node_dp(n), "routes", &dp_route_type, &route);
	node_wait(n, 5000, has_route, dst, "the route");
	lose_often(n, try);
	sh("ip link set e0 down && ip link set e0 up");
	node_wait(n, 5000, has_route, dst, "the route after down and up");
	first = !dp_have(node_dp(n), &dp_link_type, link);
	node_wait_state(n, &dp_link_type, link, DP_FOREIGN);
	dp_submit(node_dp(n), dp_graph_new("routes"));
	node_settle(n);
	return first;
}

static void impatient(const void *arg)
{
	struct node *n = node_with_bridge();
	unsigned int tries = 10; /* a machine that stalls lets the time pass */

	(void)arg;
	sh("ip link add e0 up type veth peer name e1; ip link set e1 up");
	while (!is_mended_first(n, tries))
		require(--tries, "it waits for everything else");
	node_free(n);
}

static void what_is_known_to_be_lost_does_not_wait_for_the_back_off(void **state)
{
	(void)state;
	in_space(impatient, NULL);
}

static void renamed(const void *arg)
{
	struct node *n = node_new();
	const struct dp_link *link;

	(void)arg;
	sh("ip link add e0 type veth peer name e1");
	node_wait_state(n, &dp_link_type, "e0", DP_FOREIGN);
	sh("ip link set e0 name uplink; ip link set e1 name e0");
	node_wait_state(n, &dp_link_type, "uplink", DP_FOREIGN);
	node_wait_state(n, &dp_link_type, "e1", DP_ABSENT);
	link = dp_have(node_dp(n), &dp_link_type, "e0");
	require(link, "the second e0 is not known");
	sh("test $(cat /sys/class/net/e0/ifindex) = %u", link->ifindex);
	node_free(n);
}

static void follows_links_that_change_their_names(void **state)
{
	(void)state;
	in_space(renamed, NULL);
}

static bool hears(const char *command)
{
	char byte;

	sh("%s", command);
	return recv(monitor_fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static void of_others(const void *arg)
{
	struct node *n = node_new();

	(void)arg;
	node_turn(n, 20);
	require(!hears("ip rule add pref 77 lookup 77 protocol 99"), "a rule of others");
	require(!hears("ip -6 rule add pref 77 lookup 77 protocol 99"), "theirs of IPv6");
	require(!hears("ip route add 198.51.100.0/24 dev lo table 77 proto 99"),
		"a route of others");
	require(!hears("ip rule del pref 77"), "the end of a rule of others");
	require(hears("ip rule add pref 78 lookup 78 protocol 240"), "a rule of ours is not heard");
	node_turn(n, 20);
	require(hears("ip route add 198.51.101.0/24 dev lo table 77 proto 240"),
		"a route of ours is not heard");
	node_turn(n, 20);
	require(hears("ip route add default dev lo proto 99"), "the default route is not heard");
	node_free(n);
}

static void does_not_hear_what_others_route_by_in_tables_of_their_own(void **state)
{
	(void)state;
	in_space(of_others, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_everything_again_after_an_overrun),
		cmocka_unit_test(notices_routes_the_kernel_drops_without_a_word),
		cmocka_unit_test(what_is_known_to_be_lost_does_not_wait_for_the_back_off),
		cmocka_unit_test(follows_links_that_change_their_names),
		cmocka_unit_test(does_not_hear_what_others_route_by_in_tables_of_their_own),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
