/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run of nim leaves to the next one of each port and address family, in a file of the run
 * directory, so that a kill -9 does not forget what it took time to find out. A line each:
 *
 *	FAMILY WORD… LABEL
 *
 * What the run before left is taken over once the port works; until then it is left to the next run
 * as it is, however often that happens.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

struct next_run_line;

struct next_run {
	char *path;
	unsigned int words; /* in a line, between family and label */
	struct next_run_line *line; /* of the run before, not taken over yet */
	size_t n;
	struct strbuf text; /* being gathered */
	struct strbuf stored; /* as it stands in the file … */
	bool is_stored; /* … for this run has written it */
};

/* Reads <run_dir>/nim/<name>; what is not understood is passed over. */
void next_run_init(struct next_run *r, const char *run_dir, const char *name, unsigned int words);
void next_run_fini(struct next_run *r); /* leaves the file; all-zero is fine */

/* The words of the run before, one blank between them; NULL: there are none, or they were taken over.
 * family: NIM_V4, NIM_V6. */
const char *next_run_find(const struct next_run *r, const char *label, int family);
void next_run_taken(struct next_run *r, const char *label, int family);

/* For each port and family that there is something to say of, then next_run_write(). words NULL:
 * nothing but what the run before left, if that is not taken over. */
void next_run_add(struct next_run *r, const char *label, int family, const char *words);
/* Replaces the file if it differs; without lines there is none. Errors are logged. */
void next_run_write(struct next_run *r);
