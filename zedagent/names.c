/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/names.h"

#include <string.h>

#include "base/cleanup.h"

struct name {
	struct hmap_node node;
	size_t value;
	char *where;
	char text[];
};

void za_names_fini(struct za_names *names)
{
	struct hmap_node *node, *next;

	hmap_for_each_safe (node, next, &names->map) {
		struct name *n = container_of(node, struct name, node);

		hmap_remove(&names->map, node);
		free(n->where);
		free(n);
	}
	hmap_fini(&names->map);
}

static struct name *find(const struct za_names *names, const char *text)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &names->map, hash_string(text))
	{
		struct name *n = container_of(node, struct name, node);

		if (strcmp(n->text, text) == 0)
			return n;
	}
	return NULL;
}

const char *za_names_add(struct za_names *names, const char *name, const char *where, size_t value)
{
	struct name *n = find(names, name);
	size_t size = strlen(name) + 1;

	if (n)
		return n->where;
	n = xcalloc(1, sizeof(*n) + size);
	memcpy(n->text, name, size);
	n->where = xstrdup(where);
	n->value = value;
	hmap_insert(&names->map, &n->node, hash_string(name));
	return NULL;
}

bool za_names_find(const struct za_names *names, const char *name, size_t *ret_value)
{
	const struct name *n = find(names, name);

	if (n)
		*ret_value = n->value;
	return n != NULL;
}
