/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One log line under construction: bounded, always valid UTF-8, never a control character.
 * Internal to the log; pure, so that tests reach it without a stderr.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 4096 /* bytes with the newline: pipes keep writes up to this size whole */

struct log_line {
	char str[LOG_LINE_MAX];
	size_t len;
	size_t max; /* at most sizeof(str); what does not fit is cut and marked with "…" */
	bool cut;
};

void log_line_init(struct log_line *line, size_t max);
void log_line_add(struct log_line *line, const char *s); /* as it is */
/* As it is, but also into the space kept for closing quotes and braces. */
void log_line_close(struct log_line *line, const char *s);

/*
 * Appends "key=value key=\"%s\"" with its arguments. The text of the format is taken as it is;
 * a string argument can not break out of its value: inside quotes it is escaped, as a whole value
 * it is quoted when it must be (or always, with quote_strings), within a value its blanks are
 * escaped. Only where a whole pair may stand is it taken for pairs.
 */
void log_line_format(struct log_line *line, bool quote_strings, const char *fmt, va_list ap)
	__attribute__((__format__(__printf__, 3, 0)));

/* Appends the pairs of body as members of a JSON object: ,"key":"value","n":1 */
void log_line_json(struct log_line *line, const char *body);
