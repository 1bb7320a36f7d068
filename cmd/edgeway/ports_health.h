/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway ports NAME, and status, say of a port's gateways and of its recovery. Pure. */
#pragma once

#include <stdbool.h>

struct Ew__PortStatus;
struct Ew__UpstreamStatus;
struct strbuf;

/* "192.168.1.1 (answers), fe80::1 (silent)"; nothing without gateways. */
void port_gateways(const struct Ew__PortStatus *p, struct strbuf *out);
/* "asked each 200 ms"; nothing when it is not asked. */
void port_heartbeat(const struct Ew__PortStatus *p, struct strbuf *out);
/* Whether somebody far is reached by it; u NULL: nobody is known who could be asked. */
void port_upstream(const struct Ew__UpstreamStatus *u, struct strbuf *out);
/* "lost twice, others are preferred until …"; nothing for a port that was never lost. */
void port_recovery(const struct Ew__PortStatus *p, struct strbuf *out);
/* " is back, others are preferred until …": it works again, and may go once more. False: nothing was
 * added. */
bool port_return(const struct Ew__PortStatus *p, struct strbuf *out);
