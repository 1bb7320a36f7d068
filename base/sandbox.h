/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a helper that reads foreign bytes may still ask of the kernel: the calls of its table and
 * what any program needs to run (memory that is not executed, descriptors it has, time, its own
 * end). seccomp(2)
 *
 * A file is not opened, and the answer is EACCES: libraries look for files of configuration and do
 * without. Any other call ends the process with SIGSYS, and who started it reads so.
 */
#pragma once

#include <seccomp.h> /* SCMP_SYS() */
#include <stddef.h>
#include <stdint.h>

enum sandbox_if {
	SANDBOX_ALWAYS,
	SANDBOX_ARG_IS, /* this argument is this value, */
	SANDBOX_ARG_LACKS, /* or has none of its bits */
};

/* One row of a helper's table; of several with the same call any one may hold. */
struct sandbox_call {
	int call; /* SCMP_SYS(name) */
	enum sandbox_if when;
	unsigned int arg; /* from 0 */
	uint64_t value;
};

/*
 * For good, for this process and all it starts, which gains no rights by exec() any more. Last of
 * all preparations: after privileges_drop(), which needs files. A helper of several threads calls
 * it before it starts the second. -errno: the filter is not in place.
 */
int sandbox_enter(const struct sandbox_call *calls, size_t n);

/* The same, and before it: becomes nobody (privileges_drop()), who dies with the parent all the same.
 * What needs rights or files comes before. */
int sandbox_drop_and_enter(const struct sandbox_call *calls, size_t n);
