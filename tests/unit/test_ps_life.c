/* SPDX-License-Identifier: Apache-2.0 */
/* Publishers that die and come back, subscribers that free themselves, strangers at the door. */
#include "tests/unit/ps_harness.h"

#include <sys/socket.h>

#include "pubsub/internal.h"

/* ---- publishers in processes of their own, to be killed ---- */

/* Publishes "key=value" pairs, says synced, then serves until it is killed. */
static pid_t start_publisher(const struct node *n, const char *const *pairs)
{
	struct node child = { 0 };
	struct ps_pub *pub;
	struct ps *ps;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	strcpy(child.dir, n->dir);
	node_loop(&child);
	ps = node_connect(&child, "tester");
	if (ps_advertise(ps, &t_table, NULL, &pub) < 0)
		_exit(EXIT_FAILURE);
	for (; *pairs; pairs++) {
		_cleanup_(freep) char *key = xstrdup(*pairs);
		char *value = strchr(key, '=');

		*value++ = 0;
		publish(pub, key, value);
	}
	ps_publish_synced(pub);
	event_base_dispatch(child.base);
	_exit(EXIT_SUCCESS);
}

static void kill_publisher(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void killed_publisher_that_returns_the_same_is_invisible(void **state)
{
	static const char *const pairs[] = { "a=1", "b=2", NULL };
	struct node *n = *state;
	struct ps *ps = node_connect(n, "reader");
	struct reader r = { 0 };
	pid_t pid = start_publisher(n, pairs);

	read_topic(ps, &t_table, &r);
	loop_until(n, r.synced == 1);
	for (unsigned int i = 1; i <= 5; i++) {
		kill_publisher(pid);
		loop_until(n, r.lost == i);
		assert_false(ps_synced(r.sub));
		assert_string_equal(value_of(&r, "b"), "2"); /* stale, but there */
		pid = start_publisher(n, pairs);
		loop_until(n, r.synced == 1 + i);
	}
	kill_publisher(pid);
	assert_int_equal(r.created, 2);
	assert_int_equal(r.changed + r.deleted + r.refused, 0);
	ps_free(ps);
}

static void differences_after_a_restart_are_told_before_synced(void **state)
{
	static const char *const before[] = { "a=1", "b=2", "c=3", NULL };
	static const char *const after[] = { "d=4", "b=9", "a=1", NULL };
	struct node *n = *state;
	struct ps *ps = node_connect(n, "reader");
	struct reader r = { 0 };
	pid_t pid = start_publisher(n, before);

	read_topic(ps, &t_table, &r);
	loop_until(n, r.synced == 1);
	kill_publisher(pid);
	pid = start_publisher(n, after);
	loop_until(n, r.synced == 2);
	assert_string_equal(r.diary, "+a=1 +b=2 +c=3 synced lost +d=4 ~b=9 -c synced");
	kill_publisher(pid);
	ps_free(ps);
}

/* The restarted one fills its table slowly: nothing looks deleted before it says synced. */
static void keys_do_not_vanish_while_the_publisher_fills_up(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester"), *other = node_connect(n, "reader");
	struct reader r = { 0 };
	struct ps_pub *pub;

	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	publish(pub, "a", "1");
	publish(pub, "b", "2");
	ps_publish_synced(pub);
	read_topic(other, &t_table, &r);
	loop_until(n, r.synced);
	ps_pub_free(pub);
	loop_until(n, r.lost);
	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	publish(pub, "c", "3");
	loop_until(n, r.created == 3);
	assert_int_equal(r.deleted, 0);
	publish(pub, "a", "1");
	ps_publish_synced(pub);
	loop_until(n, r.synced == 2);
	assert_string_equal(r.diary, "+a=1 +b=2 synced lost +c=3 -b synced");
	ps_free(other);
	ps_free(ps);
}

static void bus_folder_removed_and_made_again_is_found_again(void **state)
{
	struct node *n = *state;
	struct ps *other = node_connect(n, "reader"), *ps;
	_cleanup_(freep) char *bus = xasprintf("%s/bus", n->dir);
	struct reader r = { 0 };
	struct ps_pub *pub;

	read_topic(other, &t_table, &r);
	loop_settle(n);
	assert_int_equal(dir_remove(bus), 0);
	loop_settle(n);
	ps = node_connect(n, "tester");
	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	publish(pub, "a", "1");
	ps_publish_synced(pub);
	loop_until(n, r.synced);
	ps_free(other);
	ps_free(ps);
}

/* ---- subscribers that free themselves ---- */

static void free_at(struct node *n, const char *word, bool raw)
{
	struct ps *ps = node_connect(n, "tester"), *other = node_connect(n, "reader");
	struct reader r = { .free_at = word }, witness = { 0 };
	struct ps_pub *pub;

	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	publish(pub, "a", "1");
	publish(pub, "b", "2");
	ps_publish_synced(pub);
	if (raw)
		assert_int_equal(ps_subscribe_raw(other, &t_table, &reader_ops, &r, &r.sub), 0);
	else
		read_topic(other, &t_table, &r);
	read_topic(other, &t_table, &witness);
	loop_until(n, witness.synced && (r.synced || !r.sub));
	publish(pub, "a", "3");
	ps_unpublish(pub, "b");
	publish(pub, "c", "4");
	loop_until(n, witness.created == 3);
	ps_pub_free(pub);
	loop_until(n, witness.lost);
	loop_until(n, r.lost || !r.sub);
	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	publish(pub, "c", "4"); /* "a" is swept at synced */
	ps_publish_synced(pub);
	loop_until(n, witness.synced == 2);
	loop_until(n, !r.sub);
	assert_int_equal(strncmp(strrchr(r.diary, ' ') ? strrchr(r.diary, ' ') + 1 : r.diary, word,
				 strlen(word)),
			 0); /* nothing is told afterwards */
	ps_free(other);
	ps_free(ps);
}

static void subscriber_may_free_itself_in_any_callback(void **state)
{
	static const char *const words[] = { "+a", "+b", "synced", "~a", "-b", "lost", "-a" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		free_at(*state, words[i], false);
	free_at(*state, "=a", true);
	free_at(*state, "-b", true);
	free_at(*state, "-a", true);
}

struct suicide {
	struct ps *ps;
};

static void free_all(const char *key, const ProtobufCMessage *was, const ProtobufCMessage *now,
		     void *arg)
{
	struct suicide *s = arg;

	(void)was;
	s->ps = ps_free(s->ps);
	assert_string_equal(key, "a");
	assert_string_equal(((const Ew__ConfigStatus *)now)->version, "1");
}

static void a_callback_may_free_the_whole_bus(void **state)
{
	static const struct ps_sub_ops ops = { .changed = free_all };
	struct node *n = *state;
	struct suicide s = { .ps = node_connect(n, "tester") };
	struct ps_sub *sub, *other;
	struct ps_pub *pub;

	assert_int_equal(ps_advertise(s.ps, &t_table, NULL, &pub), 0);
	publish(pub, "a", "1");
	publish(pub, "b", "2");
	assert_int_equal(ps_subscribe(s.ps, &t_table, &ops, &s, &sub), 0);
	assert_int_equal(ps_subscribe(s.ps, &t_table, &ops, &s, &other), 0);
	loop_until(n, !s.ps);
	loop_settle(n);
}

/* ---- strangers ---- */

static int dial(const struct node *n)
{
	_cleanup_(freep) char *dir = xasprintf("%s/bus", n->dir);
	int fd = ps_dial(dir, "tester.Table");

	assert_true(fd >= 0);
	return fd;
}

/* Everything the publisher says until it hangs up. */
static size_t hear_out(struct node *n, int fd, uint8_t *buf, size_t size)
{
	size_t len = 0;

	for (;;) {
		ssize_t r = recv(fd, buf + len, size - len, MSG_DONTWAIT);

		if (r == 0 || (r < 0 && errno != EAGAIN))
			return len;
		len += r > 0 ? (size_t)r : 0;
		event_base_loop(n->base, EVLOOP_NONBLOCK);
		if (n->late)
			fail_msg("the publisher did not hang up");
	}
}

static void assert_refused(struct node *n, int fd, const char *words)
{
	uint8_t buf[1024] = { 0 };
	struct ps_frame_view f;
	size_t need, len = hear_out(n, fd, buf, sizeof(buf) - 1);

	assert_true(ps_frame_parse(buf, len, &f, &need) > 0);
	assert_int_equal(f.type, PS_FRAME_REFUSED);
	assert_non_null(strstr((const char *)f.data, words));
	close(fd);
}

static const struct ps_hello greeting = {
	.version = PS_PROTOCOL,
	.kind = PS_STATE,
	.topic = "Table",
	.message = "ew.ConfigStatus",
	.agent = "stranger",
};

static void say(int fd, const struct ps_hello *hello)
{
	uint8_t buf[PS_HELLO_MAX];
	size_t len = ps_hello_pack(hello, buf);

	assert_int_equal(send(fd, buf, len, MSG_NOSIGNAL), len);
}

static void other_versions_are_refused_in_words(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_hello newer = greeting;
	struct ps_stats stats;
	struct ps_pub *pub;
	int fd;

	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	newer.version = PS_PROTOCOL + 1;
	fd = dial(n);
	say(fd, &newer);
	assert_refused(n, fd, "stranger version 2");
	assert_non_null(strstr(n->report, "stranger version 2"));
	ps_pub_stats(pub, &stats);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.subscribers, 0);
	ps_free(ps);
}

static void subscriber_refuses_a_publisher_of_another_version(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "reader");
	_cleanup_(freep) char *dir = xasprintf("%s/bus", n->dir);
	_cleanup_(closep) int listener = ps_listen(dir, "tester.Table", 0600);
	struct ps_hello newer = greeting;
	struct reader r = { 0 };
	int fd = -1;

	assert_true(listener >= 0);
	newer.version = PS_PROTOCOL + 1;
	read_topic(ps, &t_table, &r);
	loop_until(n, fd >= 0 || (fd = accept(listener, NULL, NULL)) >= 0 || errno != EAGAIN);
	say(fd, &newer);
	loop_until(n, r.refused);
	assert_non_null(strstr(r.why, "version 2"));
	assert_int_equal(r.lost, 0); /* it was never there */
	close(fd);
	ps_free(ps);
}

static void topic_of_another_type_is_refused(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_topic other = t_table;
	struct reader r = { 0 };
	struct ps_pub *pub;

	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	other.desc = &ew__domain_status__descriptor;
	read_topic(ps, &other, &r);
	loop_until(n, r.refused);
	assert_non_null(strstr(r.why, "ew.DomainStatus"));
	ps_free(ps);
}

static void garbage_at_the_door_disturbs_nobody(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct reader r = { 0 };
	uint8_t garbage[2000], reply[64];
	unsigned int seed = 7;
	struct ps_pub *pub;

	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	ps_publish_synced(pub);
	read_topic(ps, &t_table, &r);
	loop_until(n, r.synced);
	for (int i = 0; i < 300; i++) {
		size_t len = 1 + (size_t)rand_r(&seed) % sizeof(garbage);
		int fd = dial(n);

		for (size_t j = 0; j < len; j++)
			garbage[j] = (uint8_t)rand_r(&seed);
		if (i % 3 == 0)
			ps_hello_pack(&greeting, garbage);
		assert_true(send(fd, garbage, len, MSG_NOSIGNAL) > 0);
		if (i % 2)
			event_base_loop(n->base, EVLOOP_NONBLOCK);
		recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
		close(fd);
	}
	publish(pub, "a", "1");
	loop_until(n, r.created);
	assert_int_equal(r.lost, 0);
	ps_free(ps);
}

static void subscriber_that_talks_is_cut_off(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub;
	uint8_t buf[8192];
	struct ps_stats stats;
	int fd, next;

	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	fd = dial(n);
	say(fd, &greeting);
	loop_settle(n);
	assert_true(send(fd, "hello?", 6, MSG_NOSIGNAL) > 0);
	next = dial(n); /* it is noticed when the next one comes */
	say(next, &greeting);
	assert_true(hear_out(n, fd, buf, sizeof(buf)) > 0);
	assert_non_null(memmem(buf, sizeof(buf), "does not talk", 13));
	ps_pub_stats(pub, &stats);
	assert_int_equal(stats.subscribers, 1);
	close(fd);
	close(next);
	ps_free(ps);
}

static void broken_publisher_is_left(void **state)
{
	static const struct {
		enum ps_frame_type type;
		const char *key, *data, *why;
	} cases[] = {
		{ PS_FRAME_SET, "a", "\xff\xff\xff", "does not decode" },
		{ PS_FRAME_RECORD, "", "12345678", "broke the protocol" },
		{ PS_FRAME_HELLO, "", "", "broke the protocol" },
		{ (enum ps_frame_type)77, "a", "b", "malformed" },
	};
	struct node *n = *state;
	struct ps *ps = node_connect(n, "reader");
	_cleanup_(freep) char *dir = xasprintf("%s/bus", n->dir);
	_cleanup_(closep) int listener = ps_listen(dir, "tester.Table", 0600);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reader r = { 0 };
		uint8_t frame[64];
		size_t at, len = strlen(cases[i].data);
		int fd = -1;

		read_topic(ps, &t_table, &r);
		loop_until(n, (fd = accept(listener, NULL, NULL)) >= 0);
		say(fd, &greeting);
		at = ps_frame_head(frame, cases[i].type, cases[i].key, strlen(cases[i].key), len);
		memcpy(frame + at, cases[i].data, len);
		assert_true(send(fd, frame, at + len, MSG_NOSIGNAL) > 0);
		loop_until(n, r.refused);
		assert_non_null(strstr(r.why, cases[i].why));
		assert_int_equal(r.lost, 1);
		assert_int_equal(r.created, 0);
		ps_sub_free(r.sub);
		close(fd);
	}
	ps_free(ps);
}

/* ---- who may come in ---- */

static void access_is_by_uid_gid_and_groups(void **state)
{
	const uid_t uids[] = { 1000, 1001, (uid_t)-1 };
	const gid_t gids[] = { 50, (gid_t)-1 }, in[] = { 7, 50 }, out[] = { 7, 8 };
	const struct ps_access some = { .uids = uids, .gids = gids }, none = { 0 };
	struct ucred who = { .uid = 1001, .gid = 9 };

	(void)state;
	assert_true(ps_access_allows(&some, 5, &who, NULL, 0));
	assert_false(ps_access_allows(&none, 5, &who, in, 2));
	assert_true(ps_access_allows(&none, 1001, &who, NULL, 0)); /* our own */
	who.uid = 0;
	assert_true(ps_access_allows(&none, 5, &who, NULL, 0));
	who.uid = 2000;
	assert_false(ps_access_allows(&some, 5, &who, NULL, 0));
	assert_false(ps_access_allows(&some, 5, &who, out, 2));
	assert_true(ps_access_allows(&some, 5, &who, in, 2));
	who.gid = 50;
	assert_true(ps_access_allows(&some, 5, &who, NULL, 0));
}

/* Subscribes as another user, in a process of its own. Exit status: 1 synced, 2 refused. */
static int subscribe_as(const struct node *n, uid_t uid)
{
	struct node child = { 0 };
	struct reader r = { 0 };
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid > 0) {
		while (waitpid(pid, &status, WNOHANG) == 0)
			event_base_loop(n->base, EVLOOP_NONBLOCK);
		return WEXITSTATUS(status);
	}
	strcpy(child.dir, n->dir);
	if (setgid(uid) < 0 || setuid(uid) < 0)
		_exit(99);
	node_loop(&child);
	read_topic(node_connect(&child, "reader"), &t_table, &r);
	loop_until(&child, r.synced || r.refused);
	_exit(r.synced ? 1 : 2);
}

static void users_not_on_the_list_are_refused(void **state)
{
	const uid_t uids[] = { 4242, (uid_t)-1 };
	const struct ps_access access = { .uids = uids };
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester");
	struct ps_pub *pub;

	if (geteuid() != 0) { /* only root can become others; the rule itself is tested above */
		ps_free(ps);
		return;
	}
	assert_int_equal(ps_advertise(ps, &t_table, &access, &pub), 0);
	ps_publish_synced(pub);
	assert_int_equal(subscribe_as(n, 0), 1);
	assert_int_equal(subscribe_as(n, 4242), 1);
	assert_int_equal(subscribe_as(n, 4243), 2);
	assert_non_null(strstr(n->report, "uid 4243"));
	ps_pub_free(pub);
	/* Without a list the file's permissions refuse already. */
	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	ps_publish_synced(pub);
	assert_int_equal(subscribe_as(n, 4242), 2);
	ps_free(ps);
}

static void subscriber_65_waits_until_one_leaves(void **state)
{
	struct node *n = *state;
	struct ps *ps = node_connect(n, "tester"), *other = node_connect(n, "reader");
	struct reader r[PS_SUBSCRIBERS_MAX + 1] = { 0 };
	struct reader *last = &r[PS_SUBSCRIBERS_MAX];
	struct ps_pub *pub;

	assert_int_equal(ps_advertise(ps, &t_table, NULL, &pub), 0);
	ps_publish_synced(pub);
	for (unsigned int i = 0; i < PS_SUBSCRIBERS_MAX; i++) {
		read_topic(other, &t_table, &r[i]);
		loop_until(n, r[i].synced);
	}
	read_topic(other, &t_table, last);
	loop_until(n, last->refused);
	assert_non_null(strstr(last->why, "64 subscribers"));
	publish(pub, "a", "1");
	for (unsigned int i = 0; i < PS_SUBSCRIBERS_MAX; i++)
		loop_until(n, r[i].created);
	ps_sub_free(r[3].sub);
	loop_until(n, last->synced); /* by its own retry */
	ps_free(other);
	ps_free(ps);
}

#define life_test(f) cmocka_unit_test_setup_teardown(f, node_setup, node_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		life_test(killed_publisher_that_returns_the_same_is_invisible),
		life_test(differences_after_a_restart_are_told_before_synced),
		life_test(keys_do_not_vanish_while_the_publisher_fills_up),
		life_test(bus_folder_removed_and_made_again_is_found_again),
		life_test(subscriber_may_free_itself_in_any_callback),
		life_test(a_callback_may_free_the_whole_bus),
		life_test(other_versions_are_refused_in_words),
		life_test(subscriber_refuses_a_publisher_of_another_version),
		life_test(topic_of_another_type_is_refused),
		life_test(garbage_at_the_door_disturbs_nobody),
		life_test(subscriber_that_talks_is_cut_off),
		life_test(broken_publisher_is_left),
		cmocka_unit_test(access_is_by_uid_gid_and_groups),
		life_test(users_not_on_the_list_are_refused),
		life_test(subscriber_65_waits_until_one_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
