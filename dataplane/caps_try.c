/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/caps_try.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/nl/nlsock.h"
#include "dataplane/nl/rtnl.h"

#define PROTOCOL 240

struct message {
	char buf[2048] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg;
};

static void *begin(struct message *m, uint16_t type, uint16_t flags, size_t header_len)
{
	m->msg = rtnl_prepare(m->buf, type, flags, header_len);
	return mnl_nlmsg_get_payload(m->msg);
}

static int finish(struct trial *t, struct message *m)
{
	m->msg->nlmsg_seq = ++t->seq;
	return nlsock_request(t->rtnl, m->msg, NULL, 0);
}

/* ip link add NAME type KIND … up; put adds the kind's attributes, NULL: none */
static int add_link(struct trial *t, const char *name, const char *kind, uint32_t parent,
		    void (*put)(struct nlmsghdr *msg))
{
	struct nlattr *info, *data;
	struct ifinfomsg *ifi;
	struct message m;

	ifi = begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifi));
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	mnl_attr_put_strz(m.msg, IFLA_IFNAME, name);
	if (parent)
		mnl_attr_put_u32(m.msg, IFLA_LINK, parent);
	info = mnl_attr_nest_start(m.msg, IFLA_LINKINFO);
	mnl_attr_put_str(m.msg, IFLA_INFO_KIND, kind);
	if (put) {
		data = mnl_attr_nest_start(m.msg, IFLA_INFO_DATA);
		put(m.msg);
		mnl_attr_nest_end(m.msg, data);
	}
	mnl_attr_nest_end(m.msg, info);
	return finish(t, &m);
}

static int try_bridge(struct trial *t)
{
	return add_link(t, "br0", "bridge", 0, NULL);
}

static void put_peer(struct nlmsghdr *msg)
{
	struct nlattr *peer = mnl_attr_nest_start(msg, VETH_INFO_PEER);

	mnl_nlmsg_put_extra_header(msg, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(msg, IFLA_IFNAME, "veth1");
	mnl_attr_nest_end(msg, peer);
}

static int try_veth(struct trial *t)
{
	return add_link(t, "veth0", "veth", 0, put_peer);
}

/* ip link set veth0 master br0 && ip link set veth0 type bridge_slave isolated on */
static int try_bridge_isolated(struct trial *t)
{
	struct nlattr *info, *data;
	struct ifinfomsg *ifi;
	struct message m;
	int r;

	ifi = begin(&m, RTM_SETLINK, 0, sizeof(*ifi));
	ifi->ifi_index = if_nametoindex("veth0");
	mnl_attr_put_u32(m.msg, IFLA_MASTER, if_nametoindex("br0"));
	r = finish(t, &m);
	if (r < 0)
		return r;
	ifi = begin(&m, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = if_nametoindex("veth0");
	info = mnl_attr_nest_start(m.msg, IFLA_LINKINFO);
	mnl_attr_put_str(m.msg, IFLA_INFO_SLAVE_KIND, "bridge");
	data = mnl_attr_nest_start(m.msg, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(m.msg, IFLA_BRPORT_ISOLATED, 1);
	mnl_attr_nest_end(m.msg, data);
	mnl_attr_nest_end(m.msg, info);
	return finish(t, &m);
}

/* bridge vlan add dev br0 vid 7 self */
static int try_bridge_vlan(struct trial *t)
{
	const struct bridge_vlan_info vlan = { .vid = 7 };
	struct ifinfomsg *ifi;
	struct nlattr *spec;
	struct message m;

	ifi = begin(&m, RTM_SETLINK, 0, sizeof(*ifi));
	ifi->ifi_family = AF_BRIDGE;
	ifi->ifi_index = if_nametoindex("br0");
	spec = mnl_attr_nest_start(m.msg, IFLA_AF_SPEC);
	mnl_attr_put_u16(m.msg, IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
	mnl_attr_put(m.msg, IFLA_BRIDGE_VLAN_INFO, sizeof(vlan), &vlan);
	mnl_attr_nest_end(m.msg, spec);
	return finish(t, &m);
}

static int try_tap(struct trial *t)
{
	struct ifreq ifr = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	_cleanup_(closep) int fd = -1;

	(void)t;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	return 0;
}

static int try_dummy(struct trial *t)
{
	return add_link(t, "dummy7", "dummy", 0, NULL);
}

static void put_vid(struct nlmsghdr *msg)
{
	mnl_attr_put_u16(msg, IFLA_VLAN_ID, 7);
}

static int try_vlan(struct trial *t)
{
	return add_link(t, "vlan7", "vlan", if_nametoindex("br0"), put_vid);
}

static int try_bond(struct trial *t)
{
	return add_link(t, "bond7", "bond", 0, NULL);
}

static void put_table(struct nlmsghdr *msg)
{
	mnl_attr_put_u32(msg, IFLA_VRF_TABLE, 7);
}

static int try_vrf(struct trial *t)
{
	return add_link(t, "vrf7", "vrf", 0, put_table);
}

static int try_ipv6(struct trial *t)
{
	_cleanup_(closep) int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)t;
	return fd < 0 ? -errno : 0;
}

/* Kernels pass over attributes they do not know: it has to come back. */
static bool returned; /* by the dump under way */

static int count_attr(const struct nlmsghdr *msg, size_t header_len, uint16_t type, uint16_t max)
{
	const struct nlattr *tb[64];

	rtnl_attrs(msg, header_len, tb, max);
	if (rtnl_u8(tb[type]) == PROTOCOL)
		returned = true;
	return MNL_CB_OK;
}

static int addr_cb(const struct nlmsghdr *msg, void *arg)
{
	(void)arg;
	return count_attr(msg, sizeof(struct ifaddrmsg), IFA_PROTO, IFA_PROTO);
}

static int rule_cb(const struct nlmsghdr *msg, void *arg)
{
	(void)arg;
	return count_attr(msg, sizeof(struct fib_rule_hdr), FRA_PROTOCOL, FRA_PROTOCOL);
}

static int neigh_cb(const struct nlmsghdr *msg, void *arg)
{
	(void)arg;
	return count_attr(msg, sizeof(struct ndmsg), NDA_PROTOCOL, NDA_PROTOCOL);
}

static int comes_back(struct trial *t, uint16_t type, size_t header_len, mnl_cb_t cb)
{
	_cleanup_(freep) char *reply = xcalloc(1, 32768);
	struct message m;
	ssize_t n;
	int r;

	returned = false;
	*(uint8_t *)begin(&m, type, NLM_F_DUMP, header_len) = AF_INET;
	m.msg->nlmsg_seq = ++t->seq;
	r = nlsock_send(t->rtnl, m.msg, m.msg->nlmsg_len);
	if (r < 0)
		return r;
	do {
		n = recv(t->rtnl, reply, 32768, 0);
		if (n < 0)
			return -errno;
		r = mnl_cb_run(reply, n, t->seq, 0, cb, NULL);
	} while (r > 0);
	if (r < 0)
		return -errno;
	return returned ? 0 : -EOPNOTSUPP;
}

/* ip address add 198.51.100.1/24 dev br0 proto 240 */
static int try_addr_protocol(struct trial *t)
{
	struct ifaddrmsg *ifa;
	struct message m;
	int r;

	ifa = begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 24;
	ifa->ifa_index = if_nametoindex("br0");
	mnl_attr_put_u32(m.msg, IFA_LOCAL, htonl(0xc6336401));
	mnl_attr_put_u8(m.msg, IFA_PROTO, PROTOCOL);
	r = finish(t, &m);
	return r < 0 ? r : comes_back(t, RTM_GETADDR, sizeof(*ifa), addr_cb);
}

/* ip rule add pref 7 lookup 7 protocol 240 */
static int try_rule_protocol(struct trial *t)
{
	struct fib_rule_hdr *frh;
	struct message m;
	int r;

	frh = begin(&m, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*frh));
	frh->family = AF_INET;
	frh->table = 7;
	frh->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(m.msg, FRA_PRIORITY, 7);
	mnl_attr_put_u8(m.msg, FRA_PROTOCOL, PROTOCOL);
	r = finish(t, &m);
	return r < 0 ? r : comes_back(t, RTM_GETRULE, sizeof(*frh), rule_cb);
}

/* ip neigh add 198.51.100.2 lladdr 02:00:00:00:00:01 dev br0 nud permanent protocol 240 */
static int try_neigh_protocol(struct trial *t)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct ndmsg *ndm;
	struct message m;
	int r;

	ndm = begin(&m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ndm));
	ndm->ndm_family = AF_INET;
	ndm->ndm_ifindex = if_nametoindex("br0");
	ndm->ndm_state = NUD_PERMANENT;
	mnl_attr_put_u32(m.msg, NDA_DST, htonl(0xc6336402));
	mnl_attr_put(m.msg, NDA_LLADDR, sizeof(mac), mac);
	mnl_attr_put_u8(m.msg, NDA_PROTOCOL, PROTOCOL);
	r = finish(t, &m);
	return r < 0 ? r : comes_back(t, RTM_GETNEIGH, sizeof(*ndm), neigh_cb);
}

/* ip route add 192.0.2.0/24 table 7 nexthop dev br0 nexthop dev veth0 */
static int try_multipath(struct trial *t)
{
	const char *const names[] = { "br0", "veth0" };
	struct rtnexthop hops[2] = { 0 };
	struct rtmsg *rtm;
	struct message m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hops); i++) {
		hops[i].rtnh_len = sizeof(hops[i]);
		hops[i].rtnh_ifindex = if_nametoindex(names[i]);
	}
	rtm = begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 24;
	rtm->rtm_table = 7;
	rtm->rtm_protocol = PROTOCOL;
	rtm->rtm_scope = RT_SCOPE_LINK;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(m.msg, RTA_DST, htonl(0xc0000200));
	mnl_attr_put(m.msg, RTA_MULTIPATH, sizeof(hops), hops);
	return finish(t, &m);
}

static int try_proxy_arp_pvlan(struct trial *t)
{
	(void)t;
	return access("/proc/sys/net/ipv4/conf/all/proxy_arp_pvlan", F_OK) < 0 ? -errno : 0;
}

void caps_try_all(struct caps *ret)
{
	static int (*const tries[CAPS_COUNT])(struct trial * t) = {
		[CAPS_BRIDGE] = try_bridge,
		[CAPS_BRIDGE_ISOLATED] = try_bridge_isolated,
		[CAPS_BRIDGE_VLAN] = try_bridge_vlan,
		[CAPS_VETH] = try_veth,
		[CAPS_TAP] = try_tap,
		[CAPS_DUMMY] = try_dummy,
		[CAPS_VLAN] = try_vlan,
		[CAPS_BOND] = try_bond,
		[CAPS_VRF] = try_vrf,
		[CAPS_IPV6] = try_ipv6,
		[CAPS_ADDR_PROTOCOL] = try_addr_protocol,
		[CAPS_RULE_PROTOCOL] = try_rule_protocol,
		[CAPS_NEIGH_PROTOCOL] = try_neigh_protocol,
		[CAPS_MULTIPATH] = try_multipath,
		[CAPS_PROXY_ARP_PVLAN] = try_proxy_arp_pvlan,
		[CAPS_NFT_INET] = try_nft_inet,
		[CAPS_NFT_BRIDGE] = try_nft_bridge,
		[CAPS_NFT_MASQUERADE] = try_nft_masquerade,
		[CAPS_NFT_CT_MARK] = try_nft_ct_mark,
		[CAPS_NFT_REJECT] = try_nft_reject,
		[CAPS_NFT_CT_BRIDGE] = try_nft_ct_bridge,
		[CAPS_NFT_FLOWTABLE] = try_nft_flowtable,
		[CAPS_NFT_LOG] = try_nft_log,
		[CAPS_XDP] = try_xdp,
	};
	/* Some build on what others leave. */
	static const enum cap first[] = { CAPS_BRIDGE, CAPS_VETH };
	struct trial t = { .rtnl = nlsock_open(-1, NETLINK_ROUTE, 0),
			   .nft = nlsock_open(-1, NETLINK_NETFILTER, 0) };
	struct caps caps;
	size_t i;

	for (i = 0; i < CAPS_COUNT; i++)
		caps.err[i] = t.rtnl;
	for (i = 0; t.rtnl >= 0 && i < ARRAY_SIZE(first); i++)
		caps.err[first[i]] = tries[first[i]](&t);
	for (i = 0; t.rtnl >= 0 && i < CAPS_COUNT; i++)
		if (i != CAPS_BRIDGE && i != CAPS_VETH)
			caps.err[i] = tries[i](&t);
	closep(&t.rtnl);
	closep(&t.nft);
	*ret = caps;
}
