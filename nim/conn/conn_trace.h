/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of ports did, step by step (conntest/trace.h): of each port the last that passed,
 * the last that failed, and the last that failed as part of a configuration that was only tried.
 * Bounded: when there is too much, the oldest goes. Pure.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "nim/config.h"

#define CONN_TRACE 6144 /* bytes of one */
#define CONN_TRACES (96u << 10) /* bytes of all */

enum conn_trace_kind { CONN_TRACE_PASSED, CONN_TRACE_FAILED, CONN_TRACE_CANDIDATE };

struct conn_trace {
	char label[NIM_LABEL];
	enum conn_trace_kind kind;
	int64_t at_ms; /* Unix time */
	char *text;
};

struct conn_traces { /* all-zero: none */
	struct conn_trace *trace; /* the oldest first */
	unsigned int n;
	size_t bytes; /* of their texts */
};

/* Takes the place of the last one of its kind. text is copied. */
void conn_traces_put(struct conn_traces *traces, const char *label, enum conn_trace_kind kind,
		     const char *text, int64_t at_ms);
/* Those of ports that are not configured any more go, but for candidates'. */
void conn_traces_forget_others(struct conn_traces *traces, const struct nim_config *config);
/* label "": of all ports. False: there is none. */
bool conn_traces_print(const struct conn_traces *traces, const char *label, FILE *out);
void conn_traces_fini(struct conn_traces *traces);
