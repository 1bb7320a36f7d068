/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

static void somebody_elses_link(void)
{
	sh("ip link add p0 mtu 1450 type veth peer name p1");
}

static void linkset_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_linkset_type,
		.prepare = somebody_elses_link,
		.a = &(struct dp_linkset){ .ifname = IFNAME("p0"), .up = true },
		.b = &(struct dp_linkset){ .ifname = IFNAME("p0"), .mtu_bytes = 1400, .up = true },
	});
}

static const struct dp_linkset set = { .ifname = IFNAME("p0"), .mtu_bytes = 1400, .up = true };

static void restored(const void *arg)
{
	struct node *n;

	(void)arg;
	somebody_elses_link();
	n = node_new();
	node_apply(n, &dp_linkset_type, &set);
	sh("ip link show p0 up | grep 'mtu 1400'");
	node_free(n);
	n = node_new();
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("ip link show p0 | grep 'mtu 1450' | grep 'state DOWN'");
	require(sh_try("ls /run/edgeway/test/prior/link.*") != 0, "record is left");
	node_free(n);
}

static void next_run_restores_what_was_before(void **state)
{
	(void)state;
	in_space(restored, NULL);
}

static void replugged(const void *arg)
{
	struct node *n;

	(void)arg;
	somebody_elses_link();
	n = node_new();
	node_apply(n, &dp_linkset_type, &set);
	sh("ip link delete p0");
	node_wait_state(n, &dp_linkset_type, "p0", DP_WAITING);
	sh("ip link add p0 mtu 1300 type veth peer name p1");
	node_wait_state(n, &dp_linkset_type, "p0", DP_CREATED);
	sh("ip link show p0 up | grep 'mtu 1400'");
	sh("test $(ls /run/edgeway/test/prior | wc -l) = 1"); /* that of the first has gone */
	node_apply(n, &dp_linkset_type, NULL);
	sh("ip link show p0 | grep 'mtu 1300'");
	node_free(n);
}

static void a_new_link_of_that_name_has_values_of_its_own(void **state)
{
	(void)state;
	in_space(replugged, NULL);
}

static void renamed(const void *arg)
{
	const struct dp_linkset other = { .ifname = IFNAME("q0"), .mtu_bytes = 1400, .up = true };
	struct node *n;

	(void)arg;
	somebody_elses_link();
	n = node_new();
	node_apply(n, &dp_linkset_type, &set);
	sh("ip link set p0 down && ip link set p0 name q0 && ip link set q0 up");
	node_apply(n, &dp_linkset_type, &other);
	node_apply(n, &dp_linkset_type, NULL);
	sh("ip link show q0 | grep 'mtu 1450' | grep 'state DOWN'");
	require(sh_try("ls /run/edgeway/test/prior/link.*") != 0, "record is left");
	/* … and by the next run, which finds it under another name. */
	node_apply(n, &dp_linkset_type, &other);
	node_free(n);
	sh("ip link set q0 down && ip link set q0 name r0 && ip link set r0 up");
	n = node_new();
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("ip link show r0 | grep 'mtu 1450' | grep 'state DOWN'");
	node_free(n);
}

static void a_renamed_link_gets_back_what_it_had(void **state)
{
	(void)state;
	in_space(renamed, NULL);
}

static void swapped(const void *arg)
{
	const struct dp_linkset other = { .ifname = IFNAME("q0"), .mtu_bytes = 1400, .up = true };
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("item");

	(void)arg;
	somebody_elses_link();
	sh("ip link add q0 mtu 1350 type veth peer name q1");
	dp_want(g, &dp_linkset_type, &set);
	dp_want(g, &dp_linkset_type, &other);
	dp_submit(node_dp(n), g);
	node_wait_state(n, &dp_linkset_type, "p0", DP_CREATED);
	node_wait_state(n, &dp_linkset_type, "q0", DP_CREATED);
	sh("ip link set p0 down && ip link set q0 down && ip link set p0 name x0 && "
	   "ip link set q0 name p0 && ip link set x0 name q0");
	node_wait_sh(n, 5000, "ip link show p0 up | grep p0 && ip link show q0 up | grep q0");
	node_settle(n);
	node_apply(n, &dp_linkset_type, NULL);
	sh("ip link show p0 | grep 'mtu 1350' && ip link show q0 | grep 'mtu 1450'");
	require(sh_try("ls /run/edgeway/test/prior/link.*") != 0, "record is left");
	node_free(n);
}

static void links_that_swap_their_names_get_back_what_each_had(void **state)
{
	(void)state;
	in_space(swapped, NULL);
}

static void too_great(const void *arg)
{
	const struct dp_linkset big = { .ifname = IFNAME("p0"), .mtu_bytes = 70000, .up = true };
	struct node *n;

	(void)arg;
	somebody_elses_link();
	n = node_new();
	node_apply(n, &dp_linkset_type, &big);
	sh("ip link show p0 up | grep 'mtu 65535'");
	sh("ip link set p0 mtu 1500");
	node_wait_sh(n, 5000, "ip link show p0 | grep 'mtu 65535'");
	node_free(n);
}

static void an_mtu_beyond_the_drivers_is_the_drivers_greatest(void **state)
{
	(void)state;
	in_space(too_great, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linkset_conforms),
		cmocka_unit_test(next_run_restores_what_was_before),
		cmocka_unit_test(a_new_link_of_that_name_has_values_of_its_own),
		cmocka_unit_test(a_renamed_link_gets_back_what_it_had),
		cmocka_unit_test(links_that_swap_their_names_get_back_what_each_had),
		cmocka_unit_test(an_mtu_beyond_the_drivers_is_the_drivers_greatest),
	};

	return cmocka_run_group_tests_name("linkset", tests, NULL, NULL);
}
