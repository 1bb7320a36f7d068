/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines of a log, in a ring. Internal to the log; pure. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#define LOG_RECENT_BYTES                                                                           \
	(16u << 10) /* a hundred lines; pages that are not written take no memory */

struct log_recent { /* zero-initialized: none yet */
	char bytes[LOG_RECENT_BYTES];
	size_t end; /* bytes that were ever added */
};

/* A line with its newline, at most LOG_RECENT_BYTES; the oldest make room. */
void log_recent_add(struct log_recent *r, const char *line, size_t len);
void log_recent_print(const struct log_recent *r, FILE *out); /* whole lines, the oldest first */
