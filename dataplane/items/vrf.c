/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/if_link.h>

#include "base/strbuf.h"
#include "dataplane/nl/link_msg.h"

static bool vrf_read(struct dp *dp, const struct link_info *link, void *spec)
{
	const struct nlattr *tb[IFLA_VRF_MAX + 1];

	(void)dp;
	rtnl_nested(link->data, tb, IFLA_VRF_MAX);
	*(struct dp_vrf *)spec = (struct dp_vrf){
		.ifname = link->ifname,
		.down = !(link->flags & IFF_UP),
		.table = rtnl_u32(tb[IFLA_VRF_TABLE]),
	};
	return true;
}

static enum dp_change vrf_diff(const void *have, const void *want)
{
	const struct dp_vrf *h = have, *w = want;

	if (h->table != w->table)
		return DP_RECREATE;
	return h->down ? DP_MODIFY : DP_SAME;
}

static void vrf_print(const void *spec, struct strbuf *out)
{
	const struct dp_vrf *vrf = spec;

	strbuf_addf(out, "table=%u%s", vrf->table, vrf->down ? " down" : "");
}

/* ip link add NAME up type vrf table TABLE */
static int vrf_make(struct dp_op *op, const void *want)
{
	const struct dp_vrf *vrf = want;
	struct nlmsghdr *msg = link_begin_new(op, &vrf->ifname, true);
	struct link_nest nest = link_nest_begin(msg, "vrf");

	mnl_attr_put_u32(msg, IFLA_VRF_TABLE, vrf->table);
	link_nest_end(msg, nest);
	return rtnl_end(op, msg, 0);
}

static int vrf_create(struct dp_op *op, const void *want)
{
	return link_create(op, &dp_vrf_type, want, vrf_make);
}

/* ip link set NAME up */
static int vrf_modify(struct dp_op *op, const void *have, const void *want)
{
	const struct dp_vrf *vrf = want;

	(void)have;
	return rtnl_end(op, link_begin_set(op, &vrf->ifname, LINK_UP), 0);
}

const struct dp_type dp_vrf_type = {
	.name = "vrf",
	.size = sizeof(struct dp_vrf),
	.key = link_key,
	.diff = vrf_diff,
	.print = vrf_print,
	.create = vrf_create,
	.modify = vrf_modify,
	.remove = link_remove,
	.timeout_ms = LINK_TIMEOUT_MS,
	.remove_last = true,
};

extern const struct link_kind dp_vrf_kind;
const struct link_kind dp_vrf_kind = {
	.kind = "vrf",
	.type = &dp_vrf_type,
	.read = vrf_read,
};
