/* SPDX-License-Identifier: Apache-2.0 */
/* What a process behind base/sandbox.h can do, and what ends it. Each claim in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/sandbox.h"
#include "conntest/limits.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true /* the sanitizer itself opens files */
#else
#define SANITIZED false
#endif

static const struct sandbox_call table[] = {
	{ .call = SCMP_SYS(socket), .when = SANDBOX_ARG_IS, .arg = 0, .value = AF_INET },
	{ .call = SCMP_SYS(socket), .when = SANDBOX_ARG_IS, .arg = 0, .value = AF_INET6 },
	{ .call = SCMP_SYS(getsockname) },
	{ .call = SCMP_SYS(read) }, /* of the common table too */
};

static int enter(const struct sandbox_call *calls, size_t n, int (*act)(void))
{
	return sandbox_enter(calls, n) < 0 ? 100 : act();
}

/* What an act returns is the exit status. calls NULL: the act goes in itself. */
static int end_of(int (*act)(void), const struct sandbox_call *calls, size_t n)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		for (int sig = 1; sig < NSIG; sig++)
			signal(sig, SIG_DFL); /* cmocka's */
		_exit(calls ? enter(calls, n, act) : act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int end(int (*act)(void))
{
	return end_of(act, table, ARRAY_SIZE(table));
}

static bool memory_comes_and_goes(void)
{
	char *much = malloc(8 << 20);
	bool there = much != NULL;

	free(much);
	return there;
}

static int work_and_wait(void)
{
	struct event_base *base = event_base_new();
	struct timeval soon = { .tv_usec = 1000 };

	if (!base || !memory_comes_and_goes() || syscall(SYS_getpid) <= 0)
		return 1;
	event_base_loopexit(base, &soon);
	event_base_dispatch(base);
	event_base_free(base);
	return 42;
}

static void memory_time_and_an_event_loop_are_there(void **state)
{
	(void)state;
	assert_int_equal(end(work_and_wait), 42);
	assert_int_equal(end_of(work_and_wait, table, 0), 42);
}

static int run_a_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int signal_another(void)
{
	return kill(getppid(), 0);
}

static int signal_another_thread(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int call_of_another_abi(void)
{
	return (int)syscall(0x40000000 | SYS_getpid);
}

static int write_code(void)
{
	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static void what_no_table_has_ends_the_process(void **state)
{
	(void)state;
	assert_int_equal(end(run_a_program), -SIGSYS);
	assert_int_equal(end(signal_another), -SIGSYS);
	assert_int_equal(end(signal_another_thread), -SIGSYS);
#ifdef __x86_64__
	assert_int_equal(end(call_of_another_abi), -SIGSYS);
#endif
	if (!SANITIZED)
		assert_int_equal(end(write_code), -SIGSYS);
}

static int socket_of_inet(void)
{
	return socket(AF_INET6, SOCK_STREAM, 0) < 0 || socket(AF_INET, SOCK_DGRAM, 0) < 0;
}

static int socket_of_packets(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static void only_the_rows_of_a_call_hold(void **state)
{
	(void)state;
	assert_int_equal(end(socket_of_inet), 0);
	assert_int_equal(end(socket_of_packets), -SIGSYS);
	assert_int_equal(end_of(socket_of_inet, table, 0), -SIGSYS);
}

static int open_a_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES &&
	       access("/etc/passwd", F_OK) < 0 && errno == EACCES;
}

static void files_are_refused_and_it_goes_on(void **state)
{
	(void)state;
	assert_int_equal(end(open_a_file), SANITIZED ? 0 : 1);
}

static int read_but_not_write(void)
{
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0)
		return 1;
	return open("/dev/null", O_WRONLY | O_CLOEXEC) < 0;
}

static void a_row_of_its_own_opens_files_to_read(void **state)
{
	const struct sandbox_call row = { .call = SCMP_SYS(openat),
					  .when = SANDBOX_ARG_LACKS,
					  .arg = 2,
					  .value = O_ACCMODE | O_CREAT | O_TRUNC };

	(void)state;
	assert_int_equal(end_of(read_but_not_write, &row, 1), SANITIZED ? 0 : -SIGSYS);
}

static int give_up(void)
{
	abort();
}

static void abort_is_seen_as_such(void **state)
{
	(void)state;
	assert_int_equal(end(give_up), -SIGABRT);
}

static int loosen(void)
{
	static const struct sandbox_call exec = { .call = SCMP_SYS(execve) };

	sandbox_enter(&exec, 1);
	return run_a_program();
}

static void it_cannot_be_loosened(void **state)
{
	(void)state;
	assert_int_equal(end(loosen), -SIGSYS);
}

static void a_row_without_sense_is_told(void **state)
{
	const struct sandbox_call bad = { .call = SCMP_SYS(socket),
					  .when = SANDBOX_ARG_IS,
					  .arg = 9 };

	(void)state;
	assert_int_equal(end_of(work_and_wait, &bad, 1), 100);
}

/* ---- conn-test ---- */

static int conn_test_works(void)
{
	return conn_limit_calls() < 0 || work_and_wait() != 42 || socket_of_inet() ||
	       open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ||
	       socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) < 0;
}

static int conn_test_runs_a_program(void)
{
	return conn_limit_calls() < 0 ? 100 : run_a_program();
}

static int conn_test_sends_any_packet(void)
{
	return conn_limit_calls() < 0 ? 100 : socket_of_packets();
}

static int conn_test_asks_a_daemon(void)
{
	return conn_limit_calls() < 0 ? 100 : socket(AF_UNIX, SOCK_STREAM, 0);
}

static int conn_test_writes_a_file(void)
{
	return conn_limit_calls() < 0 ? 100 : open("/dev/null", O_WRONLY | O_CLOEXEC) < 0;
}

static void conn_test_has_sockets_of_ip_and_files_to_read(void **state)
{
	(void)state;
	assert_int_equal(end_of(conn_test_works, NULL, 0), 0);
	assert_int_equal(end_of(conn_test_runs_a_program, NULL, 0), -SIGSYS);
	assert_int_equal(end_of(conn_test_sends_any_packet, NULL, 0), -SIGSYS);
	assert_int_equal(end_of(conn_test_asks_a_daemon, NULL, 0), -SIGSYS);
	assert_int_equal(end_of(conn_test_writes_a_file, NULL, 0), SANITIZED ? 0 : -SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_time_and_an_event_loop_are_there),
		cmocka_unit_test(what_no_table_has_ends_the_process),
		cmocka_unit_test(only_the_rows_of_a_call_hold),
		cmocka_unit_test(files_are_refused_and_it_goes_on),
		cmocka_unit_test(a_row_of_its_own_opens_files_to_read),
		cmocka_unit_test(abort_is_seen_as_such),
		cmocka_unit_test(it_cannot_be_loosened),
		cmocka_unit_test(a_row_without_sense_is_told),
		cmocka_unit_test(conn_test_has_sockets_of_ip_and_files_to_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
