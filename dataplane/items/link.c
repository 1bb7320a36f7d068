/* SPDX-License-Identifier: Apache-2.0 */
/* Every interface there is: what the others need and a daemon's model lives on. */
#include <string.h>

#include "base/strbuf.h"
#include "dataplane/nl/link_msg.h"

bool dp_link_is_up(const void *have)
{
	const struct dp_link *link = have;

	return link->up;
}

bool dp_link_has_carrier(const void *have)
{
	const struct dp_link *link = have;

	return link->up && link->carrier;
}

static enum dp_change link_diff(const void *have, const void *want)
{
	const struct dp_link *h = have, *w = want;

	if (h->ifindex != w->ifindex)
		return DP_RECREATE;
	return memcmp(h, w, sizeof(*h)) == 0 ? DP_SAME : DP_MODIFY;
}

/* What makes a link of its kind: when that is to go, all that hangs on the link rides down with it
 * and needs no removal of its own. A foreign one has no maker here, which is no harm. */
static void link_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_link *link = want;
	const struct link_kind *const *k;

	for (k = link_kinds; *k; k++)
		if (!(*k)->slave && link->kind[0] && strcmp((*k)->kind, link->kind) == 0)
			dp_need(deps, (*k)->type, link->ifname.str, DP_FALLS_WITH, NULL);
}

static void link_print(const void *spec, struct strbuf *out)
{
	const struct dp_link *link = spec;

	strbuf_addf(out, "ifindex=%u mtu=%u", link->ifindex, link->mtu_bytes);
	link_print_mac(&link->mac, out);
	if (link->kind[0])
		strbuf_addf(out, " kind=%s", link->kind);
	if (link->master)
		strbuf_addf(out, " master=%u", link->master);
	if (link->group)
		strbuf_addf(out, " group=%u", link->group);
	strbuf_add(out, link->up ? " up" : " down");
	if (link->carrier)
		strbuf_add(out, " carrier");
}

const struct dp_type dp_link_type = {
	.name = "link",
	.size = sizeof(struct dp_link),
	.key = link_key,
	.diff = link_diff,
	.needs = link_needs,
	.print = link_print,
	.observe = link_dump,
};
