/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/if_link.h>
#include <string.h>
#include <sys/socket.h>

#include "dataplane/nl/link_msg.h"

static void parse_info(const struct nlattr *nest, struct link_info *link)
{
	const struct nlattr *tb[IFLA_INFO_MAX + 1];

	rtnl_nested(nest, tb, IFLA_INFO_MAX);
	rtnl_str(tb[IFLA_INFO_KIND], link->kind, sizeof(link->kind));
	rtnl_str(tb[IFLA_INFO_SLAVE_KIND], link->slave_kind, sizeof(link->slave_kind));
	link->data = tb[IFLA_INFO_DATA];
	link->slave_data = tb[IFLA_INFO_SLAVE_DATA];
}

/* What the bridge tells of a port (br_ifinfo_notify() in net/bridge/br_netlink.c): the same
 * attributes as IFLA_INFO_SLAVE_DATA, but nothing of the link. */
static void parse_bridge_port(const struct nlattr **tb, struct link_info *link)
{
	strcpy(link->slave_kind, "bridge");
	link->slave_data = tb[IFLA_PROTINFO];
}

bool link_parse(const struct nlmsghdr *msg, struct link_info *ret)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[IFLA_MAX + 1];
	struct link_info link;

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*ifi) || ifi->ifi_index <= 0)
		return false;
	rtnl_attrs(msg, sizeof(*ifi), tb, IFLA_MAX);
	if (!tb[IFLA_IFNAME])
		return false;
	link = (struct link_info){
		.ifindex = ifi->ifi_index,
		.mtu_bytes = rtnl_u32(tb[IFLA_MTU]),
		.max_mtu_bytes = rtnl_u32(tb[IFLA_MAX_MTU]),
		.group = rtnl_u32(tb[IFLA_GROUP]),
		.master = rtnl_u32(tb[IFLA_MASTER]),
		.parent = rtnl_u32(tb[IFLA_LINK]),
		.parent_elsewhere = tb[IFLA_LINK_NETNSID] != NULL,
		.flags = ifi->ifi_flags,
		.type = ifi->ifi_type,
	};
	rtnl_str(tb[IFLA_IFNAME], link.ifname.str, sizeof(link.ifname.str));
	if (tb[IFLA_ADDRESS] && mnl_attr_get_payload_len(tb[IFLA_ADDRESS]) == sizeof(link.mac))
		memcpy(&link.mac, mnl_attr_get_payload(tb[IFLA_ADDRESS]), sizeof(link.mac));
	if (ifi->ifi_family == AF_BRIDGE)
		parse_bridge_port(tb, &link);
	else
		parse_info(tb[IFLA_LINKINFO], &link);
	*ret = link;
	return true;
}
