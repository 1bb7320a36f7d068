/* SPDX-License-Identifier: Apache-2.0 */
/* Permanent neighbours and proxy entries. Only ours are observed: the others come by thousands. */
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
	const struct dp_neigh *n = spec;

	strbuf_add(out, n->ifname.str);
	strbuf_add(out, n->proxy ? "/proxy/" : "/");
	ipaddr_format(&n->addr, out);
}

static enum dp_change neigh_diff(const void *have, const void *want)
{
	const struct dp_neigh *h = have, *w = want;

	return mac_equal(&h->mac, &w->mac) ? DP_SAME : DP_MODIFY;
}

static void neigh_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_neigh *n = want;

	dp_need(deps, &dp_link_type, n->ifname.str, DP_FALLS_WITH, dp_link_is_up);
}

static void neigh_print(const void *spec, struct strbuf *out)
{
	const struct dp_neigh *n = spec;

	if (n->proxy) {
		strbuf_add(out, "proxy");
		return;
	}
	strbuf_add(out, "lladdr=");
	mac_format(&n->mac, out);
}

static struct nlmsghdr *begin(struct dp_op *op, uint16_t type, uint16_t flags,
			      const struct dp_neigh *n)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, flags, sizeof(struct ndmsg));
	struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);

	ndm->ndm_family = n->addr.family;
	ndm->ndm_ifindex = (int)rtnl_ifindex(dp_op_dp(op), &n->ifname);
	ndm->ndm_flags = n->proxy ? NTF_PROXY : 0;
	ndm->ndm_state = NUD_PERMANENT;
	rtnl_put_ipaddr(msg, NDA_DST, &n->addr);
	return msg;
}

/* ip neigh replace ADDR lladdr MAC dev NAME nud permanent | ip neigh add proxy ADDR dev NAME */
static int neigh_create(struct dp_op *op, const void *want)
{
	const struct dp_neigh *n = want;
	struct nlmsghdr *msg = begin(op, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, n);

	if (!n->proxy)
		mnl_attr_put(msg, NDA_LLADDR, sizeof(n->mac.byte), n->mac.byte);
	mnl_attr_put_u8(msg, NDA_PROTOCOL, dp_mark(dp_conf(dp_op_dp(op))->owner)->protocol);
	return rtnl_end(op, msg, 0);
}

static int neigh_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return neigh_create(op, want);
}

static int neigh_remove(struct dp_op *op, const void *have)
{
	const struct dp_neigh *n = have;

	if (!rtnl_ifindex(dp_op_dp(op), &n->ifname))
		return 0;
	return rtnl_end(op, begin(op, RTM_DELNEIGH, 0, n), RTNL_ABSENT_OK);
}

static bool neigh_parse(struct dp *dp, const struct nlmsghdr *msg, struct dp_neigh *ret, bool *ours)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[NDA_MAX + 1];

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*ndm) ||
	    (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6))
		return false;
	rtnl_attrs(msg, sizeof(*ndm), tb, NDA_MAX);
	*ours = rtnl_u8(tb[NDA_PROTOCOL]) == dp_mark(dp_conf(dp)->owner)->protocol;
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
	bool ours;

	if (!neigh_parse(dp, msg, &neigh, &ours))
		return;
	neigh_key(&neigh, &key);
	dp_gone(dp, &dp_neigh_type, strbuf_str(&key));
	strbuf_fini(&key);
}

static void neigh_seen(struct dp *dp, const struct nlmsghdr *msg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);
	struct dp_neigh neigh;
	bool ours;

	if (!neigh_parse(dp, msg, &neigh, &ours) || !ours)
		return;
	if (!neigh.proxy && !(ndm->ndm_state & NUD_PERMANENT))
		neigh_gone(dp, msg); /* still there, but open to whatever is claimed */
	else
		dp_observed(dp, &dp_neigh_type, &neigh, true);
}

static int dump_some(struct dp *dp, uint8_t family, uint8_t flags)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = rtnl_prepare(buf, RTM_GETNEIGH, 0, sizeof(struct ndmsg));
	struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);

	ndm->ndm_family = family;
	ndm->ndm_flags = flags;
	return rtnl_dump(dp, msg, neigh_seen);
}

static int neigh_dump(struct dp *dp)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < 2; i++) {
		r = dump_some(dp, families[i], 0);
		if (r == 0)
			r = dump_some(dp, families[i], NTF_PROXY);
	}
	return r;
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
};
