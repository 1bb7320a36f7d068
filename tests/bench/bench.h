/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all benchmarks share: the clock, medians, and the line that tools/bench gathers. A goal is
 * a ratio to a limit: a raw program measured in the same run, its rounds interleaved with ours.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum bench_op { BENCH_AT_MOST, BENCH_AT_LEAST };

struct bench_result {
	const char *name; /* "bus.latency.1" */
	const char *unit;
	double value, limit; /* limit 0: nothing at all is allowed, the ratio is the value */
	enum bench_op op;
	double goal; /* of value / limit */
};

/* bench NAME VALUE UNIT limit=VALUE ratio=R goal=OP R ok|SHORT */
void bench_print(const struct bench_result *result);
/* The same, with BENCH_AT_MOST. */
void bench_print_at_most(const char *name, const char *unit, double value, double limit,
			 double goal);

uint64_t bench_ns(void); /* CLOCK_MONOTONIC: the same for all processes */
void bench_sleep_until(uint64_t ns);

int bench_compare(const void *a, const void *b); /* of doubles, for qsort() */
double bench_quantile(double *values, size_t n, double q); /* sorts them; q 0.5: the median */

void *bench_shared(size_t size); /* zeroed memory that children share with us; never fails */
pid_t bench_fork(void); /* the child dies with us */
void bench_die(const char *what) __attribute__((__noreturn__)); /* with errno */
