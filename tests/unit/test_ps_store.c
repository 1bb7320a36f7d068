/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that survive: what was published is there again, whatever happened to the files. */
#include "tests/unit/ps_harness.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/mono.h"
#include "base/strbuf.h"

static struct ps_pub *open_stored(struct ps *ps)
{
	struct ps_pub *pub = NULL;

	assert_int_equal(ps_advertise(ps, &t_stored, NULL, &pub), 0);
	return pub;
}

static void add_pair(const char *key, const void *data, size_t len, void *arg)
{
	ProtobufCMessage *msg =
		protobuf_c_message_unpack(&ew__config_status__descriptor, NULL, len, data);
	struct strbuf *out = arg;

	assert_non_null(msg);
	strbuf_addf(out, "%s%s=%s", out->len ? " " : "", key, ((Ew__ConfigStatus *)msg)->version);
	protobuf_c_message_free_unpacked(msg, NULL);
}

static void assert_table(const struct ps_pub *pub, const char *want)
{
	_cleanup_(strbuf_fini) struct strbuf is = STRBUF_INIT;

	ps_pub_each(pub, add_pair, &is);
	assert_string_equal(strbuf_str(&is), want);
}

static uint64_t commits(const struct ps_pub *pub)
{
	struct ps_stats stats;

	ps_pub_stats(pub, &stats);
	return stats.commits;
}

static char *slot(const struct node *n, int i)
{
	return xasprintf("%s/bus/tester.Stored.%d", n->dir, i);
}

static void stored_table_is_there_after_a_restart(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stored(ps);
	struct reader r = { 0 };

	publish(pub, "a", "1");
	publish(pub, "b", "2");
	publish(pub, "c", "3");
	ps_unpublish(pub, "b");
	loop_until(n, commits(pub) == 1);
	publish(pub, "a", "4");
	ps_free(ps); /* what is not written yet is written now */

	ps = node_connect(n, "tester");
	pub = open_stored(ps);
	assert_table(pub, "a=4 c=3");
	read_topic(ps, &t_stored, &r);
	ps_publish_synced(pub);
	loop_until(n, r.synced);
	assert_string_equal(r.diary, "+a=4 +c=3 synced");
	assert_string_equal(n->report, "");
	ps_free(ps);
}

static void an_unchanged_table_is_not_written(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stored(ps);

	publish(pub, "a", "1");
	loop_until(n, commits(pub) == 1);
	publish(pub, "a", "1");
	loop_settle(n);
	publish(pub, "b", "1");
	loop_until(n, commits(pub) == 2);
	ps_free(ps);
}

/* 5000 changes, the loop turning after each: at most one write in 2 ms, and the last one wins. */
static void many_publishes_are_few_writes(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stored(ps);
	struct mono start = mono_now();
	char value[16];
	int64_t ms;

	for (int i = 0; i < 5000; i++) {
		snprintf(value, sizeof(value), "%d", i);
		publish(pub, "a", value);
		event_base_loop(n->base, EVLOOP_NONBLOCK);
	}
	ms = mono_diff_ms(mono_now(), start);
	assert_true(commits(pub) <= (uint64_t)ms / 2 + 1);
	ps_free(ps);
	ps = node_connect(n, "tester");
	assert_table(open_stored(ps), "a=4999");
	ps_free(ps);
}

/* Publishes first, first + 1 … and tells each number when it is stored, until it is killed. */
static void count_up(const struct node *n, int first, int fd)
{
	struct node child = { 0 };
	struct ps_pub *pub;
	struct ps *ps;
	char value[16];

	strcpy(child.dir, n->dir);
	node_loop(&child);
	ps = node_connect(&child, "tester");
	if (ps_advertise(ps, &t_stored, NULL, &pub) < 0)
		_exit(EXIT_FAILURE);
	for (int i = first;; i++) {
		uint64_t before = commits(pub);

		snprintf(value, sizeof(value), "%d", i);
		publish(pub, "n", value);
		loop_until(&child, commits(pub) > before);
		if (write(fd, &i, sizeof(i)) != sizeof(i))
			_exit(EXIT_FAILURE);
	}
}

static int stored_number(struct node *n)
{
	_cleanup_(strbuf_fini) struct strbuf is = STRBUF_INIT;
	struct ps *ps = node_connect(n, "tester");

	ps_pub_each(open_stored(ps), add_pair, &is);
	ps_free(ps);
	assert_memory_equal(strbuf_str(&is), "n=", 2);
	return atoi(strbuf_str(&is) + 2);
}

static void killed_at_any_moment_the_table_is_the_last_or_the_next(void **state)
{
	struct node *n = *state;
	unsigned int seed = 3;

	for (int round = 0; round < 20; round++) {
		int pipes[2], known = -1, is;
		pid_t pid;

		assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			count_up(n, round * 100000, pipes[1]);
		close(pipes[1]);
		for (int i = rand_r(&seed) % 20; i >= 0; i--)
			assert_int_equal(read(pipes[0], &known, sizeof(known)), sizeof(known));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(pipes[0], &known, sizeof(known)) == sizeof(known))
			;
		close(pipes[0]);
		is = stored_number(n);
		assert_true(is == known || is == known + 1);
		assert_string_equal(n->report, "");
	}
}

/* Two generations on disk: "a=1" in the older file, "a=2" in the newer. Returns the newer's slot. */
static int two_generations(struct node *n)
{
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stored(ps);

	publish(pub, "a", "1");
	loop_until(n, commits(pub) == 1);
	publish(pub, "a", "2");
	loop_until(n, commits(pub) == 2);
	ps_free(ps);
	return 0; /* generation 2 */
}

static void assert_starts_with(struct node *n, const char *table, const char *report)
{
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub;

	n->report[0] = 0;
	pub = open_stored(ps);
	assert_table(pub, table);
	if (*report)
		assert_non_null(strstr(n->report, report));
	else
		assert_string_equal(n->report, "");
	/* It can store again. */
	publish(pub, "new", "1");
	loop_until(n, commits(pub) == 1);
	ps_unpublish(pub, "new");
	ps_free(ps);
}

static void a_torn_file_is_set_aside_for_the_one_before(void **state)
{
	struct node *n = *state;
	_cleanup_(freep) char *path = slot(n, two_generations(n));
	_cleanup_(freep) char *bad = xasprintf("%s.bad", path);
	_cleanup_(freep) char *file = NULL;
	size_t len;

	assert_int_equal(file_read(path, 1 << 20, &file, &len), 0);
	for (size_t cut = 0; cut < len; cut += 11) {
		assert_int_equal(truncate(path, (off_t)cut), 0);
		assert_starts_with(n, "a=1", "set aside");
		assert_int_equal(access(bad, F_OK), 0);
		/* As it was: "a=2" newer than "a=1". */
		unlink(bad);
		for (int i = 0; i < 2; i++) {
			_cleanup_(freep) char *name = slot(n, i);

			unlink(name);
		}
		assert_int_equal(two_generations(n), 0);
	}
}

static void a_flipped_bit_is_noticed(void **state)
{
	struct node *n = *state;
	_cleanup_(freep) char *newer = slot(n, two_generations(n));
	_cleanup_(freep) char *older = slot(n, 1), *file = NULL, *good = NULL;
	size_t len, good_len;

	assert_int_equal(file_read(newer, 1 << 20, &file, &len), 0);
	assert_int_equal(file_read(older, 1 << 20, &good, &good_len), 0);
	for (size_t bit = 0; bit < len * 8; bit += 23) {
		file[bit / 8] ^= (char)(1 << (bit % 8));
		assert_int_equal(file_replace_volatile(newer, file, len, 0600), 0);
		assert_int_equal(file_replace_volatile(older, good, good_len, 0600), 0);
		file[bit / 8] ^= (char)(1 << (bit % 8));
		assert_starts_with(n, "a=1", "set aside");
	}
}

static void with_both_files_gone_bad_it_starts_empty(void **state)
{
	struct node *n = *state;
	_cleanup_(freep) char *first = slot(n, two_generations(n)), *second = slot(n, 1);

	assert_int_equal(file_replace(first, "junk", 4, 0600), 0);
	assert_int_equal(file_replace(second, "", 0, 0600), 0);
	assert_starts_with(n, "", "set aside");
}

static void a_stored_value_that_no_longer_decodes_is_left_out(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stored(ps);

	publish(pub, "a", "1");
	assert_int_equal(ps_publish_packed(pub, "b", "\xff\xff", 2), 0);
	ps_free(ps);
	assert_starts_with(n, "a=1", "key b");
}

static void a_disk_that_refuses_is_reported_and_tried_again(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub = open_stored(ps);
	_cleanup_(freep) char *in_the_way = xasprintf("%s/bus/tester.Stored.new", n->dir);

	assert_int_equal(mkdir(in_the_way, 0700), 0); /* for root too */
	publish(pub, "a", "1");
	loop_until(n, *n->report);
	assert_non_null(strstr(n->report, "cannot store"));
	assert_int_equal(rmdir(in_the_way), 0);
	loop_until(n, commits(pub) == 1); /* by its own retry */
	assert_non_null(strstr(n->report, "stored again"));
	ps_free(ps);
	assert_starts_with(n, "a=1", "");
}

static void streams_cannot_be_persistent(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_topic topic = t_stored;
	struct ps_pub *pub;

	topic.kind = PS_STREAM;
	assert_int_equal(ps_advertise(ps, &topic, NULL, &pub), -EINVAL);
	ps_free(ps);
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, node_setup, node_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(stored_table_is_there_after_a_restart),
		store_test(an_unchanged_table_is_not_written),
		store_test(many_publishes_are_few_writes),
		store_test(killed_at_any_moment_the_table_is_the_last_or_the_next),
		store_test(a_torn_file_is_set_aside_for_the_one_before),
		store_test(a_flipped_bit_is_noticed),
		store_test(with_both_files_gone_bad_it_starts_empty),
		store_test(a_stored_value_that_no_longer_decodes_is_left_out),
		store_test(a_disk_that_refuses_is_reported_and_tried_again),
		store_test(streams_cannot_be_persistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
