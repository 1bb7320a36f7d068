/* SPDX-License-Identifier: Apache-2.0 */
/* What a round of tests says about a port configuration. Pure. */
#pragma once

#include "nim/conn/conn_result.h"
#include "nim/dpc/dpc_list.h"

struct dpc_port_result { /* result of one port; borrowed */
	const char *label;
	bool is_mgmt;
	struct conn_result result;
};

/* Of all management ports: what counts is the best. why: of the port that got furthest. */
void dpc_results_outcome(const struct dpc_port_result *ports, size_t n, struct conn_result *ret);

/* The results of the last round, as the entry keeps them to be told. */
void dpc_results_record(Ew__DpcEntry *entry, const struct dpc_port_result *ports, size_t n);
bool dpc_results_differ(const Ew__DpcEntry *entry, const struct dpc_port_result *ports, size_t n);

const char *dpc_state_name(Ew__DpcState state); /* "IPDNS_WAIT", as in EVE */
