/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a daemon's control door, with complaints a person understands. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Copies the answer to out. 0, or the exit status after a complaint on stderr. */
int ask_daemon(const char *daemon, const char *request, FILE *out);
/* Whether it answers anything at all, within a second; says nothing. */
bool ask_answers(const char *daemon);
