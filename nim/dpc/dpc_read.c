/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "dpc.pb-c.h"
#include "nim/dpc/dpc_json.h"
#include "nim/dpc/dpc_ports.h"

#define KEY_MAX 128 /* bytes */

/* Keys of entries that do not come from files. */
static const char *const reserved[] = { "zedagent", "bootstrap", "lastresort", "manual", "lps" };

static int check_key(const char *key, struct pbjson_error *err)
{
	snprintf(err->pointer, sizeof(err->pointer), "/Key");
	if (strlen(key) > KEY_MAX) {
		snprintf(err->why, sizeof(err->why), "longer than %d bytes", KEY_MAX);
		return -EINVAL;
	}
	if (strchr(key, '@')) { /* former configurations are named so: nim/dpc/dpc_list.h */
		snprintf(err->why, sizeof(err->why), "\"@\" cannot be part of it");
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (strcmp(key, reserved[i]) == 0) {
			snprintf(err->why, sizeof(err->why), "\"%s\" is reserved", key);
			return -EINVAL;
		}
	}
	return 0;
}

static int make_entry(const Dpc__Config *dpc, const struct dpc_origin *origin, struct arena *arena,
		      Ew__DpcEntry **ret, struct pbjson_error *err)
{
	const char *key = origin->own_key && *dpc->key ? dpc->key : origin->key;
	Ew__DevicePortConfig *config = NULL;
	int r;

	r = dpc_ports(dpc, arena, &config, err);
	if (r == 0 && origin->own_key)
		r = check_key(key, err);
	if (r < 0)
		return r;
	*ret = dpc_entry_new(key, origin->source,
			     dpc->timepriority ? config->timestamp_ms : origin->time_ms,
			     origin->file, config);
	return 0;
}

int dpc_read(const char *text, size_t len, const struct dpc_origin *origin, struct arena *arena,
	     Ew__DpcEntry **ret, struct pbjson_error *err)
{
	Dpc__Config *dpc = NULL;
	int r;

	r = dpc_json_parse(text, len, &dpc, err);
	if (r < 0)
		return r;
	r = make_entry(dpc, origin, arena, ret, err);
	dpc__config__free_unpacked(dpc, NULL);
	return r;
}
