/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/strbuf.h"
#include "dataplane/nl/link_msg.h"

#define ARP_VALIDATE_ACTIVE 1 /* BOND_ARP_VALIDATE_ACTIVE in include/net/bonding.h */
#define MIIMON_DEFAULT_MS 100

bool dp_bond_takes_arp(enum dp_bond_mode mode)
{
	return mode != DP_BOND_8023AD && mode != DP_BOND_TLB && mode != DP_BOND_ALB;
}

/* Without a wish the kernel monitors those that cannot be by ARP (bond_option_mode_set() in
 * drivers/net/bonding/bond_options.c). */
static uint32_t wanted_miimon_ms(const struct dp_bond *bond)
{
	if (bond->miimon_ms || dp_bond_takes_arp(bond->mode))
		return bond->miimon_ms;
	return MIIMON_DEFAULT_MS;
}

static void read_targets(const struct nlattr *nest, struct dp_bond *bond)
{
	const struct nlattr *attr;
	size_t n = 0;

	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest)
	{
		if (n < DP_BOND_ARP_TARGETS && mnl_attr_get_payload_len(attr) == 4)
			bond->arp_targets[n++].s_addr = mnl_attr_get_u32(attr);
	}
}

static bool bond_read(struct dp *dp, const struct link_info *link, void *spec)
{
	const struct nlattr *tb[IFLA_BOND_MAX + 1];
	struct dp_bond *bond = spec;

	(void)dp;
	rtnl_nested(link->data, tb, IFLA_BOND_MAX);
	*bond = (struct dp_bond){
		.ifname = link->ifname,
		.mtu_bytes = link->mtu_bytes,
		.mode = rtnl_u8(tb[IFLA_BOND_MODE]),
		.lacp_fast = rtnl_u8(tb[IFLA_BOND_AD_LACP_RATE]),
		.down = !(link->flags & IFF_UP),
		.miimon_ms = rtnl_u32(tb[IFLA_BOND_MIIMON]),
		.updelay_ms = rtnl_u32(tb[IFLA_BOND_UPDELAY]),
		.downdelay_ms = rtnl_u32(tb[IFLA_BOND_DOWNDELAY]),
		.arp_interval_ms = rtnl_u32(tb[IFLA_BOND_ARP_INTERVAL]),
		.arp_validate = rtnl_u32(tb[IFLA_BOND_ARP_VALIDATE]) == ARP_VALIDATE_ACTIVE,
	};
	read_targets(tb[IFLA_BOND_ARP_IP_TARGET], bond);
	return true;
}

/* The kernel wants delays in whole monitor intervals and rounds down (bond_option_updelay_set()
 * in drivers/net/bonding/bond_options.c). */
static uint32_t whole_intervals(uint32_t delay_ms, uint32_t miimon_ms)
{
	return miimon_ms ? delay_ms / miimon_ms * miimon_ms : 0;
}

static bool monitor_differs(const struct dp_bond *h, const struct dp_bond *w)
{
	uint32_t miimon_ms = wanted_miimon_ms(w);

	if (w->arp_interval_ms)
		return h->arp_interval_ms != w->arp_interval_ms ||
		       h->arp_validate != w->arp_validate ||
		       memcmp(h->arp_targets, w->arp_targets, sizeof(w->arp_targets)) != 0;
	return h->arp_interval_ms || h->miimon_ms != miimon_ms ||
	       h->updelay_ms != whole_intervals(w->updelay_ms, miimon_ms) ||
	       h->downdelay_ms != whole_intervals(w->downdelay_ms, miimon_ms);
}

static bool lacp_differs(const struct dp_bond *h, const struct dp_bond *w)
{
	return w->mode == DP_BOND_8023AD && h->lacp_fast != w->lacp_fast;
}

/*
 * What the kernel lets us change while the bond works (bond_opts[] in
 * drivers/net/bonding/bond_options.c): members, MTU and all of the monitors, from one kind to the
 * other too. The LACP rate needs the bond down for a moment, members stay up. Only another mode
 * wants it without members: made anew.
 */
static enum dp_change bond_diff(const void *have, const void *want)
{
	const struct dp_bond *h = have, *w = want;

	if (h->mode != w->mode)
		return DP_RECREATE;
	if (h->down || monitor_differs(h, w) || lacp_differs(h, w) ||
	    link_mtu_differs(h->mtu_bytes, w->mtu_bytes))
		return DP_MODIFY;
	return DP_SAME;
}

static const char *mode_name(enum dp_bond_mode mode)
{
	switch (mode) {
	case DP_BOND_RR:
		return "balance-rr";
	case DP_BOND_ACTIVE_BACKUP:
		return "active-backup";
	case DP_BOND_XOR:
		return "balance-xor";
	case DP_BOND_BROADCAST:
		return "broadcast";
	case DP_BOND_8023AD:
		return "802.3ad";
	case DP_BOND_TLB:
		return "balance-tlb";
	case DP_BOND_ALB:
		return "balance-alb";
	}
	return "unknown";
}

static void bond_print(const void *spec, struct strbuf *out)
{
	const struct dp_bond *bond = spec;
	char text[INET_ADDRSTRLEN];
	size_t i;

	strbuf_addf(out, "mode=%s mtu=%u", mode_name(bond->mode), bond->mtu_bytes);
	if (bond->miimon_ms)
		strbuf_addf(out, " miimon=%u updelay=%u downdelay=%u", bond->miimon_ms,
			    bond->updelay_ms, bond->downdelay_ms);
	if (bond->arp_interval_ms)
		strbuf_addf(out, " arp_interval=%u%s", bond->arp_interval_ms,
			    bond->arp_validate ? " arp_validate=active" : "");
	for (i = 0; i < DP_BOND_ARP_TARGETS && bond->arp_targets[i].s_addr; i++)
		strbuf_addf(out, " arp_target=%s",
			    inet_ntop(AF_INET, &bond->arp_targets[i], text, sizeof(text)));
	if (bond->lacp_fast)
		strbuf_add(out, " lacp_fast");
	if (bond->down)
		strbuf_add(out, " down");
}

/* Setting one monitor switches the other off, in the kernel. */
static void put_monitor(struct nlmsghdr *msg, const struct dp_bond *bond)
{
	struct nlattr *nest;
	size_t i;

	if (bond->arp_interval_ms) {
		mnl_attr_put_u32(msg, IFLA_BOND_ARP_INTERVAL, bond->arp_interval_ms);
		nest = mnl_attr_nest_start(msg, IFLA_BOND_ARP_IP_TARGET);
		for (i = 0; i < DP_BOND_ARP_TARGETS && bond->arp_targets[i].s_addr; i++)
			mnl_attr_put_u32(msg, i, bond->arp_targets[i].s_addr);
		mnl_attr_nest_end(msg, nest);
		mnl_attr_put_u32(msg, IFLA_BOND_ARP_VALIDATE,
				 bond->arp_validate ? ARP_VALIDATE_ACTIVE : 0);
		return;
	}
	mnl_attr_put_u32(msg, IFLA_BOND_MIIMON, wanted_miimon_ms(bond));
	if (wanted_miimon_ms(bond)) {
		mnl_attr_put_u32(msg, IFLA_BOND_UPDELAY, bond->updelay_ms);
		mnl_attr_put_u32(msg, IFLA_BOND_DOWNDELAY, bond->downdelay_ms);
	} else {
		mnl_attr_put_u32(msg, IFLA_BOND_ARP_INTERVAL, 0);
	}
}

/* ip link add NAME up type bond mode MODE miimon MS … */
static int bond_make(struct dp_op *op, const void *want)
{
	const struct dp_bond *bond = want;
	struct nlmsghdr *msg = link_begin_new(op, &bond->ifname, true);
	struct link_nest nest;

	link_put_mtu(msg, bond->mtu_bytes);
	nest = link_nest_begin(msg, "bond");
	mnl_attr_put_u8(msg, IFLA_BOND_MODE, bond->mode);
	if (bond->mode == DP_BOND_8023AD)
		mnl_attr_put_u8(msg, IFLA_BOND_AD_LACP_RATE, bond->lacp_fast);
	put_monitor(msg, bond);
	link_nest_end(msg, nest);
	return rtnl_end(op, msg, 0);
}

static int bond_create(struct dp_op *op, const void *want)
{
	return link_create(op, &dp_bond_type, want, bond_make);
}

/* ip link set NAME down && ip link set NAME type bond lacp_rate RATE */
static void put_lacp_rate(struct dp_op *op, const struct dp_bond *bond)
{
	struct nlmsghdr *msg = link_begin_set(op, &bond->ifname, LINK_DOWN);
	struct link_nest nest;

	rtnl_end(op, msg, 0);
	msg = link_begin_change(op, &bond->ifname, LINK_AS_IS);
	nest = link_nest_begin(msg, "bond");
	mnl_attr_put_u8(msg, IFLA_BOND_AD_LACP_RATE, bond->lacp_fast);
	link_nest_end(msg, nest);
	rtnl_end(op, msg, 0);
}

/* ip link set NAME up type bond miimon MS … */
static int bond_modify(struct dp_op *op, const void *have, const void *want)
{
	const struct dp_bond *h = have, *bond = want;
	struct nlmsghdr *msg;
	struct link_nest nest;

	if (lacp_differs(h, bond))
		put_lacp_rate(op, bond);
	msg = link_begin_change(op, &bond->ifname, LINK_UP);
	if (link_mtu_differs(h->mtu_bytes, bond->mtu_bytes)) /* it would be set on all members */
		link_put_mtu(msg, bond->mtu_bytes);
	nest = link_nest_begin(msg, "bond");
	if (monitor_differs(h, bond))
		put_monitor(msg, bond);
	link_nest_end(msg, nest);
	return rtnl_end(op, msg, 0);
}

const struct dp_type dp_bond_type = {
	.name = "bond",
	.size = sizeof(struct dp_bond),
	.key = link_key,
	.diff = bond_diff,
	.print = bond_print,
	.create = bond_create,
	.modify = bond_modify,
	.remove = link_remove,
	.timeout_ms = LINK_TIMEOUT_MS,
	.remove_last = true,
};

const struct link_kind dp_bond_kind = {
	.kind = "bond",
	.type = &dp_bond_type,
	.read = bond_read,
};
