/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: ours by IFA_PROTO; every other one is observed too, for the daemons' models. */
#include <errno.h>
#include <linux/if_addr.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/items/link.h"
#include "dataplane/mark.h"
#include "dataplane/nl/rtnl.h"

static void addr_key(const void *spec, struct strbuf *out)
{
	const struct dp_addr *addr = spec;

	strbuf_add(out, addr->ifname.str);
	strbuf_addc(out, '/');
	prefix_format(&addr->prefix, out);
}

static bool addr_is_v6(const struct dp_addr *addr)
{
	return addr->prefix.addr.family == AF_INET6;
}

/*
 * A duplicate was found: the kernel will never use it, nor look again. So it is made anew, with
 * the engine's back-off for what drifts again and again.
 */
static enum dp_change addr_diff(const void *have, const void *want)
{
	const struct dp_addr *h = have, *w = want;

	if (h->dadfailed && !w->nodad)
		return DP_RECREATE;
	if (h->noprefixroute == w->noprefixroute)
		return DP_SAME;
	/* IPv4: the kernel's replace changes lifetimes only */
	return addr_is_v6(w) ? DP_MODIFY : DP_RECREATE;
}

/* Not "up": IPv6 addresses go when it goes down (unless keep_addr_on_down is set), which the kernel
 * tells, but they can be set again at once. */
static void addr_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_addr *addr = want;

	dp_need(deps, &dp_link_type, addr->ifname.str, DP_FALLS_WITH, NULL);
}

static void addr_print(const void *spec, struct strbuf *out)
{
	const struct dp_addr *addr = spec;

	strbuf_addf(out, "dev=%s%s%s%s%s", addr->ifname.str,
		    addr->noprefixroute ? " noprefixroute" : "", addr->nodad ? " nodad" : "",
		    addr->tentative ? " tentative" : "", addr->dadfailed ? " dadfailed" : "");
}

/* ---- Operations ---- */

static struct nlmsghdr *addr_begin(struct dp_op *op, uint16_t type, uint16_t flags,
				   const struct dp_addr *addr)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, flags, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);

	ifa->ifa_family = addr->prefix.addr.family;
	ifa->ifa_prefixlen = addr->prefix.len;
	ifa->ifa_index = rtnl_ifindex(dp_op_dp(op), &addr->ifname);
	rtnl_put_ipaddr(msg, IFA_LOCAL, &addr->prefix.addr);
	/* Only with this one does a delete look at the length (inet_rtm_deladdr()). */
	rtnl_put_ipaddr(msg, IFA_ADDRESS, &addr->prefix.addr);
	return msg;
}

/* ip address replace PREFIX dev NAME [noprefixroute] [nodad] proto MARK */
static int addr_set(struct dp_op *op, const struct dp_addr *addr, uint16_t flags)
{
	struct nlmsghdr *msg = addr_begin(op, RTM_NEWADDR, flags, addr);
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);
	uint32_t bits = 0;

	if (addr->noprefixroute)
		bits |= IFA_F_NOPREFIXROUTE;
	if (addr->nodad && addr_is_v6(addr))
		bits |= IFA_F_NODAD;
	if (!addr_is_v6(addr)) {
		const struct ipaddr broadcast = prefix_last(&addr->prefix);

		if (addr->prefix.len < 31) /* RFC 3021: a link of two has none */
			rtnl_put_ipaddr(msg, IFA_BROADCAST, &broadcast);
		if (addr->prefix.addr.byte[0] == 127)
			ifa->ifa_scope = RT_SCOPE_HOST;
		else if (ipaddr_is_linklocal(&addr->prefix.addr))
			ifa->ifa_scope = RT_SCOPE_LINK;
	}
	mnl_attr_put_u32(msg, IFA_FLAGS, bits);
	mnl_attr_put_u8(msg, IFA_PROTO, dp_mark(dp_conf(dp_op_dp(op))->owner)->protocol);
	return rtnl_end(op, msg, 0);
}

static int addr_create(struct dp_op *op, const void *want)
{
	const struct dp_addr *addr = want;

	if (!ipaddr_is_set(&addr->prefix.addr) ||
	    addr->prefix.len > ipaddr_bits(&addr->prefix.addr))
		return -EINVAL;
	return addr_set(op, addr, NLM_F_CREATE | NLM_F_EXCL);
}

static int addr_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return addr_set(op, want, NLM_F_CREATE | NLM_F_REPLACE);
}

/* ip address del PREFIX dev NAME */
static int addr_remove(struct dp_op *op, const void *have)
{
	const struct dp_addr *addr = have;

	if (!rtnl_ifindex(dp_op_dp(op), &addr->ifname))
		return 0;
	return rtnl_end(op, addr_begin(op, RTM_DELADDR, 0, addr), RTNL_ABSENT_OK);
}

/* ---- What exists ---- */

static bool addr_parse(struct dp *dp, const struct nlmsghdr *msg, struct dp_addr *ret, bool *ours)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[IFA_MAX + 1];
	uint32_t flags;

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*ifa) ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return false;
	rtnl_attrs(msg, sizeof(*ifa), tb, IFA_MAX);
	flags = tb[IFA_FLAGS] ? rtnl_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	*ret = (struct dp_addr){
		.noprefixroute = flags & IFA_F_NOPREFIXROUTE,
		.nodad = flags & IFA_F_NODAD,
		.tentative = flags & IFA_F_TENTATIVE,
		.dadfailed = flags & IFA_F_DADFAILED,
	};
	/* IFA_LOCAL is ours and IFA_ADDRESS the peer's, where there is one. */
	ret->prefix.addr =
		rtnl_ipaddr(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], ifa->ifa_family);
	ret->prefix.len = ifa->ifa_prefixlen;
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

/* Each family by itself: the kernel takes its big lock for a dump of all (rtnl_dump_all()). */
static int addr_dump(struct dp *dp)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++) {
		char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));
		struct nlmsghdr *msg = rtnl_prepare(buf, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
		struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);

		ifa->ifa_family = families[i];
		r = rtnl_dump(dp, msg, addr_seen);
	}
	return r;
}

const struct dp_type dp_addr_type = {
	.name = "addr",
	.size = sizeof(struct dp_addr),
	.key = addr_key,
	.diff = addr_diff,
	.needs = addr_needs,
	.print = addr_print,
	.create = addr_create,
	.modify = addr_modify,
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
