/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/items/inet.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"
#include "tests/item/values.h"

static void rule_conforms(void **state)
{
	const struct dp_rule rules[] = {
		{ .family = AF_INET, .priority = 10000, .iif = IFNAME("bn1"), .table = 801 },
		{ .family = AF_INET6, .priority = 10000, .iif = IFNAME("bn1"), .table = 801 },
		{ .family = AF_INET,
		  .priority = 11000,
		  .to = test_prefix("10.1.0.77/24"), /* host bits do not count */
		  .table = 1000 },
		{ .family = AF_INET6,
		  .priority = 15000,
		  .from = test_prefix("fd00::1/128"),
		  .oif = IFNAME("eth0"),
		  .table = 501 },
		{ .family = AF_INET, .priority = 1, .from = test_prefix("0.0.0.0/0"), .table = 5 },
		{ .family = AF_INET,
		  .priority = 9000,
		  .fwmark = 0x01000000,
		  .fwmask = 0xff000000,
		  .table = 501 },
		{ .family = AF_INET6, .priority = 9000, .fwmark = 7, .table = 501 },
		{ .family = AF_INET, .priority = 1000, .l3mdev = true },
		{ .family = AF_INET6, .priority = 1000, .l3mdev = true },
		{ .family = AF_INET,
		  .priority = 20000,
		  .from = test_prefix("10.0.0.0/8"),
		  .unreachable = true },
		{ .family = AF_INET6,
		  .priority = 20000,
		  .from = test_prefix("fd00::/8"),
		  .unreachable = true },
		{ .family = AF_INET, .priority = 30000, .table = 254, .suppress_default = true },
		{ .family = AF_INET6, .priority = 30000, .table = 254, .suppress_default = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		item_conformance(&(struct item_story){ .type = &dp_rule_type, .a = &rules[i] });
}

static void foreign(const void *arg)
{
	const struct dp_rule rule = {
		.family = AF_INET, .priority = 100, .iif = IFNAME("x"), .table = 801
	};
	struct node *n;

	(void)arg;
	sh("ip rule add pref 99 iif x lookup 801 protocol static");
	n = node_new();
	node_apply(n, &dp_rule_type, &rule);
	node_apply(n, &dp_rule_type, NULL);
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("test $(ip rule | wc -l) = 4"); /* the kernel's three and that one */
	node_free(n);
}

static void foreign_rules_are_left_alone(void **state)
{
	(void)state;
	in_space(foreign, NULL);
}

static void twin(const void *arg)
{
	const struct dp_rule rule = {
		.family = AF_INET, .priority = 100, .iif = IFNAME("x"), .table = 801
	};
	struct node *n = node_new();

	(void)arg;
	sh("ip rule add pref 100 iif x lookup 801 protocol static");
	node_apply(n, &dp_rule_type, &rule);
	sh("test $(ip rule | grep -c 'iif x') = 2");
	node_apply(n, &dp_rule_type, NULL);
	sh("ip rule | grep 'iif x' | grep -q static");
	node_free(n);
}

static void equal_rule_of_somebody_else_is_left_alone(void **state)
{
	(void)state;
	in_space(twin, NULL);
}

static void refuses(const void *arg)
{
	const struct dp_rule bad[] = {
		{ .family = AF_INET, .priority = 1 }, /* leads nowhere */
		{ .family = AF_INET, .priority = 2, .from = test_prefix("fd00::/8"), .table = 5 },
		{ .family = 0, .priority = 3, .table = 5 },
	};
	struct dp_graph *g = dp_graph_new("bad");
	struct node *n = node_new();
	struct dp_counts counts;

	(void)arg;
	for (size_t i = 0; i < 3; i++)
		dp_want(g, &dp_rule_type, &bad[i]);
	dp_submit(node_dp(n), g);
	node_settle(n);
	dp_counts(node_dp(n), &counts);
	assert_int_equal(counts.failed, 3);
	node_free(n);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	in_space(refuses, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_conforms),
		cmocka_unit_test(foreign_rules_are_left_alone),
		cmocka_unit_test(equal_rule_of_somebody_else_is_left_alone),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
