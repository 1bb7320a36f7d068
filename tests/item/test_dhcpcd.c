/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mono.h"
#include "dataplane/items/host.h"
#include "dataplane/items/link.h"
#include "dataplane/lease.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define RESOLV "/run/resolv.conf"

/*
 *	here         netns net
 *	up0 ------------- srv0 10.9.0.1/24, fd00:9::1/64
 *	                  dnsmasq: DHCPv4, DHCPv6, router advertisements
 *
 * resolv.conf is a private one: nothing may write to it, and the machine's is out of reach. The
 * server's addresses work at once: while its link-local one is tentative, dnsmasq answers a
 * solicitation from the global one, which hosts must ignore (RFC 4861 6.1.2).
 */
static void make_network(const char *netns, const char *ifname)
{
	sh("ip netns add %s && ip netns exec %s sysctl -qw net.ipv6.conf.default.accept_dad=0",
	   netns, netns);
	sh("ip link add %s type veth peer name srv0 netns %s && "
	   "ip -n %s link set srv0 up && ip link set %s up",
	   ifname, netns, netns, ifname);
	sh("ip -n %s address add 10.9.0.1/24 dev srv0 && "
	   "ip -n %s address add fd00:9::1/64 dev srv0 nodad",
	   netns, netns);
	sh("ip netns exec %s dnsmasq --conf-file=/dev/null --user=root --group= --port=0 --no-ping "
	   "--pid-file=/run/%s.pid --leasefile-ro --dhcp-authoritative --dhcp-rapid-commit "
	   "--interface=srv0 --bind-interfaces --enable-ra --ra-param=srv0,4 "
	   "--dhcp-range=10.9.0.50,10.9.0.99,255.255.255.0,120 "
	   "--dhcp-range=fd00:9::100,fd00:9::1ff,64,2m --dhcp-option=3,10.9.0.1 "
	   "--dhcp-option=6,10.9.0.1,10.9.0.2 --dhcp-option=15,example.net "
	   "--dhcp-option=option6:dns-server,[fd00:9::1]",
	   netns, netns);
}

static void private_resolv_conf(void)
{
	sh("echo 'nameserver 127.0.0.53' > " RESOLV);
	require(mount(RESOLV, "/etc/resolv.conf", "none", MS_BIND, NULL) == 0, "resolv.conf");
}

static void prepare(void)
{
	private_resolv_conf();
	make_network("net", "up0");
}

static const struct dp_dhcpcd up0 = { .ifname = IFNAME("up0"), .ipv4 = true, .ipv6 = true };

static void dhcpcd_conforms(void **state)
{
	struct dp_dhcpcd other = up0;

	(void)state;
	strcpy(other.vendor_class, "LFEDGE-EVE");
	strcpy(other.hostname, "edge-1");
	item_conformance(&(struct item_story){
		.type = &dp_dhcpcd_type, .a = &up0, .b = &other, .prepare = prepare });
}

/* ---- Helpers ---- */

#define HELPER "dhcpcd.up0"

struct leases {
	struct dp_lease v4, v6;
	unsigned int told, lost;
};

static void keep_lease(const struct ifname *ifname, int family, const struct dp_lease *lease,
		       void *arg)
{
	static const struct dp_lease none;
	struct leases *leases = arg;

	(void)ifname;
	leases->told++;
	leases->lost += !lease;
	*(family == AF_INET ? &leases->v4 : &leases->v6) = lease ? *lease : none;
}

static bool has_both(struct node *n, void *arg)
{
	const struct leases *leases = arg;

	(void)n;
	return leases->v4.addrs && leases->v6.addrs && leases->v6.routers;
}

static bool has_v4(struct node *n, void *arg)
{
	(void)n;
	return ((const struct leases *)arg)->v4.addrs;
}

static bool has_no_v4(struct node *n, void *arg)
{
	return !has_v4(n, arg);
}

static struct dp_lease_watch *watch(struct node *n, struct leases *leases)
{
	struct dp_lease_watch *w;

	memset(leases, 0, sizeof(*leases));
	require(dp_lease_watch_new(node_base(n), "/run/edgeway", "test", keep_lease, leases, &w) ==
			0,
		"watch");
	return w;
}

static void require_addresses(void)
{
	sh("ip address show dev up0 | grep -q 'inet 10.9.0.'");
	sh("ip address show dev up0 | grep -q 'inet6 fd00:9::1'");
}

static struct node *node_with_leases(struct leases *leases, struct dp_lease_watch **ret_watch)
{
	struct node *n;

	prepare();
	n = node_new();
	*ret_watch = watch(n, leases);
	node_apply(n, &dp_dhcpcd_type, &up0);
	node_wait(n, 8000, has_both, leases, "leases of both families");
	return n;
}

/* ---- The lease ---- */

static void leases_arrive(const void *arg)
{
	struct leases leases;
	struct dp_lease_watch *w;
	struct node *n;

	(void)arg;
	sh("hostname > /run/hostname");
	n = node_with_leases(&leases, &w);
	require_addresses();
	require(leases.v4.addr[0].len == 24 && leases.v4.routers == 1 && leases.v4.dnss == 2,
		"the IPv4 lease is not whole");
	require(strcmp(leases.v4.domain, "example.net") == 0, "domain %s", leases.v4.domain);
	require(leases.v4.lease_s == 120, "granted for %u s", leases.v4.lease_s);
	require(ipaddr_is_linklocal(&leases.v6.router[0]) && leases.v6.dnss == 1,
		"the IPv6 lease is not whole");
	/* Nothing but the addresses was touched. */
	sh("! ip route | grep -q default && ! ip -6 route | grep -q default");
	sh("grep -qx 'nameserver 127.0.0.53' /etc/resolv.conf && test $(wc -l < /etc/resolv.conf) "
	   "= 1");
	sh("test \"$(hostname)\" = \"$(cat /run/hostname)\"");
	sh("test -z \"$(ls -A /run/dhcpcd)\""); /* its fixed folder: a private one was used */
	node_apply(n, &dp_dhcpcd_type, NULL);
	sh("! ip address show dev up0 | grep -q 'inet 10.9.0' && "
	   "! ip address show dev up0 | grep -q 'inet6 fd00:9'");
	sh("test -z \"$(ls -A /run/edgeway/test/lease /run/edgeway/test/pids | grep up0)\"");
	dp_lease_watch_free(w);
	node_free(n);
}

static void lease_is_recorded_and_nothing_else_is_touched(void **state)
{
	(void)state;
	in_space(leases_arrive, NULL);
}

static void one_family(const void *arg)
{
	struct dp_dhcpcd v4 = up0, v6 = up0;
	struct dp_lease_watch *w;
	struct leases leases;
	struct node *n;

	(void)arg;
	prepare();
	n = node_new();
	w = watch(n, &leases);
	v4.ipv6 = false;
	node_apply(n, &dp_dhcpcd_type, &v4);
	node_wait(n, 5000, has_v4, &leases, "an IPv4 lease");
	node_turn(n, 1000);
	require(!leases.v6.addrs, "IPv6 was not asked for");
	v6.ipv4 = false;
	node_apply(n, &dp_dhcpcd_type, &v6);
	node_wait(n, 2000, has_no_v4, &leases, "the IPv4 lease to be taken back");
	sh("! ip address show dev up0 | grep -q 'inet 10.9.0'");
	dp_lease_watch_free(w);
	node_free(n);
}

/* EVE's dpcreconciler: dhcpcd arguments. */
static void families_are_as_wanted(void **state)
{
	(void)state;
	in_space(one_family, NULL);
}

/* ---- Deaths ---- */

static bool is_another(struct node *n, void *arg)
{
	int pid = helper_pid(HELPER);

	return pid && pid != *(int *)arg && helper_runs(pid) &&
	       dp_state(node_dp(n), &dp_dhcpcd_type, "up0", NULL) == DP_CREATED;
}

static void killed(const void *arg)
{
	struct dp_lease_watch *w;
	struct leases leases;
	struct node *n;
	int pid;

	(void)arg;
	n = node_with_leases(&leases, &w);
	pid = helper_kill(HELPER);
	node_wait(n, 5000, is_another, &pid, "another dhcpcd");
	require_addresses();
	node_turn(n, 2000);
	require_addresses();
	require(leases.lost == 0, "the lease was taken back %u times", leases.lost);
	dp_lease_watch_free(w);
	node_free(n);
}

static void killed_client_is_replaced_and_the_lease_stays(void **state)
{
	(void)state;
	in_space(killed, NULL);
}

static void adopted(const void *arg)
{
	struct dp_lease_watch *w;
	struct leases leases;
	struct node *n;
	int pid;

	(void)arg;
	n = node_with_leases(&leases, &w);
	pid = helper_pid(HELPER);
	dp_lease_watch_free(w);
	node_free(n);
	require(helper_runs(pid), "it died with its daemon");
	require_addresses();
	n = node_new();
	w = watch(n, &leases);
	require(has_both(n, &leases), "the leases are not told to the new run");
	node_apply(n, &dp_dhcpcd_type, &up0);
	require(helper_pid(HELPER) == pid, "it was restarted");
	dp_lease_watch_free(w);
	node_free(n);
}

static void client_outlives_its_daemon_and_is_adopted(void **state)
{
	(void)state;
	in_space(adopted, NULL);
}

/* ---- The cable ---- */

static bool is_renewed(struct node *n, void *arg)
{
	const struct leases *leases = arg;

	(void)n;
	return strcmp(leases->v4.reason, "BOUND") != 0 && leases->v4.addrs;
}

static void cable(const void *arg)
{
	struct dp_lease_watch *w;
	struct leases leases;
	struct node *n;

	(void)arg;
	n = node_with_leases(&leases, &w);
	sh("ip -n net link set srv0 down");
	node_turn(n, 1500);
	require_addresses();
	require(leases.lost == 0, "the lease went with the cable");
	sh("ip -n net link set srv0 up");
	node_wait(n, 3000, is_renewed, &leases, "the lease to be asked for again");
	require_addresses();
	require(leases.lost == 0, "the lease went when the cable came back");
	dp_lease_watch_free(w);
	node_free(n);
}

static void address_stays_while_the_cable_is_out_and_is_renewed_after(void **state)
{
	(void)state;
	in_space(cable, NULL);
}

static void late_cable(const void *arg)
{
	struct dp_lease_watch *w;
	struct leases leases;
	struct mono begin;
	struct node *n;

	(void)arg;
	prepare();
	sh("ip -n net link set srv0 down");
	n = node_new();
	w = watch(n, &leases);
	node_apply(n, &dp_dhcpcd_type, &up0);
	node_turn(n, 2500); /* it asks into the void, ever more seldom */
	begin = mono_now();
	sh("ip -n net link set srv0 up");
	/* The kernel holds back the news of a carrier for up to a second. */
	node_wait(n, 2500, has_v4, &leases, "a lease after the cable was plugged in");
	fprintf(stderr, "cable to lease: %lld ms\n", (long long)mono_diff_ms(mono_now(), begin));
	dp_lease_watch_free(w);
	node_free(n);
}

static void lease_comes_at_once_when_the_cable_is_plugged_in_late(void **state)
{
	(void)state;
	in_space(late_cable, NULL);
}

/* ---- Two nodes ---- */

/* A node of its own in another namespace, with its own run directory, on the same machine. */
static void second_node(void)
{
	_cleanup_(closep) int fd = open("/run/netns/two", O_RDONLY | O_CLOEXEC);
	struct dp_lease_watch *w;
	struct leases leases;
	struct node *n;

	require(fd >= 0 && setns(fd, CLONE_NEWNET) == 0 && unshare(CLONE_NEWNS) == 0, "setns");
	require(mount("none", "/run/edgeway", "tmpfs", 0, NULL) == 0, "mount");
	n = node_new();
	w = watch(n, &leases);
	node_apply(n, &dp_dhcpcd_type, &up0);
	node_wait(n, 8000, has_both, &leases, "leases of the second node");
	require_addresses();
	dp_lease_watch_free(w);
	node_free(n);
}

static void two_nodes(const void *arg)
{
	struct dp_lease_watch *w;
	struct leases leases;
	int pid, child, status;
	struct node *n;

	(void)arg;
	prepare();
	sh("ip netns add two");
	make_network("net2", "x0");
	sh("ip link set x0 netns two name up0 && ip -n two link set up0 up && "
	   "ip -n two link set lo up");
	n = node_new();
	w = watch(n, &leases);
	node_apply(n, &dp_dhcpcd_type, &up0);
	node_wait(n, 8000, has_both, &leases, "leases");
	pid = helper_pid(HELPER);
	fflush(NULL);
	child = fork();
	require(child >= 0, "fork: %s", strerror(errno));
	if (child == 0) {
		second_node();
		_exit(0);
	}
	waitpid(child, &status, 0);
	require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the second node");
	require(helper_runs(pid) && helper_pid(HELPER) == pid,
		"the first one's client was disturbed");
	require_addresses();
	dp_lease_watch_free(w);
	node_free(n);
}

static void two_nodes_on_one_machine_do_not_meet(void **state)
{
	(void)state;
	in_space(two_nodes, NULL);
}

/* ---- Failures ---- */

static void not_up(const void *arg)
{
	struct dp_graph *g = dp_graph_new("item");
	struct node *n;

	(void)arg;
	prepare();
	sh("ip link set up0 down");
	n = node_new();
	dp_want(g, &dp_dhcpcd_type, &up0);
	dp_submit(node_dp(n), g);
	node_settle(n);
	assert_int_equal(dp_state(node_dp(n), &dp_dhcpcd_type, "up0", NULL), DP_WAITING);
	sh("ip link set up0 up");
	node_wait_state(n, &dp_dhcpcd_type, "up0", DP_CREATED);
	sh("ip link del up0");
	node_wait_state(n, &dp_dhcpcd_type, "up0", DP_WAITING);
	require(helper_pid(HELPER) == 0, "it runs without its interface");
	node_free(n);
}

static void runs_only_while_its_interface_is_up(void **state)
{
	(void)state;
	in_space(not_up, NULL);
}

/* The hook stands beside the programs: build/rel/bin for build/rel/tests/item. */
static int find_hook(void **state)
{
	_cleanup_(freep) char *dir = NULL;
	char self[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	if (n < 0)
		return -1;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	dir = xasprintf("%s/../../bin", self);
	return setenv("EDGEWAY_LIBEXEC", dir, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lease_is_recorded_and_nothing_else_is_touched),
		cmocka_unit_test(families_are_as_wanted),
		cmocka_unit_test(killed_client_is_replaced_and_the_lease_stays),
		cmocka_unit_test(client_outlives_its_daemon_and_is_adopted),
		cmocka_unit_test(address_stays_while_the_cable_is_out_and_is_renewed_after),
		cmocka_unit_test(lease_comes_at_once_when_the_cable_is_plugged_in_late),
		cmocka_unit_test(two_nodes_on_one_machine_do_not_meet),
		cmocka_unit_test(runs_only_while_its_interface_is_up),
		cmocka_unit_test(dhcpcd_conforms),
	};

	return cmocka_run_group_tests_name("dhcpcd", tests, find_hook, NULL);
}
