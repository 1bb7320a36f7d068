/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

static void vrf_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_vrf_type,
		.a = &(struct dp_vrf){ .ifname = IFNAME("vrf1"), .table = 801 },
		.b = &(struct dp_vrf){ .ifname = IFNAME("vrf1"), .table = 802 },
	});
}

static void two_vrfs(struct dp_graph *g)
{
	dp_want(g, &dp_vrf_type, &(struct dp_vrf){ .ifname = IFNAME("vrf1"), .table = 801 });
	dp_want(g, &dp_vrf_type, &(struct dp_vrf){ .ifname = IFNAME("vrf2"), .table = 802 });
}

static void bridge_in_a_vrf_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_bridge_type,
		.world = two_vrfs,
		.a = &(struct dp_bridge){ .ifname = IFNAME("bn1"), .vrf = IFNAME("vrf1") },
		.b = &(struct dp_bridge){ .ifname = IFNAME("bn1"), .vrf = IFNAME("vrf2") },
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vrf_conforms),
		cmocka_unit_test(bridge_in_a_vrf_conforms),
	};

	return cmocka_run_group_tests_name("vrf", tests, NULL, NULL);
}
