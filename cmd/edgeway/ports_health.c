/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/ports_health.h"

#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "status.pb-c.h"

static void add_gateway(const char *address, Ew__GatewayState state, struct strbuf *out)
{
	static const char *const states[] = { "", "", " (no answer yet)", " (answers)",
					      " (silent)" };

	if (!address[0])
		return;
	strbuf_addf(out, "%s%s%s", out->len ? ", " : "", address,
		    (size_t)state < ARRAY_SIZE(states) ? states[state] : "");
}

void port_gateways(const struct Ew__PortStatus *p, struct strbuf *out)
{
	add_gateway(p->gateway4, p->gateway_state4, out);
	add_gateway(p->gateway6, p->gateway_state6, out);
}

void port_heartbeat(const struct Ew__PortStatus *p, struct strbuf *out)
{
	if (p->heartbeat_ms)
		strbuf_addf(out, "asked each %u ms", p->heartbeat_ms);
	if (p->heartbeat_ms && p->heartbeat_patience_ms)
		strbuf_addf(out, ", silent after %u ms without an answer",
			    p->heartbeat_patience_ms);
}

static void add_since(const struct Ew__UpstreamStatus *u, struct strbuf *out)
{
	if (!u->since_ms)
		return;
	strbuf_add(out, " since ");
	rfc3339_format(u->since_ms / 1000, 0, out);
}

void port_upstream(const struct Ew__UpstreamStatus *u, struct strbuf *out)
{
	static const char *const states[] = {
		"",	   "not asked",		 "no answer yet",
		"answers", "answers by no port", "is not reached by it"
	};

	if (!u || u->state == EW__UPSTREAM_STATE__UPSTREAM_UNKNOWN ||
	    (size_t)u->state >= ARRAY_SIZE(states))
		return;
	strbuf_addf(out, "%s %s", u->target, states[u->state]);
	add_since(u, out);
	if (u->interval_ms)
		strbuf_addf(out, ", looked at each %u ms", u->interval_ms);
	if (u->questions)
		strbuf_addf(out, ", %llu questions, %llu answers", (unsigned long long)u->questions,
			    (unsigned long long)u->answers);
	if (u->rtt_us)
		strbuf_addf(out, " after %u.%u ms", u->rtt_us / 1000, u->rtt_us / 100 % 10);
	if (!u->held_until_ms)
		return;
	strbuf_add(out, ", others are preferred until ");
	rfc3339_format(u->held_until_ms / 1000, 0, out);
}

void port_recovery(const struct Ew__PortStatus *p, struct strbuf *out)
{
	if (!p->losses)
		return;
	strbuf_addf(out, "lost %u time%s", p->losses, p->losses == 1 ? "" : "s");
	if (!p->held4 && !p->held6)
		return;
	strbuf_addf(out, ", others are preferred for IPv%s until ",
		    p->held4 && p->held6 ? "4 and IPv6"
		    : p->held4		 ? "4"
					 : "6");
	rfc3339_format(p->held_until_ms / 1000, 0, out);
}

bool port_return(const Ew__PortStatus *p, struct strbuf *out)
{
	const Ew__UpstreamStatus *const far[] = { p->upstream4, p->upstream6 };
	int64_t until_ms = p->held4 || p->held6 ? p->held_until_ms : 0;

	for (size_t i = 0; i < ARRAY_SIZE(far); i++)
		if (far[i] && far[i]->held_until_ms > until_ms)
			until_ms = far[i]->held_until_ms;
	if (!until_ms)
		return false;
	strbuf_add(out, " is back, others are preferred until ");
	rfc3339_format(until_ms / 1000, 0, out);
	return true;
}
