/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From link messages to items: every link is a dp_link, ours are what their kind says as well,
 * and ports are ours when their master is.
 */
#include <assert.h>
#include <linux/if_link.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/nl/carrier_state.h"
#include "dataplane/nl/link_msg.h"
#include "dataplane/nl/rtnl_state.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

uint32_t link_group(const struct dp *dp, uint32_t ifindex)
{
	const struct link_row *row = linktab_get(&rtnl_state(dp)->links, ifindex);

	return row ? row->group : 0;
}

bool link_group_is_ours(const struct dp *dp, uint32_t group)
{
	const struct rtnl *r = rtnl_state(dp);

	return group == r->group || group == r->doomed_group;
}

static const struct link_kind *find_kind(const char *kind, bool slave)
{
	size_t i;

	for (i = 0; link_kinds[i]; i++)
		if (link_kinds[i]->slave == slave && strcmp(link_kinds[i]->kind, kind) == 0)
			return link_kinds[i];
	return NULL;
}

static void forget_kind(struct dp *dp, struct link_row *row, const struct link_kind **kind)
{
	if (*kind)
		dp_gone(dp, (*kind)->type, row->ifname.str);
	*kind = NULL;
}

/* Tells the engine of a link in its role as a kind, or that it has this role no more. */
static void tell_kind(struct dp *dp, struct link_row *row, const struct link_info *link, bool slave)
{
	const struct link_kind **was = slave ? &row->slave : &row->kind;
	const struct link_kind *now = NULL;
	union {
		max_align_t align;
		char bytes[LINK_SPEC_MAX];
	} spec;

	if (slave && link->master && link_group_is_ours(dp, link_group(dp, link->master)))
		now = find_kind(link->slave_kind, true);
	else if (!slave && link_group_is_ours(dp, link->group))
		now = find_kind(link->kind, false);
	if (now) {
		assert(now->type->size <= sizeof(spec));
		memset(&spec, 0, now->type->size);
		if (!now->read(dp, link, &spec))
			now = NULL;
	}
	if (*was != now)
		forget_kind(dp, row, was);
	*was = now;
	if (now)
		dp_observed(dp, now->type, &spec, true);
}

static void tell_link(struct dp *dp, const struct link_info *link)
{
	struct dp_link spec = {
		.ifname = link->ifname,
		.ifindex = link->ifindex,
		.mtu_bytes = link->mtu_bytes,
		.master = link->master,
		.group = link->group,
		.mac = link->mac,
		.up = link->flags & IFF_UP,
		.carrier = link->flags & IFF_LOWER_UP,
		.ethernet = link->type == ARPHRD_ETHER && link->flags & IFF_BROADCAST,
	};

	memcpy(spec.kind, link->kind, sizeof(spec.kind));
	dp_observed(dp, &dp_link_type, &spec, false);
}

static void forget_roles(struct dp *dp, struct link_row *row)
{
	forget_kind(dp, row, &row->slave);
	forget_kind(dp, row, &row->kind);
	dp_gone(dp, &dp_link_type, row->ifname.str);
}

static struct link_row *note_link(struct dp *dp, const struct link_info *link)
{
	struct rtnl *r = rtnl_state(dp);
	struct link_row *row = linktab_make(&r->links, link->ifindex);
	bool up = link->flags & IFF_UP, running = link->flags & (IFF_RUNNING | IFF_LOWER_UP);

	if (row->ifname.str[0] && !ifname_equal(&row->ifname, &link->ifname))
		forget_roles(dp, row); /* renamed */
	if (row->up && !up)
		rtnl_monitor_lost(r->monitor);
	if (row->running != running)
		rtnl_monitor_running(r->monitor, &link->ifname);
	row->ifname = link->ifname;
	row->master = link->master;
	row->group = link->group;
	row->up = up;
	row->running = running;
	row->mentioned = true;
	return row;
}

static void tell(struct dp *dp, struct link_row *row, const struct link_info *link)
{
	size_t i;

	tell_link(dp, link);
	tell_kind(dp, row, link, false);
	tell_kind(dp, row, link, true);
	for (i = 0; link_followers[i]; i++)
		link_followers[i](dp, link);
}

bool link_dumping(const struct dp *dp)
{
	return rtnl_state(dp)->link_dump.len;
}

static void link_seen(struct dp *dp, const struct nlmsghdr *msg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	struct link_info link;
	struct link_row *row;

	if (!link_parse(msg, &link))
		return;
	if (ifi->ifi_family != AF_BRIDGE) {
		rtnl_carrier_link_event(rtnl_state(dp)->carrier);
		tell(dp, note_link(dp, &link), &link);
		return;
	}
	/* Of a port whose link we know: only its role as a port is told here. The kernel holds no
	 * carrier back for it, and sends some by itself, 15 s after a port came up. */
	row = linktab_get(&rtnl_state(dp)->links, link.ifindex);
	if (row && link.slave_data && link.master)
		tell_kind(dp, row, &link, true);
}

void link_reread(struct dp *dp, const struct ifname *ifname)
{
	char buf[RTNL_MSG_MAX] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg;

	rtnl_monitor_drain(rtnl_state(dp)->monitor); /* what is older comes first */
	msg = rtnl_prepare(buf, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(msg, IFLA_IFNAME, ifname->str);
	if (rtnl_ask(dp, msg, sizeof(buf)) == 0)
		link_seen(dp, msg);
}

static void link_gone(struct dp *dp, const struct nlmsghdr *msg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	struct rtnl *r = rtnl_state(dp);
	struct link_row *row;

	/* AF_BRIDGE: it only left its bridge, which a message of the link itself tells too. */
	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*ifi) || ifi->ifi_family == AF_BRIDGE)
		return;
	row = linktab_get(&r->links, ifi->ifi_index);
	if (!row)
		return;
	link_counters_gone(dp, msg);
	bond_state_gone(dp, row->ifindex);
	forget_roles(dp, row);
	linktab_drop(&r->links, row);
	rtnl_monitor_lost(r->monitor);
}

/*
 * A port may come before its master in a dump, and whose it is depends on the master: the dump
 * is kept, and read a second time when the table is complete.
 */
static void keep_message(struct dp *dp, const struct nlmsghdr *msg)
{
	struct rtnl *r = rtnl_state(dp);
	struct link_info link;

	if (!link_parse(msg, &link))
		return;
	note_link(dp, &link);
	strbuf_addmem(&r->link_dump, msg, MNL_ALIGN(msg->nlmsg_len));
}

static void drop_unmentioned(struct dp *dp)
{
	struct rtnl *r = rtnl_state(dp);
	struct hmap_node *node, *tmp;

	hmap_for_each_safe (node, tmp, &r->links.rows) {
		struct link_row *row = container_of(node, struct link_row, node);

		if (!row->mentioned) {
			bond_state_gone(dp, row->ifindex);
			forget_roles(dp, row);
			linktab_drop(&r->links, row);
		}
	}
}

int link_dump(struct dp *dp)
{
	char buf[256] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct rtnl *r = rtnl_state(dp);
	const struct nlmsghdr *at;
	struct hmap_node *node;
	struct nlmsghdr *msg;
	int err, left;

	hmap_for_each (node, &r->links.rows)
		container_of(node, struct link_row, node)->mentioned = false;
	msg = rtnl_prepare(buf, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	strbuf_reset(&r->link_dump);
	err = rtnl_dump(dp, msg, keep_message);
	if (err == 0) {
		drop_unmentioned(dp);
		at = (const struct nlmsghdr *)r->link_dump.str;
		for (left = r->link_dump.len; at && mnl_nlmsg_ok(at, left);
		     at = mnl_nlmsg_next(at, &left))
			link_seen(dp, at);
	}
	strbuf_fini(&r->link_dump);
	return err;
}

const struct rtnl_observer dp_link_observer = {
	.name = "link",
	.msg_new = RTM_NEWLINK,
	.msg_del = RTM_DELLINK,
	.groups = { RTNLGRP_LINK },
	.types = link_types,
	.dump = link_dump,
	.seen = link_seen,
	.gone = link_gone,
};
