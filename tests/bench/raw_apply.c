/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/raw_apply.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/veth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/nl/nlsock.h"
#include "dataplane/nl/rtnl.h"
#include "tests/bench/bench.h"

static double ms_of(struct timeval tv)
{
	return tv.tv_sec * 1e3 + tv.tv_usec / 1e3;
}

struct cost cost_now(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (struct cost){ bench_ns() / 1e6, ms_of(u.ru_utime), ms_of(u.ru_stime) };
}

struct cost cost_since(struct cost was)
{
	struct cost now = cost_now();

	return (struct cost){ now.wall_ms - was.wall_ms, now.user_ms - was.user_ms,
			      now.sys_ms - was.sys_ms };
}

void let_carriers_settle(void)
{
	bench_sleep_until(bench_ns() + 2000000000ULL);
}

void instance_names(int i, struct ifname *bridge, struct ifname *vif, struct ifname *peer)
{
	*bridge = *vif = *peer = (struct ifname){ 0 };
	snprintf(bridge->str, sizeof(bridge->str), "bn%d", i);
	snprintf(vif->str, sizeof(vif->str), "vif%d", i);
	snprintf(peer->str, sizeof(peer->str), "app%d", i);
}

#define CREATE(command)                                                                            \
	((command) == RTM_DELROUTE || (command) == RTM_DELRULE ? 0 : NLM_F_CREATE | NLM_F_EXCL)

struct raw {
	int fd;
	uint32_t seq;
	size_t len, count;
	char buf[64 * 1024];
};

static void read_acks(int fd, size_t count)
{
	char reply[8192] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlsock_ack ack;

	while (count) {
		const struct nlmsghdr *msg = (const struct nlmsghdr *)reply;
		int n = recv(fd, reply, sizeof(reply), 0);

		if (n < 0)
			bench_die("acks");
		for (; mnl_nlmsg_ok(msg, n); msg = mnl_nlmsg_next(msg, &n), count--) {
			if (!nlsock_parse_ack(msg, &ack) || ack.err) {
				errno = -ack.err;
				bench_die(ack.why ? ack.why : "raw");
			}
		}
	}
}

static void raw_flush(struct raw *r)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)r->buf;
	int left = r->len;

	if (!r->len)
		return;
	for (size_t i = 0; i < r->count; i++) {
		msg->nlmsg_seq = ++r->seq;
		msg->nlmsg_flags |= NLM_F_ACK;
		msg = mnl_nlmsg_next(msg, &left);
	}
	if (nlsock_send(r->fd, r->buf, r->len) < 0)
		bench_die("send");
	read_acks(r->fd, r->count);
	r->len = r->count = 0;
}

static struct nlmsghdr *raw_begin(struct raw *r, uint16_t type, uint16_t flags, size_t header)
{
	if (r->count >= 64 || sizeof(r->buf) - r->len < 4096)
		raw_flush(r);
	return rtnl_prepare(r->buf + r->len, type, flags, header);
}

static void raw_end(struct raw *r, const struct nlmsghdr *msg)
{
	r->len += MNL_ALIGN(msg->nlmsg_len);
	r->count++;
}

static struct nlmsghdr *raw_link(struct raw *r, uint32_t ifindex, const char *name,
				 const char *kind, struct nlattr **info)
{
	struct nlmsghdr *msg;
	struct ifinfomsg *ifi;

	msg = raw_begin(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_index = ifindex;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	mnl_attr_put_u32(msg, IFLA_GROUP, 240);
	*info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
	mnl_attr_put_str(msg, IFLA_INFO_KIND, kind);
	return msg;
}

static void raw_one_queue(struct nlmsghdr *msg)
{
	mnl_attr_put_u32(msg, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(msg, IFLA_NUM_RX_QUEUES, 1);
}

static void raw_pair(struct raw *r, int i, const char *vif, const char *peer)
{
	struct nlattr *info, *data, *nest;
	struct nlmsghdr *msg = raw_link(r, 11 + 3 * i, vif, "veth", &info);
	struct ifinfomsg *ifi;

	data = mnl_attr_nest_start(msg, IFLA_INFO_DATA);
	nest = mnl_attr_nest_start(msg, VETH_INFO_PEER);
	ifi = mnl_nlmsg_put_extra_header(msg, sizeof(*ifi));
	ifi->ifi_index = 12 + 3 * i;
	mnl_attr_put_strz(msg, IFLA_IFNAME, peer);
	raw_one_queue(msg);
	mnl_attr_nest_end(msg, nest);
	mnl_attr_nest_end(msg, data);
	mnl_attr_nest_end(msg, info);
	raw_one_queue(msg);
	mnl_attr_put_u32(msg, IFLA_MASTER, 10 + 3 * i);
	raw_end(r, msg);
}

static void raw_links(struct raw *r, int i)
{
	struct ifname bridge, vif, peer;
	struct nlattr *info, *port;
	struct ifinfomsg *ifi;
	struct nlmsghdr *msg;

	instance_names(i, &bridge, &vif, &peer);
	msg = raw_link(r, 10 + 3 * i, bridge.str, "bridge", &info);
	mnl_attr_nest_end(msg, info);
	raw_end(r, msg);
	raw_pair(r, i, vif.str, peer.str);
	msg = raw_begin(r, RTM_SETLINK, 0, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_index = 12 + 3 * i;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	raw_end(r, msg);
	msg = raw_begin(r, RTM_SETLINK, 0, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_family = AF_BRIDGE;
	ifi->ifi_index = 11 + 3 * i;
	port = mnl_attr_nest_start(msg, IFLA_PROTINFO);
	mnl_attr_put_u8(msg, IFLA_BRPORT_ISOLATED, 1);
	mnl_attr_nest_end(msg, port);
	raw_end(r, msg);
}

static void raw_route(struct raw *r, uint16_t command, int i, uint32_t dst, uint8_t len,
		      uint8_t type)
{
	struct rtmsg *rtm;
	struct nlmsghdr *msg;

	msg = raw_begin(r, command, CREATE(command), sizeof(*rtm));
	rtm = mnl_nlmsg_get_payload(msg);
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = len;
	rtm->rtm_protocol = 240;
	rtm->rtm_type = type;
	rtm->rtm_scope = type == RTN_UNICAST ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	mnl_attr_put_u32(msg, RTA_TABLE, 800 + i);
	if (len)
		mnl_attr_put_u32(msg, RTA_DST, htonl(dst));
	if (type == RTN_UNICAST)
		mnl_attr_put_u32(msg, RTA_OIF, 10 + 3 * i);
	else
		mnl_attr_put_u32(msg, RTA_PRIORITY, UINT32_MAX);
	raw_end(r, msg);
}

static struct nlmsghdr *raw_rule(struct raw *r, uint16_t command, int i, uint32_t pref,
				 uint8_t dst_len)
{
	struct fib_rule_hdr *frh;
	struct nlmsghdr *msg;

	msg = raw_begin(r, command, CREATE(command), sizeof(*frh));
	frh = mnl_nlmsg_get_payload(msg);
	frh->family = AF_INET;
	frh->dst_len = dst_len;
	frh->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(msg, FRA_PRIORITY, pref);
	mnl_attr_put_u32(msg, FRA_TABLE, 800 + i);
	mnl_attr_put_u8(msg, FRA_PROTOCOL, 240);
	return msg;
}

/* What does not go with the links. */
static void raw_rules(struct raw *r, uint16_t route, uint16_t rule, int i)
{
	uint32_t net = 0x0a000000u + ((uint32_t)i << 8);
	struct ifname bridge, vif, peer;
	struct nlmsghdr *msg;

	instance_names(i, &bridge, &vif, &peer);
	raw_route(r, route, i, 0, 0, RTN_UNREACHABLE);
	msg = raw_rule(r, rule, i, 10000, 0);
	mnl_attr_put_strz(msg, FRA_IIFNAME, bridge.str);
	raw_end(r, msg);
	msg = raw_rule(r, rule, i, 11000, 24);
	mnl_attr_put_u32(msg, FRA_DST, htonl(net));
	raw_end(r, msg);
}

static void raw_inet(struct raw *r, int i)
{
	uint32_t net = 0x0a000000u + ((uint32_t)i << 8);
	struct ifaddrmsg *ifa;
	struct nlmsghdr *msg;

	msg = raw_begin(r, RTM_NEWADDR, CREATE(RTM_NEWADDR), sizeof(*ifa));
	ifa = mnl_nlmsg_get_payload(msg);
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 24;
	ifa->ifa_index = 10 + 3 * i;
	mnl_attr_put_u32(msg, IFA_LOCAL, htonl(net + 1));
	mnl_attr_put_u32(msg, IFA_ADDRESS, htonl(net + 1));
	mnl_attr_put_u8(msg, IFA_PROTO, 240);
	raw_end(r, msg);
	raw_route(r, RTM_NEWROUTE, i, net, 24, RTN_UNICAST);
	raw_rules(r, RTM_NEWROUTE, RTM_NEWRULE, i);
}

/* nft add|delete element inet edgeway-test ports { … }: all in one message */
static void raw_elements(int fd, uint16_t type)
{
	static char buf[65536] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(buf, sizeof(buf) / 2);
	struct nftnl_set *set = nftnl_set_alloc();
	struct ifname bridge, vif, peer;
	struct nlmsghdr *msg;

	nftnl_set_set_str(set, NFTNL_SET_TABLE, TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, SET);
	for (int i = 0; i < INSTANCES; i++) {
		struct nftnl_set_elem *e = nftnl_set_elem_alloc();

		instance_names(i, &bridge, &vif, &peer);
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, vif.str, sizeof(vif.str));
		nftnl_set_elem_add(set, e);
	}
	nftnl_batch_begin(mnl_nlmsg_batch_current(batch), 1);
	mnl_nlmsg_batch_next(batch);
	msg = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), type, NFPROTO_INET,
				    NLM_F_CREATE | NLM_F_ACK, 2);
	nftnl_set_elems_nlmsg_build_payload(msg, set);
	mnl_nlmsg_batch_next(batch);
	nftnl_batch_end(mnl_nlmsg_batch_current(batch), 3);
	mnl_nlmsg_batch_next(batch);
	if (nlsock_send(fd, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch)) < 0)
		bench_die("send elements");
	read_acks(fd, 1);
	mnl_nlmsg_batch_stop(batch);
	nftnl_set_free(set);
}

/* ip link delete group 240; the routes of the bridges go with them, the rest does not */
static void raw_remove(struct raw *r)
{
	struct nlmsghdr *msg;

	for (int i = 0; i < INSTANCES; i++)
		raw_rules(r, RTM_DELROUTE, RTM_DELRULE, i);
	msg = raw_begin(r, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(msg, IFLA_GROUP, 240);
	raw_end(r, msg);
	raw_flush(r);
}

void raw_apply(struct round *ret)
{
	struct raw *r = xcalloc(1, sizeof(*r));
	struct cost begin;
	int nft;

	if (system("nft 'add table inet " TABLE "; add set inet " TABLE " " SET
		   " { type ifname; }'") != 0)
		bench_die("nft");
	begin = cost_now();
	r->fd = nlsock_open(-1, NETLINK_ROUTE, 1 << 20);
	nft = nlsock_open(-1, NETLINK_NETFILTER, 1 << 20);
	for (int i = 0; i < INSTANCES; i++)
		raw_links(r, i);
	for (int i = 0; i < INSTANCES; i++)
		raw_inet(r, i);
	raw_flush(r);
	raw_elements(nft, NFT_MSG_NEWSETELEM);
	ret->apply = cost_since(begin);
	let_carriers_settle();
	begin = cost_now();
	raw_elements(nft, NFT_MSG_DELSETELEM);
	raw_remove(r);
	ret->removal = cost_since(begin);
}
