/* SPDX-License-Identifier: Apache-2.0 */
/* So many events in so much time; what is beyond is counted. For log lines of what may go to and
 * fro. Time comes in as an argument. */
#pragma once

#include <stdbool.h>

#include "base/mono.h"

struct rate { /* an all-zero one is fresh */
	struct mono begin;
	unsigned int count, beyond;
};

/* True: it may pass, and *ret_beyond is how many before it could not. */
bool rate_allow(struct rate *r, unsigned int max, unsigned int window_ms, struct mono now,
		unsigned int *ret_beyond);
