/* SPDX-License-Identifier: Apache-2.0 */
/* What those who make requests say became of them (topic RequestOutcome, api/bus/outcome.proto): a
 * failure is reason to ask at once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct outcome;
struct ps;
struct upstream;

int outcome_new(struct ps *ps, struct upstream *up,
		struct outcome **ret); /* up: borrowed; 0 or -errno */
struct outcome *outcome_free(struct outcome *o); /* NULL is fine */

#define OUTCOME_FRESH_MS 10000 /* what is older, or of the future, says nothing about now */
bool outcome_is_fresh(int64_t time_ms, int64_t now_ms);
