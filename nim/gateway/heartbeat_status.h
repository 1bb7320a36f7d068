/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of gateways that answer or do not, and of ports that are held. Pure. */
#pragma once

#include "nim/facts.h"

struct Ew__PortStatus;
struct arena;

/* Fills in the fields of heartbeat and damping. */
void nim_health_status(struct Ew__PortStatus *s, const struct nim_iface *iface,
		       const struct nim_port_view *view);
/* What is wrong with the port in this respect; "": nothing. */
const char *nim_health_error(const struct nim_iface *iface, const struct nim_port_view *view,
			     struct arena *arena);
