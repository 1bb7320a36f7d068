/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's own cost, with item types that do nothing: what a turn without news asks of the
 * kernel, what one changed scope among a thousand costs, what a hundred thousand items weigh.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "tests/bench/bench.h"

#define SCOPE_ITEMS 10
#define ROUNDS 5
#define TURNS 2000

/* As large as an address or a bridge port. */
struct unit {
	char name[16];
	char on[16]; /* "": needs nothing */
	uint64_t value;
	char rest[56];
};

static void unit_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct unit *)spec)->name);
}

static enum dp_change unit_diff(const void *have, const void *want)
{
	return memcmp(have, want, sizeof(struct unit)) == 0 ? DP_SAME : DP_MODIFY;
}

static const struct dp_type unit_type;

static void unit_needs(const void *want, struct dp_deps *deps)
{
	const struct unit *u = want;

	if (u->on[0])
		dp_need(deps, &unit_type, u->on, DP_FALLS_WITH, NULL);
}

static int unit_change(struct dp_op *op, const void *spec)
{
	(void)op;
	(void)spec;
	return 0;
}

static int unit_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return unit_change(op, want);
}

static const struct dp_type unit_type = {
	.name = "unit",
	.size = sizeof(struct unit),
	.key = unit_key,
	.diff = unit_diff,
	.needs = unit_needs,
	.create = unit_change,
	.modify = unit_modify,
	.remove = unit_change,
};

static const struct dp_type *const types[] = { &unit_type, NULL };
static const struct dp_backend *const backends[] = { NULL };

static struct dp *engine_new(struct event_base *base)
{
	const struct dp_conf conf = {
		.owner = "test", .netns_fd = -1, .types = types, .backends = backends
	};
	struct dp *dp = NULL;

	if (dp_new(base, &conf, &dp) < 0)
		abort();
	dp_sweep(dp);
	return dp;
}

/* The first item of a scope is its bridge, so to say; the others hang on it. */
static void submit(struct dp *dp, unsigned int scope, uint64_t value)
{
	struct dp_graph *g;
	char name[24];

	snprintf(name, sizeof(name), "scope%u", scope);
	g = dp_graph_new(name);
	for (unsigned int i = 0; i < SCOPE_ITEMS; i++) {
		struct unit u = { .value = value };

		snprintf(u.name, sizeof(u.name), "u%u.%u", scope, i);
		if (i > 0)
			snprintf(u.on, sizeof(u.on), "u%u.0", scope);
		dp_want(g, &unit_type, &u);
	}
	if (dp_submit(dp, g) < 0)
		abort();
}

static struct dp *fill(struct event_base *base, unsigned int items)
{
	struct dp *dp = engine_new(base);
	struct dp_counts counts;

	for (unsigned int s = 0; s < items / SCOPE_ITEMS; s++)
		submit(dp, s, 0);
	dp_run(dp);
	dp_counts(dp, &counts);
	if (counts.created != items || !dp_idle(dp))
		abort();
	return dp;
}

static double user_us(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_utime.tv_sec * 1e6 + use.ru_utime.tv_usec;
}

/* ---- reconcile.one: microseconds of user time for one changed scope among 10,000 items ---- */

static double turn_us(struct dp *dp, bool change)
{
	static uint64_t value;
	double start = user_us();

	for (unsigned int n = 0; n < TURNS; n++) {
		submit(dp, (n * 37) % 1000, change ? ++value : 0);
		dp_run(dp);
	}
	return (user_us() - start) / TURNS;
}

static void bench_one(void)
{
	double one[ROUNDS], same[ROUNDS], one_us;
	struct dp *dp = fill(NULL, 10000);

	for (int r = 0; r < ROUNDS; r++) {
		for (unsigned int s = 0; s < 1000; s++)
			submit(dp, s, 0);
		dp_run(dp);
		same[r] = turn_us(dp, false);
		one[r] = turn_us(dp, true);
	}
	dp_free(dp);
	one_us = bench_quantile(one, ROUNDS, 0.5);
	bench_print_at_most("reconcile.one", "us", one_us, 100, 1);
	bench_print_at_most("reconcile.same", "us", bench_quantile(same, ROUNDS, 0.5), one_us, 1);
}

/* ---- reconcile.noop: system calls of a turn in which a scope is submitted unchanged ---- */

static void noop_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	submit(arg, 5, 0);
}

/* Traced: what lies between the two getppid() is counted. */
static void noop_child(void)
{
	struct event_base *base = event_base_new();
	struct dp *dp = fill(base, 1000);
	struct event *ev = event_new(base, -1, 0, noop_turn, dp);

	for (int warm = 0; warm < 3; warm++) {
		event_active(ev, 0, 0);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	syscall(SYS_getppid);
	event_active(ev, 0, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	syscall(SYS_getppid);
	_exit(dp_idle(dp) ? 0 : 1);
}

static bool is_wait(uint64_t nr)
{
	return nr == SYS_epoll_wait || nr == SYS_epoll_pwait || nr == SYS_epoll_pwait2;
}

static int count_syscalls(pid_t pid)
{
	struct __ptrace_syscall_info info;
	int status, markers = 0, count = 0;

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == SIGSTOP)
			ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD);
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) > 0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY) {
			if (info.entry.nr == SYS_getppid)
				markers++;
			else if (markers == 1 && !is_wait(info.entry.nr))
				count++;
		}
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 && markers == 2 ? count : -1;
}

static int bench_noop(void)
{
	pid_t pid = fork();
	int count;

	if (pid == 0)
		noop_child();
	count = pid > 0 ? count_syscalls(pid) : -1;
	if (count < 0)
		return -1;
	bench_print_at_most("reconcile.noop", "syscalls", count, 0, 0);
	return 0;
}

/* ---- reconcile.memory: 100,000 items, MiB of resident memory of the whole process ---- */

static double rss_mib(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long pages = 0;
	bool ok = f && fscanf(f, "%*d %ld", &pages) == 1;

	fclosep(&f);
	if (!ok)
		abort();
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static int bench_memory(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		double start = user_us(), rss, built;
		struct dp *dp = fill(NULL, 100000);

		built = (user_us() - start) / 1e3;
		rss = rss_mib();
		bench_print_at_most("reconcile.memory", "MiB", rss, 64, 1);
		bench_print_at_most("reconcile.build", "ms", built, 1000, 1);
		dp_free(dp);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

int main(void)
{
	int r = bench_noop();

	r = bench_memory() < 0 ? -1 : r;
	bench_one();
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
