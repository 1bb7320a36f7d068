/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VLANs of a port (or of the bridge itself) of ours that filters. The kernel keeps them one by
 * one and tells them in ranges of its own making, so what it tells is spread out per port and
 * then seen with the eyes of the items there are: an item exists when each of its VLANs does. What
 * no item covers is told as ranges, and is drift or left over.
 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/nl/link_msg.h"

#define VLANS 4096
#define PRESENT 0x80 /* beside the kernel's PVID and UNTAGGED bits */
#define FLAGS (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)

struct port_vlans {
	struct port_vlans *next;
	struct ifname ifname;
	uint32_t ifindex;
	bool self;
	uint8_t vlan[VLANS];
};

static struct port_vlans *dumped; /* ports of the dump under way */

static bool filters(const struct dp *dp, const char *bridge)
{
	const struct dp_bridge *have = dp_have(dp, &dp_bridge_type, bridge);

	return have && have->vlan_filtering;
}

/* Finds out whether VLANs of this link are our affair. */
static bool port_of_ours(const struct dp *dp, uint32_t ifindex, struct port_vlans *port)
{
	const struct dp_brport *have;

	if (!rtnl_ifname(dp, ifindex, &port->ifname))
		return false;
	port->self = filters(dp, port->ifname.str);
	if (port->self)
		return true;
	have = dp_have(dp, &dp_brport_type, port->ifname.str);
	return have && filters(dp, have->bridge.str);
}

static struct port_vlans *port_get(const struct dp *dp, uint32_t ifindex)
{
	struct port_vlans *port, probe = { .ifindex = ifindex };

	for (port = dumped; port; port = port->next)
		if (port->ifindex == ifindex)
			return port;
	if (!port_of_ours(dp, ifindex, &probe))
		return NULL;
	port = xmemdup(&probe, sizeof(probe));
	port->next = dumped;
	dumped = port;
	return port;
}

static void read_entry(struct port_vlans *port, const struct nlattr *entry)
{
	const struct nlattr *tb[BRIDGE_VLANDB_ENTRY_MAX + 1];
	const struct bridge_vlan_info *info;
	unsigned int vid, last;

	rtnl_nested(entry, tb, BRIDGE_VLANDB_ENTRY_MAX);
	if (!tb[BRIDGE_VLANDB_ENTRY_INFO] ||
	    mnl_attr_get_payload_len(tb[BRIDGE_VLANDB_ENTRY_INFO]) < sizeof(*info))
		return;
	info = mnl_attr_get_payload(tb[BRIDGE_VLANDB_ENTRY_INFO]);
	last = tb[BRIDGE_VLANDB_ENTRY_RANGE] ? rtnl_u16(tb[BRIDGE_VLANDB_ENTRY_RANGE]) : info->vid;
	for (vid = info->vid; vid <= last && vid < VLANS; vid++)
		port->vlan[vid] = PRESENT | (info->flags & FLAGS);
}

static void dump_seen(struct dp *dp, const struct nlmsghdr *msg)
{
	const struct br_vlan_msg *bvm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *attr;
	struct port_vlans *port;

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*bvm))
		return;
	port = port_get(dp, bvm->ifindex);
	if (!port)
		return;
	mnl_attr_for_each(attr, msg, sizeof(*bvm))
	{
		if (mnl_attr_get_type(attr) == BRIDGE_VLANDB_ENTRY)
			read_entry(port, attr);
	}
}

static uint8_t wire_flags(const struct dp_brvlan *v)
{
	return (v->pvid ? BRIDGE_VLAN_INFO_PVID : 0) |
	       (v->untagged ? BRIDGE_VLAN_INFO_UNTAGGED : 0);
}

struct tell {
	struct dp *dp;
	struct port_vlans *port;
	uint8_t covered[VLANS];
};

static void tell_item(const char *key, const void *spec, void *arg)
{
	const struct dp_brvlan *item = spec;
	struct tell *tell = arg;
	unsigned int vid;

	(void)key;
	if (!ifname_equal(&item->ifname, &tell->port->ifname) || item->self != tell->port->self)
		return;
	for (vid = item->first; vid <= item->last; vid++)
		if (tell->port->vlan[vid] != (PRESENT | wire_flags(item)))
			return;
	memset(tell->covered + item->first, 1, item->last - item->first + 1);
	dp_observed(tell->dp, &dp_brvlan_type, item, true);
}

static void tell_rest(struct tell *tell)
{
	const struct port_vlans *port = tell->port;
	unsigned int vid, last;

	for (vid = 1; vid < VLANS; vid = last + 1) {
		uint8_t flags = port->vlan[vid];

		last = vid;
		if (!flags || tell->covered[vid])
			continue;
		while (last + 1 < VLANS && port->vlan[last + 1] == flags &&
		       !tell->covered[last + 1] && !(flags & BRIDGE_VLAN_INFO_PVID))
			last++;
		dp_observed(tell->dp, &dp_brvlan_type,
			    &(struct dp_brvlan){ .ifname = port->ifname,
						 .first = vid,
						 .last = last,
						 .pvid = flags & BRIDGE_VLAN_INFO_PVID,
						 .untagged = flags & BRIDGE_VLAN_INFO_UNTAGGED,
						 .self = port->self },
			    true);
	}
}

static void tell_ports(struct dp *dp)
{
	struct port_vlans *port;

	while ((port = dumped)) {
		struct tell *tell = xcalloc(1, sizeof(*tell));

		tell->dp = dp;
		tell->port = port;
		dp_each_have(dp, &dp_brvlan_type, tell_item, tell);
		tell_rest(tell);
		dumped = port->next;
		free(port);
		free(tell);
	}
}

static int brvlan_dump(struct dp *dp)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct br_vlan_msg *bvm;
	struct nlmsghdr *msg;
	int r;

	msg = rtnl_prepare(buf, RTM_GETVLAN, 0, sizeof(*bvm));
	bvm = mnl_nlmsg_get_payload(msg);
	bvm->family = AF_BRIDGE;
	r = rtnl_dump(dp, msg, dump_seen);
	tell_ports(dp);
	/* -EOPNOTSUPP: built without CONFIG_BRIDGE_VLAN_FILTERING or the bridge is not loaded */
	return r == -EOPNOTSUPP ? 0 : r;
}

static void brvlan_news(struct dp *dp, const struct nlmsghdr *msg)
{
	(void)msg;
	rtnl_resync(dp, &dp_brvlan_observer);
}

static void brvlan_key(const void *spec, struct strbuf *out)
{
	const struct dp_brvlan *v = spec;

	strbuf_add(out, v->ifname.str);
	strbuf_addc(out, '/');
	strbuf_addu(out, v->first);
	strbuf_addc(out, '-');
	strbuf_addu(out, v->last);
}

static enum dp_change brvlan_diff(const void *have, const void *want)
{
	const struct dp_brvlan *h = have, *w = want;

	if (h->self != w->self)
		return DP_RECREATE;
	return wire_flags(h) != wire_flags(w) ? DP_MODIFY : DP_SAME;
}

static bool bridge_filters(const void *have)
{
	const struct dp_bridge *bridge = have;

	return bridge->vlan_filtering;
}

static void brvlan_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_brvlan *v = want;

	if (v->self)
		dp_need(deps, &dp_bridge_type, v->ifname.str, DP_FALLS_WITH, bridge_filters);
	else
		dp_need(deps, &dp_brport_type, v->ifname.str, DP_FALLS_WITH, NULL);
}

static void brvlan_print(const void *spec, struct strbuf *out)
{
	const struct dp_brvlan *v = spec;

	strbuf_addf(out, "vid=%u-%u%s%s%s", v->first, v->last, v->pvid ? " pvid" : "",
		    v->untagged ? " untagged" : "", v->self ? " self" : "");
}

static void put_info(struct nlmsghdr *msg, uint16_t flags, uint16_t vid)
{
	const struct bridge_vlan_info info = { .flags = flags, .vid = vid };

	mnl_attr_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
}

/* bridge vlan add|del dev NAME vid FIRST-LAST [pvid untagged] [self] */
static int put_range(struct dp_op *op, uint16_t type, const struct dp_brvlan *v, uint16_t first,
		     uint16_t last)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	uint16_t flags = wire_flags(v);
	struct nlattr *spec;

	ifi->ifi_family = AF_BRIDGE;
	ifi->ifi_index = rtnl_ifindex(dp_op_dp(op), &v->ifname);
	spec = mnl_attr_nest_start(msg, IFLA_AF_SPEC);
	if (v->self)
		mnl_attr_put_u16(msg, IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
	if (first == last) {
		put_info(msg, flags, first);
	} else {
		put_info(msg, flags | BRIDGE_VLAN_INFO_RANGE_BEGIN, first);
		put_info(msg, flags | BRIDGE_VLAN_INFO_RANGE_END, last);
	}
	mnl_attr_nest_end(msg, spec);
	return rtnl_end(op, msg, type == RTM_DELLINK ? RTNL_ABSENT_OK : RTNL_EXISTS_OK);
}

static int brvlan_create(struct dp_op *op, const void *want)
{
	const struct dp_brvlan *v = want;

	if (v->first < 1 || v->last < v->first || v->last > 4094 ||
	    (v->pvid && v->first != v->last))
		return -EINVAL;
	return put_range(op, RTM_SETLINK, v, v->first, v->last);
}

static int brvlan_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return brvlan_create(op, want);
}

struct keep {
	const struct dp_brvlan *removed;
	bool vlan[VLANS];
};

static void keep_of_other(const char *key, const void *spec, void *arg)
{
	const struct dp_brvlan *other = spec;
	struct keep *keep = arg;
	const struct dp_brvlan *removed = keep->removed;

	(void)key;
	if (!ifname_equal(&other->ifname, &removed->ifname) || other->self != removed->self ||
	    (other->first == removed->first && other->last == removed->last))
		return;
	memset(keep->vlan + other->first, true, other->last - other->first + 1);
}

/* A range that was left over may be one the kernel joined from two that are wanted: what another
 * item covers stays. */
static int brvlan_remove(struct dp_op *op, const void *have)
{
	_cleanup_(freep) struct keep *keep = xcalloc(1, sizeof(*keep));
	const struct dp_brvlan *v = have;
	unsigned int first, last;
	int r = 0;

	if (!rtnl_ifindex(dp_op_dp(op), &v->ifname))
		return 0;
	keep->removed = v;
	dp_each_have(dp_op_dp(op), &dp_brvlan_type, keep_of_other, keep);
	for (first = v->first; first <= v->last; first = last + 1) {
		last = first;
		if (keep->vlan[first])
			continue;
		while (last < v->last && !keep->vlan[last + 1])
			last++;
		r = put_range(op, RTM_DELLINK, v, first, last);
	}
	return r;
}

const struct dp_type dp_brvlan_type = {
	.name = "brvlan",
	.size = sizeof(struct dp_brvlan),
	.key = brvlan_key,
	.diff = brvlan_diff,
	.needs = brvlan_needs,
	.print = brvlan_print,
	.create = brvlan_create,
	.modify = brvlan_modify,
	.remove = brvlan_remove,
	.observe = brvlan_dump,
};

static const struct dp_type *const brvlan_types[] = { &dp_brvlan_type, NULL };

const struct rtnl_observer dp_brvlan_observer = {
	.name = "brvlan",
	.msg_new = RTM_NEWVLAN,
	.msg_del = RTM_DELVLAN,
	.groups = { RTNLGRP_BRVLAN },
	.types = brvlan_types,
	.dump = brvlan_dump,
	.seen = brvlan_news,
	.gone = brvlan_news,
};
