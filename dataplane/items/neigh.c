/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Permanent neighbours, and addresses answered for (proxy ARP and proxy NDP): ours by
 * NDA_PROTOCOL, which the kernel keeps for both kinds since 4.20. It tells of no change to proxy
 * entries, so that drift of those is found at the next dump only.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>

#include "base/strbuf.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/items/link.h"
#include "dataplane/mark.h"
#include "dataplane/nl/rtnl.h"

static void neigh_key(const void *spec, struct strbuf *out)
{
	const struct dp_neigh *neigh = spec;

	strbuf_add(out, neigh->ifname.str);
	strbuf_add(out, neigh->proxy ? "/proxy/" : "/");
	ipaddr_format(&neigh->addr, out);
}

static enum dp_change neigh_diff(const void *have, const void *want)
{
	const struct dp_neigh *h = have, *w = want;

	return h->proxy || mac_equal(&h->mac, &w->mac) ? DP_SAME : DP_MODIFY;
}

/* All entries of an interface go when it goes down: neigh_ifdown() in net/core/neighbour.c. */
static void neigh_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_neigh *neigh = want;

	dp_need(deps, &dp_link_type, neigh->ifname.str, DP_FALLS_WITH, dp_link_is_up);
}

static void neigh_print(const void *spec, struct strbuf *out)
{
	const struct dp_neigh *neigh = spec;

	if (neigh->proxy) {
		strbuf_add(out, "proxy");
		return;
	}
	strbuf_add(out, "lladdr=");
	mac_format(&neigh->mac, out);
}

/* ---- Operations ---- */

static struct nlmsghdr *neigh_begin(struct dp_op *op, uint16_t type, uint16_t flags,
				    const struct dp_neigh *neigh)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, flags, sizeof(struct ndmsg));
	struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);

	ndm->ndm_family = neigh->addr.family;
	ndm->ndm_ifindex = (int)rtnl_ifindex(dp_op_dp(op), &neigh->ifname);
	ndm->ndm_state = NUD_PERMANENT;
	ndm->ndm_flags = neigh->proxy ? NTF_PROXY : 0;
	rtnl_put_ipaddr(msg, NDA_DST, &neigh->addr);
	return msg;
}

/* ip neigh replace ADDR lladdr MAC dev NAME nud permanent protocol MARK, or with "proxy". Replace,
 * because the kernel may have learned the address already. */
static int neigh_create(struct dp_op *op, const void *want)
{
	const struct dp_neigh *neigh = want;
	struct nlmsghdr *msg;

	if (!ipaddr_is_set(&neigh->addr) || neigh->proxy == mac_is_set(&neigh->mac))
		return -EINVAL;
	msg = neigh_begin(op, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, neigh);
	if (!neigh->proxy)
		mnl_attr_put(msg, NDA_LLADDR, sizeof(neigh->mac.byte), neigh->mac.byte);
	mnl_attr_put_u8(msg, NDA_PROTOCOL, dp_mark(dp_conf(dp_op_dp(op))->owner)->protocol);
	return rtnl_end(op, msg, 0);
}

static int neigh_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return neigh_create(op, want);
}

/* ip neigh del [proxy] ADDR dev NAME */
static int neigh_remove(struct dp_op *op, const void *have)
{
	const struct dp_neigh *neigh = have;

	if (!ipaddr_is_set(&neigh->addr) || !rtnl_ifindex(dp_op_dp(op), &neigh->ifname))
		return 0;
	return rtnl_end(op, neigh_begin(op, RTM_DELNEIGH, 0, neigh), RTNL_ABSENT_OK);
}

/* ---- What exists ---- */

/* false: not ours. The group tells of bridges' forwarding entries too, and of every neighbour that
 * is learned or forgotten: those end here, by the header alone. */
static bool neigh_parse(struct dp *dp, const struct nlmsghdr *msg, struct dp_neigh *ret)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[NDA_MAX + 1];

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*ndm) ||
	    (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6))
		return false;
	rtnl_attrs(msg, sizeof(*ndm), tb, NDA_MAX);
	if (rtnl_u8(tb[NDA_PROTOCOL]) != dp_mark(dp_conf(dp)->owner)->protocol)
		return false;
	*ret = (struct dp_neigh){
		.addr = rtnl_ipaddr(tb[NDA_DST], ndm->ndm_family),
		.proxy = ndm->ndm_flags & NTF_PROXY,
	};
	if (!ret->proxy && tb[NDA_LLADDR] &&
	    mnl_attr_get_payload_len(tb[NDA_LLADDR]) == sizeof(ret->mac.byte))
		memcpy(ret->mac.byte, mnl_attr_get_payload(tb[NDA_LLADDR]), sizeof(ret->mac.byte));
	return ipaddr_is_set(&ret->addr) &&
	       rtnl_ifname(dp, (uint32_t)ndm->ndm_ifindex, &ret->ifname);
}

static void neigh_gone(struct dp *dp, const struct nlmsghdr *msg)
{
	struct strbuf key = STRBUF_INIT;
	struct dp_neigh neigh;

	if (!neigh_parse(dp, msg, &neigh))
		return;
	neigh_key(&neigh, &key);
	dp_gone(dp, &dp_neigh_type, strbuf_str(&key));
	strbuf_fini(&key);
}

static void neigh_seen(struct dp *dp, const struct nlmsghdr *msg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);
	struct dp_neigh neigh;

	if (!neigh_parse(dp, msg, &neigh))
		return;
	if (neigh.proxy || ndm->ndm_state & NUD_PERMANENT)
		dp_observed(dp, &dp_neigh_type, &neigh, true);
	else
		neigh_gone(dp, msg); /* somebody made it one that expires */
}

static int neigh_dump(struct dp *dp)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = rtnl_prepare(buf, RTM_GETNEIGH, 0, sizeof(struct ndmsg));
	struct ndmsg *ndm;
	int r;

	r = rtnl_dump(dp, msg, neigh_seen);
	if (r < 0)
		return r;
	msg = rtnl_prepare(buf, RTM_GETNEIGH, 0, sizeof(*ndm));
	ndm = mnl_nlmsg_get_payload(msg);
	ndm->ndm_flags = NTF_PROXY; /* a table of its own */
	return rtnl_dump(dp, msg, neigh_seen);
}

const struct dp_type dp_neigh_type = {
	.name = "neigh",
	.size = sizeof(struct dp_neigh),
	.key = neigh_key,
	.diff = neigh_diff,
	.needs = neigh_needs,
	.print = neigh_print,
	.create = neigh_create,
	.modify = neigh_modify,
	.remove = neigh_remove,
	.observe = neigh_dump,
};

static const struct dp_type *const neigh_types[] = { &dp_neigh_type, NULL };

const struct rtnl_observer dp_neigh_observer = {
	.name = "neigh",
	.msg_new = RTM_NEWNEIGH,
	.msg_del = RTM_DELNEIGH,
	.groups = { RTNLGRP_NEIGH },
	.types = neigh_types,
	.dump = neigh_dump,
	.seen = neigh_seen,
	.gone = neigh_gone,
	.silent_loss = true,
};
