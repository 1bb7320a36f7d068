/* SPDX-License-Identifier: Apache-2.0 */
/* Wireless ports in the published status. Pure. */
#pragma once

#include "nim/facts.h"

struct arena;
struct Ew__WirelessStatus;

/* NULL: a port with a cable. With pointers into what its daemon said. */
struct Ew__WirelessStatus *nim_wireless_status(const struct nim_port *port,
					       const struct nim_iface *iface, struct arena *arena);

/* Why nothing passes by it, "" = it may, or it is none. */
const char *nim_wireless_error(const struct nim_iface *iface);
