/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/mark.h"
#include "dataplane/nl/link_msg.h"
#include "dataplane/nl/netns.h"

static bool tap_read(struct dp *dp, const struct link_info *link, void *spec)
{
	const struct nlattr *tb[IFLA_TUN_MAX + 1];

	(void)dp;
	rtnl_nested(link->data, tb, IFLA_TUN_MAX);
	if (rtnl_u8(tb[IFLA_TUN_TYPE]) != IFF_TAP)
		return false;
	*(struct dp_tap *)spec = (struct dp_tap){
		.ifname = link->ifname,
		.mac = link->mac,
		.mtu_bytes = link->mtu_bytes,
		.uid = rtnl_u32(tb[IFLA_TUN_OWNER]),
		.multi_queue = rtnl_u8(tb[IFLA_TUN_MULTI_QUEUE]),
		.vnet_hdr = rtnl_u8(tb[IFLA_TUN_VNET_HDR]),
		.up = link->flags & IFF_UP,
	};
	return true;
}

static enum dp_change tap_diff(const void *have, const void *want)
{
	const struct dp_tap *h = have, *w = want;

	if (h->uid != w->uid || h->multi_queue != w->multi_queue)
		return DP_RECREATE;
	if (h->up != w->up || link_mtu_differs(h->mtu_bytes, w->mtu_bytes) ||
	    link_mac_differs(&h->mac, &w->mac))
		return DP_MODIFY;
	return DP_SAME;
}

static void tap_print(const void *spec, struct strbuf *out)
{
	const struct dp_tap *tap = spec;

	strbuf_addf(out, "uid=%u mtu=%u", tap->uid, tap->mtu_bytes);
	link_print_mac(&tap->mac, out);
	if (tap->multi_queue)
		strbuf_add(out, " multi_queue");
	if (tap->vnet_hdr)
		strbuf_add(out, " vnet_hdr");
	strbuf_add(out, tap->up ? " up" : " down");
}

static int tun_attach(struct dp *dp, const struct dp_tap *tap, int *ret_fd)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL };
	_cleanup_(closep) int fd = -1;

	fd = netns_open(dp_conf(dp)->netns_fd, "/dev/net/tun", O_RDWR);
	if (fd < 0)
		return fd;
	if (tap->multi_queue)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	if (tap->vnet_hdr)
		ifr.ifr_flags |= IFF_VNET_HDR;
	memcpy(ifr.ifr_name, tap->ifname.str, sizeof(ifr.ifr_name));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* ip link set NAME group OURS, at once */
static int tap_mark(struct dp_op *op, const struct dp_tap *tap)
{
	char buf[256] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct dp *dp = dp_op_dp(op);
	struct nlmsghdr *msg;
	char why[128] = "";
	int r;

	msg = rtnl_prepare(buf, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(msg, IFLA_IFNAME, tap->ifname.str);
	mnl_attr_put_u32(msg, IFLA_GROUP, dp_mark(dp_conf(dp)->owner)->link_group);
	r = rtnl_request(dp, msg, why, sizeof(why));
	if (r < 0 && why[0])
		dp_op_why(op, why);
	return r;
}

static int tap_finish(struct dp_op *op, const struct dp_tap *tap)
{
	struct nlmsghdr *msg;

	msg = link_begin_set(op, &tap->ifname, tap->up ? LINK_UP : LINK_DOWN);
	link_put_mtu(msg, tap->mtu_bytes);
	link_put_mac(msg, &tap->mac);
	return rtnl_end(op, msg, 0);
}

static void tap_made(struct dp_op *op, int err)
{
	const struct dp_tap *tap = *dp_op_data(op);

	if (err == 0)
		link_reread(dp_op_dp(op), &tap->ifname);
	dp_op_done(op, err);
}

/*
 * ip tuntap add NAME mode tap user UID. rtnetlink cannot make taps (tun_validate() in
 * drivers/net/tun.c). It is made persistent last: were we killed before it bears our mark, it
 * would go with our descriptor. Without an owner anybody might attach.
 */
static int tap_make(struct dp_op *op, const void *want)
{
	const struct dp_tap *tap = want;
	_cleanup_(closep) int fd = -1;
	int r;

	r = tun_attach(dp_op_dp(op), tap, &fd);
	if (r == 0)
		r = tap_mark(op, tap);
	if (r < 0)
		return r;
	if (ioctl(fd, TUNSETOWNER, (unsigned long)tap->uid) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0)
		return -errno;
	tap_finish(op, tap);
	*dp_op_data(op) = (void *)tap; /* want stays until the operation is done */
	rtnl_then(op, tap_made);
	return -EINPROGRESS;
}

/* One that is ours but different is removed at once: what is made here comes before the batch. */
static int tap_create(struct dp_op *op, const void *want)
{
	char buf[256] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	const struct dp_tap *tap = want;
	struct dp *dp = dp_op_dp(op);
	const struct dp_link *link = dp_have(dp, &dp_link_type, tap->ifname.str);
	const void *have = dp_have(dp, &dp_tap_type, tap->ifname.str);
	struct nlmsghdr *msg;
	int r;

	if (link && link_group_is_ours(dp, link->group) &&
	    !(have && tap_diff(have, want) != DP_RECREATE)) {
		msg = rtnl_prepare(buf, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
		mnl_attr_put_strz(msg, IFLA_IFNAME, tap->ifname.str);
		r = rtnl_request(dp, msg, NULL, 0);
		return r < 0 && r != -ENODEV ? r : tap_make(op, want);
	}
	return link_create(op, &dp_tap_type, want, tap_make);
}

static int tap_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return tap_finish(op, want);
}

const struct dp_type dp_tap_type = {
	.name = "tap",
	.size = sizeof(struct dp_tap),
	.key = link_key,
	.diff = tap_diff,
	.print = tap_print,
	.create = tap_create,
	.modify = tap_modify,
	.remove = link_remove,
	.timeout_ms = LINK_TIMEOUT_MS,
	.remove_last = true,
};

extern const struct link_kind dp_tap_kind;
const struct link_kind dp_tap_kind = {
	.kind = "tun",
	.type = &dp_tap_type,
	.read = tap_read,
};
