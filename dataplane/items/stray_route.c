/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes of the main table that a DHCP client of ours makes because a server or a router said so,
 * beyond the networks of its addresses: by them whoever answers DHCP on one port takes the traffic
 * of all others (CVE-2024-3661). dhcpcd cannot be told to leave them out and let us have its word
 * for them. So each that appears counts as ours and nobody wants it: the engine removes it.
 *
 * The client sets an address before it makes the route to its network, but a dump of the routes may
 * run ahead of the news of addresses. So those are read once more before a route is removed.
 */
#include <errno.h>
#include <linux/rtnetlink.h>

#include "base/strbuf.h"
#include "dataplane/items/host.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/nl/rtnl_state.h"

#define SUBNET_MIN4 8 /* bits: no subnet is larger */
#define SUBNET_MIN6 16
#define SUBNET_MIN_DHCP6 64 /* which gives addresses without a network: a router tells it */

static const uint8_t protocols[] = { RTPROT_DHCP, RTPROT_RA };

static void stray_key(const void *spec, struct strbuf *out)
{
	const struct dp_stray_route *stray = spec;

	strbuf_addf(out, "%s/", stray->ifname.str);
	prefix_format(&stray->dst, out);
	strbuf_addf(out, "/%u/%u", stray->metric, stray->protocol);
}

static enum dp_change stray_diff(const void *have, const void *want)
{
	(void)have, (void)want;
	return DP_SAME;
}

static void stray_print(const void *spec, struct strbuf *out)
{
	const struct dp_stray_route *stray = spec;

	strbuf_addf(out, "dev=%s", stray->ifname.str);
}

/* ---- What exists ---- */

static bool is_client_route(const struct nlmsghdr *msg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);

	return mnl_nlmsg_get_payload_len(msg) >= sizeof(*rtm) &&
	       (rtm->rtm_family == AF_INET || rtm->rtm_family == AF_INET6) &&
	       (rtm->rtm_protocol == protocols[0] || rtm->rtm_protocol == protocols[1]) &&
	       rtm->rtm_table == RT_TABLE_MAIN && rtm->rtm_type == RTN_UNICAST &&
	       !(rtm->rtm_flags & RTM_F_CLONED) && !rtm->rtm_src_len && !rtm->rtm_tos;
}

struct search {
	const struct dp_stray_route *route;
	bool found;
};

static void compare_network(const char *key, const void *spec, void *arg)
{
	const struct dp_addr *addr = spec;
	struct search *search = arg;
	const struct prefix *dst = &search->route->dst;

	(void)key;
	if (ifname_equal(&addr->ifname, &search->route->ifname) &&
	    prefix_contains(dst, &addr->prefix.addr) &&
	    (addr->prefix.len == dst->len ||
	     (addr->prefix.len == 128 && dst->len >= SUBNET_MIN_DHCP6)))
		search->found = true;
}

/* An attacker's DHCP server may still say that its subnet is a large one. */
static bool is_of_an_address(const struct dp *dp, const struct dp_stray_route *route)
{
	struct search search = { .route = route };

	if (!route->on_link ||
	    route->dst.len < (route->dst.addr.family == AF_INET ? SUBNET_MIN4 : SUBNET_MIN6))
		return false;
	dp_each_have(dp, &dp_addr_type, compare_network, &search);
	return search.found;
}

/* Of several routers the first one tells: by its interface the kernel deletes the whole route. */
static uint32_t link_of(const struct nlattr **tb)
{
	const struct rtnexthop *first;

	if (!tb[RTA_MULTIPATH])
		return rtnl_u32(tb[RTA_OIF]);
	if (mnl_attr_get_payload_len(tb[RTA_MULTIPATH]) < sizeof(*first))
		return 0;
	first = mnl_attr_get_payload(tb[RTA_MULTIPATH]);
	return (uint32_t)first->rtnh_ifindex;
}

static bool stray_parse(struct dp *dp, const struct nlmsghdr *msg, struct dp_stray_route *ret)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[RTA_MAX + 1];
	static const uint8_t zero[16];

	if (!is_client_route(msg))
		return false;
	rtnl_attrs(msg, sizeof(*rtm), tb, RTA_MAX);
	*ret = (struct dp_stray_route){ .metric = rtnl_u32(tb[RTA_PRIORITY]),
					.protocol = rtm->rtm_protocol,
					.on_link = !tb[RTA_GATEWAY] && !tb[RTA_VIA] &&
						   !tb[RTA_MULTIPATH] };
	ret->dst.addr = tb[RTA_DST] ? rtnl_ipaddr(tb[RTA_DST], rtm->rtm_family)
				    : ipaddr_from(rtm->rtm_family, zero);
	ret->dst.len = rtm->rtm_dst_len;
	return rtnl_ifname(dp, link_of(tb), &ret->ifname);
}

static void stray_seen(struct dp *dp, const struct nlmsghdr *msg)
{
	struct dp_stray_route stray;

	if (stray_parse(dp, msg, &stray) && !is_of_an_address(dp, &stray) &&
	    dp_have(dp, &dp_dhcpcd_type, stray.ifname.str))
		dp_observed(dp, &dp_stray_route_type, &stray, true);
}

static void stray_gone(struct dp *dp, const struct nlmsghdr *msg)
{
	struct strbuf key = STRBUF_INIT;
	struct dp_stray_route stray;

	if (!stray_parse(dp, msg, &stray))
		return;
	stray_key(&stray, &key);
	dp_gone(dp, &dp_stray_route_type, strbuf_str(&key));
	strbuf_fini(&key);
}

static void count_client(const char *key, const void *spec, void *arg)
{
	(void)key, (void)spec;
	++*(unsigned int *)arg;
}

static int stray_dump(struct dp *dp)
{
	unsigned int clients = 0;
	int r = 0;

	dp_each_have(dp, &dp_dhcpcd_type, count_client, &clients);
	if (!clients)
		return 0; /* most daemons have none, and a fresh start has none yet */
	for (size_t i = 0; r == 0 && i < sizeof(protocols); i++) {
		r = route_dump_some(dp, AF_INET, protocols[i], RT_TABLE_MAIN, stray_seen);
		if (r == 0)
			r = route_dump_some(dp, AF_INET6, protocols[i], RT_TABLE_MAIN, stray_seen);
	}
	return r;
}

/* ---- Operations ---- */

/* Nobody may want one. */
static int stray_create(struct dp_op *op, const void *want)
{
	(void)op, (void)want;
	return -EOPNOTSUPP;
}

/* ip route del PREFIX dev NAME metric METRIC proto PROTOCOL */
static int stray_remove(struct dp_op *op, const void *have)
{
	const struct dp_stray_route *stray = have;
	uint32_t ifindex = rtnl_ifindex(dp_op_dp(op), &stray->ifname);
	struct nlmsghdr *msg;
	struct rtmsg *rtm;

	if (!ifindex)
		return 0; /* it went with its link */
	rtnl_monitor_drain(rtnl_state(dp_op_dp(op))->monitor);
	if (is_of_an_address(dp_op_dp(op), stray))
		return 0;
	msg = rtnl_begin(op, RTM_DELROUTE, 0, sizeof(*rtm));
	rtm = mnl_nlmsg_get_payload(msg);
	rtm->rtm_family = stray->dst.addr.family;
	rtm->rtm_dst_len = stray->dst.len;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = stray->protocol;
	rtm->rtm_scope = RT_SCOPE_NOWHERE;
	if (stray->dst.len)
		rtnl_put_ipaddr(msg, RTA_DST, &stray->dst.addr);
	mnl_attr_put_u32(msg, RTA_OIF, ifindex);
	mnl_attr_put_u32(msg, RTA_PRIORITY, stray->metric);
	return rtnl_end(op, msg, RTNL_ABSENT_OK);
}

const struct dp_type dp_stray_route_type = {
	.name = "stray_route",
	.size = sizeof(struct dp_stray_route),
	.key = stray_key,
	.diff = stray_diff,
	.print = stray_print,
	.create = stray_create,
	.remove = stray_remove,
	.observe = stray_dump,
};

static const struct dp_type *const stray_types[] = { &dp_stray_route_type, NULL };

const struct rtnl_observer dp_stray_route_observer = {
	.name = "stray_route",
	.msg_new = RTM_NEWROUTE,
	.msg_del = RTM_DELROUTE,
	.groups = { RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE },
	.types = stray_types,
	.silent_loss = true,
	.dump = stray_dump,
	.seen = stray_seen,
	.gone = stray_gone,
};
