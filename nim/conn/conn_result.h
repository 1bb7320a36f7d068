/* SPDX-License-Identifier: Apache-2.0 */
/* What a connectivity test found out about one port: how far it got, and what that means. */
#pragma once

#include <stdint.h>

/* In this order: a test ends at the first stage that fails. */
enum conn_stage {
	CONN_STAGE_LINK, /* interface and carrier */
	CONN_STAGE_ADDRESS, /* one that is not link-local */
	CONN_STAGE_GATEWAY, /* a router, and it answers */
	CONN_STAGE_DNS,
	CONN_STAGE_TCP,
	CONN_STAGE_TLS,
	CONN_STAGE_HTTP,
	CONN_STAGE_DONE, /* none failed */
};

enum conn_outcome {
	CONN_UNTESTED,
	CONN_OK,
	CONN_NOT_READY, /* no address, no DNS yet: may pass by itself soon */
	CONN_REMOTE, /* the far end is at fault for now (refused, certificate dates, HTTP 500-511):
		      * another configuration of this node would not help */
	CONN_FAILED,
};

struct conn_result {
	enum conn_outcome outcome;
	enum conn_stage stage; /* that failed; CONN_STAGE_DONE with CONN_OK */
	uint32_t latency_ms; /* of the whole test, with CONN_OK */
	char why[160]; /* names stage, address and cause; "" with CONN_OK */
};
