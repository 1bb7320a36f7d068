/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/items/foreign.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "dataplane/mark.h"
#include "dataplane/nl/rtnl_state.h"

#define MSG_SIZE 128

static struct nlmsghdr *addr_prepare(struct dp *dp, void *buf, uint16_t type, uint16_t flags,
				     const struct dp_addr *addr)
{
	struct nlmsghdr *msg = rtnl_prepare(buf, type, flags, sizeof(struct ifaddrmsg));
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);

	ifa->ifa_family = addr->prefix.addr.family;
	ifa->ifa_prefixlen = addr->prefix.len;
	ifa->ifa_index = rtnl_ifindex(dp, &addr->ifname);
	rtnl_put_ipaddr(msg, IFA_LOCAL, &addr->prefix.addr);
	rtnl_put_ipaddr(msg, IFA_ADDRESS, &addr->prefix.addr);
	return ifa->ifa_index ? msg : NULL;
}

/* The kernel's word on what it did is taken in at once: nobody is to do it twice. */
static int request(struct dp *dp, struct nlmsghdr *msg)
{
	int r = rtnl_request(dp, msg, NULL, 0);

	rtnl_monitor_drain(rtnl_state(dp)->monitor);
	return r;
}

/* ip address del PREFIX dev NAME */
int dp_addr_remove_now(struct dp *dp, const struct dp_addr *addr)
{
	char buf[MSG_SIZE] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = addr_prepare(dp, buf, RTM_DELADDR, 0, addr);

	return msg ? request(dp, msg) : -ENODEV;
}

/* ip address change PREFIX dev NAME proto MARK: of one that exists the kernel changes protocol and
 * lifetimes only (net/ipv4/devinet.c, inet_rtm_newaddr()), and no packet notices. */
int dp_addr_take_now(struct dp *dp, const struct dp_addr *addr)
{
	char buf[MSG_SIZE] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = addr_prepare(dp, buf, RTM_NEWADDR, NLM_F_REPLACE, addr);

	if (!msg)
		return -ENODEV;
	mnl_attr_put_u32(msg, IFA_FLAGS, addr->noprefixroute ? IFA_F_NOPREFIXROUTE : 0);
	mnl_attr_put_u8(msg, IFA_PROTO, dp_mark(dp_conf(dp)->owner)->protocol);
	return request(dp, msg);
}

/* ip route del PREFIX dev NAME table TABLE metric METRIC proto PROTOCOL: a metric of 0 is any, so it
 * is the protocol that keeps ours. */
int dp_route_remove_now(struct dp *dp, const struct dp_route *route)
{
	char buf[MSG_SIZE] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = rtnl_prepare(buf, RTM_DELROUTE, 0, sizeof(struct rtmsg));
	struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);
	uint32_t ifindex = rtnl_ifindex(dp, &route->nexthop[0].ifname);

	if (!ifindex || !route->protocol)
		return -ENODEV;
	rtm->rtm_family = route->dst.addr.family;
	rtm->rtm_dst_len = route->dst.len;
	rtm->rtm_protocol = route->protocol;
	rtm->rtm_scope = RT_SCOPE_NOWHERE;
	if (route->dst.len)
		rtnl_put_ipaddr(msg, RTA_DST, &route->dst.addr);
	mnl_attr_put_u32(msg, RTA_TABLE, route->table);
	mnl_attr_put_u32(msg, RTA_OIF, ifindex);
	mnl_attr_put_u32(msg, RTA_PRIORITY, route->metric);
	return request(dp, msg);
}
