/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run of nim leaves to the next one of a gateway (nim/next_run.h), in <run-dir>/nim/gateways:
 *
 *	GATEWAY answers|silent|unknown held|free
 *
 * so that a kill -9 does not turn the traffic back to a gateway that is silent or a port that is held.
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"

struct strbuf;

#define HEARTBEAT_KEPT_WORDS 3

struct heartbeat_kept {
	struct ipaddr gateway;
	bool heard, silent;
	bool held;
};

void heartbeat_kept_format(const struct heartbeat_kept *kept, struct strbuf *out);
/* False: it is none of ours; *ret is untouched then. */
bool heartbeat_kept_parse(const char *words, struct heartbeat_kept *ret);
