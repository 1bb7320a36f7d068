/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/link_counters.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "dataplane/nl/rtnl_state.h"

static bool parse(const struct nlattr *attr, struct link_counters *ret)
{
	struct rtnl_link_stats64 stats; /* netlink aligns to 4 bytes, its members want 8 */

	if (!attr || mnl_attr_get_payload_len(attr) < offsetof(struct rtnl_link_stats64, rx_errors))
		return false;
	memset(&stats, 0, sizeof(stats));
	memcpy(&stats, mnl_attr_get_payload(attr), offsetof(struct rtnl_link_stats64, rx_errors));
	*ret = (struct link_counters){ .rx_bytes = stats.rx_bytes, .tx_bytes = stats.tx_bytes };
	return true;
}

int link_counters_read(struct dp *dp, uint32_t ifindex, struct link_counters *ret)
{
	char buf[RTNL_MSG_MAX] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	const struct nlattr *tb[IFLA_STATS_MAX + 1];
	struct if_stats_msg *stats;
	struct nlmsghdr *msg;
	int r;

	msg = rtnl_prepare(buf, RTM_GETSTATS, 0, sizeof(*stats));
	stats = mnl_nlmsg_get_payload(msg);
	stats->ifindex = ifindex;
	stats->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	r = rtnl_ask(dp, msg, sizeof(buf));
	if (r < 0)
		return r;
	rtnl_attrs(msg, sizeof(*stats), tb, IFLA_STATS_MAX);
	return parse(tb[IFLA_STATS_LINK_64], ret) ? 0 : -EBADMSG;
}

void link_on_farewell(struct dp *dp, link_farewell_fn *fn, void *arg)
{
	struct rtnl *r = rtnl_state(dp);

	r->farewell = fn;
	r->farewell_arg = arg;
}

void link_counters_gone(struct dp *dp, const struct nlmsghdr *msg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[IFLA_MAX + 1];
	const struct rtnl *r = rtnl_state(dp);
	struct link_counters last;

	if (!r->farewell)
		return;
	rtnl_attrs(msg, sizeof(*ifi), tb, IFLA_MAX);
	if (parse(tb[IFLA_STATS64], &last))
		r->farewell((uint32_t)ifi->ifi_index, &last, r->farewell_arg);
}
