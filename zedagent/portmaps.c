/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/portmaps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/port_label.h"

struct za_portmap {
	uint64_t ports; /* that it is open on: bit i is ports->ports[i] */
	bool ipv6; /* of the instance: the families have port numbers of their own */
	uint32_t protocol, first, last;
	size_t order; /* as configured */
	char *at;
};

static bool has_label(const Ew__PortConfig *port, const char *label)
{
	if (strcmp(label, port->logicallabel) == 0)
		return true;
	if (port_label_is_automatic(label))
		return port_label_applies(label, port->is_mgmt, port->cost);
	for (size_t i = 0; i < port->n_shared_labels; i++)
		if (strcmp(label, port->shared_labels[i]) == 0)
			return true;
	return false;
}

static uint64_t open_on(const Ew__DevicePortConfig *ports, const char *label, const char *adapter)
{
	uint64_t mask = 0;

	_Static_assert(ZA_PORTS_MAX <= 64, "a bit for each port");
	for (size_t i = 0; i < ports->n_ports; i++) {
		const Ew__PortConfig *port = ports->ports[i];

		if (port->is_l3 && has_label(port, label) &&
		    (!*adapter || has_label(port, adapter)))
			mask |= 1ULL << i;
	}
	return mask;
}

void za_portmaps_add(struct za_portmaps *maps, const Ew__AclEntry *entry,
		     const Ew__NetworkInstanceConfig *ni, const struct za_at *at)
{
	maps->list = xrealloc(maps->list, maps->n + 1, sizeof(*maps->list));
	maps->list[maps->n] = (struct za_portmap){
		.ports = open_on(maps->ports, ni->port_label, entry->adapter),
		.ipv6 = strchr(ni->subnet, ':') != NULL,
		.protocol = entry->protocol,
		.first = entry->lport_first,
		.last = entry->lport_last,
		.order = maps->n,
		.at = xstrdup(at->path),
	};
	maps->n++;
}

static int compare(const void *a, const void *b)
{
	const struct za_portmap *p = a, *q = b;
	int order = (int)p->ipv6 - (int)q->ipv6;

	if (order == 0)
		order = (p->protocol > q->protocol) - (p->protocol < q->protocol);
	if (order == 0)
		order = (p->first > q->first) - (p->first < q->first);
	return order ? order : (p->order > q->order) - (p->order < q->order);
}

static bool clash(const struct za_portmap *p, const struct za_portmap *q)
{
	return p->ipv6 == q->ipv6 && p->protocol == q->protocol && q->first <= p->last;
}

static int refuse(const struct za_portmaps *maps, const struct za_portmap *p,
		  const struct za_portmap *q, size_t port, struct pbjson_error *err)
{
	const struct za_portmap *later = p->order > q->order ? p : q;
	const struct za_portmap *other = later == p ? q : p;
	struct za_at at = za_at("%s", later->at);

	return za_refuse(err, &at, "", "port %u of \"%.80s\" is mapped by %s, too", q->first,
			 maps->ports->ports[port]->logicallabel, other->at);
}

/* Sorted by first number: if any two ranges of one port overlap, two that follow one another do. */
int za_portmaps_check(struct za_portmaps *maps, struct pbjson_error *err)
{
	const struct za_portmap *before[ZA_PORTS_MAX] = { NULL };

	if (maps->n)
		qsort(maps->list, maps->n, sizeof(*maps->list), compare);
	for (size_t i = 0; i < maps->n; i++) {
		const struct za_portmap *q = &maps->list[i];

		for (size_t port = 0; port < maps->ports->n_ports; port++) {
			if (!(q->ports >> port & 1))
				continue;
			if (before[port] && clash(before[port], q))
				return refuse(maps, before[port], q, port, err);
			before[port] = q;
		}
	}
	return 0;
}

void za_portmaps_fini(struct za_portmaps *maps)
{
	for (size_t i = 0; i < maps->n; i++)
		free(maps->list[i].at);
	free(maps->list);
}
