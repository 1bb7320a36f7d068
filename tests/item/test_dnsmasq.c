/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mono.h"
#include "dataplane/items/host.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

/*
 *	here             netns app
 *	v0 10.1.0.1/24 ------ v1
 *	   fd00:1::1/64
 *	   dnsmasq
 */
static const char conf[] = "interface=v0\nbind-dynamic\nexcept-interface=lo\nno-resolv\nno-ping\n"
			   "no-hosts\nhostsdir=/run/edgeway/test/files/dnsmasq/hosts\n"
			   "dhcp-range=10.1.0.100,10.1.0.150,255.255.255.0,600\n"
			   "dhcp-range=fd00:1::100,fd00:1::1ff,64,600\n"
			   "dhcp-authoritative\nleasefile-ro\n";

static void files(struct dp_graph *g, const char *conf_text, const char *hosts_text)
{
	dp_want(g, &dp_file_type,
		&(struct dp_file){ .name = "dnsmasq/bn1.conf", .content = (char *)conf_text });
	dp_want(g, &dp_file_type,
		&(struct dp_file){ .name = "dnsmasq/hosts/apps", .content = (char *)hosts_text });
}

static void world(struct dp_graph *g)
{
	files(g, conf, "10.1.0.7 router\n");
}

static void make_link(void)
{
	sh("ip netns add app && ip link add v0 type veth peer name v1 netns app && "
	   "ip link set v0 up && ip -n app link set v1 up");
	sh("ip address add 10.1.0.1/24 dev v0 && ip address add fd00:1::1/64 dev v0 nodad");
	sh("ip -n app address add 10.1.0.2/24 dev v1 && ip -n app address add fd00:1::2/64 dev v1 "
	   "nodad");
	await_links();
}

static const struct dp_dnsmasq bn1 = { .name = "bn1",
				       .ifname = IFNAME("v0"),
				       .conf_file = "dnsmasq/bn1.conf",
				       .stamp = "1",
				       .hosts_stamp = "1" };

static void dnsmasq_conforms(void **state)
{
	struct dp_dnsmasq other = bn1, hosts = bn1;

	(void)state;
	strcpy(other.stamp, "2");
	strcpy(hosts.hosts_stamp, "2");
	item_conformance(&(struct item_story){ .type = &dp_dnsmasq_type,
					       .a = &bn1,
					       .b = &other,
					       .prepare = make_link,
					       .world = world });
	item_conformance(&(struct item_story){ .type = &dp_dnsmasq_type,
					       .a = &bn1,
					       .b = &hosts,
					       .prepare = make_link,
					       .world = world });
}

/* ---- What it serves ---- */

static void want(struct node *n, const char *conf_text, const char *hosts_text,
		 const struct dp_dnsmasq *spec)
{
	struct dp_graph *g = dp_graph_new("ni");

	files(g, conf_text, hosts_text);
	dp_want(g, &dp_dnsmasq_type, spec);
	require(dp_submit(node_dp(n), g) == 0, "submit");
}

#define HELPER "dnsmasq.bn1"

static bool resolves(const char *name, const char *server)
{
	return sh_try("ip netns exec app /usr/bin/python3 - %s %s <<'E'\n"
		      "import socket,sys\n"
		      "n=sys.argv[1]; s=sys.argv[2]\n"
		      "k=socket.socket(socket.AF_INET6 if ':' in s else "
		      "socket.AF_INET,socket.SOCK_DGRAM)\n"
		      "k.settimeout(2)\n"
		      "k.sendto(b'\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0'+bytes([len(n)])+n."
		      "encode()+"
		      "b'\\0\\0\\1\\0\\1',(s,53))\n"
		      "r=k.recv(512)\n"
		      "sys.exit(0 if r[7] else 1)\nE\n",
		      name, server) == 0;
}

static bool knows_app2(struct node *n, void *arg)
{
	(void)n;
	(void)arg;
	return resolves("app2", "10.1.0.1");
}

static bool is_created(struct node *n, void *arg)
{
	(void)arg;
	return dp_idle(node_dp(n)) &&
	       dp_state(node_dp(n), &dp_dnsmasq_type, "bn1", NULL) == DP_CREATED;
}

static void serves(const void *arg)
{
	struct dp_dnsmasq spec = bn1;
	struct node *n;
	int pid;

	(void)arg;
	make_link();
	n = node_new();
	want(n, conf, "10.1.0.7 router\n", &spec);
	node_wait(n, 30000, is_created, NULL, "dnsmasq");
	/* Created means that it serves: no waiting here. */
	require(resolves("router", "10.1.0.1"), "no answer by IPv4");
	require(resolves("router", "fd00:1::1"), "no answer by IPv6");
	require(!resolves("app2", "10.1.0.1"), "who is app2?");
	pid = helper_pid(HELPER);
	strcpy(spec.hosts_stamp, "2");
	want(n, conf, "10.1.0.7 router\n10.1.0.8 app2\n", &spec);
	node_settle(n);
	node_wait(n, 30000, knows_app2, NULL, "app2 to be known after the reload");
	require(helper_pid(HELPER) == pid, "it was restarted");
	node_free(n);
}

static void created_means_it_answers_and_hosts_are_reloaded(void **state)
{
	(void)state;
	in_space(serves, NULL);
}

static void drops(const void *arg)
{
	struct node *n;

	(void)arg;
	make_link();
	n = node_new();
	want(n, conf, "", &bn1);
	node_wait(n, 30000, is_created, NULL, "dnsmasq");
	/* It opens its sockets first. */
	node_wait_sh(n, 30000, "! grep -q '^Uid:\t0\t' /proc/%d/status", helper_pid(HELPER));
	node_free(n);
}

static void it_does_not_run_as_root(void **state)
{
	(void)state;
	if (geteuid() == 0) /* else there is nobody to become */
		in_space(drops, NULL);
}

/* ---- Failures ---- */

static bool is_another(struct node *n, void *arg)
{
	int pid = helper_pid(HELPER);

	return pid && pid != *(int *)arg && is_created(n, NULL);
}

static int64_t replaced_in_ms(struct node *n)
{
	struct mono begin;
	int pid;

	node_turn(n, 1100); /* so that it counts as drift and not as a crash at start */
	pid = helper_kill(HELPER);
	begin = mono_now();
	node_wait(n, 30000, is_another, &pid, "another dnsmasq");
	return mono_diff_ms(mono_now(), begin);
}

/* Once at least: it opens its sockets under the kernel's RTNL lock, and elsewhere somebody may hold
 * that for seconds. */
static void killed(const void *arg)
{
	struct node *n;
	int64_t ms;

	(void)arg;
	make_link();
	n = node_new();
	want(n, conf, "10.1.0.7 router\n", &bn1);
	node_wait(n, 30000, is_created, NULL, "dnsmasq");
	ms = replaced_in_ms(n);
	for (int turn = 1; ms > patience_ms(1000) && turn < 5; turn++)
		ms = replaced_in_ms(n);
	require(ms <= patience_ms(1000), "another one after %d ms", (int)ms);
	require(resolves("router", "10.1.0.1"), "no answer");
	node_free(n);
}

static void killed_one_is_replaced_within_a_second(void **state)
{
	(void)state;
	in_space(killed, NULL);
}

static bool has_failed(struct node *n, void *arg)
{
	const char *why = NULL;

	return dp_state(node_dp(n), &dp_dnsmasq_type, "bn1", &why) == DP_FAILED && why &&
	       strstr(why, arg);
}

static void bad_conf(const void *arg)
{
	struct node *n;

	(void)arg;
	make_link();
	n = node_new();
	want(n, "no-such-option\n", "", &bn1);
	node_wait(n, 30000, has_failed, (char *)"bad option at line 1", "its complaint");
	want(n, conf, "", &bn1);
	node_wait(n, 30000, is_created, NULL, "recovery");
	node_free(n);
}

static void bad_configuration_fails_with_its_complaint(void **state)
{
	(void)state;
	in_space(bad_conf, NULL);
}

static void waits(const void *arg)
{
	struct node *n = node_new();
	const char *why;

	(void)arg;
	want(n, conf, "", &bn1);
	node_settle(n);
	assert_int_equal(dp_state(node_dp(n), &dp_dnsmasq_type, "bn1", &why), DP_WAITING);
	make_link();
	node_wait(n, 30000, is_created, NULL, "dnsmasq");
	sh("ip link del v0");
	node_wait_state(n, &dp_dnsmasq_type, "bn1", DP_WAITING);
	require(helper_pid(HELPER) == 0, "it runs without its interface");
	node_free(n);
}

static void runs_only_while_its_interface_is_there(void **state)
{
	(void)state;
	in_space(waits, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dnsmasq_conforms),
		cmocka_unit_test(created_means_it_answers_and_hosts_are_reloaded),
		cmocka_unit_test(it_does_not_run_as_root),
		cmocka_unit_test(killed_one_is_replaced_within_a_second),
		cmocka_unit_test(bad_configuration_fails_with_its_complaint),
		cmocka_unit_test(runs_only_while_its_interface_is_there),
	};

	return cmocka_run_group_tests_name("dnsmasq", tests, NULL, NULL);
}
