/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/file.h"
#include "base/log.h"

static char dir[64], run_dir[80], state_dir[80];
static const char *own_value, *own_flag;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_daemon.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(run_dir, sizeof(run_dir), "%s/run", dir);
	snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
	setenv("EDGEWAY_RUN", run_dir, 1);
	setenv("EDGEWAY_STATE", state_dir, 1);
	own_value = own_flag = NULL;
	return 0;
}

static int teardown(void **state)
{

	(void)state;
	return dir_remove(dir);
}

static const struct daemon_option own_options[] = {
	{ "config", "FILE", "the file", &own_value },
	{ "once", NULL, "a flag", &own_flag },
	{ 0 },
};

static const struct daemon_conf conf = {
	.name = "testd",
	.summary = "a daemon under test",
	.options = own_options,
	.caps = (const int[]){ CAP_NET_ADMIN, -1 },
};

/*
 * Runs fn as a process of its own, as daemons change what the whole process owns. A failed
 * assertion within ends it by a signal.
 */
static void in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static int start(struct daemon **ret, const char *a, const char *b, const char *c)
{
	char *argv[] = { (char *)"testd", (char *)a, (char *)b, (char *)c, NULL };
	int argc = 1 + !!a + (a && b) + (a && b && c);

	return daemon_new(&conf, argc, argv, ret);
}

static void quiet(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
}

static void options_child(void)
{
	_cleanup_(daemon_freep) struct daemon *d = NULL;
	_cleanup_(freep) char *other = xasprintf("--run-dir=%s/other", dir);

	must(start(&d, "--config", "x.json", other) == 0);
	must(!strcmp(own_value, "x.json") && !own_flag);
	must(!strcmp(daemon_name(d), "testd"));
	must(!strcmp(daemon_run_dir(d), other + strlen("--run-dir=")));
	must(!strcmp(daemon_state_dir(d), state_dir));
	must(access(daemon_run_dir(d), F_OK) == 0 && access(state_dir, F_OK) == 0);
	d = daemon_free(d);
	must(start(&d, "--once", "--log-level=debug", NULL) == 0);
	must(!strcmp(own_flag, "") && log_enabled(LOG_LEVEL_DEBUG));
	must(!strcmp(daemon_run_dir(d), run_dir));
}

static void options_reach_the_daemon_and_folders_exist(void **state)
{
	(void)state;
	in_child(options_child);
}

static void refused_options_child(void)
{
	struct daemon *d = NULL;

	quiet();
	must(start(&d, "--nonsense", NULL, NULL) == -EINVAL);
	must(start(&d, "--config", NULL, NULL) == -EINVAL);
	must(start(&d, "--log-level", "loud", NULL) == -EINVAL);
	must(start(&d, "stray", NULL, NULL) == -EINVAL);
	must(start(&d, "--help", NULL, NULL) == 1);
	must(start(&d, "--version", NULL, NULL) == 1);
	must(!d && access(run_dir, F_OK) < 0);
}

static void bad_options_are_refused_before_anything_is_touched(void **state)
{
	(void)state;
	in_child(refused_options_child);
}

static void second_instance_child(void)
{
	_cleanup_(daemon_freep) struct daemon *d = NULL;

	quiet();
	must(start(&d, NULL, NULL, NULL) == -EBUSY);
}

static void first_instance_child(void)
{
	_cleanup_(daemon_freep) struct daemon *d = NULL;
	_cleanup_(freep) char *lock = xasprintf("%s/testd.lock", run_dir), *pid = NULL;

	must(start(&d, NULL, NULL, NULL) == 0);
	must(file_read(lock, 64, &pid, NULL) == 0 && atoi(pid) == getpid());
	in_child(second_instance_child);
	raise(SIGKILL);
}

static void lock_excludes_a_second_instance_and_ends_with_the_process(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	for (int i = 0; i < 2; i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			first_instance_child();
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
}

static int answer_pid(const char *args, FILE *out, void *arg)
{
	(void)args;
	(void)arg;
	fprintf(out, "%d\n", (int)getpid());
	return 0;
}

static void control_child(void)
{
	_cleanup_(daemon_freep) struct daemon *d = NULL;

	must(start(&d, NULL, NULL, NULL) == 0);
	control_add(daemon_control(d), "pid", "says the pid", answer_pid, NULL);
	daemon_ready(d, "up");
	must(daemon_run(d) == 0);
}

/* A datagram socket that plays systemd. */
static int notify_socket(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, name, strlen(name));
	if (*name == '@')
		addr.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void expect_datagram(int fd, const char *expected)
{
	char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	assert_string_equal(text, expected);
}

static void daemon_serves_until_sigterm_and_tells_systemd(void **state)
{
	_cleanup_(freep) char *socket = xasprintf("%s/notify", dir);
	_cleanup_(freep) char *control = xasprintf("%s/testd.control", run_dir);
	_cleanup_(freep) char *answer = NULL;
	_cleanup_(closep) int fd = notify_socket(socket);
	size_t len = 0;
	int status;
	FILE *out;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		control_child();
		_exit(0);
	}
	expect_datagram(fd, "READY=1\nSTATUS=up");
	out = open_memstream(&answer, &len);
	assert_int_equal(control_ask(control, "pid", 5000, out), 0);
	fclose(out);
	assert_int_equal(atoi(answer), pid);
	kill(pid, SIGPIPE);
	kill(pid, SIGUSR1);
	kill(pid, SIGTERM);
	expect_datagram(fd, "STOPPING=1");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(access(control, F_OK), -1);
	unsetenv("NOTIFY_SOCKET");
}

static void watchdog_is_fed_at_half_its_interval_only_when_asked_for(void **state)
{
	_cleanup_(freep) char *socket = xasprintf("@%s/notify", dir);
	_cleanup_(closep) int fd = notify_socket(socket);
	int status;
	pid_t pid;

	(void)state;
	setenv("WATCHDOG_USEC", "40000", 1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		control_child();
		_exit(getenv("NOTIFY_SOCKET") || getenv("WATCHDOG_USEC"));
	}
	unsetenv("WATCHDOG_USEC");
	unsetenv("NOTIFY_SOCKET");
	expect_datagram(fd, "READY=1\nSTATUS=up");
	for (int i = 0; i < 3; i++)
		expect_datagram(fd, "WATCHDOG=1");
	kill(pid, SIGINT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int has_timeout(const struct event_base *base, const struct event *ev, void *arg)
{
	(void)base;
	(void)arg;
	return event_pending(ev, EV_TIMEOUT, NULL);
}

static void idle_child(void)
{
	_cleanup_(daemon_freep) struct daemon *d = NULL;

	setenv("WATCHDOG_USEC", "40000", 1);
	setenv("WATCHDOG_PID", "1", 1); /* of somebody else */
	must(start(&d, NULL, NULL, NULL) == 0);
	daemon_ready(d, NULL);
	must(event_base_foreach_event(daemon_base(d), has_timeout, NULL) == 0);
}

static void without_watchdog_no_timer_runs(void **state)
{
	(void)state;
	in_child(idle_child);
}

/* The hexadecimal mask of one line of /proc/self/status. */
static unsigned long long status_mask(const char *name)
{
	_cleanup_(freep) char *text = NULL;
	const char *line;

	must(file_read("/proc/self/status", 65536, &text, NULL) == 0);
	line = strstr(text, name);
	must(line);
	return strtoull(line + strlen(name), NULL, 16);
}

static void capability_child(void)
{
	const unsigned long long net_admin = 1ull << CAP_NET_ADMIN;
	_cleanup_(daemon_freep) struct daemon *d = NULL;
	unsigned long long before = status_mask("CapPrm:");

	must(start(&d, NULL, NULL, NULL) == 0);
	must(status_mask("CapEff:") == (before & net_admin));
	must(status_mask("CapPrm:") == (before & net_admin));
	must(status_mask("CapAmb:") == (before & net_admin));
	if (before >> CAP_SETPCAP & 1)
		must(status_mask("CapBnd:") == (before & net_admin));
}

static void only_the_listed_capabilities_are_kept(void **state)
{
	(void)state;
	in_child(capability_child);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(options_reach_the_daemon_and_folders_exist),
		test(bad_options_are_refused_before_anything_is_touched),
		test(lock_excludes_a_second_instance_and_ends_with_the_process),
		test(daemon_serves_until_sigterm_and_tells_systemd),
		test(watchdog_is_fed_at_half_its_interval_only_when_asked_for),
		test(without_watchdog_no_timer_runs),
		test(only_the_listed_capabilities_are_kept),
	};

	return cmocka_run_group_tests_name("daemon", tests, NULL, NULL);
}
