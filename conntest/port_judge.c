/* SPDX-License-Identifier: Apache-2.0 */
/* What the test of a port comes to. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "conntest/neighbour.h"
#include "conntest/port_insides.h"

static bool lane_is_void(const struct lane *l)
{
	return l->looked_up && l->dns == CONN_DNS_NO_ADDRESS;
}

static bool track_is_settled(const struct track *k)
{
	return k->passed || (k->begun == k->lane->nto && k->failed == k->begun);
}

bool port_lane_is_settled(const struct lane *l)
{
	if (!l->looked_up)
		return false;
	for (unsigned int i = 0; i < l->ntracks && l->nto; i++)
		if (!track_is_settled(&l->tracks[i]))
			return false;
	return true;
}

static bool lane_has_passed(const struct lane *l)
{
	for (unsigned int i = 0; i < l->ntracks; i++)
		if (l->tracks[i].passed)
			return true;
	return false;
}

/* A router that does not even answer the kernel explains why nothing else does. */
static void blame_gateway(const struct port_test *t, int family, struct conn_result *result)
{
	char text[INET6_ADDRSTRLEN];

	if (result->outcome == CONN_REMOTE || result->stage < CONN_STAGE_DNS ||
	    result->stage > CONN_STAGE_TCP)
		return;
	for (unsigned int i = 0; i < t->conf.ngateways; i++) {
		const struct ipaddr *gateway = &t->conf.gateways[i];

		if (gateway->family != family || !neighbour_is_silent(&t->conf.ifname, gateway))
			continue;
		*result =
			(struct conn_result){ .outcome = CONN_FAILED, .stage = CONN_STAGE_GATEWAY };
		snprintf(result->why, sizeof(result->why), "the router %s does not answer",
			 ipaddr_str(gateway, text));
	}
}

static void lane_judge(const struct lane *l, struct conn_result *ret)
{
	if (!l->nto) {
		_cleanup_(strbuf_fini) struct strbuf servers = STRBUF_INIT;

		resolver_servers(l->test->resolver, &servers);
		conn_judge_dns(l->looked_up ? l->dns : lookup_state(l->lookup), l->whom->host,
			       strbuf_str(&servers), ret);
	} else {
		*ret = l->tracks[0].worst;
		for (unsigned int i = 1; i < l->ntracks; i++)
			if (conn_tells_more(&l->tracks[i].worst, ret))
				*ret = l->tracks[i].worst;
	}
	blame_gateway(l->test, l->family, ret);
}

void port_judge(const struct port_test *t, struct conn_result *ret)
{
	bool any = false;

	*ret = (struct conn_result){ .outcome = CONN_NOT_READY, .stage = CONN_STAGE_ADDRESS };
	snprintf(ret->why, sizeof(ret->why), "no address that a target could be reached from");
	for (unsigned int i = 0; i < t->nlanes; i++) {
		struct conn_result one;

		lane_judge(t->lanes[i], &one);
		if (!any || conn_tells_more(&one, ret))
			*ret = one;
		any = true;
	}
}

/* ---- Warnings ---- */

static void add_track_warnings(const struct lane *l, struct strbuf *out)
{
	for (unsigned int i = 0; i < l->ntracks; i++)
		if (!l->tracks[i].passed && l->tracks[i].worst.why[0])
			strbuf_addf(out, "%s%s", out->len ? "; " : "", l->tracks[i].worst.why);
}

/* The target was reached by a way that is less preferred. */
static bool was_passed_over(const struct lane *l)
{
	return l->chain->passed && l->way < l->chain->by;
}

static void add_lane_warning(const struct port_test *t, const struct lane *l, struct strbuf *out)
{
	struct conn_result result;

	if (lane_is_void(l))
		return;
	if (lane_has_passed(l)) {
		add_track_warnings(l, out);
		return;
	}
	lane_judge(l, &result);
	if (was_passed_over(l)) {
		strbuf_addf(out, "%s%s", out->len ? "; " : "", result.why);
		return;
	}
	/* Of several targets one has to answer by each family. */
	for (unsigned int i = 0; i < t->nlanes; i++)
		if (t->lanes[i]->family == l->family && lane_has_passed(t->lanes[i]))
			return;
	strbuf_addf(out, "%sIPv%d does not work: %s", out->len ? "; " : "",
		    l->family == AF_INET ? 4 : 6, result.why);
}

void port_warnings(const struct port_test *t, struct strbuf *out)
{
	_cleanup_(strbuf_fini) struct strbuf silent = STRBUF_INIT;

	for (unsigned int i = 0; i < t->nlanes; i++)
		add_lane_warning(t, t->lanes[i], out);
	resolver_silent(t->resolver, &silent);
	if (silent.len)
		strbuf_addf(out, "%sno answer from DNS %s", out->len ? "; " : "",
			    strbuf_str(&silent));
}
