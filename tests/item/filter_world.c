/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/item/filter_world.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

static void add_app(const char *ns, const char *vif, const char *bridge, const char *mac,
		    const char *last, unsigned int instance)
{
	sh("ip netns add %s && ip link add %s type veth peer name eth0 netns %s address %s", ns,
	   vif, ns, mac);
	sh("ip link set %s master %s && ip link set %s type bridge_slave isolated on", vif, bridge,
	   vif);
	sh("ip link set %s up; ip netns exec %s sh -c 'ip link set lo up; ip link set eth0 up; "
	   "ip address add 10.%u.0.%s/24 dev eth0; ip address add fd00:%u::%s/64 dev eth0 nodad; "
	   "ip route add default via 10.%u.0.1; ip route add default via fd00:%u::1'",
	   vif, ns, instance, last, instance, last, instance, instance);
	sh("ip neigh replace 10.%u.0.%s lladdr %s dev %s nud permanent; "
	   "ip neigh replace fd00:%u::%s lladdr %s dev %s nud permanent; "
	   "ip neigh add proxy fd00:%u::%s dev %s",
	   instance, last, mac, bridge, instance, last, mac, bridge, instance, last, bridge);
}

static void add_bridge(const char *bridge, unsigned int n, bool vrf)
{
	sh("ip link add %s address 02:00:00:00:0%u:01 type bridge; ip link set %s up", bridge, n,
	   bridge);
	sh("ip link set %s type bridge no_linklocal_learn 1", bridge);
	if (vrf) /* the node's own servers are in none: they hear of all */
		sh("echo 1 > /proc/sys/net/ipv4/udp_l3mdev_accept; ip link add vrf%u type vrf "
		   "table 80%u && ip link set vrf%u up && "
		   "ip link set %s master vrf%u",
		   n, n, n, bridge, n);
	sh("echo 1 > /proc/sys/net/ipv4/conf/%s/proxy_arp_pvlan; "
	   "echo 1 > /proc/sys/net/ipv6/conf/%s/proxy_ndp; "
	   "echo 0 > /proc/sys/net/ipv4/conf/%s/send_redirects",
	   bridge, bridge, bridge);
	sh("ip address add 10.%u.0.1/24 dev %s noprefixroute; "
	   "ip address add fd00:%u::1/64 dev %s nodad noprefixroute",
	   n, bridge, n, bridge);
	sh("ip route add 10.%u.0.0/24 dev %s table 80%u; ip -6 route add fd00:%u::/64 dev %s table "
	   "80%u; ip route add default via 198.51.100.254 dev eth0 table 80%u; "
	   "ip -6 route add default via 2001:db8:0:1::254 dev eth0 table 80%u",
	   n, bridge, n, n, bridge, n, n, n);
	for (int family = 4; family <= 6; family += 2) {
		if (!vrf)
			sh("ip -%d rule add iif %s lookup 80%u pref 10000", family, bridge, n);
		sh("ip -%d rule add to %s lookup 80%u pref 11000", family,
		   family == 4 ? n == 1 ? "10.1.0.0/24" : "10.2.0.0/24"
		   : n == 1    ? "fd00:1::/64"
			       : "fd00:2::/64",
		   n);
	}
	sh("ip rule add fwmark 0x400000/0x400000 to 10.%u.0.0/24 lookup 80%u pref 950", n, n);
}

void build_world(bool vrf)
{
	/* With br_netfilter a frame would meet the hooks of inet before it is bridged: DNAT would
	 * send it on to the isolated port of the other app. zedrouter switches that off. */
	sh("for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 > $f; done");
	sh("echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > "
	   "/proc/sys/net/ipv6/conf/all/forwarding");
	sh("ip netns add wan; ip link add eth0 type veth peer name w0 netns wan; "
	   "ip link add eth1 type veth peer name w1 netns wan; ip link set eth0 up; "
	   "ip link set eth1 up; ip address add 198.51.100.1/24 dev eth0; "
	   "ip address add 203.0.113.1/24 dev eth1; "
	   "ip address add 2001:db8:0:1::1/64 dev eth0 nodad");
	sh("ip netns exec wan sh -c 'ip link set lo up; ip link set w0 up; ip link set w1 up; "
	   "ip address add 198.51.100.254/24 dev w0; ip address add 203.0.113.254/24 dev w1; "
	   "ip address add 2001:db8:0:1::254/64 dev w0 nodad; "
	   "ip address add " SERVER "/32 dev lo; ip address add " SERVER6 "/128 dev lo; "
	   "ip route add 10.0.0.0/8 via 198.51.100.1; ip route add fd00::/16 via 2001:db8:0:1::1'");
	sh("ip rule del pref 0; ip rule add lookup local pref 5");
	add_bridge("bn1", 1, vrf);
	add_bridge("bn2", 2, vrf);
	add_app("a1", "nbu1x1", "bn1", A1_MAC, "2", 1);
	add_app("a2", "nbu2x2", "bn1", A2_MAC, "3", 1);
	add_app("b1", "nbu1x3", "bn2", "02:00:00:00:02:02", "2", 2);
	await_links();
}

/* ---- What is wanted ---- */

static struct ipaddr eth0_addrs[1], eth1_addrs[1];
static const char *const lan_labels[] = { "lan" };

static void ports_of(struct zr_filter_port ports[2])
{
	eth0_addrs[0] = test_addr("198.51.100.1");
	eth1_addrs[0] = test_addr("203.0.113.1");
	ports[0] = (struct zr_filter_port){ .ifname = IFNAME("eth0"),
					    .addrs = eth0_addrs,
					    .n_addrs = 1 };
	ports[1] = (struct zr_filter_port){ .ifname = IFNAME("eth1"),
					    .addrs = eth1_addrs,
					    .n_addrs = 1,
					    .labels = lan_labels,
					    .n_labels = 1 };
}

static void submit(struct node *n, struct dp_graph *g)
{
	require(dp_submit(node_dp(n), g) == 0, "submit");
	node_settle(n);
}

void want_instance(struct node *n, uint32_t number, size_t n_uplinks)
{
	const struct zr_filter_uplink uplinks[] = {
		{ .ifname = IFNAME("eth0"), .mark = 0x01000000 },
		{ .ifname = IFNAME("eth1"), .mark = 0x02000000 },
	};
	const uint32_t vifs[] = { 1, 2 };
	struct dp_graph *g = dp_graph_new(number == 1 ? "ni/1" : "ni/2");

	zr_filter_instance(
		g, T,
		&(struct zr_filter_instance){
			.number = number,
			.bridge = number == 1 ? IFNAME("bn1") : IFNAME("bn2"),
			.vrf = number == 1 ? IFNAME("vrf1") : IFNAME("vrf2"),
			.gateways = { test_addr(number == 1 ? "10.1.0.1" : "10.2.0.1"),
				      test_addr(number == 1 ? "fd00:1::1" : "fd00:2::1") },
			.uplinks = uplinks,
			.n_uplinks = n_uplinks,
			.vifs = vifs,
			.n_vifs = 2 });
	submit(n, g);
}

void want_app(struct node *n, const char *name, const struct zr_ace *aces, size_t n_aces)
{
	_cleanup_(strbuf_fini) struct strbuf why = STRBUF_INIT;
	struct zr_filter_vif vif = { .instance = 1, .bridge = IFNAME("bn1"), .n_addrs = 2 };
	struct zr_filter_port ports[2];
	struct ipaddr addrs[2];
	struct zr_acl *acl = NULL;
	struct dp_graph *g = dp_graph_new(name);
	bool b1 = strcmp(name, "b1") == 0, a1 = strcmp(name, "a1") == 0;

	ports_of(ports);
	vif.ports = ports;
	vif.n_ports = 2;
	vif.number = strcmp(name, "a2") == 0 ? 2 : 1;
	vif.ifname = a1 ? IFNAME("nbu1x1") : b1 ? IFNAME("nbu1x3") : IFNAME("nbu2x2");
	addrs[0] = test_addr(a1 ? "10.1.0.2" : b1 ? "10.2.0.2" : "10.1.0.3");
	addrs[1] = test_addr(a1 ? "fd00:1::2" : b1 ? "fd00:2::2" : "fd00:1::3");
	vif.addrs = addrs;
	if (b1) {
		vif.instance = 2;
		vif.bridge = IFNAME("bn2");
	}
	require(mac_parse(a1 ? A1_MAC : b1 ? "02:00:00:00:02:02" : A2_MAC, &vif.mac) == 0, "MAC");
	require(zr_acl_compile(aces, n_aces, NULL, 0, &why, &acl) == 0, "compile");
	require(!why.len, "%s", strbuf_str(&why));
	vif.acl = acl;
	zr_filter_vif(g, T, &vif);
	submit(n, g);
	zr_acl_free(acl);
}

const struct zr_ace anything[1] = { { .protocol = 0 } };

struct node *start(void)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("zr/filter");

	zr_filter_base(g, T);
	submit(n, g);
	want_instance(n, 1, 1);
	want_instance(n, 2, 1);
	return n;
}

struct node *start_open(void)
{
	struct node *n = start();

	want_app(n, "a1", anything, 1);
	want_app(n, "a2", anything, 1);
	want_app(n, "b1", anything, 1);
	return n;
}

/* ---- Probing ---- */

unsigned int wait_ms(unsigned int ms)
{
	unsigned int quarter = patience_ms(ms) / 4;

	if (ms != SHUT_MS)
		return patience_ms(ms);
	return quarter > ms ? quarter : ms;
}

static unsigned int probes;

bool reaches(const char *from, const char *to, uint16_t port, const char *server, unsigned int ms)
{
	bool v6 = strchr(to, ':');
	_cleanup_(closep) int fd = udp_open(from, v6 ? "::" : "0.0.0.0", 0);
	_cleanup_(closep) int srv = udp_open(server, server ? to : v6 ? "::" : "0.0.0.0", port);
	_cleanup_(freep) char *text = xasprintf("probe %u", ++probes);
	char buf[INET6_ADDRSTRLEN];
	struct ipaddr peer;
	uint16_t peer_port;

	udp_send(fd, to, port, text);
	if (!udp_receive(srv, text, wait_ms(ms), &peer, &peer_port))
		return false;
	udp_send(srv, ipaddr_str(&peer, buf), peer_port, "answer");
	require(udp_receive(fd, "answer", wait_ms(OPEN_MS), NULL, NULL),
		"%s reached %s %u, the answer did not come back", from, to, port);
	return true;
}

bool pings(const char *ns, const char *to, unsigned int ms)
{
	ms = wait_ms(ms);
	return sh_try("ip netns exec %s ping -c1 -W%u.%03u %s >/dev/null", ns, ms / 1000, ms % 1000,
		      to) == 0;
}
