/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/upstream/upstream_status.h"

#include "base/arena.h"
#include "status.pb-c.h"

static Ew__UpstreamState upstream_state(enum nim_upstream_state state)
{
	switch (state) {
	case NIM_UPSTREAM_UNKNOWN:
		return EW__UPSTREAM_STATE__UPSTREAM_UNKNOWN;
	case NIM_UPSTREAM_NOT_ASKED:
		return EW__UPSTREAM_STATE__UPSTREAM_NOT_ASKED;
	case NIM_UPSTREAM_ASKED:
		return EW__UPSTREAM_STATE__UPSTREAM_ASKED;
	case NIM_UPSTREAM_ANSWERS:
		return EW__UPSTREAM_STATE__UPSTREAM_ANSWERS;
	case NIM_UPSTREAM_SILENT:
		return EW__UPSTREAM_STATE__UPSTREAM_SILENT;
	case NIM_UPSTREAM_FAILED:
		return EW__UPSTREAM_STATE__UPSTREAM_FAILED;
	}
	return EW__UPSTREAM_STATE__UPSTREAM_UNKNOWN;
}

static char *target_text(const struct nim_upstream *up, struct arena *a)
{
	return arena_printf(a, up->target.family == AF_INET6 ? "[%s]:%u" : "%s:%u",
			    arena_ipaddr(a, &up->target), up->target_port);
}

static Ew__UpstreamStatus *one(const struct nim_upstream *up, struct arena *a)
{
	Ew__UpstreamStatus *s;

	if (!ipaddr_is_set(&up->target))
		return NULL;
	s = arena_alloc(a, sizeof(*s));
	ew__upstream_status__init(s);
	s->state = upstream_state(up->state);
	s->since_ms = up->since_ms;
	s->target = target_text(up, a);
	s->interval_ms = up->interval_ms;
	s->questions = up->questions;
	s->answers = up->answers;
	s->failures = up->failures;
	s->rtt_us = up->rtt_us;
	s->held_until_ms = up->held_until_ms;
	return s;
}

void nim_upstream_status(struct Ew__PortStatus *s, const struct nim_iface *iface,
			 const struct nim_port_view *view, struct arena *arena)
{
	s->behind4 = view->behind4;
	s->behind6 = view->behind6;
	s->upstream4 = one(&iface->upstream[NIM_V4], arena);
	s->upstream6 = one(&iface->upstream[NIM_V6], arena);
}

const char *nim_upstream_error(const struct nim_iface *iface, struct arena *arena)
{
	for (int f = 0; f < NIM_FAMILIES; f++)
		if (iface->upstream[f].state >= NIM_UPSTREAM_SILENT)
			return arena_printf(arena, "%s does not answer, and the gateway does",
					    target_text(&iface->upstream[f], arena));
	return "";
}
