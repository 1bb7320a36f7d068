/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include "base/strbuf.h"
#include "dataplane/nl/port_msg.h"

static bool brport_read(struct dp *dp, const struct link_info *link, void *spec)
{
	const struct nlattr *tb[IFLA_BRPORT_MAX + 1];
	struct dp_brport *port = spec;

	rtnl_nested(link->slave_data, tb, IFLA_BRPORT_MAX);
	*port = (struct dp_brport){
		.ifname = link->ifname,
		.isolated = rtnl_u8(tb[IFLA_BRPORT_ISOLATED]),
		.learning = rtnl_u8(tb[IFLA_BRPORT_LEARNING]),
		.bpdu_guard = rtnl_u8(tb[IFLA_BRPORT_GUARD]),
		.hairpin = rtnl_u8(tb[IFLA_BRPORT_MODE]),
		.neigh_suppress = rtnl_u8(tb[IFLA_BRPORT_NEIGH_SUPPRESS]),
	};
	return rtnl_ifname(dp, link->master, &port->bridge);
}

static bool flags_differ(const struct dp_brport *a, const struct dp_brport *b)
{
	return a->isolated != b->isolated || a->learning != b->learning ||
	       a->bpdu_guard != b->bpdu_guard || a->hairpin != b->hairpin ||
	       a->neigh_suppress != b->neigh_suppress;
}

static enum dp_change brport_diff(const void *have, const void *want)
{
	const struct dp_brport *h = have, *w = want;

	return !ifname_equal(&h->bridge, &w->bridge) || flags_differ(h, w) ? DP_MODIFY : DP_SAME;
}

static void brport_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_brport *port = want;

	dp_need(deps, &dp_link_type, port->ifname.str, DP_FALLS_WITH, NULL);
	dp_need(deps, &dp_bridge_type, port->bridge.str, DP_FALLS_WITH, NULL);
}

static void brport_print(const void *spec, struct strbuf *out)
{
	const struct dp_brport *port = spec;

	strbuf_addf(out, "bridge=%s", port->bridge.str);
	if (port->isolated)
		strbuf_add(out, " isolated");
	if (port->learning)
		strbuf_add(out, " learning");
	if (port->bpdu_guard)
		strbuf_add(out, " bpdu_guard");
	if (port->hairpin)
		strbuf_add(out, " hairpin");
	if (port->neigh_suppress)
		strbuf_add(out, " neigh_suppress");
}

/* bridge link set dev NAME isolated on … A message of its own: they belong to the port, which the
 * first one makes. By way of the bridge (IFLA_PROTINFO) and not as a change of the link, which
 * would make IPv6 walk all of its routes (netif_state_change() in net/core/dev.c). */
static int put_flags(struct dp_op *op, const struct dp_brport *port)
{
	struct nlmsghdr *msg = rtnl_begin(op, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	struct nlattr *data;

	ifi->ifi_family = AF_BRIDGE;
	ifi->ifi_index = rtnl_ifindex(dp_op_dp(op), &port->ifname);
	data = mnl_attr_nest_start(msg, IFLA_PROTINFO);
	mnl_attr_put_u8(msg, IFLA_BRPORT_ISOLATED, port->isolated);
	mnl_attr_put_u8(msg, IFLA_BRPORT_LEARNING, port->learning);
	mnl_attr_put_u8(msg, IFLA_BRPORT_GUARD, port->bpdu_guard);
	mnl_attr_put_u8(msg, IFLA_BRPORT_MODE, port->hairpin);
	mnl_attr_put_u8(msg, IFLA_BRPORT_NEIGH_SUPPRESS, port->neigh_suppress);
	mnl_attr_nest_end(msg, data);
	return rtnl_end(op, msg, 0);
}

static int brport_modify(struct dp_op *op, const void *have, const void *want)
{
	const struct dp_brport fresh = { .learning = true }; /* as the kernel makes one */
	const struct dp_brport *h = have, *w = want;
	bool moves = !h || !ifname_equal(&h->bridge, &w->bridge);

	if (moves)
		port_put_master(op, &w->ifname, &w->bridge, false);
	if (flags_differ(moves ? &fresh : h, w))
		put_flags(op, w);
	return -EINPROGRESS;
}

/* ip link set NAME master BRIDGE */
static int brport_create(struct dp_op *op, const void *want)
{
	const struct dp_brport *port = want;
	const struct dp_brport *have = dp_have(dp_op_dp(op), &dp_brport_type, port->ifname.str);
	int r;

	if (have && brport_diff(have, want) == DP_SAME)
		return 0;
	r = port_check(op, &port->ifname);
	if (r < 0)
		return r;
	return brport_modify(op, have, want);
}

static int brport_remove(struct dp_op *op, const void *have)
{
	const struct dp_brport *port = have;

	return port_release(op, &port->ifname, &port->bridge);
}

const struct dp_type dp_brport_type = {
	.name = "brport",
	.size = sizeof(struct dp_brport),
	.key = link_key,
	.diff = brport_diff,
	.needs = brport_needs,
	.print = brport_print,
	.create = brport_create,
	.modify = brport_modify,
	.remove = brport_remove,
};

extern const struct link_kind dp_brport_kind;
const struct link_kind dp_brport_kind = {
	.kind = "bridge",
	.slave = true,
	.type = &dp_brport_type,
	.read = brport_read,
};
