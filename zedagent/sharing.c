/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EVE chooses one port for an instance, and lets flows end where they began. By items of our own the
 * instances of a label spread their flows over all of its ports that cost the same, and take them
 * back from a dearer port:
 *
 *	edgeway.label.LABEL.sharing            on, off
 *	edgeway.label.LABEL.return             move, stay
 */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

static void set_sharing(Ew__NetworkInstanceConfig *ni)
{
	ni->share_equal_cost = true;
}

static void set_return(Ew__NetworkInstanceConfig *ni)
{
	ni->leave_dearer = true;
}

static const struct label_item {
	const char *tail, *set_by, *other, *expected;
	void (*set)(Ew__NetworkInstanceConfig *ni);
} all[] = {
	{ ".sharing", "on", "off", "expected on or off", set_sharing },
	{ ".return", "move", "stay", "expected move or stay", set_return },
};

static const struct label_item *find_item(const char *label, size_t *ret_len)
{
	size_t len = strlen(label);

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		size_t tail = strlen(all[i].tail);

		if (len <= tail || strcmp(label + len - tail, all[i].tail) != 0)
			continue;
		*ret_len = len - tail;
		return &all[i];
	}
	return NULL;
}

/* A label may have dots, and be nobody's yet. */
static int map_item(struct za_map *m, size_t i)
{
	const EVE(ConfigItem) *in = m->eve->configitems[i];
	struct za_at at = za_at("/configItems/%zu", i);
	const char *label = in->key + strlen(ZA_LABEL_ITEMS);
	const struct label_item *item;
	size_t len;

	if (strncmp(in->key, ZA_LABEL_ITEMS, strlen(ZA_LABEL_ITEMS)) != 0)
		return 0;
	item = find_item(label, &len);
	if (!item)
		return za_refuse(m->err, &at, "/key",
				 "expected edgeway.label.LABEL.sharing or .return");
	if (strcasecmp(in->value, item->set_by) != 0 && strcasecmp(in->value, item->other) != 0)
		return za_refuse(m->err, &at, "/value", "%s", item->expected);
	for (size_t n = 0; n < m->out->n_instances; n++) {
		Ew__NetworkInstanceConfig *ni = m->out->instances[n];

		if (strcasecmp(in->value, item->set_by) == 0 && strlen(ni->port_label) == len &&
		    memcmp(ni->port_label, label, len) == 0)
			item->set(ni);
	}
	return 0;
}

int za_map_sharing(struct za_map *m)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->eve->n_configitems; i++)
		r = map_item(m, i);
	return r;
}
