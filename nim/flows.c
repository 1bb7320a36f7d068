/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/flows.h"

#include <sys/socket.h>

#include "base/log.h"
#include "dataplane/mark.h"
#include "dataplane/nl/ct_flush.h"
#include "nim/facts.h"

static void not_flushed(const struct ct_flush_order *order, int err, void *arg)
{
	(void)arg;
	log_warning("flows_not_flushed", "family=%d mark=0x%x mask=0x%x err=%d",
		    order->family == AF_INET6 ? 6 : 4, order->mark, order->mask, -err);
}

struct ct_flush *nim_flows_new(struct event_base *base)
{
	return ct_flush_new(&(struct ct_flush_conf){ .base = base, .failed = not_flushed });
}

static void follow(struct ct_flush *flush, const struct nim_port *port, uint8_t family, bool was,
		   bool now, bool other)
{
	const struct ct_flush_order own = {
		.family = family,
		.mark = nim_port_mark(port),
		.mask = NIM_MARK_MASK | DP_FLOW_INSTANCE,
	};

	if (was == now || !own.mark)
		return;
	if (now) {
		ct_flush_cancel(flush, family, own.mark, own.mask);
	} else if (other) {
		ct_flush_order(flush, &own);
		log_info("flows_flushed", "port=%s family=%d", port->label,
			 family == AF_INET6 ? 6 : 4);
	}
}

void nim_flows_follow(struct ct_flush *flush, const struct nim_config *config,
		      const struct nim_view *was, const struct nim_view *now)
{
	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port *port = &config->ports[i];
		const struct nim_port_view *a = &was->ports[i], *b = &now->ports[i];

		follow(flush, port, AF_INET, a->usable4, b->usable4, now->default4 >= 0);
		follow(flush, port, AF_INET6, a->usable6, b->usable6, now->default6 >= 0);
	}
}
