/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/link_msg.h"

#include <errno.h>
#include <linux/if_link.h>

#include "base/strbuf.h"
#include "dataplane/mark.h"

struct nlmsghdr *link_begin_new(struct dp_op *op, const struct ifname *ifname, bool up)
{
	const struct dp_mark *mark = dp_mark(dp_conf(dp_op_dp(op))->owner);
	struct ifinfomsg *ifi;
	struct nlmsghdr *msg;

	msg = rtnl_begin(op, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_flags = ifi->ifi_change = up ? IFF_UP : 0;
	mnl_attr_put_strz(msg, IFLA_IFNAME, ifname->str);
	mnl_attr_put_u32(msg, IFLA_GROUP, mark->link_group);
	return msg;
}

struct link_nest link_nest_begin(struct nlmsghdr *msg, const char *kind)
{
	struct link_nest nest;

	nest.info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
	mnl_attr_put_str(msg, IFLA_INFO_KIND, kind);
	nest.data = mnl_attr_nest_start(msg, IFLA_INFO_DATA);
	return nest;
}

void link_nest_end(struct nlmsghdr *msg, struct link_nest nest)
{
	/* A kind that takes no data (dummy, veth's end) does not expect an empty one either. */
	if ((char *)mnl_nlmsg_get_payload_tail(msg) == (char *)nest.data + MNL_ATTR_HDRLEN)
		mnl_attr_nest_cancel(msg, nest.data);
	else
		mnl_attr_nest_end(msg, nest.data);
	mnl_attr_nest_end(msg, nest.info);
}

static struct nlmsghdr *begin(struct dp_op *op, uint16_t type, const struct ifname *ifname,
			      enum link_updown state)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);

	if (state != LINK_AS_IS)
		ifi->ifi_change = IFF_UP;
	if (state == LINK_UP)
		ifi->ifi_flags = IFF_UP;
	ifi->ifi_index = rtnl_ifindex(dp_op_dp(op), ifname);
	if (!ifi->ifi_index)
		mnl_attr_put_strz(msg, IFLA_IFNAME, ifname->str);
	return msg;
}

struct nlmsghdr *link_begin_set(struct dp_op *op, const struct ifname *ifname,
				enum link_updown state)
{
	return begin(op, RTM_SETLINK, ifname, state);
}

int link_raise_new(struct dp_op *op, const struct ifname *ifname)
{
	struct nlmsghdr *msg = rtnl_begin(op, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);

	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	mnl_attr_put_strz(msg, IFLA_IFNAME, ifname->str);
	return rtnl_end(op, msg, 0);
}

struct nlmsghdr *link_begin_change(struct dp_op *op, const struct ifname *ifname,
				   enum link_updown state)
{
	return begin(op, RTM_NEWLINK, ifname, state);
}

void link_put_mtu(struct nlmsghdr *msg, uint32_t mtu_bytes)
{
	if (mtu_bytes)
		mnl_attr_put_u32(msg, IFLA_MTU, mtu_bytes);
}

void link_put_mac(struct nlmsghdr *msg, const struct mac *mac)
{
	if (mac_is_set(mac))
		mnl_attr_put(msg, IFLA_ADDRESS, sizeof(mac->byte), mac->byte);
}

/* ip link delete NAME, now and by name: what follows it makes a new one */
static void put_delete_first(struct dp_op *op, const struct ifname *ifname)
{
	struct nlmsghdr *msg = rtnl_begin(op, RTM_DELLINK, 0, sizeof(struct ifinfomsg));

	mnl_attr_put_strz(msg, IFLA_IFNAME, ifname->str);
	rtnl_end(op, msg, RTNL_ABSENT_OK);
}

int link_create(struct dp_op *op, const struct dp_type *type, const void *want,
		int (*make)(struct dp_op *op, const void *want))
{
	const struct ifname *ifname = want;
	struct dp *dp = dp_op_dp(op);
	const struct dp_link *link = dp_have(dp, &dp_link_type, ifname->str);
	const void *have = dp_have(dp, type, ifname->str);

	if (!link)
		return make(op, want);
	if (!link_group_is_ours(dp, link->group)) {
		dp_op_why(op, "exists and is not ours");
		return -EEXIST;
	}
	if (have && type->diff(have, want) == DP_SAME)
		return 0;
	if (have && type->diff(have, want) == DP_MODIFY)
		return type->modify(op, have, want);
	put_delete_first(op, ifname);
	return make(op, want);
}

bool link_mtu_differs(uint32_t have, uint32_t want)
{
	return want && have != want;
}

bool link_mac_differs(const struct mac *have, const struct mac *want)
{
	return mac_is_set(want) && !mac_equal(have, want);
}

void link_print_mac(const struct mac *mac, struct strbuf *out)
{
	if (!mac_is_set(mac))
		return;
	strbuf_add(out, " mac=");
	mac_format(mac, out);
}

void link_key(const void *spec, struct strbuf *out)
{
	const struct ifname *ifname = spec;

	strbuf_add(out, ifname->str);
}

int link_remove(struct dp_op *op, const void *have)
{
	const struct ifname *ifname = have;
	struct dp *dp = dp_op_dp(op);
	const struct dp_link *link = dp_have(dp, &dp_link_type, ifname->str);

	/* Also called after a create that failed because the name is somebody else's. */
	if (!link || !link_group_is_ours(dp, link->group))
		return 0;
	return rtnl_remove_link(op, link->ifindex);
}
