/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/privileges.h"

#define ANY(name)                                                                                  \
	{                                                                                          \
		.call = SCMP_SYS(name)                                                             \
	}
#define LACKS(name, n, bits)                                                                       \
	{                                                                                          \
		.call = SCMP_SYS(name), .when = SANDBOX_ARG_LACKS, .arg = (n), .value = (bits)     \
	}

/* What libc and an event loop need. Calls another machine does not know are left out there. */
static const struct sandbox_call core[] = {
	/* memory */
	ANY(brk),
	ANY(madvise),
	ANY(munmap),
	ANY(mremap),
	LACKS(mmap, 2, PROT_EXEC),
	LACKS(mprotect, 2, PROT_EXEC),
	/* descriptors it has */
	ANY(read),
	ANY(readv),
	ANY(write),
	ANY(writev),
	ANY(close),
	ANY(fcntl),
	ANY(fstat),
	ANY(lseek),
	ANY(poll),
	ANY(ppoll),
	ANY(select),
	ANY(pselect6),
	ANY(epoll_create1),
	ANY(epoll_ctl),
	ANY(epoll_wait),
	ANY(epoll_pwait),
	ANY(epoll_pwait2),
	ANY(eventfd2),
	ANY(pipe2),
	ANY(timerfd_create),
	ANY(timerfd_settime),
	/* time and chance */
	ANY(clock_gettime),
	ANY(clock_getres),
	ANY(clock_nanosleep),
	ANY(gettimeofday),
	ANY(nanosleep),
	ANY(time),
	ANY(getrandom),
	/* itself */
	ANY(getpid),
	ANY(gettid),
	ANY(getuid),
	ANY(geteuid),
	ANY(getgid),
	ANY(getegid),
	ANY(futex),
	ANY(restart_syscall),
	ANY(rt_sigaction),
	ANY(rt_sigprocmask),
	ANY(rt_sigreturn),
	ANY(sched_yield),
	ANY(exit),
	ANY(exit_group),
};

/* These look for files. The last one is libc's fstat() too: nobody needs it who opens none. */
static const int refused[] = {
	SCMP_SYS(open),	      SCMP_SYS(openat),	    SCMP_SYS(openat2), SCMP_SYS(access),
	SCMP_SYS(faccessat),  SCMP_SYS(stat),	    SCMP_SYS(lstat),   SCMP_SYS(statx),
	SCMP_SYS(readlink),   SCMP_SYS(getcwd),	    SCMP_SYS(statfs),  SCMP_SYS(faccessat2),
	SCMP_SYS(readlinkat), SCMP_SYS(newfstatat),
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* Its look for leaks at the end stops the process from a clone of it, and its report names lines. */
static const struct sandbox_call sanitizer[] = {
	ANY(arch_prctl),
	ANY(clone),
	ANY(dup),
	ANY(getdents),
	ANY(getdents64),
	ANY(getppid),
	ANY(getrlimit),
	ANY(ioctl),
	ANY(open),
	ANY(openat),
	ANY(newfstatat),
	ANY(prctl),
	ANY(prlimit64),
	ANY(ptrace),
	ANY(readlink),
	ANY(sigaltstack),
	ANY(stat),
	ANY(wait4),
	ANY(process_vm_readv),
	ANY(mmap),
	ANY(mprotect),
	ANY(sched_getaffinity),
};
#define SANITIZED true
#else
static const struct sandbox_call sanitizer[1];
#define SANITIZED false
#endif

static void filter_free(const scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int allow(scmp_filter_ctx filter, const struct sandbox_call *call)
{
	struct scmp_arg_cmp cmp = { .arg = call->arg };

	switch (call->when) {
	case SANDBOX_ALWAYS:
		return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->call, 0, NULL);
	case SANDBOX_ARG_IS:
		cmp.op = SCMP_CMP_EQ;
		cmp.datum_a = call->value;
		return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->call, 1, &cmp);
	case SANDBOX_ARG_LACKS:
		cmp.op = SCMP_CMP_MASKED_EQ;
		cmp.datum_a = call->value;
		return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->call, 1, &cmp);
	}
	return -EINVAL;
}

static int allow_all(scmp_filter_ctx filter, const struct sandbox_call *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = allow(filter, &calls[i]);
	return r;
}

/* abort() raises a signal by tgkill(); others are not signalled. */
static int allow_own_end(scmp_filter_ctx filter)
{
	return allow(filter, &(struct sandbox_call){ .call = SCMP_SYS(tgkill),
						     .when = SANDBOX_ARG_IS,
						     .value = (uint64_t)getpid() });
}

static bool has_call(const struct sandbox_call *calls, size_t n, int call)
{
	for (size_t i = 0; i < n; i++)
		if (calls[i].call == call)
			return true;
	return false;
}

/* But for those of which the helper has rows of its own. */
static int refuse_files(scmp_filter_ctx filter, const struct sandbox_call *calls, size_t n)
{
	int r = 0;

	if (SANITIZED)
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(refused); i++)
		if (!has_call(calls, n, refused[i]))
			r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), refused[i], 0,
						   NULL);
	return r;
}

int sandbox_enter(const struct sandbox_call *calls, size_t n)
{
	_cleanup_(filter_free) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	/* The calls of i386 and x32 have other numbers. */
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = allow_all(filter, core, ARRAY_SIZE(core));
	if (r == 0 && SANITIZED)
		r = allow_all(filter, sanitizer, ARRAY_SIZE(sanitizer));
	if (r == 0)
		r = allow_own_end(filter);
	if (r == 0)
		r = refuse_files(filter, calls, n);
	if (r == 0)
		r = allow_all(filter, calls, n);
	return r == 0 ? seccomp_load(filter) : r;
}

int sandbox_drop_and_enter(const struct sandbox_call *calls, size_t n)
{
	int r = privileges_drop();

	/* Another user gets no signal any more when its parent dies, until it asks again. prctl(2) */
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		r = -errno;
	return r < 0 ? r : sandbox_enter(calls, n);
}
