/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which port configuration of the list to turn to, by what the tests of each said last. Nothing
 * below a manual one counts. Pure; entries are the list's.
 */
#pragma once

#include "nim/dpc/dpc_list.h"

struct dpc_choice {
	const struct dpc_list *list;
	int64_t wall_ms; /* Unix time, now */
	int64_t since_failure_ms; /* what failed is left alone for so long */
};

/* It may be used, has not failed a short while ago, and is not as one above it that has. */
bool dpc_choice_testable(const struct dpc_choice *c, size_t index);
/* The index of the first that is testable, from start on and then from the top; -1: none is. */
int dpc_choice_next(const struct dpc_choice *c, size_t start);

/* The first other one that worked when it was tested last; NULL: there is none. */
Ew__DpcEntry *dpc_choice_working(const struct dpc_list *list, const Ew__DpcEntry *but);
/* Is there one that worked and changes what is failing? */
bool dpc_choice_has_fallback(const struct dpc_list *list, const Ew__DpcEntry *failing);
/* Where to stay when nothing is left to try: on a manual one, else the first that may be used, else
 * the first; NULL: the list is empty. */
Ew__DpcEntry *dpc_choice_park(const struct dpc_list *list);
