/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/wireless/wireless_status.h"

#include "base/arena.h"
#include "nim/wireless/wireless.h"
#include "status.pb-c.h"

/* What else there is on the air is in wwan's own status: it is long, and no news of the port. */
static Ew__WwanNetworkStatus *without_others(const Ew__WwanNetworkStatus *from, struct arena *arena)
{
	Ew__WwanNetworkStatus *to = arena_alloc(arena, sizeof(*to));

	*to = *from;
	to->n_visible_providers = 0;
	return to;
}

struct Ew__WirelessStatus *nim_wireless_status(const struct nim_port *port,
					       const struct nim_iface *iface, struct arena *arena)
{
	const struct nim_air *air = iface->wireless;
	Ew__WirelessStatus *s;

	if (port->wireless == NIM_WIRELESS_NONE)
		return NULL;
	s = arena_alloc(arena, sizeof(*s));
	ew__wireless_status__init(s);
	s->type = (Ew__WirelessType)port->wireless;
	if (!air)
		return s;
	s->pending = air->pending;
	s->stale = air->stale;
	if (air->cellular)
		s->cellular = without_others(air->cellular, arena);
	s->wifi = (Ew__WlanPortStatus *)air->wifi;
	return s;
}

const char *nim_wireless_error(const struct nim_iface *iface)
{
	const struct nim_air *air = iface->wireless;

	if (!air)
		return "";
	if (iface->radio_silent && air->error[0])
		return "radio silence";
	return air->error;
}
