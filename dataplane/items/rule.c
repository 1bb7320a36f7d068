/* SPDX-License-Identifier: Apache-2.0 */
/* Policy routing rules. Everything a rule says is its key, so it never changes: it comes and goes. */
#include <linux/fib_rules.h>

#include "base/strbuf.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/mark.h"
#include "dataplane/nl/rtnl.h"

static void key_prefix(struct strbuf *out, const char *name, const struct prefix *p)
{
	if (!ipaddr_is_set(&p->addr))
		return;
	strbuf_add(out, name);
	prefix_format(p, out);
}

static void key_text(struct strbuf *out, const char *name, const char *text)
{
	if (!text[0])
		return;
	strbuf_add(out, name);
	strbuf_add(out, text);
}

static void rule_key(const void *spec, struct strbuf *out)
{
	const struct dp_rule *r = spec;

	strbuf_addu(out, r->family == AF_INET6 ? 6 : 4);
	strbuf_addc(out, '/');
	strbuf_addu(out, r->priority);
	key_prefix(out, " from=", &r->from);
	key_prefix(out, " to=", &r->to);
	key_text(out, " iif=", r->iif.str);
	key_text(out, " oif=", r->oif.str);
	if (r->fwmask)
		strbuf_addf(out, " fwmark=0x%x/0x%x", r->fwmark, r->fwmask);
	if (r->l3mdev)
		strbuf_add(out, " l3mdev");
	else if (r->unreachable)
		strbuf_add(out, " unreachable");
	else {
		strbuf_add(out, " lookup=");
		strbuf_addu(out, r->table);
	}
	if (r->suppress_default)
		strbuf_add(out, " suppress_default");
}

static enum dp_change rule_diff(const void *have, const void *want)
{
	(void)have, (void)want;
	return DP_SAME;
}

static void put_prefix(struct nlmsghdr *msg, uint16_t type, const struct prefix *p, uint8_t *len)
{
	if (!ipaddr_is_set(&p->addr))
		return;
	rtnl_put_ipaddr(msg, type, &p->addr);
	*len = p->len;
}

static struct nlmsghdr *begin(struct dp_op *op, uint16_t type, uint16_t flags,
			      const struct dp_rule *r)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, flags, sizeof(struct fib_rule_hdr));
	struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(msg);

	frh->family = r->family;
	frh->action = r->unreachable ? FR_ACT_UNREACHABLE : FR_ACT_TO_TBL;
	frh->table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	put_prefix(msg, FRA_SRC, &r->from, &frh->src_len);
	put_prefix(msg, FRA_DST, &r->to, &frh->dst_len);
	if (r->iif.str[0])
		mnl_attr_put_strz(msg, FRA_IIFNAME, r->iif.str);
	if (r->oif.str[0])
		mnl_attr_put_strz(msg, FRA_OIFNAME, r->oif.str);
	if (r->fwmask) {
		mnl_attr_put_u32(msg, FRA_FWMARK, r->fwmark);
		mnl_attr_put_u32(msg, FRA_FWMASK, r->fwmask);
	}
	mnl_attr_put_u32(msg, FRA_PRIORITY, r->priority);
	if (r->l3mdev)
		mnl_attr_put_u8(msg, FRA_L3MDEV, 1);
	else if (!r->unreachable)
		mnl_attr_put_u32(msg, FRA_TABLE, r->table);
	if (r->suppress_default)
		mnl_attr_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, 0);
	mnl_attr_put_u8(msg, FRA_PROTOCOL, dp_mark(dp_conf(dp_op_dp(op))->owner)->protocol);
	return msg;
}

/* ip rule add pref PRIORITY … lookup TABLE protocol MARK. The kernel refuses no twin of another
 * protocol, and with NLM_F_EXCL none of ours is made twice. */
static int rule_create(struct dp_op *op, const void *want)
{
	return rtnl_end(op, begin(op, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, want),
			RTNL_EXISTS_OK);
}

static int rule_remove(struct dp_op *op, const void *have)
{
	return rtnl_end(op, begin(op, RTM_DELRULE, 0, have), RTNL_ABSENT_OK);
}

static struct prefix parse_prefix(const struct nlattr *attr, uint8_t family, uint8_t len)
{
	struct prefix p = { .addr = rtnl_ipaddr(attr, family), .len = len };

	return attr ? p : (struct prefix){ 0 };
}

/* false: not ours. */
static bool rule_parse(struct dp *dp, const struct nlmsghdr *msg, struct dp_rule *ret)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[FRA_MAX + 1];
	uint32_t suppress;

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*frh))
		return false;
	rtnl_attrs(msg, sizeof(*frh), tb, FRA_MAX);
	if (rtnl_u8(tb[FRA_PROTOCOL]) != dp_mark(dp_conf(dp)->owner)->protocol)
		return false;
	suppress = tb[FRA_SUPPRESS_PREFIXLEN] ? rtnl_u32(tb[FRA_SUPPRESS_PREFIXLEN]) : UINT32_MAX;
	*ret = (struct dp_rule){
		.family = frh->family,
		.priority = rtnl_u32(tb[FRA_PRIORITY]),
		.from = parse_prefix(tb[FRA_SRC], frh->family, frh->src_len),
		.to = parse_prefix(tb[FRA_DST], frh->family, frh->dst_len),
		.fwmark = rtnl_u32(tb[FRA_FWMARK]),
		.fwmask = rtnl_u32(tb[FRA_FWMASK]),
		.l3mdev = rtnl_u8(tb[FRA_L3MDEV]),
		.unreachable = frh->action == FR_ACT_UNREACHABLE,
		.suppress_default = suppress == 0,
	};
	if (!ret->l3mdev && !ret->unreachable)
		ret->table = tb[FRA_TABLE] ? rtnl_u32(tb[FRA_TABLE]) : frh->table;
	rtnl_str(tb[FRA_IIFNAME], ret->iif.str, sizeof(ret->iif.str));
	rtnl_str(tb[FRA_OIFNAME], ret->oif.str, sizeof(ret->oif.str));
	return true;
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

static int dump_family(struct dp *dp, uint8_t family)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = rtnl_prepare(buf, RTM_GETRULE, 0, sizeof(struct fib_rule_hdr));
	struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(msg);

	frh->family = family;
	return rtnl_dump(dp, msg, rule_seen);
}

static int rule_dump(struct dp *dp)
{
	int r = dump_family(dp, AF_INET);

	return r < 0 ? r : dump_family(dp, AF_INET6);
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
