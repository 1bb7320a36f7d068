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

static void dummy_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_dummy_type,
		.a = &(struct dp_dummy){ .ifname = IFNAME("d0") },
		.b = &(struct dp_dummy){ .ifname = IFNAME("d0"),
					 .mac = { { 2, 0, 0, 0, 0, 1 } },
					 .mtu_bytes = 1400 },
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dummy_conforms),
	};

	return cmocka_run_group_tests_name("dummy", tests, NULL, NULL);
}
