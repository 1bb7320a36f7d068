/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a daemon's control door, with complaints a person understands. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* The answer, when it is one and not an excuse: whole, its first line, copied to out. 0, or the exit
 * status after a complaint on stderr. What is returned is to be freed. */
int ask_text(const char *daemon, const char *request, char **ret);
int ask_line(const char *daemon, const char *request, char **ret);
int ask_daemon(const char *daemon, const char *request, FILE *out);
/* Whether each of the first n daemons answers anything at all, within a second for all; says nothing. */
void ask_answers(const char *const *daemons, size_t n, bool *ret);
