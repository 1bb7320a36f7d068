/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include <event2/event.h>

#include "base/backoff.h"
#include "base/child_spawn.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/list.h"

#define CMDLINE_MAX (1u << 20)

/* Between two SIGTERM. */
static const struct timeval term_again = { .tv_usec = 200000 };

struct child {
	struct event_base *base;
	const struct child_ops *ops;
	void *arg;
	char *pid_file; /* NULL: a child proper */
	pid_t pid;
	unsigned long long start_time; /* of detached helpers */
	int pidfd; /* -1: it is gone */
	bool adopted; /* not ours to reap */
	struct event *exit_ev, *kill_ev;
	struct mono kill_at; /* SIGKILL then */
	unsigned int stop_ms; /* what it was given to end by itself */
	uint64_t queued_ms, more_ms; /* of child_more_ms(): of its life, and granted */
};

/* ---- Reaping of forgotten children ---- */

/* A process of ours that outlived its struct child and must not become a zombie. */
struct leftover {
	struct list link;
	int pidfd;
};

static struct list leftovers = LIST_INIT(leftovers);

static bool reap(int pidfd, siginfo_t *info)
{
	info->si_pid = 0;
	return waitid(P_PIDFD, (id_t)pidfd, info, WEXITED | WNOHANG) < 0 || info->si_pid;
}

static void leftover_ended(evutil_socket_t fd, short what, void *arg)
{
	struct leftover *left = arg;
	siginfo_t info;

	(void)what;
	reap((int)fd, &info);
	list_remove(&left->link);
	close(left->pidfd);
	free(left);
}

/* Takes pidfd. A one-shot event belongs to the loop: nothing is left to free when that ends first,
 * and then so do we. */
static void leftover_add(struct event_base *base, int pidfd)
{
	struct leftover *left = xcalloc(1, sizeof(*left));

	left->pidfd = pidfd;
	list_append(&leftovers, &left->link);
	event_base_once(base, pidfd, EV_READ, leftover_ended, left, NULL);
}

/* ---- One child ---- */

static void child_remove_pid_file(const struct child *c)
{
	unsigned long long start_time;
	pid_t pid;

	/* Only its own: somebody may have started a successor already. */
	if (c->pid_file && pid_file_read(c->pid_file, &pid, &start_time) == 0 && pid == c->pid &&
	    start_time == c->start_time)
		unlink(c->pid_file);
}

static void child_ended(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	siginfo_t info = { 0 };
	int status = 0;

	(void)what;
	if (!c->adopted) {
		if (!reap((int)fd, &info))
			return;
		status = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
	}
	event_del(c->exit_ev);
	event_del(c->kill_ev);
	close(take_fd(&c->pidfd));
	child_remove_pid_file(c);
	c->ops->exited(c, status, c->arg); /* c may be gone now */
}

/*
 * SIGTERM again and again until the deadline: a program that waits in an inner loop of its own may
 * lose one (dhcpcd 9 does, while it waits for its privileged half). Then SIGKILL, for a detached
 * helper to its whole session: its own helpers would run on without it.
 */
static void child_kill(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (mono_diff_ms(c->kill_at, mono_now()) <= 0)
		c->kill_at.ns += child_more_ms(c, c->stop_ms) * 1000000ULL;
	if (mono_diff_ms(c->kill_at, mono_now()) > 0) {
		child_signal(c, SIGTERM);
		event_add(c->kill_ev, &term_again);
		return;
	}
	if (c->pid_file && child_signal(c, 0) == 0)
		kill(-c->pid, SIGKILL);
	child_signal(c, SIGKILL);
}

/* Takes pidfd. */
static struct child *child_new(struct event_base *base, const char *pid_file, pid_t pid, int pidfd,
			       const struct child_ops *ops, void *arg)
{
	struct child *c = xcalloc(1, sizeof(*c));

	c->base = base;
	c->ops = ops;
	c->arg = arg;
	c->pid_file = pid_file ? xstrdup(pid_file) : NULL;
	c->pid = pid;
	c->pidfd = pidfd;
	/* A pidfd is readable once its process has ended. */
	c->exit_ev = event_new(base, pidfd, EV_READ | EV_PERSIST, child_ended, c);
	c->kill_ev = event_new(base, -1, 0, child_kill, c);
	if (!c->exit_ev || !c->kill_ev || event_add(c->exit_ev, NULL) < 0)
		abort();
	return c;
}

char *child_program(const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (strrchr(self, '/'))
		strrchr(self, '/')[1] = '\0';
	return xasprintf("%s%s", self, name);
}

int child_start(struct event_base *base, const struct child_conf *conf, const struct child_ops *ops,
		void *arg, struct child **ret)
{
	struct child *c;
	int pidfd, r;
	pid_t pid;

	r = child_spawn(conf, &pid, &pidfd);
	if (r < 0)
		return r;
	c = child_new(base, conf->pid_file, pid, pidfd, ops, arg);
	if (conf->pid_file)
		pid_file_read(conf->pid_file, &pid, &c->start_time);
	*ret = c;
	return 0;
}

/* The pidfd of the process the file names, or -ESRCH. */
static int pid_file_open(const char *path, pid_t *ret_pid, unsigned long long *ret_start_time)
{
	unsigned long long start_time, running;
	_cleanup_(closep) int pidfd = -1;
	pid_t pid;
	int r;

	r = pid_file_read(path, &pid, &start_time);
	if (r < 0)
		return r == -ENOENT || r == -EINVAL || r == -EFBIG ? -ESRCH : r;
	/* First hold on to it, then ask who it is: a recycled pid has another start time. */
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return -errno;
	r = process_start_time(pid, &running);
	if (r < 0)
		return r;
	if (running != start_time)
		return -ESRCH;
	*ret_pid = pid;
	*ret_start_time = start_time;
	return take_fd(&pidfd);
}

int child_adopt(struct event_base *base, const char *pid_file, const struct child_ops *ops,
		void *arg, struct child **ret)
{
	unsigned long long start_time = 0;
	struct child *c;
	pid_t pid = 0;
	int pidfd;

	pidfd = pid_file_open(pid_file, &pid, &start_time);
	if (pidfd < 0) {
		if (pidfd == -ESRCH)
			unlink(pid_file);
		return pidfd;
	}
	c = child_new(base, pid_file, pid, pidfd, ops, arg);
	c->start_time = start_time;
	c->adopted = true;
	*ret = c;
	return 0;
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}

/* A process in the middle of an exec has no arguments for some microseconds, a zombie none at all. */
static int read_cmdline(pid_t pid, char **ret, size_t *ret_len)
{
	unsigned long long start_time;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	for (int tries = 0; tries < 1000; tries++) {
		_cleanup_(freep) char *text = NULL;
		size_t len = 0;

		r = file_read(path, CMDLINE_MAX, &text, &len);
		if (r == 0 && len) {
			*ret = take_ptr(text);
			*ret_len = len;
			return 0;
		}
		if (r == 0)
			r = process_start_time(pid, &start_time);
		if (r < 0)
			return r == -ENOENT ? -ESRCH : r;
		sched_yield();
	}
	return -EAGAIN;
}

int child_cmdline(const struct child *c, char **ret, size_t *ret_len)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int r;

	if (c->pidfd < 0)
		return -ESRCH;
	r = read_cmdline(c->pid, &text, &len);
	if (r < 0)
		return r;
	/* Asked after the reading: then it was this process that we read about. */
	if (pidfd_send_signal(c->pidfd, 0, NULL, 0) < 0 && errno == ESRCH)
		return -ESRCH;
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}

int child_signal(struct child *c, int sig)
{
	if (c->pidfd < 0)
		return -ESRCH;
	return pidfd_send_signal(c->pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

/* In its whole life so far: run_delay of sched-stats.rst. */
static uint64_t queued_ms(const struct child *c)
{
	_cleanup_(freep) char *text = NULL;
	unsigned long long ns;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)c->pid);
	if (c->pidfd < 0 || file_read(path, 128, &text, NULL) < 0 ||
	    sscanf(text, "%*u %llu", &ns) != 1)
		return 0;
	return ns / 1000000;
}

unsigned int child_more_ms(struct child *c, unsigned int limit_ms)
{
	uint64_t most_ms = 5 * (uint64_t)limit_ms, now_ms = queued_ms(c);
	uint64_t more_ms = now_ms > c->queued_ms ? now_ms - c->queued_ms : 0;

	more_ms = more_ms < most_ms - c->more_ms ? more_ms : most_ms - c->more_ms;
	c->queued_ms = now_ms;
	c->more_ms += more_ms;
	return (unsigned int)more_ms;
}

void child_stop(struct child *c, unsigned int deadline_ms)
{
	c->stop_ms = deadline_ms;
	c->queued_ms = queued_ms(c);
	c->more_ms = 0;
	c->kill_at = mono_now();
	c->kill_at.ns += (uint64_t)deadline_ms * 1000000;
	if (child_signal(c, SIGTERM) == 0)
		event_add(c->kill_ev, &term_again);
}

struct child *child_free(struct child *c)
{
	siginfo_t info;

	if (!c)
		return NULL;
	event_free(c->exit_ev);
	event_free(c->kill_ev);
	if (c->pidfd >= 0 && !c->pid_file)
		child_signal(c, SIGKILL);
	if (c->pidfd >= 0 && !c->adopted && !reap(c->pidfd, &info))
		leftover_add(c->base, take_fd(&c->pidfd));
	closep(&c->pidfd);
	free(c->pid_file);
	free(c);
	return NULL;
}

unsigned int restart_delay_ms(unsigned int crashes)
{
	return backoff_ms(crashes, 10000);
}
