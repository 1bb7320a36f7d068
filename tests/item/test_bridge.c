/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

static void bridge_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_bridge_type,
		.a = &(struct dp_bridge){ .ifname = IFNAME("bn1") },
		.b = &(struct dp_bridge){ .ifname = IFNAME("bn1"),
					  .mac = { { 2, 0, 0, 0, 0, 1 } },
					  .mtu_bytes = 1400,
					  .group_fwd_mask = 8,
					  .stp = true },
	});
}

static const struct dp_bridge bn1 = { .ifname = IFNAME("bn1"), .mac = { { 2, 0, 0, 0, 0, 1 } } };

static void foreign_name(const void *arg)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("item");
	const char *why = NULL;

	(void)arg;
	sh("ip link add bn1 type veth peer name other");
	dp_want(g, &dp_bridge_type, &bn1);
	node_turn(n, 20);
	dp_submit(node_dp(n), g);
	dp_sweep(node_dp(n));
	node_wait_state(n, &dp_bridge_type, "bn1", DP_FAILED);
	dp_state(node_dp(n), &dp_bridge_type, "bn1", &why);
	require(why && strcmp(why, "exists and is not ours") == 0, "why: %s", why);
	node_apply(n, &dp_bridge_type, NULL);
	node_turn(n, 50);
	sh("ip link show bn1 type veth");
	sh("ip link delete bn1");
	node_apply(n, &dp_bridge_type, &bn1);
	sh("ip link show bn1 type bridge");
	node_free(n);
}

static void leaves_a_foreign_link_of_that_name_alone(void **state)
{
	(void)state;
	in_space(foreign_name, NULL);
}

static void changed(const void *arg)
{
	const char *const *change = arg;
	struct node *n = node_new();

	node_apply(n, &dp_bridge_type, &bn1);
	dp_sweep(node_dp(n));
	sh("ip -o link show bn1 | cut -d: -f1 > /run/before");
	sh("%s", change[0]);
	node_turn(n, 50);
	node_wait_state(n, &dp_bridge_type, "bn1", DP_CREATED);
	sh("%s", change[1]);
	if (change[2])
		sh("ip -o link show bn1 | cut -d: -f1 | cmp - /run/before");
	node_free(n);
}

static void mends_what_somebody_changed(void **state)
{
	static const char *const changes[][3] = {
		{ "ip link set bn1 down", "ip link show bn1 up | grep bn1", "same" },
		{ "ip link set bn1 address 02:00:00:00:00:99",
		  "ip link show bn1 | grep 02:00:00:00:00:01", "same" },
		{ "ip link set bn1 type bridge stp_state 1",
		  "ip -d link show bn1 | grep 'stp_state 0'", "same" },
		{ "ip link set bn1 down; ip link set bn1 name bn7",
		  "ip link show bn1 type bridge && ! ip link show bn7", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(changes); i++)
		in_space(changed, changes[i]);
}

static void doomed(const void *arg)
{
	struct node *n;

	(void)arg;
	/* What a run killed in the middle of a group delete leaves: our group and 10000. */
	sh("ip link add bn1 group 10240 type bridge; ip link add bn2 group 10240 type bridge");
	sh("ip link add mine type bridge; ip link add dad type bridge");
	n = node_new();
	node_settle(n);
	require(sh_try("ip link show bn1 || ip link show bn2") != 0, "still there");
	sh("ip link show mine && ip link show dad");
	node_free(n);
}

static void finishes_an_interrupted_group_delete(void **state)
{
	(void)state;
	in_space(doomed, NULL);
}

static void no_learning(const void *arg)
{
	struct node *n = node_new();

	(void)arg;
	node_apply(n, &dp_bridge_type, &(struct dp_bridge){ .ifname = IFNAME("bn1") });
	sh("ip -d link show bn1 | grep -q 'no_linklocal_learn 1'");
	node_free(n);
}

/* Such frames pass by the filters of the bridge. */
static void does_not_learn_from_link_local_frames(void **state)
{
	(void)state;
	in_space(no_learning, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bridge_conforms),
		cmocka_unit_test(leaves_a_foreign_link_of_that_name_alone),
		cmocka_unit_test(mends_what_somebody_changed),
		cmocka_unit_test(finishes_an_interrupted_group_delete),
		cmocka_unit_test(does_not_learn_from_link_local_frames),
	};

	return cmocka_run_group_tests_name("bridge", tests, NULL, NULL);
}
