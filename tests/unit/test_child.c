/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/child.h"
#include "base/child_spawn.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/mono.h"
#include "base/said.h"

static struct event_base *base;
static char dir[64];
static int output[2]; /* pipe: stdout and stderr of the children */

static struct {
	struct child *child;
	int status;
	unsigned int times;
	bool free_within;
} seen;

static void on_exit_seen(struct child *c, int status, void *arg)
{
	assert_ptr_equal(arg, &seen);
	seen.child = c;
	seen.status = status;
	seen.times++;
	if (seen.free_within)
		child_free(c);
	event_base_loopbreak(base);
}

static const struct child_ops ops = { .exited = on_exit_seen };

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	strcpy(dir, "/tmp/test_child.XXXXXX");
	base = event_base_new();
	return base && mkdtemp(dir) && chdir(dir) == 0 && pipe2(output, O_CLOEXEC) == 0 ? 0 : -1;
}

static int teardown(void **state)
{

	(void)state;
	event_base_free(base);
	close(output[0]);
	close(output[1]);
	return chdir("/") || dir_remove(dir);
}

static int start(const char *const argv[], const char *pid_file, struct child **ret)
{
	return child_start(
		base,
		&(struct child_conf){
			.argv = argv, .pid_file = pid_file, .netns_fd = -1, .log_fd = output[1] },
		&ops, &seen, ret);
}

static struct child *start_shell(const char *script, const char *pid_file)
{
	struct child *c;

	assert_int_equal(start((const char *[]){ "sh", "-c", script, NULL }, pid_file, &c), 0);
	return c;
}

/* Runs the loop until the child has ended. */
static int wait_exit(void)
{
	const struct timeval limit = { .tv_sec = 20 };
	unsigned int before = seen.times;

	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
	assert_int_equal(seen.times, before + 1);
	return seen.status;
}

/* Reads output until it ends with what is expected. */
static void expect_output(const char *expected)
{
	char text[4096] = "";
	size_t len = 0;

	while (len < strlen(expected)) {
		ssize_t n = read(output[0], text + len, sizeof(text) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_string_equal(text, expected);
}

static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void exit_code_and_signal_are_reported_once(void **state)
{
	struct child *c;

	(void)state;
	c = start_shell("exit 7", NULL);
	assert_int_equal(wait_exit(), 7);
	assert_ptr_equal(seen.child, c);
	assert_int_equal(child_signal(c, SIGTERM), -ESRCH);
	assert_null(child_free(c));
	c = start_shell("kill -SEGV $$", NULL);
	assert_int_equal(wait_exit(), -SIGSEGV);
	child_free(c);
	assert_false(has_children());
	assert_null(child_free(NULL));
}

static void exec_failure_is_reported_at_start(void **state)
{
	struct child *c = NULL;

	(void)state;
	assert_int_equal(start((const char *[]){ "no-such-program", NULL }, NULL, &c), -ENOENT);
	assert_int_equal(start((const char *[]){ "/etc/passwd", NULL }, "pid", &c), -EACCES);
	assert_int_equal(access("pid", F_OK), -1);
	assert_int_equal(start((const char *[]){ "true", NULL }, "/proc/x/pid", &c), -ENOENT);
	assert_null(c);
	assert_false(has_children());
}

static void child_starts_with_clean_signals_files_and_no_stdin(void **state)
{
	int inherited = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	sigset_t some;
	struct child *c;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	sigprocmask(SIG_BLOCK, &some, NULL);
	/* Signals 32 and 33 are libc's own, out of our reach; GNU make leaves them ignored. */
	c = start_shell("set -- $(sed -nE 's/^Sig(Blk|Ign)://p' /proc/self/status);"
			"echo $((0x$1)) $((0x$2 & ~0x180000000)); ls /proc/self/fd | wc -l; cat",
			NULL);
	sigprocmask(SIG_UNBLOCK, &some, NULL);
	assert_int_equal(wait_exit(), 0);
	/* 0, 1, 2 and the folder ls reads */
	expect_output("0 0\n4\n");
	child_free(c);
	close(inherited);
}

static void child_that_computes_without_end_is_ended(void **state)
{
	static const char *const argv[] = { "sh", "-c", "while :; do :; done", NULL };
	const struct child_conf conf = { .argv = argv, .netns_fd = -1, .log_fd = -1, .cpu_s = 1 };
	struct child *c;
	int status;

	(void)state;
	assert_int_equal(child_start(base, &conf, &ops, &seen, &c), 0);
	status = wait_exit();
	assert_true(status == -SIGXCPU || status == -SIGKILL);
	child_free(c);
}

static void environment_and_namespace_are_passed(void **state)
{
	static const char script[] = "echo $A; readlink /proc/self/ns/net";
	struct child_conf conf = { .argv = (const char *[]){ "/bin/sh", "-c", script, NULL },
				   .env = (const char *[]){ "A=b", "PATH=/usr/bin:/bin", NULL },
				   .netns_fd = -1,
				   .log_fd = output[1] };
	_cleanup_(closep) int ours = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_(closep) int other = -1;
	char expected[128];
	struct child *c;
	struct stat st;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) /* not root: a user namespace of our own first */
		assert_int_equal(unshare(CLONE_NEWUSER | CLONE_NEWNET), 0);
	other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(other, &st), 0);
	assert_true(ours >= 0 && other >= 0);
	if (setns(ours, CLONE_NEWNET) < 0)
		assert_int_equal(errno, EPERM); /* the user namespace cannot go back */
	conf.netns_fd = other;
	assert_int_equal(child_start(base, &conf, &ops, &seen, &c), 0);
	assert_int_equal(wait_exit(), 0);
	snprintf(expected, sizeof(expected), "b\nnet:[%ju]\n", (uintmax_t)st.st_ino);
	expect_output(expected);
	child_free(c);
}

static void binds_are_seen_by_the_child_alone(void **state)
{
	const char *const argv[] = { "/bin/sh", "-c", "ls there && touch there/new", NULL };
	const struct child_bind binds[] = { { "here", "there" }, { 0 } };
	struct child_conf conf = {
		.argv = argv, .netns_fd = -1, .log_fd = output[1], .binds = binds
	};
	struct child *c;

	(void)state;
	if (geteuid() != 0)
		assert_int_equal(unshare(CLONE_NEWUSER), 0);
	assert_int_equal(dir_make("there", 0755), 0);
	assert_int_equal(child_start(base, &conf, &ops, &seen, &c), -ENOENT); /* no "here" yet */
	assert_int_equal(file_replace_volatile("here/file", "", 0, 0644), 0);
	assert_int_equal(child_start(base, &conf, &ops, &seen, &c), 0);
	assert_int_equal(wait_exit(), 0);
	expect_output("file\n");
	assert_int_equal(access("here/new", F_OK), 0);
	assert_int_equal(access("there/new", F_OK), -1);
	child_free(c);
}

static void stop_sends_term_and_kills_after_the_deadline(void **state)
{
	struct child *c;
	struct mono before;

	(void)state;
	c = start_shell("trap 'exit 3' TERM; echo; while :; do sleep 0.02; done", NULL);
	expect_output("\n");
	child_stop(c, 10000);
	assert_int_equal(wait_exit(), 3);
	child_free(c);
	c = start_shell("trap '' TERM; echo; while :; do sleep 0.02; done", NULL);
	expect_output("\n");
	before = mono_now();
	child_stop(c, 50);
	assert_int_equal(wait_exit(), -SIGKILL);
	assert_in_range(mono_diff_ms(mono_now(), before), 45, 5000);
	child_free(c);
	assert_false(has_children());
}

/* One processor for all of them, and us. */
static void limit_is_longer_by_what_it_stands_in_line_for_a_processor(void **state)
{
	struct mono begin = mono_now();
	struct child *c[4];
	cpu_set_t all, one;
	int cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	c[0] = start_shell("echo; exec sleep 1000", NULL);
	expect_output("\n");
	child_more_ms(c[0], 1000); /* its start */
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	for (int i = 1; i < 4; i++)
		c[i] = start_shell("trap '' TERM; while :; do :; done", NULL);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	for (unsigned int sum = 0;
	     sum < 300;) { /* two thirds of the time, and more on a busy one */
		unsigned int more = child_more_ms(c[1], 1000);

		sum += more;
		assert_in_range(sum, 0, 5000);
		assert_true(mono_diff_ms(mono_now(), begin) < 20000);
		event_base_loopexit(base, &(struct timeval){ .tv_usec = 50000 });
		event_base_dispatch(base);
	}
	assert_in_range(child_more_ms(c[0], 1000), 0, 50); /* it wants nothing */
	for (unsigned int sum = 0; sum < 20;)
		sum += child_more_ms(c[2], 4); /* there is an end to it */
	assert_int_equal(child_more_ms(c[2], 4), 0);
	begin = mono_now();
	child_stop(c[3], 300); /* of which it has a third, if nobody else is there */
	assert_int_equal(wait_exit(), -SIGKILL);
	assert_in_range(mono_diff_ms(mono_now(), begin), 600, 6 * 300 + 5000);
	for (int i = 0; i < 4; i++)
		child_free(c[i]);
	while (has_children())
		event_base_loop(base, EVLOOP_ONCE);
}

static void free_kills_a_child_proper_and_leaves_no_zombie(void **state)
{
	struct child *c = start_shell("exec sleep 1000", NULL);

	(void)state;
	child_free(c);
	while (has_children())
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(seen.times, 0);
}

static void callback_may_free_the_child(void **state)
{
	(void)state;
	seen.free_within = true;
	start_shell("exit 1", NULL);
	assert_int_equal(wait_exit(), 1);
}

static void detached_helper_runs_on_and_is_adopted(void **state)
{
	_cleanup_(freep) char *cmdline = NULL;
	struct child *c = start_shell("trap '' HUP; echo; exec sleep 1000", "run/pids/h.pid");
	pid_t pid = child_pid(c);
	size_t len;

	(void)state;
	expect_output("\n");
	assert_int_equal(getsid(pid), pid);
	c = child_free(c);
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(child_adopt(base, "run/pids/h.pid", &ops, &seen, &c), 0);
	assert_int_equal(child_pid(c), pid);
	do { /* until it is sleep */
		free(take_ptr(cmdline));
		assert_int_equal(child_cmdline(c, &cmdline, &len), 0);
	} while (strcmp(cmdline, "sleep") != 0);
	assert_int_equal(len, sizeof("sleep\0001000"));
	assert_memory_equal(cmdline, "sleep\0001000", len);
	child_stop(c, 1000);
	assert_int_equal(wait_exit(), 0); /* unknown: it was adopted */
	assert_int_equal(access("run/pids/h.pid", F_OK), -1);
	free(take_ptr(cmdline));
	assert_int_equal(child_cmdline(c, &cmdline, &len), -ESRCH);
	child_free(c);
	while (has_children())
		event_base_loop(base, EVLOOP_ONCE);
}

static void helper_is_adopted_from_a_killed_parent(void **state)
{
	struct child *c;
	pid_t parent;
	int ready[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		event_reinit(base);
		start_shell("exec sleep 1000", "h.pid");
		if (write(ready[1], "x", 1) != 1)
			abort();
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	assert_int_equal(child_adopt(base, "h.pid", &ops, &seen, &c), 0);
	assert_int_equal(child_signal(c, SIGKILL), 0);
	wait_exit();
	child_free(c);
	close(ready[0]);
	close(ready[1]);
}

static void child_proper_dies_with_its_parent(void **state)
{
	char pid_text[16] = "";
	pid_t parent;

	(void)state;
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		event_reinit(base);
		start_shell("echo $$; exec sleep 1000", NULL);
		pause();
	}
	assert_true(read(output[0], pid_text, sizeof(pid_text) - 1) > 0);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	/* Its ends of the pipe are closed when it is gone: then ours is the last. */
	close(take_fd(&output[1]));
	while (read(output[0], pid_text, sizeof(pid_text)) > 0)
		;
}

static void adopt_refuses_stale_and_foreign_pids(void **state)
{
	unsigned long long start_time = 0;
	struct child *c = NULL;
	char text[64];

	(void)state;
	assert_int_equal(child_adopt(base, "absent", &ops, &seen, &c), -ESRCH);
	assert_int_equal(process_start_time(getpid(), &start_time), 0);
	snprintf(text, sizeof(text), "%d %llu\n", getpid(), start_time + 1); /* recycled */
	assert_int_equal(file_replace_volatile("stale", text, strlen(text), 0644), 0);
	assert_int_equal(child_adopt(base, "stale", &ops, &seen, &c), -ESRCH);
	assert_int_equal(access("stale", F_OK), -1);
	assert_int_equal(file_replace_volatile("stale", "4194305 1\n", 10, 0644), 0);
	assert_int_equal(child_adopt(base, "stale", &ops, &seen, &c), -ESRCH);
	assert_int_equal(file_replace_volatile("stale", "torn", 4, 0644), 0);
	assert_int_equal(child_adopt(base, "stale", &ops, &seen, &c), -ESRCH);
	assert_int_equal(access("stale", F_OK), -1);
	assert_null(c);
}

static void old_helper_does_not_remove_its_successors_pid_file(void **state)
{
	struct child *c = start_shell("exit 0", "h.pid");

	(void)state;
	assert_int_equal(pid_file_write("h.pid", getpid()), 0); /* somebody was faster */
	wait_exit();
	assert_int_equal(access("h.pid", F_OK), 0);
	child_free(c);
}

static void restart_delay_grows_to_its_cap(void **state)
{
	(void)state;
	assert_int_equal(restart_delay_ms(0), 0);
	assert_int_equal(restart_delay_ms(1), 100);
	assert_int_equal(restart_delay_ms(2), 200);
	assert_int_equal(restart_delay_ms(7), 6400);
	assert_int_equal(restart_delay_ms(8), 10000);
	assert_int_equal(restart_delay_ms(UINT32_MAX), 10000);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void what_is_said_is_kept_up_to_a_bound(void **state)
{
	const char *const argv[] = { "sh", "-c", "echo first >&2; yes; echo last", NULL };
	struct child_conf conf = { .argv = argv, .netns_fd = -1, .log_fd = said_open(5000) };
	struct child *c;
	_cleanup_(freep) char *nothing = NULL, *three = NULL, *text = NULL;
	struct stat st;
	size_t len;

	(void)state;
	assert_true(conf.log_fd >= 0);
	nothing = said_read(conf.log_fd, 5000, &len);
	assert_int_equal(len, 0);
	assert_string_equal(nothing, "");
	assert_int_equal(child_start(base, &conf, &ops, &seen, &c), 0);
	wait_exit();
	child_free(c);
	three = said_read(conf.log_fd, 3, &len);
	assert_int_equal(len, 3);
	assert_string_equal(three, "fir");
	text = said_read(conf.log_fd, 5000, &len);
	assert_int_equal(len, 5000);
	assert_memory_equal(text, "first\ny\ny\n", 10);
	assert_int_equal(strlen(text), 5000);
	assert_int_equal(fstat(conf.log_fd, &st), 0);
	assert_in_range(st.st_size, 5000, 5000 + 2 * sysconf(_SC_PAGESIZE));
	close(conf.log_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(exit_code_and_signal_are_reported_once),
		test(exec_failure_is_reported_at_start),
		test(child_starts_with_clean_signals_files_and_no_stdin),
		test(stop_sends_term_and_kills_after_the_deadline),
		test(limit_is_longer_by_what_it_stands_in_line_for_a_processor),
		test(free_kills_a_child_proper_and_leaves_no_zombie),
		test(callback_may_free_the_child),
		test(detached_helper_runs_on_and_is_adopted),
		test(helper_is_adopted_from_a_killed_parent),
		test(child_proper_dies_with_its_parent),
		test(adopt_refuses_stale_and_foreign_pids),
		test(old_helper_does_not_remove_its_successors_pid_file),
		cmocka_unit_test_setup_teardown(what_is_said_is_kept_up_to_a_bound, setup,
						teardown),
		cmocka_unit_test(restart_delay_grows_to_its_cap),
		/* last: may change our user namespace */
		test(child_that_computes_without_end_is_ended),
		test(environment_and_namespace_are_passed),
		test(binds_are_seen_by_the_child_alone),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
