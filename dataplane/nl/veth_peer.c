/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end of a cable that leaves the namespace. The kernel tells the peer's index
 * and our number for its namespace (IFLA_LINK_NETNSID); RTM_GETNSID turns a name under /run/netns
 * into such a number, and RTM_GETLINK with IFLA_TARGET_NETNSID asks in that namespace.
 */
#include "dataplane/nl/veth_peer.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "dataplane/nl/link_msg.h"
#include "dataplane/nl/netns.h"
#include "dataplane/nl/nlsock.h"

struct peer_at { /* where */
	uint32_t ifindex;
	int32_t nsid;
};

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool read_own_end(struct dp *dp, uint32_t ifindex, struct peer_at *ret)
{
	char buf[RTNL_MSG_MAX] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	const struct nlattr *tb[IFLA_MAX + 1];
	struct ifinfomsg *ifi;
	struct nlmsghdr *msg;

	msg = rtnl_prepare(buf, RTM_GETLINK, 0, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_index = ifindex;
	if (rtnl_ask(dp, msg, sizeof(buf)) < 0)
		return false;
	rtnl_attrs(msg, sizeof(*ifi), tb, IFLA_MAX);
	if (!tb[IFLA_LINK] || !tb[IFLA_LINK_NETNSID])
		return false;
	*ret = (struct peer_at){ .ifindex = rtnl_u32(tb[IFLA_LINK]),
				 .nsid = rtnl_u32(tb[IFLA_LINK_NETNSID]) };
	return true;
}

static int32_t nsid_of(struct dp *dp, int netns_fd)
{
	char buf[RTNL_MSG_MAX] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	const struct nlattr *tb[NETNSA_MAX + 1];
	struct nlmsghdr *msg;

	msg = rtnl_prepare(buf, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(msg, NETNSA_FD, netns_fd);
	if (rtnl_ask(dp, msg, sizeof(buf)) < 0)
		return -1;
	rtnl_attrs(msg, sizeof(struct rtgenmsg), tb, NETNSA_MAX);
	return tb[NETNSA_NSID] ? (int32_t)rtnl_u32(tb[NETNSA_NSID]) : -1;
}

static void find_name(struct dp *dp, int32_t nsid, char *name, size_t size)
{
	_cleanup_(closedirp) DIR *dir = opendir("/run/netns");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_(closep) int fd = -1;

		if (strlen(entry->d_name) >= size)
			continue;
		fd = netns_by_name(entry->d_name);
		if (fd < 0 || nsid_of(dp, fd) != nsid)
			continue;
		memset(name, 0, size);
		memcpy(name, entry->d_name, strlen(entry->d_name));
		return;
	}
}

static void read_peer(struct dp *dp, const struct peer_at *at, struct dp_veth *veth)
{
	char buf[RTNL_MSG_MAX] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct link_info link;
	struct ifinfomsg *ifi;
	struct nlmsghdr *msg;

	msg = rtnl_prepare(buf, RTM_GETLINK, 0, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_index = at->ifindex;
	mnl_attr_put_u32(msg, IFLA_TARGET_NETNSID, at->nsid);
	if (rtnl_ask(dp, msg, sizeof(buf)) < 0 || !link_parse(msg, &link))
		return;
	veth->peer = link.ifname;
	veth->peer_mac = link.mac;
	veth->peer_up = link.flags & IFF_UP;
}

void veth_peer_look(struct dp *dp, uint32_t ifindex, struct dp_veth *veth)
{
	struct peer_at at;

	strcpy(veth->peer_netns, "?");
	if (!read_own_end(dp, ifindex, &at))
		return;
	find_name(dp, at.nsid, veth->peer_netns, sizeof(veth->peer_netns));
	read_peer(dp, &at, veth);
}

int veth_peer_up(const struct dp_veth *veth)
{
	char buf[256] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	_cleanup_(closep) int netns = -1, fd = -1;
	struct ifinfomsg *ifi;
	struct nlmsghdr *msg;

	netns = netns_by_name(veth->peer_netns);
	if (netns < 0)
		return netns;
	fd = nlsock_open(netns, NETLINK_ROUTE, 0);
	if (fd < 0)
		return fd;
	msg = rtnl_prepare(buf, RTM_SETLINK, 0, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	mnl_attr_put_strz(msg, IFLA_IFNAME, veth->peer.str);
	return nlsock_request(fd, msg, NULL, 0);
}
