/* SPDX-License-Identifier: Apache-2.0 */
/* Which ports are left, and when. Pure. */
#include "nim/flows.h"

#include <string.h>

static bool is_usable(const struct nim_port_view *view, int family)
{
	return family == NIM_V6 ? view->usable6 : view->usable4;
}

static bool is_behind(const struct nim_port_view *view, int family)
{
	return family == NIM_V6 ? view->behind6 : view->behind4;
}

int flows_port(const struct nim_config *config, unsigned int number)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (config->ports[i].number == number)
			return (int)i;
	return -1;
}

static bool is_dearer(const struct nim_port *a, const struct nim_port *b)
{
	return a->is_mgmt != b->is_mgmt ? b->is_mgmt : a->cost > b->cost;
}

enum fate { FATE_STAYS, FATE_DRAINS, FATE_LEAVES };

static enum fate fate_of(const struct flows_memory *m, const struct nim_config *config,
			 const struct nim_view *view, int family, unsigned int number, int carrier)
{
	int port = flows_port(config, number);

	if (port < 0 || !is_usable(&view->ports[port], family))
		return m->worked[number] ? FATE_LEAVES : FATE_DRAINS;
	if (is_behind(&view->ports[port], family) && !is_behind(&view->ports[carrier], family))
		return FATE_LEAVES;
	return is_dearer(&config->ports[port], &config->ports[carrier]) ? FATE_DRAINS : FATE_STAYS;
}

static void add(struct flows_ports *ports, unsigned int number)
{
	ports->port[number] = ports->any = true;
}

static void leave_now(struct flows_memory *m, unsigned int number, struct flows_ports *leave)
{
	m->clean[number] = true;
	m->drains_at[number].ns = 0;
	add(leave, number);
}

static struct mono drained_at(const struct flows_memory *m, unsigned int number)
{
	return (struct mono){ m->drains_at[number].ns + FLOWS_DRAIN_MS * 1000000ULL };
}

static void note_ports(struct flows_memory *m, const struct nim_config *config,
		       const struct nim_view *view, int family, int carrier)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (is_usable(&view->ports[i], family))
			m->worked[config->ports[i].number] = true;
	m->clean[config->ports[carrier].number] = false;
}

void flows_step(struct flows_memory *m, const struct nim_config *config,
		const struct nim_view *view, int family, struct mono now, struct flows_ports *leave,
		struct flows_ports *begun)
{
	int carrier = family == NIM_V6 ? view->default6 : view->default4;

	*leave = *begun = (struct flows_ports){ 0 };
	if (carrier < 0) { /* none can take over: this one may come back, or another one come */
		memset(m->drains_at, 0, sizeof(m->drains_at));
		return;
	}
	note_ports(m, config, view, family, carrier);
	for (unsigned int n = 1; n < FLOWS_NUMBERS; n++) {
		enum fate fate =
			m->clean[n] ? FATE_STAYS : fate_of(m, config, view, family, n, carrier);

		if (fate == FATE_STAYS) {
			m->drains_at[n].ns = 0;
		} else if (fate == FATE_DRAINS && !m->drains_at[n].ns) {
			m->drains_at[n] = now;
			add(begun, n);
		} else if (fate == FATE_LEAVES || now.ns >= drained_at(m, n).ns) {
			leave_now(m, n, leave);
		}
	}
}

struct mono flows_next(const struct flows_memory *m)
{
	struct mono next = { 0 };

	for (unsigned int n = 1; n < FLOWS_NUMBERS; n++)
		if (!m->clean[n] && m->drains_at[n].ns &&
		    (!next.ns || drained_at(m, n).ns < next.ns))
			next = drained_at(m, n);
	return next;
}
