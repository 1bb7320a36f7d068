/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run of nim leaves to the next one, in <run-dir>/nim/upstreams, so that a kill -9 does not
 * turn the traffic back to a port by which nobody is reached, and somebody can be asked at once:
 *
 *	FAMILY answers|silent|failed|unknown behind|free ADDRESS PORT LABEL
 */
#pragma once

#include "nim/facts.h"

struct strbuf;

struct upstream_kept {
	char label[NIM_LABEL];
	int family; /* NIM_V4, NIM_V6 */
	struct ipaddr target;
	uint16_t port;
	bool heard, silent, failed;
	bool behind;
};

void upstream_kept_format(const struct upstream_kept *kept, struct strbuf *out);
/* One line, with or without its end. False: it is none of ours; *ret is untouched then. */
bool upstream_kept_parse(const char *line, struct upstream_kept *ret);

/* Heap; *ret_n 0 when there is no file. What is not understood is passed over. */
struct upstream_kept *upstream_kept_load(const char *path, size_t *ret_n);
