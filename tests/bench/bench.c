/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

void bench_print(const struct bench_result *result)
{
	double ratio = result->limit ? result->value / result->limit : result->value;
	int met = result->op == BENCH_AT_MOST ? ratio <= result->goal : ratio >= result->goal;

	printf("bench %s %.4g %s limit=%.4g ratio=%.3f goal=%s%g %s\n", result->name, result->value,
	       result->unit, result->limit, ratio,
	       result->op == BENCH_AT_MOST ? "<=" : ">=", result->goal, met ? "ok" : "SHORT");
	fflush(stdout);
}

void bench_print_at_most(const char *name, const char *unit, double value, double limit,
			 double goal)
{
	bench_print(&(struct bench_result){ .name = name,
					    .unit = unit,
					    .value = value,
					    .limit = limit,
					    .op = BENCH_AT_MOST,
					    .goal = goal });
}

uint64_t bench_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void bench_sleep_until(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_quantile(double *values, size_t n, double q)
{
	qsort(values, n, sizeof(*values), bench_compare);
	return n ? values[(size_t)(q * (double)(n - 1) + 0.5)] : 0;
}

void bench_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

void *bench_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bench_die("mmap");
	return p;
}

pid_t bench_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		bench_die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAILURE);
	}
	return pid;
}
