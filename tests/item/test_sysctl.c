/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/items/host.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define ALL "net/ipv4/conf/all/rp_filter"

static void veth_with_a_dot(struct dp_graph *g)
{
	dp_want(g, &dp_veth_type,
		&(struct dp_veth){ .ifname = IFNAME("v0.1"), .peer = IFNAME("p0"), .up = true });
}

static void sysctl_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_sysctl_type,
		.a = &(struct dp_sysctl){ .name = ALL, .value = "2" },
		.b = &(struct dp_sysctl){ .name = ALL, .value = "1" },
		.no_drift = true,
	});
}

static void sysctl_of_an_interface_conforms(void **state)
{
	const char *const names[] = { "net/ipv6/conf/v0.1/accept_ra",
				      "net/ipv4/neigh/v0.1/ucast_solicit" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct dp_sysctl a = { .value = "2" }, b = { .value = "0" };

		strcpy(a.name, names[i]);
		strcpy(b.name, names[i]);
		item_conformance(&(struct item_story){ .type = &dp_sysctl_type,
						       .a = &a,
						       .b = &b,
						       .world = veth_with_a_dot,
						       .no_drift = true });
	}
}

/* ---- Prior values ---- */

static void restores(const void *arg)
{
	struct node *n = node_new();

	(void)arg;
	sh("echo 1 > /proc/sys/" ALL);
	node_apply(n, &dp_sysctl_type, &(struct dp_sysctl){ .name = ALL, .value = "2" });
	sh("grep -qx 2 /proc/sys/" ALL);
	node_free(n); /* as if killed: the record knows */
	n = node_new();
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("grep -qx 1 /proc/sys/" ALL);
	sh("test -z \"$(find /run/edgeway/test/prior/sysctl -mindepth 1)\"");
	node_free(n);
}

static void prior_value_comes_back_after_a_crash(void **state)
{
	(void)state;
	in_space(restores, NULL);
}

static void shares(const void *arg)
{
	const struct dp_sysctl on = { .name = ALL, .value = "2" };
	struct node *first = node_new_as("nim"), *second = node_new_as("zedrouter");

	(void)arg;
	sh("echo 0 > /proc/sys/" ALL);
	node_apply(first, &dp_sysctl_type, &on);
	node_apply(second, &dp_sysctl_type, &on);
	node_apply(first, &dp_sysctl_type, NULL);
	sh("grep -qx 2 /proc/sys/" ALL); /* still wanted */
	node_apply(second, &dp_sysctl_type, NULL);
	sh("grep -qx 0 /proc/sys/" ALL);
	node_free(first);
	node_free(second);
}

static void value_two_daemons_want_stays_until_both_let_go(void **state)
{
	(void)state;
	in_space(shares, NULL);
}

/* ---- Interfaces ---- */

static void falls(const void *arg)
{
	struct node *n = node_new();

	(void)arg;
	sh("ip link add v0 type veth peer name p0");
	node_apply(n, &dp_sysctl_type,
		   &(struct dp_sysctl){ .name = "net/ipv6/conf/v0/accept_ra", .value = "2" });
	sh("ip link del v0");
	node_wait_state(n, &dp_sysctl_type, "net/ipv6/conf/v0/accept_ra", DP_WAITING);
	sh("test -z \"$(find /run/edgeway/test/prior/sysctl -mindepth 1)\"");
	sh("ip link add v0 type veth peer name p0");
	node_wait_state(n, &dp_sysctl_type, "net/ipv6/conf/v0/accept_ra", DP_CREATED);
	sh("grep -qx 2 /proc/sys/net/ipv6/conf/v0/accept_ra");
	node_apply(n, &dp_sysctl_type, NULL);
	sh("grep -qx 1 /proc/sys/net/ipv6/conf/v0/accept_ra");
	node_free(n);
}

static void setting_falls_and_returns_with_its_interface(void **state)
{
	(void)state;
	in_space(falls, NULL);
}

#define RA(ifname) "net/ipv6/conf/" ifname "/accept_ra"

static void renamed(const void *arg)
{
	const struct dp_sysctl v0 = { .name = RA("v0"), .value = "2" };
	const struct dp_sysctl q0 = { .name = RA("q0"), .value = "2" };
	struct node *n = node_new();

	(void)arg;
	sh("ip link add v0 type veth peer name p0 && echo 0 > /proc/sys/" RA("v0"));
	node_apply(n, &dp_sysctl_type, &v0);
	sh("ip link set v0 name q0");
	node_apply(n, &dp_sysctl_type, &q0);
	node_apply(n, &dp_sysctl_type, NULL);
	sh("grep -qx 0 /proc/sys/" RA("q0"));
	sh("test -z \"$(find /run/edgeway/test/prior/sysctl -mindepth 1)\"");
	/* … and by the next run, which finds it under another name. */
	node_apply(n, &dp_sysctl_type, &q0);
	node_free(n);
	sh("ip link set q0 name r0");
	n = node_new();
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("grep -qx 0 /proc/sys/" RA("r0"));
	sh("test -z \"$(find /run/edgeway/test/prior/sysctl -mindepth 1)\"");
	node_free(n);
}

static void a_renamed_interface_gets_back_what_it_had(void **state)
{
	(void)state;
	in_space(renamed, NULL);
}

static void swapped(const void *arg)
{
	const struct dp_sysctl v0 = { .name = RA("v0"), .value = "2" };
	const struct dp_sysctl p0 = { .name = RA("p0"), .value = "2" };
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("item");

	(void)arg;
	sh("ip link add v0 type veth peer name p0 && echo 0 > /proc/sys/" RA("v0"));
	dp_want(g, &dp_sysctl_type, &v0);
	dp_want(g, &dp_sysctl_type, &p0);
	dp_submit(node_dp(n), g);
	node_wait_state(n, &dp_sysctl_type, RA("v0"), DP_CREATED);
	node_wait_state(n, &dp_sysctl_type, RA("p0"), DP_CREATED);
	sh("ip link set v0 name x0 && ip link set p0 name v0 && ip link set x0 name p0");
	node_wait_sh(n, 5000, "readlink /run/edgeway/test/prior/sysctl/p0/* | grep ' 0$'");
	node_settle(n);
	node_wait_state(n, &dp_sysctl_type, RA("v0"), DP_CREATED);
	node_wait_state(n, &dp_sysctl_type, RA("p0"), DP_CREATED);
	node_apply(n, &dp_sysctl_type, NULL);
	sh("grep -qx 0 /proc/sys/" RA("p0") " && grep -qx 1 /proc/sys/" RA("v0"));
	sh("test -z \"$(find /run/edgeway/test/prior/sysctl -mindepth 1)\"");
	node_free(n);
}

static void interfaces_that_swap_their_names_get_back_what_each_had(void **state)
{
	(void)state;
	in_space(swapped, NULL);
}

/* ---- Refusals ---- */

static void refuses(const void *arg)
{
	static const char *const names[] = { "net/../kernel/hostname", "/kernel/hostname",
					     "kernel/./hostname", "net//ipv4/ip_forward",
					     "net/ipv4/ip forward" };
	struct node *n = node_new();

	(void)arg;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct dp_graph *g = dp_graph_new("bad");
		struct dp_sysctl sysctl = { .value = "1" };

		strcpy(sysctl.name, names[i]);
		dp_want(g, &dp_sysctl_type, &sysctl);
		dp_submit(node_dp(n), g);
		node_wait_state(n, &dp_sysctl_type, names[i], DP_FAILED);
	}
	node_free(n);
}

static void odd_names_are_refused(void **state)
{
	(void)state;
	in_space(refuses, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sysctl_conforms),
		cmocka_unit_test(sysctl_of_an_interface_conforms),
		cmocka_unit_test(prior_value_comes_back_after_a_crash),
		cmocka_unit_test(value_two_daemons_want_stays_until_both_let_go),
		cmocka_unit_test(setting_falls_and_returns_with_its_interface),
		cmocka_unit_test(a_renamed_interface_gets_back_what_it_had),
		cmocka_unit_test(interfaces_that_swap_their_names_get_back_what_each_had),
		cmocka_unit_test(odd_names_are_refused),
	};

	return cmocka_run_group_tests_name("sysctl", tests, NULL, NULL);
}
