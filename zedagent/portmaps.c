/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/portmaps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct za_portmap {
	const char *label;
	bool ipv6; /* of the instance: the families have ports of their own */
	uint32_t protocol, first, last;
	size_t order; /* as configured */
	char *at;
};

void za_portmaps_add(struct za_portmaps *maps, const Ew__AclEntry *entry,
		     const Ew__NetworkInstanceConfig *ni, const struct za_at *at)
{
	maps->list = xrealloc(maps->list, maps->n + 1, sizeof(*maps->list));
	maps->list[maps->n] = (struct za_portmap){
		.label = *entry->adapter ? entry->adapter : ni->port_label,
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
	int order = strcmp(p->label, q->label);

	if (order == 0)
		order = (int)p->ipv6 - (int)q->ipv6;
	if (order == 0)
		order = (p->protocol > q->protocol) - (p->protocol < q->protocol);
	if (order == 0)
		order = (p->first > q->first) - (p->first < q->first);
	return order ? order : (p->order > q->order) - (p->order < q->order);
}

static bool clash(const struct za_portmap *p, const struct za_portmap *q)
{
	return strcmp(p->label, q->label) == 0 && p->ipv6 == q->ipv6 &&
	       p->protocol == q->protocol && q->first <= p->last;
}

/* Sorted by first port: if any two ranges overlap, two neighbours do. */
int za_portmaps_check(struct za_portmaps *maps, struct pbjson_error *err)
{
	if (maps->n)
		qsort(maps->list, maps->n, sizeof(*maps->list), compare);
	for (size_t i = 1; i < maps->n; i++) {
		const struct za_portmap *p = &maps->list[i - 1], *q = &maps->list[i];
		const struct za_portmap *later = p->order > q->order ? p : q;
		const struct za_portmap *other = later == p ? q : p;
		struct za_at at = za_at("%s", later->at);

		if (clash(p, q))
			return za_refuse(err, &at, "", "port %u of \"%.80s\" is mapped by %s, too",
					 q->first, q->label, other->at);
	}
	return 0;
}

void za_portmaps_fini(struct za_portmaps *maps)
{
	for (size_t i = 0; i < maps->n; i++)
		free(maps->list[i].at);
	free(maps->list);
}
