/* SPDX-License-Identifier: Apache-2.0 */
/* The child that tries, and the file that remembers. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "dataplane/caps_try.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* ---- The child ---- */

static __attribute__((__noreturn__)) void child(int fd)
{
	struct caps caps;
	int i, err = 0;

	/* Nothing of the parent's is held open longer than it wants. */
	close_range(3, fd - 1, 0);
	close_range(fd + 1, ~0U, 0);
	/* Without the right to make a network namespace, a user namespace gives it. */
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		err = -errno;
	for (i = 0; i < CAPS_COUNT; i++)
		caps.err[i] = err;
	if (!err)
		caps_try_all(&caps);
	_exit(write(fd, &caps, sizeof(caps)) == sizeof(caps) ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* What it writes is less than a pipe holds: it never waits for us. */
static int start(pid_t *ret_pid, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child(fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -EAGAIN;
	}
	*ret_pid = pid;
	*ret_fd = fds[0];
	return 0;
}

static int collect(int fd, struct caps *ret)
{
	struct caps caps;

	if (read(fd, &caps, sizeof(caps)) != sizeof(caps))
		return -EIO; /* it died */
	*ret = caps;
	return 0;
}

/* Everything refused in the same way: no trial was made. */
static int nothing_tried(const struct caps *caps)
{
	return caps->err[CAPS_BRIDGE] == caps->err[CAPS_PROXY_ARP_PVLAN] ? caps->err[CAPS_BRIDGE]
									 : 0;
}

int caps_probe(struct caps *ret)
{
	_cleanup_(closep) int fd = -1;
	struct caps caps;
	pid_t pid = 0;
	int r;

	r = start(&pid, &fd);
	if (r < 0)
		return r;
	r = collect(fd, &caps);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r == 0)
		r = nothing_tried(&caps);
	if (r == 0)
		*ret = caps;
	return r;
}

/* ---- The file ---- */

/* First line: of which kernel, since when. */
static void put_stamp(struct strbuf *out)
{
	_cleanup_(freep) char *boot = NULL;
	struct utsname uts;
	size_t len;

	if (uname(&uts) == 0 && file_read(BOOT_ID, 64, &boot, &len) == 0)
		strbuf_addf(out, "%s %s %s", uts.release, uts.version, boot);
}

static char *cache_path(const char *run_dir)
{
	return xasprintf("%s/caps", run_dir);
}

static void cache_write(const char *run_dir, const struct caps *caps)
{
	_cleanup_(freep) char *path = cache_path(run_dir);
	struct strbuf text = STRBUF_INIT;
	int i;

	put_stamp(&text);
	for (i = 0; i < CAPS_COUNT; i++)
		strbuf_addf(&text, "%s %d\n", caps_name(i), caps->err[i]);
	/* Should it fail, the next one tries again. */
	(void)file_replace_volatile(path, text.str, text.len, 0644);
	strbuf_fini(&text);
}

static int cache_parse(const char *text, struct caps *ret)
{
	struct strbuf stamp = STRBUF_INIT;
	struct caps caps;
	char name[32];
	int i, n, err;
	bool same;

	put_stamp(&stamp);
	same = stamp.len && strncmp(text, strbuf_str(&stamp), stamp.len) == 0;
	text += same ? stamp.len : 0;
	strbuf_fini(&stamp);
	if (!same)
		return -ESTALE;
	for (i = 0; i < CAPS_COUNT; i++, text += n) {
		if (sscanf(text, "%31s %d\n%n", name, &err, &n) != 2 ||
		    strcmp(name, caps_name(i)) != 0 || err > 0)
			return -ESTALE; /* of another version of ours */
		caps.err[i] = err;
	}
	*ret = caps;
	return 0;
}

static int cache_read(const char *run_dir, struct caps *ret)
{
	_cleanup_(freep) char *path = cache_path(run_dir), *text = NULL;
	size_t len;
	int r;

	r = file_read(path, 8192, &text, &len);
	return r < 0 ? r : cache_parse(text, ret);
}

/* ---- For daemons ---- */

struct caps_query {
	char *run_dir;
	caps_done_fn *done;
	void *arg;
	struct event *ev;
	struct caps caps; /* from the file */
	pid_t pid; /* 0: no child */
	int pidfd, fd;
};

static void answer(struct caps_query *q, int err)
{
	if (err < 0)
		q->caps = (struct caps){ 0 };
	for (int i = 0; err < 0 && i < CAPS_COUNT; i++)
		q->caps.err[i] = err;
	q->done(&q->caps, err, q->arg); /* may free q */
}

static void from_file(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	answer(arg, 0);
}

static void child_ended(evutil_socket_t fd, short what, void *arg)
{
	struct caps_query *q = arg;
	int r;

	(void)fd;
	(void)what;
	waitpid(q->pid, NULL, 0); /* the pidfd says that it has ended */
	q->pid = 0;
	r = collect(q->fd, &q->caps);
	if (r == 0)
		r = nothing_tried(&q->caps);
	if (r == 0)
		cache_write(q->run_dir, &q->caps);
	answer(q, r);
}

struct caps_query *caps_query_free(struct caps_query *q)
{
	if (!q)
		return NULL;
	if (q->ev)
		event_free(q->ev);
	if (q->pid) {
		kill(q->pid, SIGKILL); /* not reaped yet: the pid is still its */
		waitpid(q->pid, NULL, 0);
	}
	closep(&q->pidfd);
	closep(&q->fd);
	free(q->run_dir);
	free(q);
	return NULL;
}

static void query_freep(struct caps_query **q)
{
	caps_query_free(*q);
}

static int ask_child(struct event_base *base, struct caps_query *q)
{
	int r = start(&q->pid, &q->fd);

	if (r < 0)
		return r;
	q->pidfd = syscall(SYS_pidfd_open, q->pid, 0);
	if (q->pidfd < 0)
		return -errno;
	q->ev = event_new(base, q->pidfd, EV_READ, child_ended, q);
	return q->ev && event_add(q->ev, NULL) == 0 ? 0 : -ENOMEM;
}

int caps_ask(struct event_base *base, const char *run_dir, caps_done_fn *done, void *arg,
	     struct caps_query **ret)
{
	_cleanup_(query_freep) struct caps_query *q = xcalloc(1, sizeof(*q));
	int r;

	q->run_dir = xstrdup(run_dir);
	q->done = done;
	q->arg = arg;
	q->pidfd = q->fd = -1;
	if (cache_read(run_dir, &q->caps) == 0) {
		q->ev = evtimer_new(base, from_file, q);
		if (!q->ev)
			return -ENOMEM;
		event_active(q->ev, EV_TIMEOUT, 0);
	} else {
		r = ask_child(base, q);
		if (r < 0)
			return r;
	}
	*ret = take_ptr(q);
	return 0;
}
