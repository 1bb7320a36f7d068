/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/linktab.h"

#include "base/cleanup.h"

/* Indexes are handed out one after the other: spread well enough as they are. */

void linktab_init(struct linktab *t)
{
	hmap_init(&t->rows);
}

void linktab_fini(struct linktab *t)
{
	struct hmap_node *node, *tmp;

	hmap_for_each_safe (node, tmp, &t->rows)
		linktab_drop(t, container_of(node, struct link_row, node));
	hmap_fini(&t->rows);
}

struct link_row *linktab_get(const struct linktab *t, uint32_t ifindex)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &t->rows, ifindex) return container_of(node, struct link_row,
									 node);
	return NULL;
}

struct link_row *linktab_make(struct linktab *t, uint32_t ifindex)
{
	struct link_row *row = linktab_get(t, ifindex);

	if (!row) {
		row = xcalloc(1, sizeof(*row));
		row->ifindex = ifindex;
		hmap_insert(&t->rows, &row->node, ifindex);
	}
	return row;
}

void linktab_drop(struct linktab *t, struct link_row *row)
{
	hmap_remove(&t->rows, &row->node);
	free(row);
}
