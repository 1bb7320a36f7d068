/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes of any table. Ours are known by their protocol number; of others only IPv6 default routes
 * that the kernel learned from router advertisements are observed, because they tell the gateway.
 */
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/items/link.h"
#include "dataplane/mark.h"
#include "dataplane/nl/rtnl.h"

/* IPv6 knows no metric 0: it becomes IP6_RT_PRIO_USER (net/ipv6/route.c). */
static uint32_t real_metric(const struct dp_route *r)
{
	return r->dst.addr.family == AF_INET6 && !r->metric ? 1024 : r->metric;
}

static void route_key(const void *spec, struct strbuf *out)
{
	const struct dp_route *r = spec;

	strbuf_addu(out, r->dst.addr.family == AF_INET6 ? 6 : 4);
	strbuf_addc(out, '/');
	strbuf_addu(out, r->table);
	strbuf_addc(out, '/');
	prefix_format(&r->dst, out);
	strbuf_addc(out, '/');
	strbuf_addu(out, real_metric(r));
}

static bool nexthop_equal(const struct dp_nexthop *a, const struct dp_nexthop *b)
{
	return ipaddr_equal(&a->gateway, &b->gateway) && (a->weight ?: 1) == (b->weight ?: 1) &&
	       (!a->ifname.str[0] || !b->ifname.str[0] || ifname_equal(&a->ifname, &b->ifname));
}

static enum dp_change route_diff(const void *have, const void *want)
{
	const struct dp_route *h = have, *w = want;

	if (h->kind != w->kind)
		return DP_RECREATE;
	if (h->nexthops != w->nexthops || !ipaddr_equal(&h->prefsrc, &w->prefsrc))
		return DP_MODIFY;
	for (unsigned int i = 0; i < w->nexthops; i++)
		if (!nexthop_equal(&h->nexthop[i], &w->nexthop[i]))
			return DP_MODIFY;
	return DP_SAME;
}

/* The kernel drops a route when its interface goes down, IPv4 without a word. */
static void route_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_route *r = want;

	for (unsigned int i = 0; i < r->nexthops; i++)
		if (r->nexthop[i].ifname.str[0])
			dp_need(deps, &dp_link_type, r->nexthop[i].ifname.str, DP_FALLS_WITH,
				dp_link_is_up);
}

static const char *const kind_names[] = {
	[DP_ROUTE_UNICAST] = "unicast",
	[DP_ROUTE_UNREACHABLE] = "unreachable",
	[DP_ROUTE_BLACKHOLE] = "blackhole",
	[DP_ROUTE_LOCAL] = "local",
};

static const uint8_t kind_types[] = {
	[DP_ROUTE_UNICAST] = RTN_UNICAST,
	[DP_ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
	[DP_ROUTE_BLACKHOLE] = RTN_BLACKHOLE,
	[DP_ROUTE_LOCAL] = RTN_LOCAL,
};

static void route_print(const void *spec, struct strbuf *out)
{
	const struct dp_route *r = spec;

	strbuf_add(out, kind_names[r->kind]);
	for (unsigned int i = 0; i < r->nexthops; i++) {
		if (ipaddr_is_set(&r->nexthop[i].gateway)) {
			strbuf_add(out, " via=");
			ipaddr_format(&r->nexthop[i].gateway, out);
		}
		if (r->nexthop[i].ifname.str[0])
			strbuf_addf(out, " dev=%s", r->nexthop[i].ifname.str);
		if (r->nexthop[i].weight > 1)
			strbuf_addf(out, " weight=%u", r->nexthop[i].weight);
	}
	if (ipaddr_is_set(&r->prefsrc)) {
		strbuf_add(out, " src=");
		ipaddr_format(&r->prefsrc, out);
	}
}

/* ---- To the kernel ---- */

static void put_multipath(struct dp *dp, struct nlmsghdr *msg, const struct dp_route *r)
{
	struct nlattr *nest = mnl_attr_nest_start(msg, RTA_MULTIPATH);

	for (unsigned int i = 0; i < r->nexthops; i++) {
		const struct dp_nexthop *nh = &r->nexthop[i];
		struct rtnexthop *rtnh = mnl_nlmsg_put_extra_header(msg, sizeof(*rtnh));

		rtnh->rtnh_ifindex = (int)rtnl_ifindex(dp, &nh->ifname);
		rtnh->rtnh_hops = nh->weight ? (uint8_t)(nh->weight - 1) : 0;
		rtnh->rtnh_flags = nh->onlink ? RTNH_F_ONLINK : 0;
		if (ipaddr_is_set(&nh->gateway))
			rtnl_put_ipaddr(msg, RTA_GATEWAY, &nh->gateway);
		rtnh->rtnh_len = (uint16_t)((char *)mnl_nlmsg_get_payload_tail(msg) - (char *)rtnh);
	}
	mnl_attr_nest_end(msg, nest);
}

static void put_nexthop(struct dp *dp, struct nlmsghdr *msg, struct rtmsg *rtm,
			const struct dp_nexthop *nh)
{
	rtm->rtm_flags = nh->onlink ? RTNH_F_ONLINK : 0;
	if (nh->ifname.str[0])
		mnl_attr_put_u32(msg, RTA_OIF, rtnl_ifindex(dp, &nh->ifname));
	if (ipaddr_is_set(&nh->gateway))
		rtnl_put_ipaddr(msg, RTA_GATEWAY, &nh->gateway);
	else if (rtm->rtm_family == AF_INET)
		rtm->rtm_scope = RT_SCOPE_LINK;
}

static struct nlmsghdr *begin(struct dp_op *op, uint16_t type, uint16_t flags,
			      const struct dp_route *r)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, flags, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);

	rtm->rtm_family = r->dst.addr.family;
	rtm->rtm_dst_len = r->dst.len;
	rtm->rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	rtm->rtm_protocol = dp_mark(dp_conf(dp_op_dp(op))->owner)->protocol;
	rtm->rtm_type = kind_types[r->kind];
	rtm->rtm_scope = r->kind == DP_ROUTE_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	if (r->dst.len)
		rtnl_put_ipaddr(msg, RTA_DST, &r->dst.addr);
	mnl_attr_put_u32(msg, RTA_TABLE, r->table);
	mnl_attr_put_u32(msg, RTA_PRIORITY, r->metric);
	return msg;
}

/* ip route replace [KIND] PREFIX table TABLE metric METRIC proto MARK via … dev … */
static int route_create(struct dp_op *op, const void *want)
{
	const struct dp_route *r = want;
	struct nlmsghdr *msg = begin(op, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);

	if (ipaddr_is_set(&r->prefsrc))
		rtnl_put_ipaddr(msg, RTA_PREFSRC, &r->prefsrc);
	if (r->nexthops == 1)
		put_nexthop(dp_op_dp(op), msg, mnl_nlmsg_get_payload(msg), &r->nexthop[0]);
	else if (r->nexthops > 1)
		put_multipath(dp_op_dp(op), msg, r);
	return rtnl_end(op, msg, 0);
}

static int route_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return route_create(op, want);
}

/* By prefix, table, metric and protocol: whatever its next hops have become. */
static int route_remove(struct dp_op *op, const void *have)
{
	struct nlmsghdr *msg = begin(op, RTM_DELROUTE, 0, have);
	struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);

	rtm->rtm_scope = RT_SCOPE_NOWHERE;
	return rtnl_end(op, msg, RTNL_ABSENT_OK);
}

/* ---- From the kernel ---- */

static void parse_nexthop(struct dp *dp, struct dp_route *r, uint32_t ifindex,
			  const struct nlattr *gateway, uint8_t hops)
{
	struct dp_nexthop *nh = &r->nexthop[r->nexthops];

	if (r->nexthops == DP_NEXTHOPS)
		return;
	r->nexthops++;
	rtnl_ifname(dp, ifindex, &nh->ifname);
	if (gateway)
		nh->gateway = rtnl_ipaddr(gateway, r->dst.addr.family);
	nh->weight = (uint8_t)(hops + 1);
}

static void parse_multipath(struct dp *dp, struct dp_route *r, const struct nlattr *attr)
{
	const struct rtnexthop *rtnh = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);

	while (left >= sizeof(*rtnh) && rtnh->rtnh_len >= sizeof(*rtnh) && rtnh->rtnh_len <= left) {
		const struct nlattr *a = (const struct nlattr *)(rtnh + 1), *gateway = NULL;
		int bytes = rtnh->rtnh_len - (int)sizeof(*rtnh);

		for (; mnl_attr_ok(a, bytes); a = mnl_attr_next(a)) {
			bytes -= (int)MNL_ALIGN(a->nla_len);
			if (mnl_attr_get_type(a) == RTA_GATEWAY)
				gateway = a;
		}
		parse_nexthop(dp, r, (uint32_t)rtnh->rtnh_ifindex, gateway, rtnh->rtnh_hops);
		if ((size_t)RTNH_ALIGN(rtnh->rtnh_len) >= left)
			break;
		left -= (size_t)RTNH_ALIGN(rtnh->rtnh_len);
		rtnh = RTNH_NEXT(rtnh);
	}
}

static bool parse_kind(uint8_t type, enum dp_route_kind *ret)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(kind_types); i++) {
		if (kind_types[i] == type) {
			*ret = (enum dp_route_kind)i;
			return true;
		}
	}
	return false;
}

static bool is_learned_default(const struct rtmsg *rtm)
{
	return rtm->rtm_family == AF_INET6 && rtm->rtm_dst_len == 0 &&
	       rtm->rtm_protocol == RTPROT_RA;
}

/* false: none that concerns us. */
static bool route_parse(struct dp *dp, const struct nlmsghdr *msg, struct dp_route *ret, bool *ours)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[RTA_MAX + 1];

	*ret = (struct dp_route){ 0 };
	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*rtm) || (rtm->rtm_flags & RTM_F_CLONED) ||
	    (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    !parse_kind(rtm->rtm_type, &ret->kind))
		return false;
	*ours = rtm->rtm_protocol == dp_mark(dp_conf(dp)->owner)->protocol;
	if (!*ours && !is_learned_default(rtm))
		return false;
	rtnl_attrs(msg, sizeof(*rtm), tb, RTA_MAX);
	ret->dst.addr = tb[RTA_DST] ? rtnl_ipaddr(tb[RTA_DST], rtm->rtm_family)
				    : (struct ipaddr){ .family = rtm->rtm_family };
	ret->dst.len = rtm->rtm_dst_len;
	ret->table = tb[RTA_TABLE] ? rtnl_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	ret->metric = rtnl_u32(tb[RTA_PRIORITY]);
	if (tb[RTA_PREFSRC])
		ret->prefsrc = rtnl_ipaddr(tb[RTA_PREFSRC], rtm->rtm_family);
	/* IPv6 hangs those without next hop on the loopback interface. */
	if (ret->kind == DP_ROUTE_UNREACHABLE || ret->kind == DP_ROUTE_BLACKHOLE)
		return true;
	if (tb[RTA_MULTIPATH])
		parse_multipath(dp, ret, tb[RTA_MULTIPATH]);
	else
		parse_nexthop(dp, ret, rtnl_u32(tb[RTA_OIF]), tb[RTA_GATEWAY], 0);
	return true;
}

static void route_seen(struct dp *dp, const struct nlmsghdr *msg)
{
	struct dp_route route;
	bool ours;

	if (route_parse(dp, msg, &route, &ours))
		dp_observed(dp, &dp_route_type, &route, ours);
}

static void route_gone(struct dp *dp, const struct nlmsghdr *msg)
{
	struct strbuf key = STRBUF_INIT;
	struct dp_route route;
	bool ours;

	if (!route_parse(dp, msg, &route, &ours))
		return;
	route_key(&route, &key);
	dp_gone(dp, &dp_route_type, strbuf_str(&key));
	strbuf_fini(&key);
}

/* The kernel filters by protocol (strict checking, net/ipv4/fib_frontend.c). */
static int dump_some(struct dp *dp, uint8_t family, uint8_t protocol)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = rtnl_prepare(buf, RTM_GETROUTE, 0, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);

	rtm->rtm_family = family;
	rtm->rtm_protocol = protocol;
	return rtnl_dump(dp, msg, route_seen);
}

static int route_dump(struct dp *dp)
{
	uint8_t ours = dp_mark(dp_conf(dp)->owner)->protocol;
	int r = dump_some(dp, AF_INET, ours);

	if (r == 0)
		r = dump_some(dp, AF_INET6, ours);
	if (r == 0)
		r = dump_some(dp, AF_INET6, RTPROT_RA);
	return r;
}

const struct dp_type dp_route_type = {
	.name = "route",
	.size = sizeof(struct dp_route),
	.key = route_key,
	.diff = route_diff,
	.needs = route_needs,
	.print = route_print,
	.create = route_create,
	.modify = route_modify,
	.remove = route_remove,
	.observe = route_dump,
};

static const struct dp_type *const route_types[] = { &dp_route_type, NULL };

const struct rtnl_observer dp_route_observer = {
	.name = "route",
	.msg_new = RTM_NEWROUTE,
	.msg_del = RTM_DELROUTE,
	.groups = { RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE },
	.types = route_types,
	.silent_loss = true,
	.dump = route_dump,
	.seen = route_seen,
	.gone = route_gone,
};
