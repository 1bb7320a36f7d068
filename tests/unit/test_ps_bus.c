/* SPDX-License-Identifier: Apache-2.0 */
/* Tables on the bus, through real sockets: who gets what, when, and what stays invisible. */
#include "tests/unit/ps_harness.h"

static void subscriber_gets_table_then_synced_then_changes(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct reader r = { 0 };
	struct ps_pub *pub;

	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	publish(pub, "a", "1");
	publish(pub, "b", "2");
	ps_publish_synced(pub);
	read_topic(ps, &t_table, &r);
	assert_string_equal(r.diary, ""); /* never from inside the call */
	loop_until(n, r.synced);
	publish(pub, "a", "3");
	publish(pub, "c", "4");
	ps_unpublish(pub, "b");
	loop_until(n, r.deleted);
	assert_string_equal(r.diary, "+a=1 +b=2 synced ~a=3 +c=4 -b");
	assert_true(ps_synced(r.sub));
	assert_string_equal(value_of(&r, "a"), "3");
	assert_null(ps_get(r.sub, "b"));
	ps_free(ps);
}

static void subscriber_may_come_before_the_publisher(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester"), *other = node_connect(n, "reader");
	struct reader r = { 0 };
	struct ps_pub *pub;

	read_topic(other, &t_table, &r);
	loop_settle(n);
	assert_false(ps_synced(r.sub));
	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	publish(pub, "a", "1");
	loop_until(n, r.created);
	assert_int_equal(r.synced, 0);
	ps_publish_synced(pub);
	loop_until(n, r.synced);
	assert_string_equal(r.diary, "+a=1 synced");
	ps_free(other);
	ps_free(ps);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(subscriber_gets_table_then_synced_then_changes, node_setup,
					node_teardown),
	cmocka_unit_test_setup_teardown(subscriber_may_come_before_the_publisher, node_setup,
					node_teardown),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
