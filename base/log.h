/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured log: an event name and key=value pairs, one line each.
 *
 *     log_info("port_state", "port=%s from=%s to=%s why=\"%s\"", ...);
 *
 * Written as logfmt with the time (journald: with a <level> prefix and no time) or, after
 * --log-json, as one JSON object a line. Values that may hold blanks stand in double quotes in
 * the format; quotes, backslashes and control characters inside are escaped by the writer.
 * Event names are constants and are listed in docs/events.md. Libraries report, daemons log.
 * Nothing waits for the reader: lines that do not fit into a full pipe are counted ("log_lost").
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum log_level {
	LOG_LEVEL_ERROR, /* someone must act */
	LOG_LEVEL_WARNING, /* we coped */
	LOG_LEVEL_INFO, /* a transition */
	LOG_LEVEL_DEBUG,
};

struct log_conf {
	const char *name; /* of the daemon; borrowed for ever */
	enum log_level level; /* the most talkative that is written */
	bool json;
};

void log_open(const struct log_conf *conf); /* notices journald by JOURNAL_STREAM */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* The last 16 KiB of lines that were written, without those of level debug, the oldest first; each with
 * its time. What cannot be read anywhere else any more when somebody asks (edgeway events). */
void log_print_recent(FILE *out);

#define log_at(level, event, ...)                                                                  \
	do {                                                                                       \
		if (log_enabled(level))                                                            \
			log_write(level, event, __VA_ARGS__);                                      \
	} while (0)
#define log_error(event, ...) log_at(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) log_at(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...) log_at(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_at(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
