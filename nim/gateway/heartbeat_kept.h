/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run of nim leaves to the next one, in <run-dir>/nim/gateways, so that a kill -9 does not
 * turn the traffic back to a gateway that is silent or to a port that is held:
 *
 *	FAMILY GATEWAY answers|silent|unknown held|free LABEL
 */
#pragma once

#include "nim/facts.h"

struct strbuf;

struct heartbeat_kept {
	char label[NIM_LABEL];
	int family; /* NIM_V4, NIM_V6 */
	struct ipaddr gateway;
	bool heard, silent;
	bool held;
};

void heartbeat_kept_format(const struct heartbeat_kept *kept, struct strbuf *out);
/* One line, with or without its end. False: it is none of ours; *ret is untouched then. */
bool heartbeat_kept_parse(const char *line, struct heartbeat_kept *ret);

/* Heap; *ret_n 0 when there is no file. What is not understood is passed over. */
struct heartbeat_kept *heartbeat_kept_load(const char *path, size_t *ret_n);
