/* SPDX-License-Identifier: Apache-2.0 */
/* Monotonic time as a type of its own, so that seconds never pass for milliseconds. */
#pragma once

#include <stdint.h>

struct mono {
	uint64_t ns; /* CLOCK_MONOTONIC; 0 = never */
};

struct mono mono_now(void);

static inline int64_t mono_diff_ms(struct mono later, struct mono earlier)
{
	return ((int64_t)later.ns - (int64_t)earlier.ns) / 1000000;
}
