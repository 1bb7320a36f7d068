/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_results.h"

#include <string.h>

#include "base/cleanup.h"

const char *dpc_state_name(Ew__DpcState state)
{
	switch (state) {
	case EW__DPC_STATE__DPC_STATE_NONE:
		return "NONE";
	case EW__DPC_STATE__DPC_STATE_FAIL:
		return "FAIL";
	case EW__DPC_STATE__DPC_STATE_FAIL_WITH_IPANDDNS:
		return "FAIL_WITH_IPANDDNS";
	case EW__DPC_STATE__DPC_STATE_SUCCESS:
		return "SUCCESS";
	case EW__DPC_STATE__DPC_STATE_IPDNS_WAIT:
		return "IPDNS_WAIT";
	case EW__DPC_STATE__DPC_STATE_PCI_WAIT:
		return "PCI_WAIT";
	case EW__DPC_STATE__DPC_STATE_INTF_WAIT:
		return "INTF_WAIT";
	case EW__DPC_STATE__DPC_STATE_REMOTE_WAIT:
		return "REMOTE_WAIT";
	case EW__DPC_STATE__DPC_STATE_ASYNC_WAIT:
		return "ASYNC_WAIT";
	case EW__DPC_STATE__DPC_STATE_WWAN_WAIT:
		return "WWAN_WAIT";
	case _EW__DPC_STATE_IS_INT_SIZE:
		break;
	}
	return "unknown";
}

void dpc_results_outcome(const struct dpc_port_result *ports, size_t n, struct conn_result *ret)
{
	static const int order[] = {
		[CONN_UNTESTED] = 0, [CONN_FAILED] = 1, [CONN_NOT_READY] = 2,
		[CONN_REMOTE] = 3,   [CONN_OK] = 4,
	};
	struct conn_result best = { .outcome = CONN_UNTESTED, .why = "no management port" };

	for (size_t i = 0; i < n; i++) {
		const struct conn_result *r = &ports[i].result;

		if (ports[i].is_mgmt && (order[r->outcome] > order[best.outcome] ||
					 (r->outcome == best.outcome && r->stage > best.stage)))
			best = *r;
	}
	*ret = best;
}

void dpc_results_record(Ew__DpcEntry *entry, const struct dpc_port_result *ports, size_t n)
{
	for (size_t i = 0; i < entry->n_results; i++)
		ew__dpc_port_result__free_unpacked(entry->results[i], NULL);
	free(entry->results);
	entry->results = xcalloc(n + 1, sizeof(Ew__DpcPortResult *));
	entry->n_results = n;
	for (size_t i = 0; i < n; i++) {
		Ew__DpcPortResult *r = xcalloc(1, sizeof(*r));

		ew__dpc_port_result__init(r);
		r->logicallabel = xstrdup(ports[i].label);
		r->outcome = ports[i].result.outcome;
		r->stage = ports[i].result.stage;
		r->why = xstrdup(ports[i].result.why);
		entry->results[i] = r;
	}
}

bool dpc_results_differ(const Ew__DpcEntry *entry, const struct dpc_port_result *ports, size_t n)
{
	if (entry->n_results != n)
		return true;
	for (size_t i = 0; i < n; i++) {
		const Ew__DpcPortResult *r = entry->results[i];

		if (strcmp(r->logicallabel, ports[i].label) != 0 ||
		    r->outcome != ports[i].result.outcome || r->stage != ports[i].result.stage ||
		    strcmp(r->why, ports[i].result.why) != 0)
			return true;
	}
	return false;
}
