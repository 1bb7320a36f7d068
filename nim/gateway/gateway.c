/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/gateway.h"

#include <string.h>

#include "base/log.h"

#define MS 1000000ULL
#define RARE_MS 5000 /* between questions where they are not wanted, to a gateway that is silent */
#define LOOK_MS 10 /* at least, between looks for an answer that is late */
#define LOG_LINES 6
#define LOG_MS 10000

bool gateway_may_say(struct gateway *gw, unsigned int *ret_unsaid)
{
	return rate_allow(&gw->log, LOG_LINES, LOG_MS, mono_now(), ret_unsaid);
}

static void log_silent(struct gateway *gw, const char *label)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int unsaid;

	if (gateway_may_say(gw, &unsaid))
		log_warning("gateway_silent", "port=%s gateway=%s why=\"%s\" unsaid=%u", label,
			    ipaddr_str(&gw->addr, text),
			    gw->beat.doubted ? "doubted, and no answer" : "heartbeat", unsaid);
}

static void log_answers(struct gateway *gw, const char *label)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int unsaid;

	if (gateway_may_say(gw, &unsaid))
		log_info("gateway_answers", "port=%s gateway=%s unsaid=%u", label,
			 ipaddr_str(&gw->addr, text), unsaid);
}

struct beat_pace gateway_pace(const struct gateway *gw, const struct beat_pace *allowed)
{
	struct beat_pace pace = *allowed;

	pace.look_ms = pace.interval_ms / 4 > LOOK_MS ? pace.interval_ms / 4 : LOOK_MS;
	pace.retry_ms = gw->allowed ? BEAT_RETRY_MS : RARE_MS;
	if (pace.retry_ms < pace.interval_ms)
		pace.retry_ms = pace.interval_ms;
	return pace;
}

/* One of the gateway's subnet, if there is one. */
static struct ipaddr source_of(const struct nim_iface *iface, const struct ipaddr *gateway)
{
	struct ipaddr any = { 0 };

	if (gateway->family != AF_INET)
		return any;
	for (unsigned int i = 0; i < iface->naddrs; i++) {
		if (prefix_contains(&iface->addrs[i], gateway))
			return iface->addrs[i].addr;
		if (!ipaddr_is_set(&any) && iface->addrs[i].addr.family == AF_INET)
			any = iface->addrs[i].addr;
	}
	return any;
}

void gateway_ask(struct gateway *gw, const struct nim_iface *iface, struct mono now)
{
	const struct probe_target target = {
		.ifindex = iface->ifindex,
		.ifname = iface->ifname,
		.mac = iface->mac,
		.source = source_of(iface, &gw->addr),
		.gateway = gw->addr,
	};

	bool same = gw->probe.fd >= 0 && memcmp(&gw->probe.target, &target, sizeof(target)) == 0;

	if (gw->asking && same)
		return;
	/* Out of descriptors: not asked, and again at the next change. */
	gw->asking = same || probe_open(&gw->probe, &target) == 0;
	if (!gw->asking)
		return;
	probe_answered(&gw->probe); /* what is left of an earlier time is no answer */
	gw->beat.asked = false;
	gw->beat.due = now;
}

void gateway_rest(struct gateway *gw)
{
	gw->asking = false;
	beat_rest(&gw->beat);
}

/* Those that would be due soon are asked now: one wake-up for all. */
static void together(struct beat *b, const struct beat_pace *pace, struct mono now)
{
	if (b->due.ns > now.ns && b->due.ns - now.ns < pace->interval_ms * MS / 4)
		b->due = now;
}

bool gateway_turn(struct gateway *gw, const struct beat_pace *allowed, const char *label,
		  struct mono now)
{
	struct beat_pace pace = gateway_pace(gw, allowed);
	struct beat was = gw->beat;

	if (!gateway_is_asked(gw))
		return false;
	if (probe_answered(&gw->probe) && beat_heard(&gw->beat, &pace, now))
		log_answers(gw, label);
	together(&gw->beat, &pace, now);
	if (beat_step(&gw->beat, &pace, now))
		probe_ask(&gw->probe, gw->beat.missed > 0);
	if (gw->beat.silent && !was.silent)
		log_silent(gw, label);
	return was.heard != gw->beat.heard || was.silent != gw->beat.silent ||
	       was.doubted != gw->beat.doubted;
}

enum nim_gateway_state gateway_state(const struct gateway *gw)
{
	if (!ipaddr_is_set(&gw->addr))
		return NIM_GATEWAY_UNKNOWN;
	if (gw->beat.silent)
		return NIM_GATEWAY_SILENT;
	if (!gateway_is_asked(gw))
		return NIM_GATEWAY_NOT_ASKED;
	return gw->beat.heard ? NIM_GATEWAY_ANSWERS : NIM_GATEWAY_ASKED;
}
