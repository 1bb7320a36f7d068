/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/file.h"

#define SPAWN_STACK_BYTES (256u << 10) /* execvpe() keeps a path and an argument list on it */

struct spawn {
	const struct child_conf *conf;
	pid_t parent;
	int error; /* written by the child: it shares our memory until exec */
};

int process_start_time(pid_t pid, unsigned long long *ret)
{
	_cleanup_(closep) int fd = -1;
	unsigned long long start_time;
	char text[1024], *after_name;
	char state;
	ssize_t n;

	snprintf(text, sizeof(text), "/proc/%d/stat", (int)pid);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	/* "pid (name) state …": the name may hold anything, blanks and brackets too. proc(5) */
	after_name = strrchr(text, ')');
	if (!after_name || sscanf(after_name,
				  ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
				  "%*d %*d %*d %*d %llu",
				  &state, &start_time) != 2)
		return -EIO;
	if (state == 'Z' || state == 'X')
		return -ESRCH;
	*ret = start_time;
	return 0;
}

int pid_file_write(const char *path, pid_t pid)
{
	unsigned long long start_time = 0;
	char text[64];
	int r;

	r = process_start_time(pid, &start_time);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%d %llu\n", (int)pid, start_time);
	return file_replace_volatile(path, text, strlen(text), 0644);
}

int pid_file_read(const char *path, pid_t *ret_pid, unsigned long long *ret_start_time)
{
	_cleanup_(freep) char *text = NULL;
	unsigned long long start_time;
	char end;
	int pid, r;

	r = file_read(path, 64, &text, NULL);
	if (r < 0)
		return r;
	if (sscanf(text, "%d %llu%c", &pid, &start_time, &end) != 3 || end != '\n' || pid <= 0)
		return -EINVAL;
	*ret_pid = pid;
	*ret_start_time = start_time;
	return 0;
}

static int spawn_ties(const struct spawn *spawn)
{
	if (spawn->conf->pid_file) {
		setsid();
		return pid_file_write(spawn->conf->pid_file, getpid());
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return getppid() == spawn->parent ? 0 : -ESRCH; /* died before we asked */
}

static int spawn_files(const struct child_conf *conf)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(conf->stdin_fd ? conf->stdin_fd : null, STDIN_FILENO) < 0)
		return -errno;
	if (conf->log_fd >= 0 &&
	    (dup2(conf->log_fd, STDOUT_FILENO) < 0 || dup2(conf->log_fd, STDERR_FILENO) < 0))
		return -errno;
	/* Ours carry O_CLOEXEC; this is for those we inherited ourselves. */
	return close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

/* All to their defaults: exec keeps what is ignored (our SIGPIPE), and nothing stays blocked. */
static void spawn_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Slave: what is unmounted outside (a network namespace that ends) must not live on in here. */
static int spawn_mounts(const struct child_bind *binds)
{
	if (!binds)
		return 0;
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "none", MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	for (; binds->from; binds++)
		if (mount(binds->from, binds->to, "none", MS_BIND, NULL) < 0)
			return -errno;
	return 0;
}

/* ulimit -t; its children have as much each. */
static int spawn_limits(const struct child_conf *conf)
{
	const struct rlimit cpu = { conf->cpu_s, conf->cpu_s };

	return conf->cpu_s && setrlimit(RLIMIT_CPU, &cpu) < 0 ? -errno : 0;
}

static int spawn_prepare(const struct spawn *spawn)
{
	const struct child_conf *conf = spawn->conf;
	int r;

	/* nsenter --net=… */
	if (conf->netns_fd >= 0 && setns(conf->netns_fd, CLONE_NEWNET) < 0)
		return -errno;
	r = spawn_ties(spawn);
	if (r == 0)
		r = spawn_mounts(conf->binds);
	if (r == 0)
		r = spawn_limits(conf);
	if (r == 0)
		r = spawn_files(conf);
	if (r == 0)
		spawn_signals();
	return r;
}

/* In the child. Not instrumented: the address sanitizer takes _exit() on this stack for a bug. */
__attribute__((no_sanitize("address"))) static int spawn_main(void *arg)
{
	struct spawn *spawn = arg;
	const struct child_conf *conf = spawn->conf;

	spawn->error = spawn_prepare(spawn);
	if (spawn->error == 0) {
		execvpe(conf->argv[0], (char *const *)conf->argv,
			conf->env ? (char *const *)conf->env : environ);
		spawn->error = -errno;
	}
	_exit(127);
}

/*
 * As posix_spawn() does it: the child borrows our memory and we sleep until it has executed the
 * program or failed. That is cheap whatever our size, and the error needs no pipe.
 */
int child_spawn(const struct child_conf *conf, pid_t *ret_pid, int *ret_pidfd)
{
	const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
	struct spawn spawn = { .conf = conf, .parent = getpid() };
	sigset_t all, before;
	int pidfd = -1;
	char *stack;
	pid_t pid;

	stack = mmap(NULL, SPAWN_STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;
	/* None of our handlers may run in the child: they would act on our memory. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = clone(spawn_main, stack + SPAWN_STACK_BYTES, flags, &spawn, &pidfd);
	if (pid < 0)
		spawn.error = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	munmap(stack, SPAWN_STACK_BYTES);
	if (spawn.error < 0) {
		if (pid > 0)
			waitid(P_PIDFD, (id_t)pidfd, NULL, WEXITED); /* it is at its end already */
		if (pid > 0 && conf->pid_file)
			unlink(conf->pid_file);
		closep(&pidfd);
		return spawn.error;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}
