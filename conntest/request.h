/* SPDX-License-Identifier: Apache-2.0 */
/* nim's request as plain values. */
#pragma once

#include "conntest/pac_fetch.h"

#define REQUEST_PORTS 64

struct Ew__ConnRequest;

struct request {
	struct port_target targets[PORT_TARGETS];
	unsigned int ntargets;
	struct port_conf ports[REQUEST_PORTS]; /* without base, fetcher, targets and trust */
	struct port_ways *ways[REQUEST_PORTS]; /* of ports; NULL: it has none */
	struct pac_fetch_conf *pacs[REQUEST_PORTS]; /* without port; NULL: it is to be tested */
	unsigned int nports;
};

/* 0 or -EINVAL; texts of msg are borrowed; surplus addresses, servers and targets are left out. */
int request_load(const struct Ew__ConnRequest *msg, struct request *ret);
void request_fini(struct request *request);
