/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/follow.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "zedrouter/filter.h"
#include "zedrouter/flows.h"
#include "zedrouter/uplinks.h"

#define FLUSH_AT_ONCE 24 /* two ports, or two IP versions, in use by 4095 instances */

static void flows_not_flushed(const struct ct_flush_order *order, int err, void *arg)
{
	(void)arg;
	log_warning("flows_not_flushed", "family=%d mark=0x%x mask=0x%x err=%d",
		    order->family == AF_INET6 ? 6 : 4, order->mark, order->mask, -err);
}

static void flows_changed(const struct zr_flows_change *c, void *arg)
{
	struct ct_flush *flush = arg;

	if (c->back)
		ct_flush_cancel(flush, c->family, c->mark, ZR_MARK_PORT);
	for (unsigned int i = 0; i < c->orders; i++)
		ct_flush_order(flush, &c->order[i]);
	if (c->orders)
		log_info("flows_flushed", "port=%s family=%d instances=%u kept=%u", c->port,
			 c->family == AF_INET6 ? 6 : 4, c->moved, c->kept);
}

struct ct_flush *zr_flush_new(struct event_base *base)
{
	return ct_flush_new(&(struct ct_flush_conf){ .base = base, .failed = flows_not_flushed });
}

int64_t zr_flush_follow(struct ct_flush *flush, struct zr_model *m, const struct zr_ports *was)
{
	int64_t next_ms = zr_flows_follow(m, was, mono_now(), flows_changed, flush);

	ct_flush_run(flush, FLUSH_AT_ONCE);
	return next_ms;
}

void zr_log_conflicts(struct zr_model *m)
{
	struct hmap_node *node;

	hmap_for_each (node, &m->instances) {
		struct zr_ni *ni = container_of(node, struct zr_ni, node);
		bool conflict = ni->activate && ni->conflict[0];

		if (conflict && !ni->conflict_told)
			log_warning("ni_conflict", "instance=%s why=\"%s\"", ni->displayname,
				    ni->conflict);
		else if (!conflict && ni->conflict_told)
			log_info("ni_conflict_over", "instance=%s", ni->displayname);
		ni->conflict_told = conflict;
	}
}

void zr_log_uplinks(struct zr_model *m)
{
	struct hmap_node *node, *other;

	hmap_for_each (node, &m->uplinks) {
		struct zr_uplink *u = container_of(node, struct zr_uplink, node);
		_cleanup_(strbuf_fini) struct strbuf ports = STRBUF_INIT;
		unsigned int instances = 0;

		if (!zr_uplink_news(&m->ports, u, &ports))
			continue;
		hmap_for_each (other, &m->instances)
			instances += zr_ni_follows(container_of(other, struct zr_ni, node), u);
		log_info("ni_uplink", "label=%s family=%d port=%s instances=%u", u->label,
			 u->family == AF_INET6 ? 6 : 4, strbuf_str(&ports), instances);
	}
}
