/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/bond_state.h"

#include <linux/if_link.h>
#include <string.h>

#include "dataplane/nl/link_msg.h"
#include "dataplane/nl/rtnl_state.h"

void bond_watch(struct dp *dp, const struct bond_ops *ops, void *arg)
{
	struct rtnl *r = rtnl_state(dp);

	r->bond_ops = ops;
	r->bond_arg = arg;
}

void bond_reread(struct dp *dp, const struct ifname *ifname)
{
	link_reread(dp, ifname);
}

static void read_lacp(const struct nlattr *nest, struct bond_state *bond)
{
	const struct nlattr *tb[IFLA_BOND_AD_INFO_MAX + 1], *partner;

	rtnl_nested(nest, tb, IFLA_BOND_AD_INFO_MAX);
	bond->lacp.aggregator = rtnl_u16(tb[IFLA_BOND_AD_INFO_AGGREGATOR]);
	bond->lacp.ports = rtnl_u16(tb[IFLA_BOND_AD_INFO_NUM_PORTS]);
	bond->lacp.actor_key = rtnl_u16(tb[IFLA_BOND_AD_INFO_ACTOR_KEY]);
	bond->lacp.partner_key = rtnl_u16(tb[IFLA_BOND_AD_INFO_PARTNER_KEY]);
	partner = tb[IFLA_BOND_AD_INFO_PARTNER_MAC];
	if (partner && mnl_attr_get_payload_len(partner) == sizeof(bond->lacp.partner))
		memcpy(&bond->lacp.partner, mnl_attr_get_payload(partner),
		       sizeof(bond->lacp.partner));
}

static void tell_bond(const struct rtnl *r, const struct link_info *link)
{
	const struct nlattr *tb[IFLA_BOND_MAX + 1];
	struct bond_state bond;

	memset(&bond, 0, sizeof(bond));
	rtnl_nested(link->data, tb, IFLA_BOND_MAX);
	dp_bond_kind.read(r->dp, link, &bond.settings);
	bond.ifindex = link->ifindex;
	bond.arp_missed_max = rtnl_u8(tb[IFLA_BOND_MISSED_MAX]);
	bond.active = rtnl_u32(tb[IFLA_BOND_ACTIVE_SLAVE]);
	if (tb[IFLA_BOND_AD_INFO])
		read_lacp(tb[IFLA_BOND_AD_INFO], &bond);
	r->bond_ops->bond(&bond, r->bond_arg);
}

static void tell_member(const struct rtnl *r, const struct link_info *link)
{
	enum { STATE_ACTIVE = 0 }; /* BOND_STATE_ACTIVE in linux/if_bonding.h */
	const struct nlattr *tb[IFLA_BOND_SLAVE_MAX + 1];
	struct bond_member_state member;

	memset(&member, 0, sizeof(member));
	rtnl_nested(link->slave_data, tb, IFLA_BOND_SLAVE_MAX);
	member.ifname = link->ifname;
	member.ifindex = link->ifindex;
	member.master = link->master;
	member.mii = rtnl_u8(tb[IFLA_BOND_SLAVE_MII_STATUS]);
	member.active = rtnl_u8(tb[IFLA_BOND_SLAVE_STATE]) == STATE_ACTIVE;
	member.link_failures = rtnl_u32(tb[IFLA_BOND_SLAVE_LINK_FAILURE_COUNT]);
	member.aggregator = rtnl_u16(tb[IFLA_BOND_SLAVE_AD_AGGREGATOR_ID]);
	member.actor_state = rtnl_u8(tb[IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE]);
	member.partner_state = (uint8_t)rtnl_u16(tb[IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE]);
	r->bond_ops->member(&member, r->bond_arg);
}

void bond_state_follow(struct dp *dp, const struct link_info *link)
{
	const struct rtnl *r = rtnl_state(dp);

	if (!r->bond_ops)
		return;
	if (strcmp(link->kind, "bond") == 0)
		tell_bond(r, link);
	else if (link->master && link->slave_data && strcmp(link->slave_kind, "bond") == 0)
		tell_member(r, link);
	else
		r->bond_ops->neither(link->ifindex, r->bond_arg);
}

void bond_state_gone(struct dp *dp, uint32_t ifindex)
{
	const struct rtnl *r = rtnl_state(dp);

	if (r->bond_ops)
		r->bond_ops->neither(ifindex, r->bond_arg);
}
