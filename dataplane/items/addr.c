/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses. All there are are observed: daemons live on those a DHCP client set. */
#include <linux/if_addr.h>

#include "base/strbuf.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/items/link.h"
#include "dataplane/mark.h"
#include "dataplane/nl/rtnl.h"

static void addr_key(const void *spec, struct strbuf *out)
{
	const struct dp_addr *a = spec;

	strbuf_add(out, a->ifname.str);
	strbuf_addc(out, '/');
	prefix_format(&a->prefix, out);
}

static enum dp_change addr_diff(const void *have, const void *want)
{
	const struct dp_addr *h = have, *w = want;

	/* nodad is about the moment it is set, not about the address. */
	return h->noprefixroute == w->noprefixroute ? DP_SAME : DP_RECREATE;
}

static void addr_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_addr *a = want;

	dp_need(deps, &dp_link_type, a->ifname.str, DP_FALLS_WITH, NULL);
}

static void addr_print(const void *spec, struct strbuf *out)
{
	const struct dp_addr *a = spec;

	strbuf_addf(out, "dev=%s%s%s%s%s", a->ifname.str, a->noprefixroute ? " noprefixroute" : "",
		    a->nodad ? " nodad" : "", a->tentative ? " tentative" : "",
		    a->dadfailed ? " dadfailed" : "");
}

static struct nlmsghdr *begin(struct dp_op *op, uint16_t type, uint16_t flags,
			      const struct dp_addr *a)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, flags, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);

	ifa->ifa_family = a->prefix.addr.family;
	ifa->ifa_prefixlen = a->prefix.len;
	ifa->ifa_index = rtnl_ifindex(dp_op_dp(op), &a->ifname);
	if (ipaddr_is_linklocal(&a->prefix.addr))
		ifa->ifa_scope = RT_SCOPE_LINK;
	rtnl_put_ipaddr(msg, IFA_LOCAL, &a->prefix.addr);
	rtnl_put_ipaddr(msg, IFA_ADDRESS, &a->prefix.addr);
	return msg;
}

/* ip address add PREFIX dev NAME proto MARK [nodad] [noprefixroute] */
static int addr_create(struct dp_op *op, const void *want)
{
	const struct dp_addr *a = want;
	struct nlmsghdr *msg = begin(op, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, a);

	mnl_attr_put_u32(msg, IFA_FLAGS,
			 (a->noprefixroute ? IFA_F_NOPREFIXROUTE : 0u) |
				 (a->nodad ? IFA_F_NODAD : 0u));
	mnl_attr_put_u8(msg, IFA_PROTO, dp_mark(dp_conf(dp_op_dp(op))->owner)->protocol);
	return rtnl_end(op, msg, 0);
}

static int addr_remove(struct dp_op *op, const void *have)
{
	const struct dp_addr *a = have;

	if (!rtnl_ifindex(dp_op_dp(op), &a->ifname))
		return 0;
	return rtnl_end(op, begin(op, RTM_DELADDR, 0, a), RTNL_ABSENT_OK);
}

/* false: not an address of a known interface. */
static bool addr_parse(struct dp *dp, const struct nlmsghdr *msg, struct dp_addr *ret, bool *ours)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[IFA_MAX + 1];
	const struct nlattr *addr;
	uint32_t flags;

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*ifa))
		return false;
	rtnl_attrs(msg, sizeof(*ifa), tb, IFA_MAX);
	addr = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	flags = tb[IFA_FLAGS] ? rtnl_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	*ret = (struct dp_addr){
		.prefix = { .addr = rtnl_ipaddr(addr, ifa->ifa_family), .len = ifa->ifa_prefixlen },
		.noprefixroute = flags & IFA_F_NOPREFIXROUTE,
		.nodad = flags & IFA_F_NODAD,
		.tentative = flags & IFA_F_TENTATIVE,
		.dadfailed = flags & IFA_F_DADFAILED,
	};
	*ours = rtnl_u8(tb[IFA_PROTO]) == dp_mark(dp_conf(dp)->owner)->protocol;
	return ipaddr_is_set(&ret->prefix.addr) && rtnl_ifname(dp, ifa->ifa_index, &ret->ifname);
}

static void addr_seen(struct dp *dp, const struct nlmsghdr *msg)
{
	struct dp_addr addr;
	bool ours;

	if (addr_parse(dp, msg, &addr, &ours))
		dp_observed(dp, &dp_addr_type, &addr, ours);
}

static void addr_gone(struct dp *dp, const struct nlmsghdr *msg)
{
	struct strbuf key = STRBUF_INIT;
	struct dp_addr addr;
	bool ours;

	if (!addr_parse(dp, msg, &addr, &ours))
		return;
	addr_key(&addr, &key);
	dp_gone(dp, &dp_addr_type, strbuf_str(&key));
	strbuf_fini(&key);
}

static int addr_dump(struct dp *dp)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));

	return rtnl_dump(dp, rtnl_prepare(buf, RTM_GETADDR, 0, sizeof(struct ifaddrmsg)),
			 addr_seen);
}

const struct dp_type dp_addr_type = {
	.name = "addr",
	.size = sizeof(struct dp_addr),
	.key = addr_key,
	.diff = addr_diff,
	.needs = addr_needs,
	.print = addr_print,
	.create = addr_create,
	.remove = addr_remove,
	.observe = addr_dump,
};

static const struct dp_type *const addr_types[] = { &dp_addr_type, NULL };

const struct rtnl_observer dp_addr_observer = {
	.name = "addr",
	.msg_new = RTM_NEWADDR,
	.msg_del = RTM_DELADDR,
	.groups = { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR },
	.types = addr_types,
	.dump = addr_dump,
	.seen = addr_seen,
	.gone = addr_gone,
};
