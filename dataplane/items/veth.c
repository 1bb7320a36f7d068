/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/items/host.h"
#include "dataplane/mark.h"
#include "dataplane/nl/link_msg.h"
#include "dataplane/nl/netns.h"
#include "dataplane/nl/veth_peer.h"

/* A peer in this namespace: the engine knows it as a link of its own. */
static void peer_here(const struct dp *dp, uint32_t ifindex, struct dp_veth *veth)
{
	const struct dp_link *peer;

	if (!rtnl_ifname(dp, ifindex, &veth->peer))
		return;
	peer = dp_have(dp, &dp_link_type, veth->peer.str);
	if (!peer)
		return;
	veth->peer_mac = peer->mac;
	veth->peer_up = peer->up;
}

/*
 * A peer elsewhere costs a few system calls to look at. So that is done for what is found at
 * adoption; of one we are making right now the engine has the wish, and of one it knows the news
 * can only be of our end.
 */
static bool peer_elsewhere(struct dp *dp, const struct link_info *link, struct dp_veth *veth)
{
	const struct dp_veth *have = dp_creating(dp, &dp_veth_type, veth->ifname.str)
					     ?: dp_have(dp, &dp_veth_type, veth->ifname.str);

	if (have && have->peer_netns[0]) {
		veth->peer = have->peer;
		veth->peer_mac = have->peer_mac;
		veth->peer_up = have->peer_up;
		memcpy(veth->peer_netns, have->peer_netns, sizeof(veth->peer_netns));
		return true;
	}
	if (!link_dumping(dp))
		return false;
	veth_peer_look(dp, link->ifindex, veth);
	return true;
}

static bool veth_read(struct dp *dp, const struct link_info *link, void *spec)
{
	struct dp_veth *veth = spec;

	if (!link->parent)
		return false; /* half of a pair being made */
	*veth = (struct dp_veth){
		.ifname = link->ifname,
		.mac = link->mac,
		.mtu_bytes = link->mtu_bytes,
		.up = link->flags & IFF_UP,
	};
	if (link->parent_elsewhere)
		return peer_elsewhere(dp, link, veth);
	peer_here(dp, link->parent, veth);
	return true;
}

/* News of the peer, when it is in this namespace, are news of the pair. */
void dp_veth_follow(struct dp *dp, const struct link_info *link)
{
	const struct dp_veth *have;
	struct dp_veth veth;
	struct ifname other;

	if (strcmp(link->kind, "veth") != 0 || link->parent_elsewhere ||
	    !link_group_is_ours(dp, link_group(dp, link->parent)) ||
	    !rtnl_ifname(dp, link->parent, &other))
		return;
	have = dp_have(dp, &dp_veth_type, other.str);
	if (!have)
		return;
	veth = *have;
	peer_here(dp, link->ifindex, &veth);
	dp_observed(dp, &dp_veth_type, &veth, true);
}

static enum dp_change veth_diff(const void *have, const void *want)
{
	const struct dp_veth *h = have, *w = want;
	bool peer_mac_differs = link_mac_differs(&h->peer_mac, &w->peer_mac);
	bool elsewhere = w->peer_netns[0];
	bool peer_up_differs = elsewhere ? w->peer_up && !h->peer_up : w->peer_up != h->peer_up;

	if (!ifname_equal(&h->peer, &w->peer) || strcmp(h->peer_netns, w->peer_netns) != 0 ||
	    (elsewhere && peer_mac_differs))
		return DP_RECREATE;
	if (h->up != w->up || peer_mac_differs || peer_up_differs ||
	    link_mtu_differs(h->mtu_bytes, w->mtu_bytes) || link_mac_differs(&h->mac, &w->mac))
		return DP_MODIFY;
	return DP_SAME;
}

static void veth_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_veth *veth = want;

	if (veth->peer_netns[0])
		dp_need(deps, &dp_netns_type, veth->peer_netns, DP_FALLS_WITH, NULL);
}

static void veth_print(const void *spec, struct strbuf *out)
{
	const struct dp_veth *veth = spec;

	strbuf_addf(out, "peer=%s", veth->peer.str);
	if (veth->peer_netns[0])
		strbuf_addf(out, " netns=%s", veth->peer_netns);
	if (mac_is_set(&veth->peer_mac)) {
		strbuf_add(out, " peer_mac=");
		mac_format(&veth->peer_mac, out);
	}
	strbuf_addf(out, " mtu=%u", veth->mtu_bytes);
	link_print_mac(&veth->mac, out);
	strbuf_add(out, veth->up ? " up" : " down");
	strbuf_add(out, veth->peer_up ? " peer_up" : " peer_down");
}

/* One queue: the kernel's default is one per CPU, which makes a pair a third slower to make. */
static void put_one_queue(struct nlmsghdr *msg)
{
	mnl_attr_put_u32(msg, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(msg, IFLA_NUM_RX_QUEUES, 1);
}

/* The end that a message for the other one brings along. group 0: none; netns_fd -1: here */
static void put_other_end(struct nlmsghdr *msg, const struct ifname *ifname, const struct mac *mac,
			  uint32_t mtu_bytes, uint32_t group, int netns_fd)
{
	struct link_nest nest = link_nest_begin(msg, "veth");
	struct nlattr *peer = mnl_attr_nest_start(msg, VETH_INFO_PEER);

	mnl_nlmsg_put_extra_header(msg, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(msg, IFLA_IFNAME, ifname->str);
	link_put_mtu(msg, mtu_bytes);
	link_put_mac(msg, mac);
	put_one_queue(msg);
	if (group)
		mnl_attr_put_u32(msg, IFLA_GROUP, group);
	if (netns_fd >= 0)
		mnl_attr_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	mnl_attr_nest_end(msg, peer);
	link_nest_end(msg, nest);
}

static void veth_raised(struct dp_op *op, int err)
{
	if (err == 0)
		err = veth_peer_up(*dp_op_data(op));
	dp_op_done(op, err);
}

/*
 * ip link add NAME numtxqueues 1 numrxqueues 1 type veth peer name PEER
 * ip link set PEER up
 *
 * The peer could not be made up: veth_open() in drivers/net/veth.c refuses an end whose other end does
 * not exist yet, and the peer is made first.
 */
static void put_pair(struct dp_op *op, const struct dp_veth *veth, int netns_fd)
{
	struct nlmsghdr *msg = link_begin_new(op, &veth->ifname, veth->up);

	link_put_mtu(msg, veth->mtu_bytes);
	link_put_mac(msg, &veth->mac);
	put_one_queue(msg);
	put_other_end(msg, &veth->peer, &veth->peer_mac, veth->mtu_bytes, 0, netns_fd);
	rtnl_end(op, msg, 0);
}

static int make_here(struct dp_op *op, const struct dp_veth *veth)
{
	put_pair(op, veth, -1);
	return veth->peer_up ? link_raise_new(op, &veth->peer) : -EINPROGRESS;
}

/* ip link add NAME numtxqueues 1 numrxqueues 1 type veth peer name PEER netns NETNS
 * ip -n NETNS link set PEER up */
static int make_from_here(struct dp_op *op, const struct dp_veth *veth)
{
	int fd = netns_by_name(veth->peer_netns);

	if (fd < 0)
		return fd;
	rtnl_keep_fd(dp_op_dp(op), fd);
	put_pair(op, veth, fd);
	*dp_op_data(op) = (void *)veth; /* want stays until the operation is done */
	if (veth->peer_up)
		rtnl_then(op, veth_raised);
	return -EINPROGRESS;
}

/*
 * ip link add PEER netns NETNS up numtxqueues 1 numrxqueues 1 type veth peer name NAME group GROUP
 * ip link set NAME up
 *
 * The other way round: the end that can be made up is the one in the other namespace, where it
 * would take a socket to set it up. No group for it: an engine there would take it for its own.
 */
static int make_elsewhere(struct dp_op *op, const struct dp_veth *veth)
{
	struct dp *dp = dp_op_dp(op);
	struct ifinfomsg *ifi;
	struct nlmsghdr *msg;
	int fd;

	fd = netns_by_name(veth->peer_netns);
	if (fd < 0)
		return fd;
	rtnl_keep_fd(dp, fd);
	msg = rtnl_begin(op, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_flags = ifi->ifi_change = veth->peer_up ? IFF_UP : 0;
	mnl_attr_put_strz(msg, IFLA_IFNAME, veth->peer.str);
	mnl_attr_put_u32(msg, IFLA_NET_NS_FD, fd);
	link_put_mtu(msg, veth->mtu_bytes);
	link_put_mac(msg, &veth->peer_mac);
	put_one_queue(msg);
	put_other_end(msg, &veth->ifname, &veth->mac, veth->mtu_bytes,
		      dp_mark(dp_conf(dp)->owner)->link_group, -1);
	rtnl_end(op, msg, 0);
	return veth->up ? link_raise_new(op, &veth->ifname) : -EINPROGRESS;
}

static int veth_make(struct dp_op *op, const void *want)
{
	const struct dp_veth *veth = want;

	if (!veth->peer_netns[0])
		return make_here(op, veth);
	/* Linux 6.12 and older look for the name of a new link in the sender's namespace, wherever the
	 * link is to be (__rtnl_newlink() in net/core/rtnetlink.c): an app's eth0 beside ours. */
	return if_nametoindex(veth->peer.str) ? make_from_here(op, veth) : make_elsewhere(op, veth);
}

static int veth_create(struct dp_op *op, const void *want)
{
	return link_create(op, &dp_veth_type, want, veth_make);
}

/* ip link set NAME … && ip link set PEER … */
static int veth_modify(struct dp_op *op, const void *have, const void *want)
{
	const struct dp_veth *veth = want;
	struct nlmsghdr *msg;

	(void)have;
	msg = link_begin_set(op, &veth->ifname, veth->up ? LINK_UP : LINK_DOWN);
	link_put_mtu(msg, veth->mtu_bytes);
	link_put_mac(msg, &veth->mac);
	rtnl_end(op, msg, 0);
	if (veth->peer_netns[0]) {
		*dp_op_data(op) = (void *)veth; /* want stays until the operation is done */
		if (veth->peer_up)
			rtnl_then(op, veth_raised);
		return -EINPROGRESS;
	}
	msg = link_begin_set(op, &veth->peer, veth->peer_up ? LINK_UP : LINK_DOWN);
	link_put_mtu(msg, veth->mtu_bytes);
	link_put_mac(msg, &veth->peer_mac);
	return rtnl_end(op, msg, 0);
}

const struct dp_type dp_veth_type = {
	.name = "veth",
	.size = sizeof(struct dp_veth),
	.key = link_key,
	.diff = veth_diff,
	.needs = veth_needs,
	.print = veth_print,
	.create = veth_create,
	.modify = veth_modify,
	.remove = link_remove,
	.timeout_ms = LINK_TIMEOUT_MS,
	.remove_last = true,
};

extern const struct link_kind dp_veth_kind;
const struct link_kind dp_veth_kind = {
	.kind = "veth",
	.type = &dp_veth_type,
	.read = veth_read,
};
