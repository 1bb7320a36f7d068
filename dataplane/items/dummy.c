/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/if_link.h>

#include "base/strbuf.h"
#include "dataplane/nl/link_msg.h"

static bool dummy_read(struct dp *dp, const struct link_info *link, void *spec)
{
	(void)dp;
	*(struct dp_dummy *)spec = (struct dp_dummy){
		.ifname = link->ifname,
		.mac = link->mac,
		.down = !(link->flags & IFF_UP),
		.mtu_bytes = link->mtu_bytes,
	};
	return true;
}

static enum dp_change dummy_diff(const void *have, const void *want)
{
	const struct dp_dummy *h = have, *w = want;

	if (h->down || link_mtu_differs(h->mtu_bytes, w->mtu_bytes) ||
	    link_mac_differs(&h->mac, &w->mac))
		return DP_MODIFY;
	return DP_SAME;
}

static void dummy_print(const void *spec, struct strbuf *out)
{
	const struct dp_dummy *dummy = spec;

	strbuf_addf(out, "mtu=%u", dummy->mtu_bytes);
	link_print_mac(&dummy->mac, out);
	if (dummy->down)
		strbuf_add(out, " down");
}

static int dummy_finish(struct dp_op *op, struct nlmsghdr *msg, const struct dp_dummy *want)
{
	link_put_mtu(msg, want->mtu_bytes);
	link_put_mac(msg, &want->mac);
	return rtnl_end(op, msg, 0);
}

/* ip link add NAME up type dummy */
static int dummy_make(struct dp_op *op, const void *want)
{
	const struct dp_dummy *dummy = want;
	struct nlmsghdr *msg = link_begin_new(op, &dummy->ifname, true);

	link_nest_end(msg, link_nest_begin(msg, "dummy"));
	return dummy_finish(op, msg, dummy);
}

static int dummy_create(struct dp_op *op, const void *want)
{
	return link_create(op, &dp_dummy_type, want, dummy_make);
}

static int dummy_modify(struct dp_op *op, const void *have, const void *want)
{
	const struct dp_dummy *dummy = want;

	(void)have;
	return dummy_finish(op, link_begin_set(op, &dummy->ifname, LINK_UP), dummy);
}

const struct dp_type dp_dummy_type = {
	.name = "dummy",
	.size = sizeof(struct dp_dummy),
	.key = link_key,
	.diff = dummy_diff,
	.print = dummy_print,
	.create = dummy_create,
	.modify = dummy_modify,
	.remove = link_remove,
	.timeout_ms = LINK_TIMEOUT_MS,
	.remove_last = true,
};

extern const struct link_kind dp_dummy_kind;
const struct link_kind dp_dummy_kind = {
	.kind = "dummy",
	.type = &dp_dummy_type,
	.read = dummy_read,
};
