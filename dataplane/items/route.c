/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes, ours by their protocol number. Of others only default routes of the main table are
 * observed (a router advertisement's, say): a table of a million foreign routes costs nothing
 * but the kernel's walk through it.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/strbuf.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/items/link.h"
#include "dataplane/mark.h"
#include "dataplane/nl/rtnl.h"

#define METRIC_V6 1024 /* IP6_RT_PRIO_USER: what the kernel makes of 0 */

/* ---- As the kernel tells it ---- */

static uint32_t route_table(const struct dp_route *r)
{
	return r->table ? r->table : RT_TABLE_MAIN;
}

static uint32_t route_metric(const struct dp_route *r)
{
	return r->metric || r->dst.addr.family != AF_INET6 ? r->metric : METRIC_V6;
}

static unsigned int weight(const struct dp_nexthop *nh)
{
	return nh->weight ? nh->weight : 1;
}

static void route_key(const void *spec, struct strbuf *out)
{
	const struct dp_route *r = spec;
	const struct prefix dst = prefix_network(&r->dst);

	strbuf_add(out, r->dst.addr.family == AF_INET6 ? "6/" : "4/");
	strbuf_addu(out, route_table(r));
	strbuf_addc(out, '/');
	prefix_format(&dst, out);
	strbuf_addc(out, '/');
	strbuf_addu(out, route_metric(r));
}

/* An interface that is not wished for is the kernel's choice; a weight alone has no meaning. */
static bool nexthop_fits(const struct dp_nexthop *have, const struct dp_nexthop *want, bool alone)
{
	if (want->ifname.str[0] && !ifname_equal(&have->ifname, &want->ifname))
		return false;
	return ipaddr_equal(&have->gateway, &want->gateway) && have->onlink == want->onlink &&
	       (alone || weight(have) == weight(want));
}

/* As sets: the kernel keeps IPv6's in an order of its own. */
static bool nexthops_fit(const struct dp_route *have, const struct dp_route *want)
{
	bool taken[DP_NEXTHOPS] = { false };

	if (have->nexthops != want->nexthops)
		return false;
	for (unsigned int i = 0; i < want->nexthops; i++) {
		unsigned int j = 0;

		while (j < have->nexthops &&
		       (taken[j] ||
			!nexthop_fits(&have->nexthop[j], &want->nexthop[i], want->nexthops == 1)))
			j++;
		if (j == have->nexthops)
			return false;
		taken[j] = true;
	}
	return true;
}

static enum dp_change route_diff(const void *have, const void *want)
{
	const struct dp_route *h = have, *w = want;

	if (h->kind == w->kind && h->nhid == w->nhid && ipaddr_equal(&h->prefsrc, &w->prefsrc) &&
	    nexthops_fit(h, w))
		return DP_SAME;
	return DP_MODIFY; /* replaced in place: no packet meets a gap */
}

/* The kernel drops a route when its interface goes down; without a word, if it is IPv4. */
static void route_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_route *r = want;

	if (r->nhid)
		nhgroup_need(deps, r->nhid);
	for (unsigned int i = 0; i < r->nexthops; i++)
		if (r->nexthop[i].ifname.str[0])
			dp_need(deps, &dp_link_type, r->nexthop[i].ifname.str, DP_FALLS_WITH,
				dp_link_is_up);
}

static void nexthop_print(const struct dp_nexthop *nh, struct strbuf *out)
{
	if (ipaddr_is_set(&nh->gateway)) {
		strbuf_add(out, " via=");
		ipaddr_format(&nh->gateway, out);
	}
	if (nh->ifname.str[0])
		strbuf_addf(out, " dev=%s", nh->ifname.str);
	if (nh->onlink)
		strbuf_add(out, " onlink");
	if (nh->weight > 1)
		strbuf_addf(out, " weight=%u", nh->weight);
}

static void route_print(const void *spec, struct strbuf *out)
{
	static const char *const kinds[] = {
		[DP_ROUTE_UNICAST] = "unicast",
		[DP_ROUTE_UNREACHABLE] = "unreachable",
		[DP_ROUTE_BLACKHOLE] = "blackhole",
		[DP_ROUTE_LOCAL] = "local",
	};
	const struct dp_route *r = spec;

	strbuf_add(out, kinds[r->kind]);
	if (r->nhid)
		strbuf_addf(out, " nhid=%u", r->nhid);
	for (unsigned int i = 0; i < r->nexthops; i++)
		nexthop_print(&r->nexthop[i], out);
	if (ipaddr_is_set(&r->prefsrc)) {
		strbuf_add(out, " src=");
		ipaddr_format(&r->prefsrc, out);
	}
}

/* ---- Operations ---- */

static const uint8_t wire_kinds[] = {
	[DP_ROUTE_UNICAST] = RTN_UNICAST,
	[DP_ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
	[DP_ROUTE_BLACKHOLE] = RTN_BLACKHOLE,
	[DP_ROUTE_LOCAL] = RTN_LOCAL,
};

static bool has_gateway(const struct dp_route *r)
{
	for (unsigned int i = 0; i < r->nexthops; i++)
		if (ipaddr_is_set(&r->nexthop[i].gateway))
			return true;
	return false;
}

/* RFC 5549: an IPv4 route may have an IPv6 gateway. */
static void put_gateway(struct nlmsghdr *msg, const struct dp_route *r, const struct ipaddr *gw)
{
	struct { /* struct rtvia, with its address */
		__kernel_sa_family_t family;
		uint8_t addr[16];
	} via = { .family = gw->family };

	if (!ipaddr_is_set(gw))
		return;
	if (gw->family == r->dst.addr.family) {
		rtnl_put_ipaddr(msg, RTA_GATEWAY, gw);
		return;
	}
	memcpy(via.addr, gw->byte, sizeof(via.addr));
	mnl_attr_put(msg, RTA_VIA, sizeof(via.family) + ipaddr_bits(gw) / 8, &via);
}

static uint32_t nexthop_ifindex(const struct dp *dp, const struct dp_nexthop *nh)
{
	return nh->ifname.str[0] ? rtnl_ifindex(dp, &nh->ifname) : 0;
}

static void put_nexthops(struct nlmsghdr *msg, const struct dp *dp, const struct dp_route *r)
{
	struct nlattr *nest = mnl_attr_nest_start(msg, RTA_MULTIPATH);

	for (unsigned int i = 0; i < r->nexthops; i++) {
		const struct dp_nexthop *nh = &r->nexthop[i];
		struct rtnexthop *rtnh = mnl_nlmsg_get_payload_tail(msg);

		mnl_nlmsg_put_extra_header(msg, sizeof(*rtnh));
		rtnh->rtnh_hops = (uint8_t)(weight(nh) - 1);
		rtnh->rtnh_flags = nh->onlink ? RTNH_F_ONLINK : 0;
		rtnh->rtnh_ifindex = (int)nexthop_ifindex(dp, nh);
		put_gateway(msg, r, &nh->gateway);
		rtnh->rtnh_len = (uint16_t)((char *)mnl_nlmsg_get_payload_tail(msg) - (char *)rtnh);
	}
	mnl_attr_nest_end(msg, nest);
}

static void put_nexthop(struct nlmsghdr *msg, const struct dp *dp, const struct dp_route *r)
{
	struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);
	const struct dp_nexthop *nh = &r->nexthop[0];
	uint32_t ifindex = nexthop_ifindex(dp, nh);

	put_gateway(msg, r, &nh->gateway);
	if (ifindex)
		mnl_attr_put_u32(msg, RTA_OIF, ifindex);
	if (nh->onlink)
		rtm->rtm_flags |= RTNH_F_ONLINK;
}

/* What names the route; enough to delete it. */
static struct nlmsghdr *route_begin(struct dp_op *op, uint16_t type, uint16_t flags,
				    const struct dp_route *r)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, flags, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);
	const struct prefix dst = prefix_network(&r->dst);

	rtm->rtm_family = dst.addr.family;
	rtm->rtm_dst_len = dst.len;
	rtm->rtm_table = RT_TABLE_UNSPEC;
	/* In a delete it is a condition: one of somebody else's stays. */
	rtm->rtm_protocol = dp_mark(dp_conf(dp_op_dp(op))->owner)->protocol;
	rtm->rtm_scope = RT_SCOPE_NOWHERE;
	if (dst.len)
		rtnl_put_ipaddr(msg, RTA_DST, &dst.addr);
	mnl_attr_put_u32(msg, RTA_TABLE, route_table(r));
	mnl_attr_put_u32(msg, RTA_PRIORITY, route_metric(r));
	return msg;
}

/* ip route replace KIND PREFIX via … dev … metric … table … src … proto MARK */
static int route_set(struct dp_op *op, const struct dp_route *r)
{
	struct nlmsghdr *msg = route_begin(op, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);
	struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);

	rtm->rtm_type = wire_kinds[r->kind];
	rtm->rtm_scope = r->kind == DP_ROUTE_LOCAL ? RT_SCOPE_HOST
			 : r->kind == DP_ROUTE_UNICAST && !r->nhid && !has_gateway(r)
				 ? RT_SCOPE_LINK
				 : RT_SCOPE_UNIVERSE;
	if (ipaddr_is_set(&r->prefsrc))
		rtnl_put_ipaddr(msg, RTA_PREFSRC, &r->prefsrc);
	if (r->nhid)
		mnl_attr_put_u32(msg, RTA_NH_ID, r->nhid);
	else if (r->nexthops == 1)
		put_nexthop(msg, dp_op_dp(op), r);
	else if (r->nexthops)
		put_nexthops(msg, dp_op_dp(op), r);
	return rtnl_end(op, msg, 0);
}

static int route_check(const struct dp_route *r)
{
	bool needs_nexthop = r->kind == DP_ROUTE_UNICAST || r->kind == DP_ROUTE_LOCAL;

	if (!ipaddr_is_set(&r->dst.addr) || r->nexthops > DP_NEXTHOPS ||
	    needs_nexthop != (r->nexthops > 0 || r->nhid) || (r->nhid && r->nexthops))
		return -EINVAL;
	return 0;
}

static int route_create(struct dp_op *op, const void *want)
{
	int r = route_check(want);

	return r < 0 ? r : route_set(op, want);
}

static int route_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return route_create(op, want);
}

/* Whatever its next hops have become. */
static int route_remove(struct dp_op *op, const void *have)
{
	const struct dp_route *r = have;

	if (route_check(r) < 0)
		return 0;
	return rtnl_end(op, route_begin(op, RTM_DELROUTE, 0, r), RTNL_ABSENT_OK);
}

/* ---- What exists ---- */

static struct ipaddr get_gateway(const struct nlattr **tb, uint8_t family)
{
	const struct rtvia *via;

	if (!tb[RTA_VIA])
		return rtnl_ipaddr(tb[RTA_GATEWAY], family);
	via = mnl_attr_get_payload(tb[RTA_VIA]);
	if (mnl_attr_get_payload_len(tb[RTA_VIA]) != sizeof(*via) + 16 ||
	    via->rtvia_family != AF_INET6)
		return (struct ipaddr){ 0 };
	return ipaddr_from(AF_INET6, via->rtvia_addr);
}

static void get_nexthop(const struct dp *dp, const struct nlattr **tb, uint8_t family,
			uint32_t ifindex, unsigned int flags, struct dp_nexthop *ret)
{
	rtnl_ifname(dp, ifindex, &ret->ifname);
	ret->gateway = get_gateway(tb, family);
	ret->onlink = flags & RTNH_F_ONLINK;
}

static bool get_nexthops(const struct dp *dp, const struct nlattr *multipath, uint8_t family,
			 struct dp_route *ret)
{
	const struct rtnexthop *rtnh = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);

	/* RTNH_OK() alone would look behind the end. */
	for (; left >= (int)sizeof(*rtnh) && RTNH_OK(rtnh, left);
	     left -= RTNH_ALIGN(rtnh->rtnh_len), rtnh = RTNH_NEXT(rtnh)) {
		const struct nlattr *tb[RTA_MAX + 1] = { NULL };
		const struct nlattr *attr = (const void *)RTNH_DATA(rtnh);
		int rest = rtnh->rtnh_len - (int)sizeof(*rtnh);

		if (ret->nexthops == DP_NEXTHOPS)
			return false;
		for (; mnl_attr_ok(attr, rest);
		     rest -= MNL_ALIGN(attr->nla_len), attr = mnl_attr_next(attr))
			if (mnl_attr_get_type(attr) <= RTA_MAX)
				tb[mnl_attr_get_type(attr)] = attr;
		get_nexthop(dp, tb, family, (uint32_t)rtnh->rtnh_ifindex, rtnh->rtnh_flags,
			    &ret->nexthop[ret->nexthops]);
		ret->nexthop[ret->nexthops++].weight = (uint8_t)(rtnh->rtnh_hops + 1);
	}
	return true;
}

static bool get_kind(const struct rtmsg *rtm, enum dp_route_kind *ret)
{
	for (unsigned int i = 0; i < sizeof(wire_kinds); i++) {
		if (wire_kinds[i] != rtm->rtm_type)
			continue;
		*ret = (enum dp_route_kind)i;
		return true;
	}
	return false;
}

/* By the header alone: most notifications on a busy machine end here. */
static bool route_matters(const struct dp *dp, const struct nlmsghdr *msg, bool *ours)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*rtm) ||
	    (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    rtm->rtm_flags & RTM_F_CLONED || rtm->rtm_src_len || rtm->rtm_tos)
		return false;
	*ours = rtm->rtm_protocol == dp_mark(dp_conf(dp)->owner)->protocol;
	return *ours || (rtm->rtm_dst_len == 0 && rtm->rtm_table == RT_TABLE_MAIN);
}

static bool route_parse(struct dp *dp, const struct nlmsghdr *msg, struct dp_route *ret, bool *ours)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[RTA_MAX + 1];
	static const uint8_t zero[16];

	if (!route_matters(dp, msg, ours))
		return false;
	/* Of ours it is known; without it what is there equals the wish, and one copy does. */
	*ret = (struct dp_route){ .protocol = *ours ? 0 : rtm->rtm_protocol };
	if (!get_kind(rtm, &ret->kind))
		return false;
	rtnl_attrs(msg, sizeof(*rtm), tb, RTA_MAX);
	ret->dst.addr = tb[RTA_DST] ? rtnl_ipaddr(tb[RTA_DST], rtm->rtm_family)
				    : ipaddr_from(rtm->rtm_family, zero);
	ret->dst.len = rtm->rtm_dst_len;
	ret->table = tb[RTA_TABLE] ? rtnl_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	ret->metric = rtnl_u32(tb[RTA_PRIORITY]);
	ret->prefsrc = rtnl_ipaddr(tb[RTA_PREFSRC], rtm->rtm_family);
	/* Of an unreachable one the kernel tells the loopback interface, if it is IPv6. */
	if (ret->kind != DP_ROUTE_UNICAST && ret->kind != DP_ROUTE_LOCAL)
		return true;
	/* Where it leads the kernel tells as well, or not (nexthop_compat_mode). */
	ret->nhid = rtnl_u32(tb[RTA_NH_ID]);
	if (ret->nhid)
		return true;
	if (tb[RTA_MULTIPATH])
		return get_nexthops(dp, tb[RTA_MULTIPATH], rtm->rtm_family, ret);
	get_nexthop(dp, tb, rtm->rtm_family, rtnl_u32(tb[RTA_OIF]), rtm->rtm_flags,
		    &ret->nexthop[0]);
	ret->nexthops = 1;
	return true;
}

static void route_seen(struct dp *dp, const struct nlmsghdr *msg)
{
	struct dp_route route;
	bool ours;

	if (route_parse(dp, msg, &route, &ours))
		dp_observed(dp, &dp_route_type, &route, ours);
}

/* Foreign ones in a dump of the main table. */
static void route_seen_foreign(struct dp *dp, const struct nlmsghdr *msg)
{
	bool ours;

	if (route_matters(dp, msg, &ours) && !ours)
		route_seen(dp, msg);
}

static void route_gone(struct dp *dp, const struct nlmsghdr *msg)
{
	struct strbuf key = STRBUF_INIT;
	const struct dp_route *have;
	struct dp_route route;
	bool ours;

	if (!route_parse(dp, msg, &route, &ours))
		return;
	route_key(&route, &key);
	have = dp_have(dp, &dp_route_type, strbuf_str(&key));
	/* IPv6: one way of several may be told as gone by itself, and others may stay. */
	if (have && have->nexthops > 1 && route.dst.addr.family == AF_INET6)
		rtnl_resync(dp, &dp_route_observer);
	else
		dp_gone(dp, &dp_route_type, strbuf_str(&key));
	strbuf_fini(&key);
}

/* The kernel filters by protocol and by table (strict checking, since 4.20), not by length. */
int route_dump_some(struct dp *dp, uint8_t family, uint8_t protocol, uint8_t table,
		    rtnl_msg_fn *seen)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = rtnl_prepare(buf, RTM_GETROUTE, 0, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);
	int r;

	rtm->rtm_family = family;
	rtm->rtm_protocol = protocol;
	rtm->rtm_table = table;
	r = rtnl_dump(dp, msg, seen);
	return r == -ENOENT || r == -EAFNOSUPPORT ? 0 : r;
}

static int route_dump(struct dp *dp)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	uint8_t protocol = dp_mark(dp_conf(dp)->owner)->protocol;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < 2; i++) {
		r = route_dump_some(dp, families[i], protocol, RT_TABLE_UNSPEC, route_seen);
		if (r == 0)
			r = route_dump_some(dp, families[i], 0, RT_TABLE_MAIN, route_seen_foreign);
	}
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
