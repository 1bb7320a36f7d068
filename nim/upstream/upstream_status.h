/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of what is beyond the gateways. Pure. */
#pragma once

#include "nim/facts.h"

struct Ew__PortStatus;
struct arena;

void nim_upstream_status(struct Ew__PortStatus *s, const struct nim_iface *iface,
			 const struct nim_port_view *view, struct arena *arena);
/* What is wrong with the port in this respect; "": nothing. */
const char *nim_upstream_error(const struct nim_iface *iface, struct arena *arena);
