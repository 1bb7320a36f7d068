/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/kept.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/numbers.h"
#include "dataplane/items/inet.h"
#include "zedrouter/filter.h"
#include "zedrouter/uplinks.h"

static bool keep_ni(const char *name, void *arg)
{
	return zr_model_ni(arg, name) != NULL;
}

static bool keep_uplink(const char *name, void *arg)
{
	return zr_uplink_has_name(arg, name);
}

static bool keep_app(const char *name, void *arg)
{
	return zr_model_app(arg, name) != NULL;
}

/* "<ni>/<app>/<index>" */
static bool keep_vif(const char *name, void *arg)
{
	char ni[ZR_UUID], app[ZR_UUID];

	return sscanf(name, "%39[^/]/%39[^/]/", ni, app) == 2 && keep_ni(ni, arg) &&
	       keep_app(app, arg);
}

static const struct kept {
	const char *file;
	size_t at; /* in struct zr_model */
	uint32_t last;
	bool (*keep)(const char *name, void *arg);
} all[] = {
	{ "bridge-numbers", offsetof(struct zr_model, ni_numbers), ZR_INSTANCES, keep_ni },
	{ "uplink-numbers", offsetof(struct zr_model, uplink_numbers), DP_NHGROUPS, keep_uplink },
	{ "app-numbers", offsetof(struct zr_model, app_numbers), ZR_INSTANCES, keep_app },
	{ "vif-numbers", offsetof(struct zr_model, vif_numbers), ZR_VIFS, keep_vif },
	{ "address-numbers", offsetof(struct zr_model, addr_numbers), 65534, keep_vif },
};

static struct numbers **numbers_of(struct zr_model *m, const struct kept *kept)
{
	return (struct numbers **)((char *)m + kept->at);
}

int zr_numbers_open(struct zr_model *m, struct event_base *base, const char *run_dir,
		    const char *state_dir)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(all); i++) {
		_cleanup_(freep) char *run = xasprintf("%s/zedrouter/%s", run_dir, all[i].file);
		_cleanup_(freep) char *state = xasprintf("%s/zedrouter/%s", state_dir, all[i].file);

		r = numbers_open(&(struct numbers_conf){ .base = base,
							 .run_path = run,
							 .state_path = state,
							 .first = 1,
							 .last = all[i].last },
				 numbers_of(m, &all[i]));
	}
	return r;
}

void zr_numbers_free(struct zr_model *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		numbers_free(*numbers_of(m, &all[i]));
}

void zr_numbers_sync(struct zr_model *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		(void)numbers_sync(*numbers_of(m, &all[i]));
}

void zr_numbers_retain(struct zr_model *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		numbers_retain(*numbers_of(m, &all[i]), all[i].keep, m);
}
