/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/if_link.h>

#include "base/strbuf.h"
#include "dataplane/nl/link_msg.h"

/* The kernel takes a VLAN up and down with its parent (vlan_device_event() in net/8021q/vlan.c):
 * below a parent that is down it is down, and that is as it should be. */
static bool parent_is_up(const struct dp *dp, const struct ifname *parent)
{
	const struct dp_link *link = dp_have(dp, &dp_link_type, parent->str);

	return link && link->up;
}

static bool vlan_read(struct dp *dp, const struct link_info *link, void *spec)
{
	const struct nlattr *tb[IFLA_VLAN_MAX + 1];
	struct dp_vlan *vlan = spec;

	rtnl_nested(link->data, tb, IFLA_VLAN_MAX);
	*vlan = (struct dp_vlan){
		.ifname = link->ifname,
		.vid = rtnl_u16(tb[IFLA_VLAN_ID]),
		.mtu_bytes = link->mtu_bytes,
	};
	if (!link->parent_elsewhere)
		rtnl_ifname(dp, link->parent, &vlan->parent);
	vlan->down = !(link->flags & IFF_UP) && parent_is_up(dp, &vlan->parent);
	return true;
}

static enum dp_change vlan_diff(const void *have, const void *want)
{
	const struct dp_vlan *h = have, *w = want;

	if (h->vid != w->vid || !ifname_equal(&h->parent, &w->parent))
		return DP_RECREATE;
	if (h->down || link_mtu_differs(h->mtu_bytes, w->mtu_bytes))
		return DP_MODIFY;
	return DP_SAME;
}

static void vlan_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_vlan *vlan = want;

	dp_need(deps, &dp_link_type, vlan->parent.str, DP_FALLS_WITH, NULL);
}

static void vlan_print(const void *spec, struct strbuf *out)
{
	const struct dp_vlan *vlan = spec;

	strbuf_addf(out, "parent=%s vid=%u mtu=%u%s", vlan->parent.str, vlan->vid, vlan->mtu_bytes,
		    vlan->down ? " down" : "");
}

/* ip link set NAME up mtu MTU; refused (-ENETDOWN) while the parent is down */
static int vlan_modify(struct dp_op *op, const void *have, const void *want)
{
	const struct dp_vlan *vlan = want;
	struct nlmsghdr *msg = link_begin_set(op, &vlan->ifname, LINK_UP);

	(void)have;
	link_put_mtu(msg, vlan->mtu_bytes);
	return rtnl_end(op, msg, RTNL_DOWN_OK);
}

/* ip link add link PARENT name NAME type vlan id VID && ip link set NAME up */
static int vlan_make(struct dp_op *op, const void *want)
{
	const struct dp_vlan *vlan = want;
	struct nlmsghdr *msg = link_begin_new(op, &vlan->ifname, false);
	struct link_nest nest;

	mnl_attr_put_u32(msg, IFLA_LINK, rtnl_ifindex(dp_op_dp(op), &vlan->parent));
	nest = link_nest_begin(msg, "vlan");
	mnl_attr_put_u16(msg, IFLA_VLAN_ID, vlan->vid);
	link_nest_end(msg, nest);
	rtnl_end(op, msg, 0);
	return vlan_modify(op, NULL, want);
}

static int vlan_create(struct dp_op *op, const void *want)
{
	return link_create(op, &dp_vlan_type, want, vlan_make);
}

const struct dp_type dp_vlan_type = {
	.name = "vlan",
	.size = sizeof(struct dp_vlan),
	.key = link_key,
	.diff = vlan_diff,
	.needs = vlan_needs,
	.print = vlan_print,
	.create = vlan_create,
	.modify = vlan_modify,
	.remove = link_remove,
	.timeout_ms = LINK_TIMEOUT_MS,
	.remove_last = true,
};

extern const struct link_kind dp_vlan_kind;
const struct link_kind dp_vlan_kind = {
	.kind = "vlan",
	.type = &dp_vlan_type,
	.read = vlan_read,
};
