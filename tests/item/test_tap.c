/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

static void tap_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_tap_type,
		.a = &(struct dp_tap){ .ifname = IFNAME("t0"), .uid = 7, .vnet_hdr = true },
		.b = &(struct dp_tap){ .ifname = IFNAME("t0"),
				       .mac = { { 2, 0, 0, 0, 0, 1 } },
				       .mtu_bytes = 1400,
				       .uid = 8,
				       .multi_queue = true,
				       .up = true },
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tap_conforms),
	};

	return cmocka_run_group_tests_name("tap", tests, NULL, NULL);
}
