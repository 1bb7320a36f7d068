/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_failover NETNS DEV BACKUP-DEV BACKUP-GATEWAY: the least a fail-over takes. Waits for DEV to
 * lose its carrier and moves the default route of the main table to the backup; prints "ready",
 * then "moved", and ends. It is told by the kernel, and asks the driver each millisecond as well:
 * the kernel holds its message back for up to a second after another link event.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "dataplane/nl/nlsock.h"
#include "tests/bench/bench.h"

static bool has_carrier(int sock, const char *dev)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = { .ifr_data = (void *)&link };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	return ioctl(sock, SIOCETHTOOL, &ifr) == 0 && link.data;
}

static struct nlmsghdr *default_route(char *buf, const char *dev, const char *gateway)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct in_addr via;
	struct rtmsg *rtm;

	inet_pton(AF_INET, gateway, &via);
	msg->nlmsg_type = RTM_NEWROUTE;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	rtm = mnl_nlmsg_put_extra_header(msg, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_protocol = RTPROT_STATIC;
	mnl_attr_put_u32(msg, RTA_GATEWAY, via.s_addr);
	mnl_attr_put_u32(msg, RTA_OIF, if_nametoindex(dev));
	return msg;
}

int main(int argc, char *argv[])
{
	char buf[8192] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	int netns, sock, request, group = RTNLGRP_LINK;
	struct pollfd events;

	if (argc != 5)
		return 2;
	netns = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (netns < 0 || setns(netns, CLONE_NEWNET) < 0)
		bench_die(argv[1]);
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request = nlsock_open(-1, NETLINK_ROUTE, 0);
	events = (struct pollfd){ .fd = nlsock_open(-1, NETLINK_ROUTE, 0), .events = POLLIN };
	if (sock < 0 || request < 0 || events.fd < 0 ||
	    setsockopt(events.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		bench_die("sockets");
	puts("ready");
	fflush(stdout);
	while (has_carrier(sock, argv[2])) {
		if (poll(&events, 1, 1) > 0 && recv(events.fd, buf, sizeof(buf), 0) < 0)
			bench_die("events");
	}
	if (nlsock_request(request, default_route(buf, argv[3], argv[4]), NULL, 0) < 0)
		bench_die("route");
	puts("moved");
	return 0;
}
