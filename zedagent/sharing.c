/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EVE chooses one port for an instance. By an item of our own the instances of a label spread their
 * flows over all of its ports that cost the same:
 *
 *	edgeway.label.LABEL.sharing            on, off
 */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

#define TAIL ".sharing"

static void set_sharing(struct za_map *m, const char *label, size_t len)
{
	for (size_t i = 0; i < m->out->n_instances; i++) {
		Ew__NetworkInstanceConfig *ni = m->out->instances[i];

		if (strlen(ni->port_label) == len && memcmp(ni->port_label, label, len) == 0)
			ni->share_equal_cost = true;
	}
}

/* A label may have dots, and be nobody's yet. */
static int map_item(struct za_map *m, size_t i)
{
	const EVE(ConfigItem) *in = m->eve->configitems[i];
	struct za_at at = za_at("/configItems/%zu", i);
	const char *label = in->key + strlen(ZA_LABEL_ITEMS);
	size_t len, tail = strlen(TAIL);

	if (strncmp(in->key, ZA_LABEL_ITEMS, strlen(ZA_LABEL_ITEMS)) != 0)
		return 0;
	len = strlen(label);
	if (len <= tail || strcmp(label + len - tail, TAIL) != 0)
		return za_refuse(m->err, &at, "/key", "expected edgeway.label.LABEL.sharing");
	if (strcasecmp(in->value, "on") != 0 && strcasecmp(in->value, "off") != 0)
		return za_refuse(m->err, &at, "/value", "expected on or off");
	if (strcasecmp(in->value, "on") == 0)
		set_sharing(m, label, len - tail);
	return 0;
}

int za_map_sharing(struct za_map *m)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->eve->n_configitems; i++)
		r = map_item(m, i);
	return r;
}
