/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/heartbeat_status.h"

#include "base/arena.h"
#include "status.pb-c.h"

static Ew__GatewayState gateway_state(const struct nim_health *health)
{
	switch (health->gateway) {
	case NIM_GATEWAY_UNKNOWN:
		return EW__GATEWAY_STATE__GATEWAY_NONE;
	case NIM_GATEWAY_NOT_ASKED:
		return EW__GATEWAY_STATE__GATEWAY_NOT_ASKED;
	case NIM_GATEWAY_ASKED:
		return EW__GATEWAY_STATE__GATEWAY_ASKED;
	case NIM_GATEWAY_ANSWERS:
		return EW__GATEWAY_STATE__GATEWAY_ANSWERS;
	case NIM_GATEWAY_SILENT:
		return EW__GATEWAY_STATE__GATEWAY_SILENT;
	}
	return EW__GATEWAY_STATE__GATEWAY_NONE;
}

void nim_health_status(struct Ew__PortStatus *s, const struct nim_iface *iface,
		       const struct nim_port_view *view)
{
	const struct nim_health *v4 = &iface->health[NIM_V4], *v6 = &iface->health[NIM_V6];

	s->gateway_state4 = gateway_state(v4);
	s->gateway_state6 = gateway_state(v6);
	s->heartbeat_ms = v4->interval_ms ? v4->interval_ms : v6->interval_ms;
	s->heartbeat_patience_ms =
		v4->patience_ms > v6->patience_ms ? v4->patience_ms : v6->patience_ms;
	s->held4 = view->held4;
	s->held6 = view->held6;
	s->held_until_ms =
		v4->held_until_ms > v6->held_until_ms ? v4->held_until_ms : v6->held_until_ms;
	s->losses = v4->losses > v6->losses ? v4->losses : v6->losses;
	s->turn = view->turn;
}

const char *nim_health_error(const struct nim_iface *iface, const struct nim_port_view *view,
			     struct arena *arena)
{
	bool silent4 = iface->health[NIM_V4].gateway == NIM_GATEWAY_SILENT;
	bool silent6 = iface->health[NIM_V6].gateway == NIM_GATEWAY_SILENT;

	if (silent4 || silent6)
		return arena_printf(
			arena, "gateway %s does not answer",
			arena_ipaddr(arena, silent4 ? &view->gateway4 : &view->gateway6));
	if ((view->good4 && !view->usable4) || (view->good6 && !view->usable6))
		return "comes and goes: used again when it has stayed for a second";
	return "";
}
