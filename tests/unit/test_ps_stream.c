/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: every record arrives in order, or is counted where it is missing. */
#include "tests/unit/ps_harness.h"

#include "pubsub/internal.h"

static struct ps_pub *open_stream(struct ps *ps)
{
	struct ps_pub *pub = NULL;

	assert_int_equal(ps_advertise(ps, &t_stream, NULL, &pub), 0);
	return pub;
}

static void append_numbers(struct ps_pub *pub, unsigned int from, unsigned int to)
{
	char value[16];

	for (unsigned int i = from; i <= to; i++) {
		snprintf(value, sizeof(value), "r%u", i);
		assert_int_equal(append(pub, value), 0);
	}
}

static void records_arrive_in_order_with_their_numbers(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stream(ps);
	struct reader r = { 0 };

	append_numbers(pub, 1, 2);
	read_topic(ps, &t_stream, &r);
	loop_until(n, r.synced);
	append_numbers(pub, 3, 4);
	loop_until(n, r.records == 4);
	assert_string_equal(r.diary, "1=r1 2=r2 synced 3=r3 4=r4");
	assert_int_equal(publish(pub, "a", "1"), -EINVAL); /* a stream is no table */
	assert_int_equal(ps_unpublish(pub, "a"), -EINVAL);
	assert_int_equal(ps_subscribe_raw(ps, &t_stream, &reader_ops, &r, &r.sub), -EINVAL);
	ps_free(ps);
}

static void late_joiner_gets_what_is_kept_and_the_count_of_the_rest(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stream(ps);
	struct reader r = { 0 };
	struct ps_stats stats;

	append_numbers(pub, 1, PS_RECORDS_DEFAULT + 100);
	ps_pub_stats(pub, &stats);
	assert_int_equal(stats.keys, PS_RECORDS_DEFAULT);
	read_topic(ps, &t_stream, &r);
	loop_until(n, r.synced);
	assert_int_equal(r.records, PS_RECORDS_DEFAULT);
	assert_int_equal(r.dropped, 100);
	ps_stream_limit(pub, 3);
	ps_pub_stats(pub, &stats);
	assert_int_equal(stats.keys, 3);
	ps_free(ps);
}

/* Whatever the reader misses is counted: records + lost = appended, exactly. */
static void a_stopped_reader_counts_its_losses_exactly(void **state)
{
	struct node *n = *state, other = { 0 };
	struct ps *ps = node_connect(n, "tester"), *ps_other;
	struct ps_pub *pub = open_stream(ps);
	struct reader stopped = { 0 }, running = { 0 };
	struct ps_stats stats;

	strcpy(other.dir, n->dir);
	node_loop(&other);
	ps_other = node_connect(&other, "reader");
	ps_stream_limit(pub, 50);
	read_topic(ps_other, &t_stream, &stopped);
	read_topic(ps, &t_stream, &running);
	loop_both_until(n, &other, running.synced && stopped.synced);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 1; i <= 20000; i++) {
			append_numbers(pub, round * 20000 + i, round * 20000 + i);
			if (i % 40 == 0)
				loop_until(n, running.records == round * 20000 + i);
		}
		loop_both_until(n, &other, stopped.last_seq == 20000 * (round + 1));
		assert_int_equal(stopped.records + stopped.dropped, 20000 * (round + 1));
	}
	assert_int_equal(running.dropped, 0);
	assert_true(stopped.dropped > 0);
	ps_pub_stats(pub, &stats);
	assert_int_equal(stats.dropped, stopped.dropped);
	ps_free(ps_other);
	event_free(other.deadline);
	event_base_free(other.base);
	ps_free(ps);
}

static void a_restarted_publisher_counts_from_one_again(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester"), *other = node_connect(n, "reader");
	struct ps_pub *pub = open_stream(ps);
	struct reader r = { 0 };

	append_numbers(pub, 1, 3);
	read_topic(other, &t_stream, &r);
	loop_until(n, r.records == 3 && r.synced);
	ps_pub_free(pub);
	loop_until(n, r.lost);
	pub = open_stream(ps);
	append_numbers(pub, 11, 12);
	loop_until(n, r.synced == 2);
	assert_string_equal(r.diary, "1=r1 2=r2 3=r3 synced lost 1=r11 2=r12 synced");
	assert_int_equal(r.dropped, 0);
	ps_free(other);
	ps_free(ps);
}

/* Greets as a subscriber that has met this run of the publisher (epoch) and its records up to seq.
 * Returns the epoch it is told, and the number of the first record it gets. */
static uint64_t greet(struct node *n, uint64_t epoch, uint64_t seq, uint64_t *ret_first)
{
	_cleanup_(freep) char *dir = xasprintf("%s/bus", n->dir);
	_cleanup_(closep) int fd = ps_dial(dir, "tester.Stream");
	struct ps_hello hello = {
		.version = PS_PROTOCOL,
		.kind = PS_STREAM,
		.epoch = epoch,
		.seq = seq,
		.topic = "Stream",
		.message = "ew.ConfigStatus",
		.agent = "again",
	};
	uint8_t buf[2048];
	size_t len = ps_hello_pack(&hello, buf), need;
	struct ps_frame_view f;
	ssize_t at;

	assert_int_equal(send(fd, buf, len, MSG_NOSIGNAL), len);
	loop_settle(n);
	len = (size_t)recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	at = ps_frame_parse(buf, len, &f, &need);
	assert_int_equal(ps_hello_unpack(&f, &hello), 0);
	assert_true(ps_frame_parse(buf + at, len - (size_t)at, &f, &need) > 0);
	*ret_first = f.type == PS_FRAME_RECORD ? ps_get_le64(f.data) : 0;
	return hello.epoch;
}

static void a_reconnected_reader_goes_on_where_it_was(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stream(ps);
	uint64_t epoch, first;

	append_numbers(pub, 1, 5);
	epoch = greet(n, 0, 0, &first);
	assert_int_equal(first, 1);
	assert_int_equal(greet(n, epoch, 3, &first), epoch);
	assert_int_equal(first, 4);
	greet(n, epoch, 5, &first);
	assert_int_equal(first, 0); /* synced at once */
	greet(n, epoch + 2, 3, &first);
	assert_int_equal(first, 1); /* its numbers are of another run */
	ps_free(ps);
}

static void memory_of_a_stream_is_bounded_by_bytes_too(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stream(ps);
	_cleanup_(freep) char *large = xcalloc(1, PS_MSG_MAX);
	struct ps_stats stats;

	memset(large, 'x', PS_MSG_MAX - 5);
	for (int i = 0; i < 40; i++)
		assert_int_equal(append(pub, large), 0);
	ps_pub_stats(pub, &stats);
	assert_true(stats.keys < 40 && stats.keys >= PS_STREAM_MAX / PS_MSG_MAX - 1);
	memset(large, 'x', PS_MSG_MAX - 1);
	assert_int_equal(append(pub, large), -E2BIG);
	ps_free(ps);
}

#define stream_test(f) cmocka_unit_test_setup_teardown(f, node_setup, node_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		stream_test(records_arrive_in_order_with_their_numbers),
		stream_test(late_joiner_gets_what_is_kept_and_the_count_of_the_rest),
		stream_test(a_stopped_reader_counts_its_losses_exactly),
		stream_test(a_restarted_publisher_counts_from_one_again),
		stream_test(a_reconnected_reader_goes_on_where_it_was),
		stream_test(memory_of_a_stream_is_bounded_by_bytes_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
