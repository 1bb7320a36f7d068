/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run of nim leaves to the next one of a port (nim/next_run.h), in <run-dir>/nim/upstreams:
 *
 *	answers|silent|failed|unknown behind|free ADDRESS PORT
 *
 * so that a kill -9 does not turn the traffic back to a port by which nobody is reached, and somebody
 * can be asked at once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct strbuf;

#define UPSTREAM_KEPT_WORDS 4

struct upstream_kept {
	struct ipaddr target;
	uint16_t port;
	bool heard, silent, failed;
	bool behind;
};

void upstream_kept_format(const struct upstream_kept *kept, struct strbuf *out);
/* False: it is none of ours; *ret is untouched then. */
bool upstream_kept_parse(const char *words, struct upstream_kept *ret);
