/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/conn_spare.h"

#include "nim/conn/conn_record.h"
#include "nim/conn/conntest.h"

static bool has_passed(const struct conn_record *record)
{
	return record && record->last.outcome == CONN_OK && record->reached.target[0];
}

static bool another_passes(const struct conn_ports *ports, unsigned int but,
			   conn_record_of *record_of, void *arg)
{
	for (unsigned int i = 0; i < ports->config->nports; i++) {
		const struct nim_port *port = &ports->config->ports[i];
		const struct nim_port_view *view = &ports->view->ports[i];

		if (i != but && port->is_mgmt && !ports->facts->ifaces[i].metered &&
		    (view->usable4 || view->usable6) && has_passed(record_of(port->label, arg)))
			return true;
	}
	return false;
}

bool conn_is_spared(const struct conn_ports *ports, unsigned int port, int64_t now_ms,
		    conn_record_of *record_of, void *arg)
{
	const struct conn_record *record = record_of(ports->config->ports[port].label, arg);

	return ports->spare && ports->facts->ifaces[port].metered && has_passed(record) &&
	       now_ms >= record->success_ms && now_ms - record->success_ms < CONN_SPARE_MS &&
	       another_passes(ports, port, record_of, arg);
}
