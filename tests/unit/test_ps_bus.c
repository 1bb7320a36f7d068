/* SPDX-License-Identifier: Apache-2.0 */
/* Tables on the bus, through real sockets: who gets what, when, and what stays invisible. */
#include "tests/unit/ps_harness.h"

#include "api/topics.h"

static struct ps_pub *advertise(struct ps *ps)
{
	struct ps_pub *pub = NULL;

	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	return pub;
}

static void subscriber_gets_table_then_synced_then_changes(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = advertise(ps);
	struct reader r = { 0 };

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
	pub = advertise(ps);
	publish(pub, "a", "1");
	loop_until(n, r.created);
	assert_int_equal(r.synced, 0);
	ps_publish_synced(pub);
	loop_until(n, r.synced);
	assert_string_equal(r.diary, "+a=1 synced");
	ps_free(other);
	ps_free(ps);
}

static void count_each(const char *key, const ProtobufCMessage *msg, void *arg)
{
	assert_string_equal(((const Ew__ConfigStatus *)msg)->version, key);
	++*(unsigned int *)arg;
}

/* EVE: PR 2392. */
static void large_table_and_largest_message_arrive_whole(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = advertise(ps);
	_cleanup_(freep) char *large = xcalloc(1, PS_MSG_MAX);
	struct reader early = { 0 }, late = { 0 };
	unsigned int each = 0;
	char key[16];

	read_topic(ps, &t_table, &early);
	ps_publish_synced(pub);
	loop_until(n, early.synced);
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		assert_int_equal(publish(pub, key, key), 0);
	}
	loop_until(n, early.created == 20000);
	ps_each(early.sub, count_each, &each);
	assert_int_equal(each, 20000);
	memset(large, 'x', PS_MSG_MAX - 5); /* 1 byte of tag, 4 of length */
	assert_int_equal(publish(pub, "large", large), 0);
	read_topic(ps, &t_table, &late);
	loop_until(n, early.created == 20001 && late.synced);
	assert_int_equal(late.created, 20001);
	assert_string_equal(value_of(&late, "large"), large);
	assert_string_equal(value_of(&early, "large"), large);
	ps_free(ps);
}

static void messages_and_keys_over_the_limits_are_refused(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = advertise(ps);
	_cleanup_(freep) char *large = xcalloc(1, PS_MSG_MAX);
	char key[PS_KEY_MAX + 2];
	struct ps_stats stats;

	memset(large, 'x', PS_MSG_MAX - 4);
	assert_int_equal(publish(pub, "a", large), -E2BIG);
	assert_int_equal(ps_publish_packed(pub, "a", large, PS_MSG_MAX + 1), -E2BIG);
	memset(key, 'k', sizeof(key));
	key[PS_KEY_MAX + 1] = 0;
	assert_int_equal(publish(pub, key, "1"), -EINVAL);
	assert_int_equal(publish(pub, "", "1"), -EINVAL);
	assert_int_equal(ps_unpublish(pub, ""), -EINVAL);
	assert_int_equal(append(pub, "1"), -EINVAL); /* a table is no stream */
	key[PS_KEY_MAX] = 0;
	assert_int_equal(publish(pub, key, "1"), 0);
	ps_pub_stats(pub, &stats);
	assert_int_equal(stats.keys, 1);
	ps_free(ps);
}

static void publishing_the_same_again_tells_nobody(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = advertise(ps);
	struct reader r = { 0 };
	struct ps_stats stats;

	publish(pub, "a", "1");
	ps_publish_synced(pub);
	read_topic(ps, &t_table, &r);
	loop_until(n, r.synced);
	for (int i = 0; i < 10; i++)
		publish(pub, "a", "1");
	ps_publish_synced(pub);
	ps_unpublish(pub, "b");
	publish(pub, "z", "1");
	loop_until(n, r.created == 2);
	assert_string_equal(r.diary, "+a=1 synced +z=1");
	ps_pub_stats(pub, &stats);
	assert_int_equal(stats.published, 2);
	ps_free(ps);
}

/* The stopped one lives on another loop that does not turn meanwhile. */
static void stopped_reader_costs_nothing_and_ends_with_the_last_values(void **state)
{
	struct node *n = *state, other = { 0 };
	struct ps *ps = node_connect(n, "tester"), *ps_other;
	struct ps_pub *pub = advertise(ps);
	_cleanup_(freep) char *value = xcalloc(1, 20001);
	struct reader stopped = { 0 }, running = { 0 };
	struct ps_stats stats;

	strcpy(other.dir, n->dir);
	node_loop(&other);
	ps_other = node_connect(&other, "reader");
	read_topic(ps_other, &t_table, &stopped);
	event_base_loop(other.base, EVLOOP_NONBLOCK); /* it connects, no more */
	read_topic(ps, &t_table, &running);
	ps_publish_synced(pub);
	loop_until(n, running.synced);
	memset(value, 'v', 20000);
	for (unsigned int i = 0; i < 300; i++) {
		snprintf(value, 8, "%07u", i);
		value[7] = '-';
		publish(pub, i % 2 ? "odd" : "even", value);
		loop_until(n, running.created + running.changed == i + 1);
	}
	loop_both_until(n, &other,
			stopped.synced && value_of(&stopped, "odd") &&
				strncmp(value_of(&stopped, "odd"), "0000299", 7) == 0);
	assert_memory_equal(value_of(&stopped, "even"), "0000298", 7);
	assert_true(stopped.created + stopped.changed < 50); /* what a socket holds, and two */
	ps_pub_stats(pub, &stats);
	assert_true(stats.merged > 250);
	ps_free(ps_other);
	event_free(other.deadline);
	event_base_free(other.base);
	ps_free(ps);
}

struct echo { /* publishes from inside a subscriber's callback */
	struct ps_pub *pub;
	unsigned int n;
};

static void echo_changed(const char *key, const ProtobufCMessage *was, const ProtobufCMessage *now,
			 void *arg)
{
	struct echo *echo = arg;
	char value[16];

	(void)was, (void)now;
	snprintf(value, sizeof(value), "%u", echo->n);
	if (echo->n++ < 100)
		publish(echo->pub, key, value);
}

static void a_callback_may_publish(void **state)
{
	static const struct ps_sub_ops ops = { .changed = echo_changed };
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct echo echo = { .pub = advertise(ps) };
	struct ps_sub *sub;

	assert_int_equal(ps_subscribe(ps, &t_table, &ops, &echo, &sub), 0);
	publish(echo.pub, "a", "start");
	loop_until(n, echo.n == 101);
	ps_free(ps);
}

static void raw_subscriber_gets_packed_bytes(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = advertise(ps);
	struct reader r = { 0 };

	assert_int_equal(ps_subscribe_raw(ps, &t_table, &reader_ops, &r, &r.sub), 0);
	ps_publish_packed(pub, "a", "", 0);
	publish(pub, "b", "2");
	ps_publish_synced(pub);
	loop_until(n, r.synced);
	ps_unpublish(pub, "a");
	loop_until(n, r.deleted);
	assert_string_equal(r.diary, "=a =b synced -a");
	assert_null(ps_get(r.sub, "b")); /* there is no message to give */
	ps_free(ps);
}

static void typed_changed(const char *key, const Ew__ConfigStatus *was, const Ew__ConfigStatus *now,
			  void *arg)
{
	struct reader *r = arg;

	assert_string_equal(key, "global");
	assert_null(was);
	snprintf(r->diary, sizeof(r->diary), "%s", now->version);
}

static void typed_synced(void *arg)
{
	((struct reader *)arg)->synced++;
}

static void typed_each(const char *key, const Ew__ConfigStatus *msg, void *arg)
{
	assert_string_equal(key, "global");
	assert_string_equal(msg->version, "7");
	++*(unsigned int *)arg;
}

static void generated_wrappers_need_no_cast(void **state)
{
	static const struct ps_config_status_ops ops = {
		.changed = typed_changed,
		.synced = typed_synced,
	};
	char version[] = "7";
	Ew__ConfigStatus msg = EW__CONFIG_STATUS__INIT;
	struct node *n = *state;
	struct ps *ps = node_connect(n, "zedagent");
	struct reader r = { 0 };
	unsigned int each = 0;
	struct ps_pub *pub;

	msg.version = version;
	assert_int_equal(ps_advertise_config_status(ps, NULL, &pub), 0);
	assert_int_equal(ps_publish_config_status(pub, "global", &msg), 0);
	ps_publish_synced(pub);
	assert_int_equal(ps_subscribe_config_status(ps, &ops, &r, &r.sub), 0);
	loop_until(n, r.synced);
	assert_string_equal(r.diary, "7");
	assert_string_equal(ps_get_config_status(r.sub, "global")->version, "7");
	ps_each_config_status(r.sub, typed_each, &each);
	assert_int_equal(each, 1);
	assert_ptr_equal(ps_topic_find("ConfigStatus"), &ps_topic_config_status);
	assert_null(ps_topic_find("NoSuchTopic"));
	ps_free(ps);
}

static void folder_with_a_long_path_works(void **state)
{
	struct node *n = *state;
	char name[150], *dir;
	struct ps_conf conf = { .agent = "tester" };
	struct reader r = { 0 };
	struct ps_pub *pub;
	struct ps *ps;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	conf.run_dir = dir = xasprintf("%s/%s", n->dir, name);
	assert_int_equal(ps_connect(n->base, &conf, &ps), 0);
	read_topic(ps, &t_table, &r);
	loop_settle(n);
	pub = advertise(ps);
	publish(pub, "a", "1");
	ps_publish_synced(pub);
	loop_until(n, r.synced);
	assert_string_equal(r.diary, "+a=1 synced");
	ps_free(ps);
	free(dir);
}

static void second_publisher_is_refused_while_the_first_lives(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester"), *twin = node_connect(n, "tester");
	struct ps_pub *pub = advertise(ps), *other;

	assert_int_equal(ps_advertise(twin, &t_table, NULL, &other), -EADDRINUSE);
	ps_pub_free(pub);
	assert_int_equal(ps_advertise(twin, &t_table, NULL, &other), 0);
	ps_free(twin);
	ps_free(ps);
}

#define bus_test(f) cmocka_unit_test_setup_teardown(f, node_setup, node_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		bus_test(subscriber_gets_table_then_synced_then_changes),
		bus_test(subscriber_may_come_before_the_publisher),
		bus_test(large_table_and_largest_message_arrive_whole),
		bus_test(messages_and_keys_over_the_limits_are_refused),
		bus_test(publishing_the_same_again_tells_nobody),
		bus_test(stopped_reader_costs_nothing_and_ends_with_the_last_values),
		bus_test(a_callback_may_publish),
		bus_test(raw_subscriber_gets_packed_bytes),
		bus_test(generated_wrappers_need_no_cast),
		bus_test(folder_with_a_long_path_works),
		bus_test(second_publisher_is_refused_while_the_first_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
