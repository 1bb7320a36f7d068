/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy routing rules, ours by FRA_PROTOCOL; others are not observed. A rule may name an
 * interface that is not there yet: it then matches from the moment it is.
 */
#include <errno.h>
#include <linux/fib_rules.h>

#include "base/strbuf.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/mark.h"
#include "dataplane/nl/rtnl.h"

/* As the kernel tells it: no host bits, any is unset, a mark without mask has the full one. */
static struct dp_rule normal(const struct dp_rule *rule)
{
	struct dp_rule n = *rule;

	n.from = n.from.len ? prefix_network(&n.from) : (struct prefix){ 0 };
	n.to = n.to.len ? prefix_network(&n.to) : (struct prefix){ 0 };
	if (n.fwmark && !n.fwmask)
		n.fwmask = UINT32_MAX;
	if (n.l3mdev || n.unreachable)
		n.table = 0;
	return n;
}

static void key_prefix(const char *word, const struct prefix *p, struct strbuf *out)
{
	if (!p->len)
		return;
	strbuf_add(out, word);
	prefix_format(p, out);
}

static void key_ifname(const char *word, const struct ifname *ifname, struct strbuf *out)
{
	if (!ifname->str[0])
		return;
	strbuf_add(out, word);
	strbuf_add(out, ifname->str);
}

/* In the words of ip rule; there is nothing else to print. */
static void rule_key(const void *spec, struct strbuf *out)
{
	const struct dp_rule r = normal(spec);

	strbuf_add(out, r.family == AF_INET6 ? "6/" : "4/");
	strbuf_addu(out, r.priority);
	key_prefix(" from=", &r.from, out);
	key_prefix(" to=", &r.to, out);
	key_ifname(" iif=", &r.iif, out);
	key_ifname(" oif=", &r.oif, out);
	if (r.fwmask)
		strbuf_addf(out, " fwmark=0x%x/0x%x", r.fwmark, r.fwmask);
	if (r.l3mdev)
		strbuf_add(out, " l3mdev");
	else if (r.unreachable)
		strbuf_add(out, " unreachable");
	else {
		strbuf_add(out, " lookup=");
		strbuf_addu(out, r.table);
	}
	if (r.suppress_default)
		strbuf_add(out, " suppress_default");
}

static enum dp_change rule_diff(const void *have, const void *want)
{
	(void)have;
	(void)want;
	return DP_SAME; /* the key is all there is */
}

/* ---- Operations ---- */

static bool rule_is_valid(const struct dp_rule *r)
{
	if (r->family != AF_INET && r->family != AF_INET6)
		return false;
	if ((r->from.len && r->from.addr.family != r->family) ||
	    (r->to.len && r->to.addr.family != r->family))
		return false;
	return r->l3mdev || r->unreachable || r->table;
}

static void put_prefix(struct nlmsghdr *msg, uint16_t type, const struct prefix *p, uint8_t *len)
{
	*len = p->len;
	if (p->len)
		rtnl_put_ipaddr(msg, type, &p->addr);
}

/* ip rule add|del pref PREF from … to … iif … oif … fwmark … lookup TABLE proto MARK */
static int rule_send(struct dp_op *op, uint16_t type, uint16_t flags, const struct dp_rule *rule,
		     unsigned int accept)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, flags, sizeof(struct fib_rule_hdr));
	struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(msg);
	const struct dp_rule r = normal(rule);

	frh->family = r.family;
	frh->action = r.unreachable ? FR_ACT_UNREACHABLE : FR_ACT_TO_TBL;
	put_prefix(msg, FRA_SRC, &r.from, &frh->src_len);
	put_prefix(msg, FRA_DST, &r.to, &frh->dst_len);
	mnl_attr_put_u32(msg, FRA_PRIORITY, r.priority);
	if (r.iif.str[0])
		mnl_attr_put_strz(msg, FRA_IIFNAME, r.iif.str);
	if (r.oif.str[0])
		mnl_attr_put_strz(msg, FRA_OIFNAME, r.oif.str);
	if (r.fwmask) {
		mnl_attr_put_u32(msg, FRA_FWMARK, r.fwmark);
		mnl_attr_put_u32(msg, FRA_FWMASK, r.fwmask);
	}
	if (r.l3mdev)
		mnl_attr_put_u8(msg, FRA_L3MDEV, 1);
	else if (!r.unreachable)
		mnl_attr_put_u32(msg, FRA_TABLE, r.table);
	if (r.suppress_default)
		mnl_attr_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, 0);
	/* In a delete it is a condition: one of somebody else's stays. */
	mnl_attr_put_u8(msg, FRA_PROTOCOL, dp_mark(dp_conf(dp_op_dp(op))->owner)->protocol);
	return rtnl_end(op, msg, accept);
}

/* An equal one of another protocol is no obstacle: the kernel holds both. */
static int rule_create(struct dp_op *op, const void *want)
{
	if (!rule_is_valid(want))
		return -EINVAL;
	return rule_send(op, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, want, 0);
}

static int rule_remove(struct dp_op *op, const void *have)
{
	if (!rule_is_valid(have))
		return 0;
	return rule_send(op, RTM_DELRULE, 0, have, RTNL_ABSENT_OK);
}

/* ---- What exists ---- */

static struct prefix get_prefix(const struct nlattr *attr, uint8_t family, uint8_t len)
{
	return len ? (struct prefix){ .addr = rtnl_ipaddr(attr, family), .len = len }
		   : (struct prefix){ 0 };
}

/* false: not ours, or with something we never set. */
static bool rule_parse(struct dp *dp, const struct nlmsghdr *msg, struct dp_rule *ret)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[FRA_MAX + 1];

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*frh) ||
	    (frh->family != AF_INET && frh->family != AF_INET6))
		return false;
	rtnl_attrs(msg, sizeof(*frh), tb, FRA_MAX);
	if (rtnl_u8(tb[FRA_PROTOCOL]) != dp_mark(dp_conf(dp)->owner)->protocol)
		return false;
	*ret = (struct dp_rule){
		.family = frh->family,
		.priority = rtnl_u32(tb[FRA_PRIORITY]),
		.from = get_prefix(tb[FRA_SRC], frh->family, frh->src_len),
		.to = get_prefix(tb[FRA_DST], frh->family, frh->dst_len),
		.fwmark = rtnl_u32(tb[FRA_FWMARK]),
		.fwmask = rtnl_u32(tb[FRA_FWMASK]),
		.table = tb[FRA_TABLE] ? rtnl_u32(tb[FRA_TABLE]) : frh->table,
		.l3mdev = rtnl_u8(tb[FRA_L3MDEV]),
		.unreachable = frh->action == FR_ACT_UNREACHABLE,
		.suppress_default =
			tb[FRA_SUPPRESS_PREFIXLEN] && rtnl_u32(tb[FRA_SUPPRESS_PREFIXLEN]) == 0,
	};
	rtnl_str(tb[FRA_IIFNAME], ret->iif.str, sizeof(ret->iif.str));
	rtnl_str(tb[FRA_OIFNAME], ret->oif.str, sizeof(ret->oif.str));
	return frh->action == FR_ACT_TO_TBL || ret->unreachable;
}

static void rule_seen(struct dp *dp, const struct nlmsghdr *msg)
{
	struct dp_rule rule;

	if (rule_parse(dp, msg, &rule))
		dp_observed(dp, &dp_rule_type, &rule, true);
}

static void rule_gone(struct dp *dp, const struct nlmsghdr *msg)
{
	struct strbuf key = STRBUF_INIT;
	struct dp_rule rule;

	if (!rule_parse(dp, msg, &rule))
		return;
	rule_key(&rule, &key);
	dp_gone(dp, &dp_rule_type, strbuf_str(&key));
	strbuf_fini(&key);
}

static int rule_dump(struct dp *dp)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));

	return rtnl_dump(dp, rtnl_prepare(buf, RTM_GETRULE, 0, sizeof(struct fib_rule_hdr)),
			 rule_seen);
}

const struct dp_type dp_rule_type = {
	.name = "rule",
	.size = sizeof(struct dp_rule),
	.key = rule_key,
	.diff = rule_diff,
	.create = rule_create,
	.remove = rule_remove,
	.observe = rule_dump,
};

static const struct dp_type *const rule_types[] = { &dp_rule_type, NULL };

const struct rtnl_observer dp_rule_observer = {
	.name = "rule",
	.msg_new = RTM_NEWRULE,
	.msg_del = RTM_DELRULE,
	.groups = { RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE },
	.types = rule_types,
	.dump = rule_dump,
	.seen = rule_seen,
	.gone = rule_gone,
};
