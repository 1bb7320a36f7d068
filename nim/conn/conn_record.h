/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a port's tests. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nim/config.h"
#include "nim/conn/conn_result.h"

#define CONN_TARGET 128
#define CONN_PEERS 4 /* that are told of, of both families together */

struct arena;
struct Ew__PortTest;

/* What answered, and by which proxy: "socks5://proxy.example:1080". "": the local stages were all;
 * it was asked directly. */
struct conn_reached {
	char target[CONN_TARGET], proxy[CONN_TARGET];
};

/* Who answered to TCP: a target, or a proxy. */
struct conn_peer {
	struct ipaddr addr;
	uint32_t port;
};

struct conn_record {
	char label[NIM_LABEL]; /* "": unused */
	struct conn_result last;
	/* It passed, but …: of the last round in which all of it was seen to its end. */
	char warning[sizeof(((struct conn_result *)NULL)->why)];
	struct conn_reached reached;
	struct conn_peer peers[CONN_PEERS]; /* of the last test in which anybody answered */
	unsigned int npeers;
	int64_t success_ms, failure_ms; /* Unix time of the last one; 0: none */
	uint64_t successes, failures; /* what says nothing about the port counts as neither */
	uint64_t latency_sum_ms, latencies; /* of those that reached a target */
	uint32_t latency_min_ms;
};

void conn_record_add(struct conn_record *record, const struct conn_result *result,
		     const struct conn_reached *reached, int64_t now_ms);
/* "": nothing to warn of. True: that is news. */
bool conn_record_warn(struct conn_record *record, const char *warning);
/* NULL: never tested. */
struct Ew__PortTest *conn_record_message(const struct conn_record *record, struct arena *arena);
