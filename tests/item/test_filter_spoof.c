/* SPDX-License-Identifier: Apache-2.0 */
/* Apps that lie about who they are. filter_world.h draws the world. */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/item/filter_world.h"

struct spoof {
	int server4, server6;
};

static void arrives(const struct spoof *s, struct frame f, const char *data, bool expected,
		    const char *what)
{
	int fd = f.byte[12] == 0x86 ? s->server6 : s->server4;
	bool got;

	frame_send("a1", "eth0", &f);
	got = udp_receive(fd, data, patience_ms(expected ? OPEN_MS : SHUT_MS), NULL, NULL);
	require(got == expected, "%s: %s", what, got ? "arrived" : "did not arrive");
}

static void spoof_ip(const struct spoof *s)
{
	struct frame f;

	arrives(s, frame_udp(BN1_MAC, A1_MAC, "10.1.0.2", SERVER, 1, 7000, "own"), "own", true,
		"own address");
	arrives(s, frame_udp(BN1_MAC, A1_MAC, "10.1.0.3", SERVER, 2, 7000, "other"), "other", false,
		"address of another app");
	arrives(s, frame_udp(BN1_MAC, A1_MAC, "10.1.0.1", SERVER, 3, 7000, "gw"), "gw", false,
		"address of the gateway");
	arrives(s, frame_udp(BN1_MAC, A1_MAC, "192.0.2.99", SERVER, 4, 7000, "far"), "far", false,
		"address of somebody");
	arrives(s, frame_udp(BN1_MAC, A1_MAC, "0.0.0.0", SERVER, 5, 7000, "none"), "none", false,
		"no address");
	arrives(s, frame_udp(BN1_MAC, A2_MAC, "10.1.0.2", SERVER, 6, 7000, "mac"), "mac", false,
		"MAC of another app");
	arrives(s, frame_udp(BN1_MAC, A2_MAC, "10.1.0.3", SERVER, 7, 7000, "both"), "both", false,
		"MAC and address of another app");
	arrives(s, frame_udp(BN1_MAC, A1_MAC, "fd00:1::2", SERVER6, 1, 7000, "own6"), "own6", true,
		"own IPv6 address");
	arrives(s, frame_udp(BN1_MAC, A1_MAC, "fd00:1::3", SERVER6, 2, 7000, "other6"), "other6",
		false, "IPv6 address of another app");
	arrives(s, frame_udp(BN1_MAC, A1_MAC, "2001:db8::99", SERVER6, 3, 7000, "far6"), "far6",
		false, "IPv6 address of somebody");
	f = frame_udp(BN1_MAC, A1_MAC, "10.1.0.2", SERVER, 8, 7000, "tagged");
	arrives(s, frame_tagged(&f, 1), "tagged", false, "a VLAN tag");
	arrives(s, frame_tagged(&f, 0), "tagged", false, "a priority tag");
	arrives(s, frame_udp(A2_MAC, A1_MAC, "10.1.0.2", "10.1.0.3", 9, 7000, "bridged"), "bridged",
		false, "to the neighbour past the node");
}

/* Frames that the bridge passes up on the port itself must not become packets. */
static void spoof_link_local(void)
{
	_cleanup_(closep) int here = udp_open(NULL, "0.0.0.0", 7100);
	static const char *const groups[] = { "01:80:c2:00:00:00", "01:80:c2:00:00:03",
					      "01:80:c2:00:00:0e" };

	sh("echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; "
	   "echo 0 > /proc/sys/net/ipv4/conf/nbu1x1/rp_filter");
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		struct frame f = frame_udp(groups[i], A1_MAC, "10.1.0.2", "198.51.100.1",
					   (uint16_t)(100 + i), 7100, "up");

		frame_send("a1", "eth0", &f);
		require(!udp_receive(here, "up", patience_ms(SHUT_MS), NULL, NULL),
			"%s reaches the node", groups[i]);
	}
	sh("! bridge fdb show br bn1 | grep -i '" A2_MAC " dev nbu1x1'");
}

/* What it says about its neighbours. a2 is known to nobody yet: who asks, and what is learnt? */
static void spoof_neighbours(void)
{
	struct frame f;

	sh("ip neigh flush dev bn1 nud permanent; ip neigh flush dev bn1");
	f = frame_arp(A1_MAC, 2, A1_MAC, "10.1.0.3", "10.1.0.1");
	frame_send("a1", "eth0", &f);
	f = frame_arp(A1_MAC, 1, A1_MAC, "10.1.0.3", "10.1.0.1");
	frame_send("a1", "eth0", &f);
	f = frame_arp(A1_MAC, 1, A2_MAC, "10.1.0.2", "10.1.0.1");
	frame_send("a1", "eth0", &f);
	f = frame_icmp6("33:33:00:00:00:01", A1_MAC, "fd00:1::2", "ff02::1", ND_NEIGHBOR_ADVERT,
			"fd00:1::3");
	frame_send("a1", "eth0", &f);
	f = frame_icmp6(BN1_MAC, A1_MAC, "fd00:1::3", "fd00:1::1", ND_NEIGHBOR_SOLICIT,
			"fd00:1::1");
	frame_send("a1", "eth0", &f);
	f = frame_icmp6(BN1_MAC, A2_MAC, "fe80::99", "fd00:1::1", ND_NEIGHBOR_SOLICIT, "fd00:1::1");
	frame_send("a1", "eth0", &f);
	/* honest ones come after them on the same way: when these are known, those were judged */
	f = frame_arp(A1_MAC, 1, A1_MAC, "10.1.0.2", "10.1.0.1");
	frame_send("a1", "eth0", &f);
	f = frame_icmp6(BN1_MAC, A1_MAC, "fd00:1::2", "fd00:1::1", ND_NEIGHBOR_SOLICIT,
			"fd00:1::1");
	frame_send("a1", "eth0", &f);
	sh("for i in $(seq 300); do ip neigh show dev bn1 | grep -q '10.1.0.2 .*" A1_MAC "' && "
	   "ip neigh show dev bn1 | grep -q 'fd00:1::2 .*" A1_MAC "' && exit 0; sleep 0.01; done; "
	   "ip neigh >&2; exit 1");
	sh("! ip neigh show dev bn1 | grep -q '10.1.0.3 .*" A1_MAC "\\|fd00:1::3 .*" A1_MAC
	   "\\|10.1.0.2 .*" A2_MAC "\\|fe80::99'");
}

static void spoofing(const void *arg)
{
	struct spoof s;
	struct node *n;

	(void)arg;
	build_world(false);
	n = start_open();
	s.server4 = udp_open("wan", "0.0.0.0", 7000);
	s.server6 = udp_open("wan", SERVER6, 7000);
	spoof_ip(&s);
	spoof_link_local();
	sh("! bridge fdb show br bn1 | grep -qi '" A2_MAC " dev nbu1x1'");
	spoof_neighbours();
	close(s.server4);
	close(s.server6);
	node_free(n);
}

/* No DHCP server, no router among the apps; DHCP clients without address get to ours. */
static void servers(const void *arg)
{
	_cleanup_(closep) int client = -1, server = -1;
	struct frame f;
	struct node *n;

	(void)arg;
	build_world(false);
	n = start_open();
	server = udp_open(NULL, "0.0.0.0", 67);
	client = udp_open(NULL, "0.0.0.0", 68);
	f = frame_udp("ff:ff:ff:ff:ff:ff", A1_MAC, "0.0.0.0", "255.255.255.255", 68, 67,
		      "discover");
	frame_send("a1", "eth0", &f);
	require(udp_receive(server, "discover", OPEN_MS, NULL, NULL), "no DHCP");
	f = frame_udp("ff:ff:ff:ff:ff:ff", A1_MAC, "10.1.0.2", "255.255.255.255", 67, 68, "offer");
	frame_send("a1", "eth0", &f);
	require(!udp_receive(client, "offer", patience_ms(SHUT_MS), NULL, NULL), "DHCP server");
	f = frame_icmp6("33:33:00:00:00:01", A1_MAC, "fe80::1", "ff02::1", ND_ROUTER_ADVERT,
			"fd00:9::");
	frame_send("a1", "eth0", &f);
	f = frame_icmp6("33:33:00:00:00:01", A1_MAC, "fe80::1", "ff02::1", ND_REDIRECT, "fd00:9::");
	frame_send("a1", "eth0", &f);
	sh("for i in $(seq 300); do nft list chain bridge " T " from6 > /run/from6; "
	   "test $(grep -c 'nd-[rR].*packets 1 ' /run/from6) = 2 && exit 0; sleep 0.01; done; "
	   "cat /run/from6 >&2; exit 1");
	node_free(n);
}

SPACE_TEST(spoofed_packets_go_nowhere, spoofing)
SPACE_TEST(apps_are_no_servers_of_addresses_or_routes, servers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spoofed_packets_go_nowhere),
		cmocka_unit_test(apps_are_no_servers_of_addresses_or_routes),
	};

	return cmocka_run_group_tests_name("filter_spoof", tests, NULL, NULL);
}
