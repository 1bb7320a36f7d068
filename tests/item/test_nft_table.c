/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/netfilter.h>

#include "dataplane/items/nft.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define T "edgeway-test"

static void inet_table_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_nft_table_type,
		.a = &(struct dp_nft_table){ NFPROTO_INET, T },
	});
}

static void bridge_table_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_nft_table_type,
		.a = &(struct dp_nft_table){ NFPROTO_BRIDGE, T },
	});
}

static void table_of_others(const void *arg)
{
	const struct dp_nft_table ours = { NFPROTO_INET, T };
	struct node *n;

	(void)arg;
	sh("nft add table inet theirs; nft add chain inet theirs c");
	n = node_new();
	node_apply(n, &dp_nft_table_type, &ours);
	dp_sweep(node_dp(n));
	node_apply(n, &dp_nft_table_type, NULL);
	sh("nft list table inet theirs | grep -q 'chain c'");
	require(sh_try("nft list table inet " T " 2>/dev/null") != 0, "ours is still there");
	node_free(n);
}

static void leaves_tables_of_others_alone(void **state)
{
	(void)state;
	in_space(table_of_others, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inet_table_conforms),
		cmocka_unit_test(bridge_table_conforms),
		cmocka_unit_test(leaves_tables_of_others_alone),
	};

	return cmocka_run_group_tests_name("nft_table", tests, NULL, NULL);
}
