/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rate.h"

bool rate_allow(struct rate *r, unsigned int max, unsigned int window_ms, struct mono now,
		unsigned int *ret_beyond)
{
	if (!r->begin.ns || mono_diff_ms(now, r->begin) >= window_ms) {
		r->begin = now;
		r->count = 0;
	}
	if (r->count >= max) {
		r->beyond++;
		return false;
	}
	r->count++;
	*ret_beyond = r->beyond;
	r->beyond = 0;
	return true;
}
