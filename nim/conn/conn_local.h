/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a connectivity test that need no packet: interface, address, gateway. Pure. */
#pragma once

#include "nim/conn/conn_result.h"
#include "nim/facts.h"

/* CONN_OK: nothing is wrong so far. */
void conn_local(const struct nim_port *port, const struct nim_iface *iface,
		const struct nim_port_view *view, struct conn_result *ret);

bool conn_has_gateway(const struct nim_port_view *view); /* be it silent */

/* Whether more than the local stages is asked of it: management with addresses. */
bool conn_is_tested_remotely(const struct nim_port *port);

const char *conn_stage_name(enum conn_stage stage); /* "dns" */
