/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/port_msg.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>

int port_check(struct dp_op *op, const struct ifname *port)
{
	const struct dp_link *link = dp_have(dp_op_dp(op), &dp_link_type, port->str);
	struct ifname master = { 0 };
	char why[64];

	if (!link || !link->master ||
	    link_group_is_ours(dp_op_dp(op), link_group(dp_op_dp(op), link->master)))
		return 0;
	rtnl_ifname(dp_op_dp(op), link->master, &master);
	snprintf(why, sizeof(why), "is a port of %s, which is not ours", master.str);
	dp_op_why(op, why);
	return -EBUSY;
}

void port_put_master(struct dp_op *op, const struct ifname *port, const struct ifname *master,
		     bool down)
{
	struct nlmsghdr *msg = link_begin_set(op, port, down ? LINK_DOWN : LINK_AS_IS);

	mnl_attr_put_u32(msg, IFLA_MASTER, rtnl_ifindex(dp_op_dp(op), master));
	rtnl_end(op, msg, 0);
}

int port_release(struct dp_op *op, const struct ifname *port, const struct ifname *master)
{
	const struct dp_link *link = dp_have(dp_op_dp(op), &dp_link_type, port->str);
	struct nlmsghdr *msg;

	if (!link || !link->master || link->master != rtnl_ifindex(dp_op_dp(op), master))
		return 0;
	msg = link_begin_set(op, port, LINK_AS_IS);
	mnl_attr_put_u32(msg, IFLA_MASTER, 0);
	return rtnl_end(op, msg, RTNL_ABSENT_OK);
}
