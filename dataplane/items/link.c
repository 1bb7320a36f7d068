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
	.print = link_print,
	.observe = link_dump,
};
