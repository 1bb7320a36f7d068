/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>

#include "base/strbuf.h"
#include "dataplane/nl/link_msg.h"

/*
 * A kernel built without CONFIG_BRIDGE_VLAN_FILTERING takes IFLA_BR_VLAN_FILTERING without a word
 * and does nothing; it shows in what it tells of any bridge.
 */
static bool kernel_lacks_vlan_filtering;

static bool bridge_read(struct dp *dp, const struct link_info *link, void *spec)
{
	const struct nlattr *tb[IFLA_BR_MAX + 1];
	struct dp_bridge *bridge = spec;

	rtnl_nested(link->data, tb, IFLA_BR_MAX);
	kernel_lacks_vlan_filtering = !tb[IFLA_BR_VLAN_FILTERING];
	*bridge = (struct dp_bridge){
		.ifname = link->ifname,
		.mac = link->mac,
		.mtu_bytes = link->mtu_bytes,
		.group_fwd_mask = rtnl_u16(tb[IFLA_BR_GROUP_FWD_MASK]),
		.vlan_filtering = rtnl_u8(tb[IFLA_BR_VLAN_FILTERING]),
		.stp = rtnl_u32(tb[IFLA_BR_STP_STATE]),
		.down = !(link->flags & IFF_UP),
	};
	if (link->master)
		rtnl_ifname(dp, link->master, &bridge->vrf);
	return true;
}

static enum dp_change bridge_diff(const void *have, const void *want)
{
	const struct dp_bridge *h = have, *w = want;

	if (h->down || h->vlan_filtering != w->vlan_filtering || h->stp != w->stp ||
	    h->group_fwd_mask != w->group_fwd_mask || !ifname_equal(&h->vrf, &w->vrf) ||
	    link_mtu_differs(h->mtu_bytes, w->mtu_bytes) || link_mac_differs(&h->mac, &w->mac))
		return DP_MODIFY;
	return DP_SAME;
}

static void bridge_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_bridge *bridge = want;

	if (bridge->vrf.str[0])
		dp_need(deps, &dp_vrf_type, bridge->vrf.str, 0, NULL);
}

static void bridge_print(const void *spec, struct strbuf *out)
{
	const struct dp_bridge *bridge = spec;

	strbuf_addf(out, "mtu=%u", bridge->mtu_bytes);
	link_print_mac(&bridge->mac, out);
	if (bridge->group_fwd_mask)
		strbuf_addf(out, " group_fwd_mask=0x%x", bridge->group_fwd_mask);
	if (bridge->vrf.str[0])
		strbuf_addf(out, " vrf=%s", bridge->vrf.str);
	if (bridge->vlan_filtering)
		strbuf_add(out, " vlan_filtering");
	if (bridge->stp)
		strbuf_add(out, " stp");
	if (bridge->down)
		strbuf_add(out, " down");
}

static void bridge_then(struct dp_op *op, int err)
{
	if (!err && kernel_lacks_vlan_filtering) {
		dp_op_why(op, "this kernel's bridge cannot filter VLANs");
		err = -EOPNOTSUPP;
	}
	dp_op_done(op, err);
}

/* What can be set when it is made and later; have NULL: being made. */
static int bridge_finish(struct dp_op *op, struct nlmsghdr *msg, const struct dp_bridge *want,
			 const struct dp_bridge *have)
{
	bool filtering_differs =
		have ? have->vlan_filtering != want->vlan_filtering : want->vlan_filtering;
	/* Frames to 01:80:c2:00:00:0x pass by the filters of the bridge: it must not learn from
	 * them where a MAC address is. ip link … type bridge no_linklocal_learn 1 */
	const struct br_boolopt_multi no_ll_learn = { .optval = 1 << BR_BOOLOPT_NO_LL_LEARN,
						      .optmask = 1 << BR_BOOLOPT_NO_LL_LEARN };
	struct link_nest nest;

	link_put_mtu(msg, want->mtu_bytes);
	link_put_mac(msg, &want->mac);
	if (!ifname_equal(&want->vrf, have ? &have->vrf : &(struct ifname){ 0 }))
		mnl_attr_put_u32(msg, IFLA_MASTER, rtnl_ifindex(dp_op_dp(op), &want->vrf));
	nest = link_nest_begin(msg, "bridge");
	if (filtering_differs)
		mnl_attr_put_u8(msg, IFLA_BR_VLAN_FILTERING, want->vlan_filtering);
	if (filtering_differs && want->vlan_filtering)
		mnl_attr_put_u16(msg, IFLA_BR_VLAN_DEFAULT_PVID, 0);
	if (!have)
		mnl_attr_put(msg, IFLA_BR_MULTI_BOOLOPT, sizeof(no_ll_learn), &no_ll_learn);
	if (have || want->group_fwd_mask)
		mnl_attr_put_u16(msg, IFLA_BR_GROUP_FWD_MASK, want->group_fwd_mask);
	if (have || want->stp)
		mnl_attr_put_u32(msg, IFLA_BR_STP_STATE, want->stp);
	link_nest_end(msg, nest);
	rtnl_end(op, msg, 0);
	if (want->vlan_filtering)
		rtnl_then(op, bridge_then);
	return -EINPROGRESS;
}

static int bridge_make(struct dp_op *op, const void *want)
{
	const struct dp_bridge *bridge = want;

	return bridge_finish(op, link_begin_new(op, &bridge->ifname, true), bridge, NULL);
}

static int bridge_create(struct dp_op *op, const void *want)
{
	return link_create(op, &dp_bridge_type, want, bridge_make);
}

static int bridge_modify(struct dp_op *op, const void *have, const void *want)
{
	const struct dp_bridge *w = want;

	return bridge_finish(op, link_begin_change(op, &w->ifname, LINK_UP), w, have);
}

const struct dp_type dp_bridge_type = {
	.name = "bridge",
	.size = sizeof(struct dp_bridge),
	.key = link_key,
	.diff = bridge_diff,
	.needs = bridge_needs,
	.print = bridge_print,
	.create = bridge_create,
	.modify = bridge_modify,
	.remove = link_remove,
	.timeout_ms = LINK_TIMEOUT_MS,
	.remove_last = true,
};

extern const struct link_kind dp_bridge_kind;
const struct link_kind dp_bridge_kind = {
	.kind = "bridge",
	.type = &dp_bridge_type,
	.read = bridge_read,
};
