/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_link.h>

#include "base/strbuf.h"
#include "dataplane/nl/port_msg.h"

static bool member_read(struct dp *dp, const struct link_info *link, void *spec)
{
	struct dp_bond_member *member = spec;

	member->ifname = link->ifname;
	return rtnl_ifname(dp, link->master, &member->bond);
}

static enum dp_change member_diff(const void *have, const void *want)
{
	const struct dp_bond_member *h = have, *w = want;

	return ifname_equal(&h->bond, &w->bond) ? DP_SAME : DP_MODIFY;
}

static void member_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_bond_member *member = want;

	dp_need(deps, &dp_link_type, member->ifname.str, DP_FALLS_WITH, NULL);
	dp_need(deps, &dp_bond_type, member->bond.str, DP_FALLS_WITH, NULL);
}

static void member_print(const void *spec, struct strbuf *out)
{
	const struct dp_bond_member *member = spec;

	strbuf_addf(out, "bond=%s", member->bond.str);
}

/* ip link set NAME down && ip link set NAME master BOND; the bond takes only what is down, and
 * brings it up (bond_enslave() in drivers/net/bonding/bond_main.c). */
static int member_create(struct dp_op *op, const void *want)
{
	const struct dp_bond_member *member = want;
	const struct dp_bond_member *have =
		dp_have(dp_op_dp(op), &dp_bond_member_type, member->ifname.str);
	int r;

	if (have && member_diff(have, want) == DP_SAME)
		return 0;
	r = port_check(op, &member->ifname);
	if (r < 0)
		return r;
	port_put_master(op, &member->ifname, &member->bond, true);
	return -EINPROGRESS;
}

static int member_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return member_create(op, want);
}

static int member_remove(struct dp_op *op, const void *have)
{
	const struct dp_bond_member *member = have;

	return port_release(op, &member->ifname, &member->bond);
}

const struct dp_type dp_bond_member_type = {
	.name = "bond_member",
	.size = sizeof(struct dp_bond_member),
	.key = link_key,
	.diff = member_diff,
	.needs = member_needs,
	.print = member_print,
	.create = member_create,
	.modify = member_modify,
	.remove = member_remove,
};

extern const struct link_kind dp_bond_member_kind;
const struct link_kind dp_bond_member_kind = {
	.kind = "bond",
	.slave = true,
	.type = &dp_bond_member_type,
	.read = member_read,
};
