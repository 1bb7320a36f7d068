/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EVE chooses one port for an instance, and lets flows end where they began. Ours leave a dearer port
 * some time after a cheaper one came, and by an item of our own the instances of a label spread them
 * over all of its ports that cost the same:
 *
 *	edgeway.label.LABEL.sharing            on, off
 *	edgeway.label.LABEL.drain              seconds, never
 */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

#define DRAIN_S 10 /* most flows are over by then */
#define DRAIN_MAX_S 86400

struct setting {
	bool sharing;
	uint32_t drain_s;
};

static int read_sharing(struct pbjson_error *err, const struct za_at *at, const char *value,
			struct setting *ret)
{
	if (strcasecmp(value, "on") != 0 && strcasecmp(value, "off") != 0)
		return za_refuse(err, at, "/value", "expected on or off");
	ret->sharing = strcasecmp(value, "on") == 0;
	return 0;
}

static int read_drain(struct pbjson_error *err, const struct za_at *at, const char *value,
		      struct setting *ret)
{
	uint64_t seconds = 0;

	if (strcasecmp(value, "never") != 0 &&
	    za_number(err, at, "/value", value, 1, DRAIN_MAX_S, &seconds) < 0)
		return za_refuse(err, at, "/value", "expected never, or 1 to %d seconds",
				 DRAIN_MAX_S);
	ret->drain_s = (uint32_t)seconds;
	return 0;
}

static void set_sharing(Ew__NetworkInstanceConfig *ni, const struct setting *setting)
{
	ni->share_equal_cost = setting->sharing;
}

static void set_drain(Ew__NetworkInstanceConfig *ni, const struct setting *setting)
{
	ni->drain_s = setting->drain_s;
}

static const struct label_item {
	const char *tail;
	int (*read)(struct pbjson_error *err, const struct za_at *at, const char *value,
		    struct setting *ret);
	void (*set)(Ew__NetworkInstanceConfig *ni, const struct setting *setting);
} all[] = {
	{ ".sharing", read_sharing, set_sharing },
	{ ".drain", read_drain, set_drain },
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
	struct setting setting = { 0 };
	size_t len;
	int r;

	if (strncmp(in->key, ZA_LABEL_ITEMS, strlen(ZA_LABEL_ITEMS)) != 0)
		return 0;
	item = find_item(label, &len);
	if (!item)
		return za_refuse(m->err, &at, "/key",
				 "expected edgeway.label.LABEL.sharing or .drain");
	r = item->read(m->err, &at, in->value, &setting);
	for (size_t n = 0; r == 0 && n < m->out->n_instances; n++) {
		Ew__NetworkInstanceConfig *ni = m->out->instances[n];

		if (strlen(ni->port_label) == len && memcmp(ni->port_label, label, len) == 0)
			item->set(ni, &setting);
	}
	return r;
}

int za_map_sharing(struct za_map *m)
{
	int r = 0;

	for (size_t n = 0; n < m->out->n_instances; n++)
		if (m->out->instances[n]->port_label[0])
			m->out->instances[n]->drain_s = DRAIN_S;
	for (size_t i = 0; r == 0 && i < m->eve->n_configitems; i++)
		r = map_item(m, i);
	return r;
}
