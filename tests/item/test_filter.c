/* SPDX-License-Identifier: Apache-2.0 */
/* Who reaches whom: access lists, isolation, translation. filter_world.h draws the world. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/item/filter_world.h"

#ifndef WORLD_VRF
#define WORLD_VRF false /* test_filter_vrf.c: true */
#endif

/* ---- Access lists ---- */

static void egress(const void *arg)
{
	const struct zr_ace aces[] = {
		{ .remote = test_prefix(SERVER), .protocol = 17, .fport = { 7000, 7000 } },
		{ .remote = test_prefix(SERVER6), .protocol = 17, .fport = { 7000, 7000 } },
		{ .remote = test_prefix(SERVER),
		  .protocol = 17,
		  .fport = { 7105, 7105 },
		  .action = ZR_DROP },
		{ .remote = test_prefix("192.0.2.0/24"), .protocol = 17, .fport = { 7100, 7110 } },
		{ .remote = test_prefix("192.0.2.0/24"), .protocol = 1 },
		{ .protocol = 58 },
	};
	const struct zr_ace less[] = { { .remote = test_prefix(SERVER), .protocol = 6 } };
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	n = start();
	shut_to("a1", SERVER, 7000, "wan"); /* it has no elements yet */
	want_app(n, "a1", aces, ARRAY_SIZE(aces));
	open_to("a1", SERVER, 7000, "wan");
	open_to("a1", SERVER6, 7000, "wan");
	shut_to("a1", SERVER, 7001, "wan");
	shut_to("a1", SERVER6, 7001, "wan");
	open_to("a1", SERVER, 7104, "wan");
	shut_to("a1", SERVER, 7105, "wan"); /* the exception stands before the range */
	shut_to("a1", SERVER6, 7104, "wan");
	require(pings("a1", SERVER, OPEN_MS), "no ping");
	require(pings("a1", SERVER6, OPEN_MS), "no ping by IPv6");
	shut_to("a2", SERVER, 7000, "wan");
	want_app(n, "a1", less, 1); /* the list changes under it */
	shut_to("a1", SERVER, 7000, "wan");
	require(!pings("a1", SERVER6, SHUT_MS), "ping by IPv6");
	node_free(n);
}

static void ingress(const void *arg)
{
	const struct zr_ace aces[] = {
		{ .protocol = 17, .lport = { 7000, 7000 }, .direction = ZR_INGRESS },
		{ .protocol = 17, .fport = { 7001, 7001 }, .direction = ZR_EGRESS },
	};
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	n = start();
	want_app(n, "a1", aces, ARRAY_SIZE(aces));
	open_to("wan", "10.1.0.2", 7000, "a1");
	open_to("wan", "fd00:1::2", 7000, "a1");
	shut_to("wan", "10.1.0.2", 7001, "a1");
	open_to("a1", SERVER, 7001, "wan");
	shut_to("a1", SERVER, 7000, "wan");
	want_instance(n, 1, 0); /* air-gapped: neither out nor in */
	shut_to("wan", "10.1.0.2", 7000, "a1");
	shut_to("a1", SERVER, 7001, "wan");
	node_free(n);
}

static void peers(const void *arg)
{
	const struct zr_ace sender[] = { { .remote = test_prefix("10.1.0.3"), .protocol = 17 },
					 { .remote = test_prefix("fd00:1::3"), .protocol = 17 } };
	const struct zr_ace receiver[] = { { .protocol = 17, .lport = { 7000, 7000 } } };
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	n = start();
	want_app(n, "a1", sender, ARRAY_SIZE(sender));
	want_app(n, "a2", NULL, 0);
	shut_to("a1", "10.1.0.3", 7000, "a2");
	want_app(n, "a2", receiver, 1);
	open_to("a1", "10.1.0.3", 7000, "a2");
	open_to("a1", "fd00:1::3", 7000, "a2");
	shut_to("a1", "10.1.0.3", 7001, "a2"); /* only the sender's list allows it */
	want_app(n, "a1", NULL, 0);
	shut_to("a1", "10.1.0.3", 7000, "a2"); /* only the receiver's */
	node_free(n);
}

static void limit(const void *arg)
{
	const struct zr_ace aces[] = { { .remote = test_prefix(SERVER),
					 .action = ZR_LIMIT,
					 .limit_rate = 1,
					 .limit_unit_s = 60,
					 .limit_burst = 5 } };
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	n = start();
	want_app(n, "a1", aces, 1);
	/* one flow: its later packets are established ones, and count nevertheless */
	sh("ip netns exec a1 ping -c10 -i0.002 -W0.3 " SERVER " > /run/ping; "
	   "grep -q ' [56] received' /run/ping || { cat /run/ping >&2; false; }");
	node_free(n);
}

/* What the DNS server of the instance would do when it is asked. */
static void learn(const char *domain, const char *addr4, const char *addr6)
{
	sh("nft add element inet " T " host4_bn1_%s '{ %s }'", domain, addr4);
	sh("nft add element inet " T " host6_bn1_%s '{ %s }'", domain, addr6);
}

static void hosts(const void *arg)
{
	const struct zr_ace aces[] = {
		{ .host = "bad.example",
		  .action = ZR_DROP,
		  .fport = { 7005, 7005 },
		  .protocol = 17 },
		{ .remote = test_prefix("192.0.2.0/28"),
		  .action = ZR_DROP,
		  .protocol = 17,
		  .fport = { 7003, 7003 } },
		{ .host = "Web.example", .protocol = 17, .fport = { 7000, 7010 } },
		{ .host = "client.example",
		  .remote = test_prefix("198.51.100.128/25"),
		  .protocol = 17,
		  .lport = { 7020, 7021 },
		  .direction = ZR_INGRESS },
		{ .remote = test_prefix(SERVER), .protocol = 17, .fport = { 7030, 7030 } },
	};
	struct dp_graph *g = dp_graph_new("ni/1/hosts");
	const struct ifname bridge = IFNAME("bn1");
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	n = start();
	zr_filter_host(g, T, &bridge, "web.example");
	zr_filter_host(g, T, &bridge, "bad.example");
	zr_filter_host(g, T, &bridge, "client.example");
	require(dp_submit(node_dp(n), g) == 0, "submit");
	want_app(n, "a1", aces, ARRAY_SIZE(aces));
	want_app(n, "a2", aces + 4, 1);
	shut_to("a1", SERVER, 7000, "wan"); /* nobody has asked for the name */
	open_to("a1", SERVER, 7030, "wan"); /* the maps are asked after the steps */
	learn("web.example", SERVER, SERVER6);
	open_to("a1", SERVER, 7000, "wan");
	open_to("a1", SERVER6, 7010, "wan");
	open_to("a1", SERVER, 7005, "wan");
	shut_to("a1", SERVER, 7003, "wan");
	open_to("a1", SERVER6, 7003, "wan"); /* the drop before it is about IPv4 */
	shut_to("a1", SERVER6, 7011, "wan");
	shut_to("a2", SERVER, 7000, "wan"); /* its list names no host */
	learn("bad.example", SERVER, SERVER6);
	shut_to("a1", SERVER, 7005, "wan");
	shut_to("a1", SERVER6, 7005, "wan");
	open_to("a1", SERVER6, 7006, "wan");
	shut_to("wan", "10.1.0.2", 7020, "a1");
	learn("client.example", "198.51.100.254", "2001:db8:0:1::254");
	open_to("wan", "10.1.0.2", 7021, "a1");
	shut_to("wan", "10.1.0.2", 7022, "a1");
	shut_to("wan", "fd00:1::2", 7021, "a1"); /* the address must be in the prefix, too */
	want_app(n, "a1", aces, 1);
	require(dp_submit(node_dp(n), dp_graph_new("ni/1/hosts")) == 0, "submit");
	want_app(n, "a1", aces + 4, 1); /* the last that used them lets the sets go */
	sh("! nft list sets inet | grep host");
	node_free(n);
}

/* ---- Isolation ---- */

static void isolation(const void *arg)
{
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	n = start_open();
	open_to("a1", SERVER, 7000, "wan");
	open_to("a1", "10.1.0.3", 7000, "a2");
	shut_to("a1", "10.2.0.2", 7000, "b1"); /* another instance */
	shut_to("a1", "fd00:2::2", 7000, "b1");
	shut_to("a1", "10.2.0.1", 7000, NULL); /* its bridge */
	shut_to("a1", "198.51.100.1", 7000, NULL); /* the node by its port */
	shut_to("a1", "10.1.0.1", 7000, NULL); /* the node by the bridge */
	shut_to("a1", "fd00:1::1", 7000, NULL);
	open_to("a1", "10.1.0.1", 53, NULL); /* which is for DNS */
	open_to("a1", "fd00:1::1", 53, NULL);
	require(pings("a1", "10.1.0.1", OPEN_MS) && pings("a1", "fd00:1::1", OPEN_MS),
		"no ping to the bridge");
	require(!pings("a1", "198.51.100.1", SHUT_MS), "the port answers a ping");
	open_to("wan", "198.51.100.1", 7000, NULL); /* not our business */
	/* an uplink that is not of the instance */
	sh("ip route replace default via 203.0.113.254 dev eth1 table 801");
	shut_to("a1", SERVER, 7001, "wan");
	want_instance(n, 1, 2);
	open_to("a1", SERVER, 7001, "wan");
	node_free(n);
}

static void port_to_port(const void *arg)
{
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	sh("ip netns add far; ip link set eth1 down; ip link del eth1; "
	   "ip link add eth1 type veth peer name f1 netns far; ip link set eth1 up; "
	   "ip address add 203.0.113.1/24 dev eth1; ip netns exec far sh -c 'ip link set f1 up; "
	   "ip address add 203.0.113.254/24 dev f1; ip route add default via 203.0.113.1'; "
	   "ip netns exec wan ip route add 203.0.113.0/24 via 198.51.100.1");
	open_to("wan", "203.0.113.254", 7000, "far"); /* as long as there are no rules */
	n = start_open();
	shut_to("wan", "203.0.113.254", 7001, "far");
	node_free(n);
}

/* ---- Translation and marks ---- */

static void translation(const void *arg)
{
	_cleanup_(closep) int app = -1, server = -1;
	struct ipaddr from;
	char buf[INET6_ADDRSTRLEN];
	uint16_t port;
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	n = start_open();
	want_instance(n, 1, 2);
	app = udp_open("a1", "0.0.0.0", 0);
	server = udp_open("wan", SERVER, 7000);
	udp_send(app, SERVER, 7000, "first");
	require(udp_receive(server, "first", OPEN_MS, &from, &port), "not there");
	require(strcmp(ipaddr_str(&from, buf), "198.51.100.1") == 0, "comes from %s", buf);
	udp_send(server, buf, port, "answer");
	require(udp_receive(app, "answer", OPEN_MS, NULL, NULL), "no answer");
	sh("conntrack -L -p udp --orig-dst " SERVER " 2>/dev/null | grep -q mark=16778241");
	/* the instance goes over to eth1; the flow stays with its port as long as that is usable */
	sh("ip route add default via 198.51.100.254 table 501; "
	   "ip rule add fwmark 0x01000000/0xff000000 lookup 501 pref 900; "
	   "ip route replace default via 203.0.113.254 dev eth1 table 801");
	udp_send(app, SERVER, 7000, "second");
	require(udp_receive(server, "second", OPEN_MS, &from, NULL), "not there any more");
	require(strcmp(ipaddr_str(&from, buf), "198.51.100.1") == 0, "moved to %s", buf);
	close(take_fd(&app));
	app = udp_open("a1", "0.0.0.0", 0);
	udp_send(app, SERVER, 7000, "third");
	require(udp_receive(server, "third", OPEN_MS, &from, NULL), "a new flow is not there");
	require(strcmp(ipaddr_str(&from, buf), "203.0.113.1") == 0, "a new flow left by %s", buf);
	sh("conntrack -L -p udp --orig-dst " SERVER " 2>/dev/null | grep -q mark=33555457");
	/* IPv6 is translated too */
	close(take_fd(&app));
	close(take_fd(&server));
	app = udp_open("a1", "::", 0);
	server = udp_open("wan", "::", 7000);
	udp_send(app, SERVER6, 7000, "sixth");
	require(udp_receive(server, "sixth", OPEN_MS, &from, NULL), "not there by IPv6");
	require(strcmp(ipaddr_str(&from, buf), "2001:db8:0:1::1") == 0, "comes from %s", buf);
	node_free(n);
}

/* Reaches through a translated port: data for text arrives at server:port. */
static bool maps(const char *from, const char *to, uint16_t external, const char *server,
		 uint16_t port, unsigned int ms, struct ipaddr *ret_peer)
{
	_cleanup_(closep) int fd = udp_open(from, "0.0.0.0", 0);
	_cleanup_(closep) int srv = udp_open(server, "0.0.0.0", port);
	static unsigned int probes;
	_cleanup_(freep) char *text = xasprintf("mapped %u", ++probes);
	char buf[INET6_ADDRSTRLEN];
	uint16_t peer_port;

	udp_send(fd, to, external, text);
	if (!udp_receive(srv, text, wait_ms(ms), ret_peer, &peer_port))
		return false;
	udp_send(srv, ipaddr_str(ret_peer, buf), peer_port, "answer");
	require(udp_receive(fd, "answer", wait_ms(OPEN_MS), NULL, NULL), "no answer");
	return true;
}

static void port_maps(const void *arg)
{
	const struct zr_ace aces[] = {
		{ .action = ZR_PORTMAP,
		  .protocol = 17,
		  .lport = { 8000, 8001 },
		  .target_port = 9000 },
		{ .action = ZR_PORTMAP,
		  .protocol = 17,
		  .lport = { 8100, 8100 },
		  .target_port = 9100,
		  .adapter = "lan" },
	};
	struct ipaddr peer;
	char buf[INET6_ADDRSTRLEN];
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	n = start_open();
	want_instance(n, 1, 2);
	want_app(n, "a1", aces, ARRAY_SIZE(aces));
	require(maps("wan", "198.51.100.1", 8000, "a1", 9000, OPEN_MS, &peer), "not mapped");
	require(strcmp(ipaddr_str(&peer, buf), "198.51.100.254") == 0, "client is %s", buf);
	require(maps("wan", "198.51.100.1", 8001, "a1", 9001, OPEN_MS, &peer), "second of a range");
	require(!maps("wan", "198.51.100.1", 8002, "a1", 9002, SHUT_MS, &peer), "third is mapped");
	require(!maps("wan", "198.51.100.1", 8100, "a1", 9100, SHUT_MS, &peer), "wrong port");
	require(maps("wan", "203.0.113.1", 8100, "a1", 9100, OPEN_MS, &peer), "by its label");
	shut_to("wan", "10.1.0.2", 9000, "a1"); /* past the map */
	shut_to("a2", "10.1.0.2", 9000, "a1");
	/* from apps: of the same instance, of another, and the app itself */
	require(maps("a2", "198.51.100.1", 8000, "a1", 9000, OPEN_MS, &peer), "no hairpin");
	require(maps("b1", "198.51.100.1", 8000, "a1", 9000, OPEN_MS, &peer), "no cross hairpin");
	require(!maps("a1", "198.51.100.1", 8000, "a1", 9000, SHUT_MS, &peer),
		"its own list does not allow that");
	want_app(n, "b1", NULL, 0);
	require(!maps("b1", "198.51.100.1", 8000, "a1", 9000, SHUT_MS, &peer), "against its list");
	want_app(n, "b1", anything, 1);
	want_instance(n, 2, 0);
	require(!maps("b1", "198.51.100.1", 8000, "a1", 9000, SHUT_MS, &peer), "air-gapped");
	node_free(n);
}

/* ---- Nothing else is touched ---- */

static void steady(const void *arg)
{
	struct node *n;

	(void)arg;
	build_world(WORLD_VRF);
	n = start();
	want_app(n, "a1", anything, 1);
	sh("nft -a list ruleset | grep -v 'elements\\|counter\\|nbu\\|0x\\|bn[12]' > /run/before");
	want_app(n, "a2", anything, 1);
	want_app(n, "b1", anything, 1);
	want_instance(n, 1, 2);
	sh("nft -a list ruleset | grep -v 'elements\\|counter\\|nbu\\|0x\\|bn[12]' > /run/after; "
	   "diff /run/before /run/after");
	node_free(n);
	sh("ip netns exec a1 ping -c200 -i0.01 " SERVER " > /run/ping &");
	n = start(); /* a new run adopts what it finds, without the loss of a packet */
	want_app(n, "a1", anything, 1);
	want_app(n, "a2", anything, 1);
	want_app(n, "b1", anything, 1);
	want_instance(n, 1, 2);
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("nft -a list ruleset | grep -v 'elements\\|counter\\|nbu\\|0x\\|bn[12]' > /run/again; "
	   "diff /run/before /run/again");
	sh("until grep -q 'packet loss' /run/ping; do sleep 0.01; done; "
	   "grep -q ' 0%% packet loss' /run/ping || { cat /run/ping >&2; false; }");
	node_free(n);
}

SPACE_TEST(app_reaches_what_its_list_allows_and_no_more, egress)
SPACE_TEST(list_with_directions_tells_in_from_out, ingress)
SPACE_TEST(between_apps_both_lists_decide, peers)
SPACE_TEST(limit_counts_every_packet_of_a_flow, limit)
SPACE_TEST(hosts_are_open_once_their_addresses_are_learned, hosts)
SPACE_TEST(nothing_reaches_another_instance_or_the_node, isolation)
SPACE_TEST(nothing_goes_from_port_to_port, port_to_port)
SPACE_TEST(flows_are_translated_and_stay_with_their_port, translation)
SPACE_TEST(port_maps_keep_the_client_and_work_from_apps, port_maps)
SPACE_TEST(one_more_app_changes_no_rule_and_adoption_none, steady)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(app_reaches_what_its_list_allows_and_no_more),
		cmocka_unit_test(nothing_reaches_another_instance_or_the_node),
		cmocka_unit_test(flows_are_translated_and_stay_with_their_port),
		cmocka_unit_test(port_maps_keep_the_client_and_work_from_apps),
	};
	const struct CMUnitTest anywhere[] = {
		/* no matter where packets come in */
		cmocka_unit_test(list_with_directions_tells_in_from_out),
		cmocka_unit_test(between_apps_both_lists_decide),
		cmocka_unit_test(limit_counts_every_packet_of_a_flow),
		cmocka_unit_test(hosts_are_open_once_their_addresses_are_learned),
		cmocka_unit_test(nothing_goes_from_port_to_port),
		cmocka_unit_test(one_more_app_changes_no_rule_and_adoption_none),
	};
	int failed = cmocka_run_group_tests_name("filter", tests, NULL, NULL);

	if (!WORLD_VRF)
		failed += cmocka_run_group_tests_name("filter_anywhere", anywhere, NULL, NULL);
	return failed;
}
