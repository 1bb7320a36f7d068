/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/item/space.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mono.h"

void wrong(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	fflush(NULL);
	_exit(EXIT_FAILURE);
}

static int run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

void sh(const char *fmt, ...)
{
	_cleanup_(freep) char *command = NULL;
	va_list ap;

	va_start(ap, fmt);
	require(vasprintf(&command, fmt, ap) >= 0, "no memory");
	va_end(ap);
	require(run(command) == 0, "failed: %s", command);
}

int sh_try(const char *fmt, ...)
{
	_cleanup_(freep) char *command = NULL;
	va_list ap;

	va_start(ap, fmt);
	require(vasprintf(&command, fmt, ap) >= 0, "no memory");
	va_end(ap);
	return run(command);
}

void await_links(void)
{
	sh("timeout 60 sh -c 'until ! { ip -o link show up; ip -all netns exec ip -o link show up; "
	   "} | "
	   "grep -qE \"qdisc noop |state (LOWERLAYER)?DOWN\"; do sleep 0.01; done'");
}

unsigned int patience_ms(unsigned int ms)
{
	const char *slow = getenv("EDGEWAY_SLOW");
	double factor = slow ? atof(slow) : 1;

	return factor > 1 ? ms * factor : ms;
}

static uint64_t used_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

bool machine_is_slow(void)
{
	const unsigned int work_ms = 50,
			   alone_ms = 100; /* to start ip and be heard by the kernel */
	struct mono begin = mono_now();
	uint64_t used = used_ns();

	while (used_ns() - used < work_ms * 1000000)
		;
	if (mono_diff_ms(mono_now(), begin) > work_ms * 3 / 2)
		return true;
	for (int turn = 0; turn < 3; turn++) {
		begin = mono_now();
		sh("ip link set lo up");
		if (mono_diff_ms(mono_now(), begin) > patience_ms(alone_ms))
			return true;
	}
	return false;
}

static void map_user(uid_t uid, gid_t gid)
{
	char text[64];

	snprintf(text, sizeof(text), "0 %u 1", uid);
	require(file_write_value("/proc/self/uid_map", text) == 0, "uid_map");
	require(file_write_value("/proc/self/setgroups", "deny") == 0, "setgroups");
	snprintf(text, sizeof(text), "0 %u 1", gid);
	require(file_write_value("/proc/self/gid_map", text) == 0, "gid_map");
}

static void enter(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	require(unshare(CLONE_NEWNET | CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0)) == 0, "unshare: %s",
		strerror(errno));
	if (uid)
		map_user(uid, gid);
	require(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount: %s",
		strerror(errno));
	require(mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0, "/run: %s",
		strerror(errno));
	/* /sys shows the interfaces of the namespace it was mounted in. */
	if (mount("sys", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		require(errno == EPERM, "/sys: %s", strerror(errno));
	sh("ip link set lo up");
}

/* The first process of the new process namespace: when it ends, so does all it started. Returns
 * what in_space()'s child exits with. */
static int run_as_init(void (*fn)(const void *arg), const void *arg)
{
	int status;
	pid_t pid;

	require(unshare(CLONE_NEWPID) == 0, "unshare: %s", strerror(errno));
	pid = fork();
	require(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		require(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0,
			"/proc: %s", strerror(errno));
		fn(arg);
		fflush(NULL);
		_exit(EXIT_SUCCESS);
	}
	require(waitpid(pid, &status, 0) == pid, "waitpid: %s", strerror(errno));
	if (WIFSIGNALED(status))
		wrong(__FILE__, __LINE__, "ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

void in_space(void (*fn)(const void *arg), const void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter();
		_exit(run_as_init(fn, arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		fail_msg("ended by signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
