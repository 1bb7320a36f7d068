/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/link_hardware.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "dataplane/nl/rtnl.h"

/* Text that does not fit says nothing: cut off it is another one. */
static void copy_text(const struct nlattr *attr, char *ret, size_t size)
{
	if (attr && mnl_attr_get_payload_len(attr) <= size)
		rtnl_str(attr, ret, size);
}

int link_hardware_read(struct dp *dp, uint32_t ifindex, struct link_hardware *ret)
{
	char buf[RTNL_MSG_MAX] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	const struct nlattr *tb[IFLA_MAX + 1];
	struct link_hardware hardware = { 0 };
	struct ifinfomsg *ifi;
	struct nlmsghdr *msg;
	int r;

	msg = rtnl_prepare(buf, RTM_GETLINK, 0, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_index = (int)ifindex;
	mnl_attr_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = rtnl_ask(dp, msg, sizeof(buf));
	if (r < 0)
		return r;
	rtnl_attrs(msg, sizeof(*ifi), tb, IFLA_MAX);
	copy_text(tb[IFLA_PARENT_DEV_BUS_NAME], hardware.bus, sizeof(hardware.bus));
	copy_text(tb[IFLA_PARENT_DEV_NAME], hardware.device, sizeof(hardware.device));
	hardware.max_mtu_bytes = rtnl_u32(tb[IFLA_MAX_MTU]);
	*ret = hardware;
	return 0;
}
