/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic that goes out with none coming back, seen by the counters of an interface whenever those
 * are read. It proves nothing (a stream may go one way) and is reason enough to ask. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

struct one_way { /* all-zero: not looked yet */
	uint64_t rx_bytes, tx_bytes;
	struct mono at;
};

#define ONE_WAY_MS 1000 /* less says nothing */
#define ONE_WAY_BYTES 500

/* True: since the last look that counted much went out and nothing came in. */
bool one_way_look(struct one_way *w, uint64_t rx_bytes, uint64_t tx_bytes, struct mono now);
