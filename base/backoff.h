/* SPDX-License-Identifier: Apache-2.0 */
/* How long to wait before something that failed is tried again, when no event tells. Pure. */
#pragma once

/* After so many failures in a row: 0: at once; then 100 ms, 200 ms, 400 ms … most_ms. */
static inline unsigned int backoff_ms(unsigned int failures, unsigned int most_ms)
{
	const unsigned int first_ms = 100;
	unsigned int wait_ms = first_ms;

	if (!failures)
		return 0;
	while (--failures && wait_ms < most_ms)
		wait_ms *= 2;
	return wait_ms < most_ms ? wait_ms : most_ms;
}
