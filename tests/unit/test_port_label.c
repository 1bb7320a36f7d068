/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/port_label.h"

static void labels_follow_from_management_and_cost(void **state)
{
	(void)state;
	assert_true(port_label_applies("all", false, 255));
	assert_true(port_label_applies("uplink", true, 255));
	assert_false(port_label_applies("uplink", false, 0));
	assert_true(port_label_applies("freeuplink", true, 0));
	assert_false(port_label_applies("freeuplink", true, 1));
	assert_false(port_label_applies("freeuplink", false, 0));
	assert_false(port_label_applies("lan", true, 0));
	assert_false(port_label_applies("", true, 0));
}

static void each_automatic_one_is_known_as_such(void **state)
{
	(void)state;
	for (const char *const *label = port_labels_automatic; *label; label++)
		assert_true(port_label_is_automatic(*label));
	assert_false(port_label_is_automatic("uplink-a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_follow_from_management_and_cost),
		cmocka_unit_test(each_automatic_one_is_known_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
