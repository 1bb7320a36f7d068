/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "zedagent/load.h"

#define DEVICE "org.lfedge.eve.config.EdgeDevConfig"
#define APP "org.lfedge.eve.config.AppInstanceConfig"
#define VM "org.lfedge.eve.config.VmConfig"
#define OPAQUE "org.lfedge.eve.config.NetworkInstanceOpaqueConfig"

/* Fields of EVE that are not networking: a controller's configuration holds them, we let them be.
 * In binary they are unknown fields and skipped anyway. */
static const struct pbjson_ignore not_ours[] = {
	{ DEVICE, "datastores" },  { DEVICE, "base" },
	{ DEVICE, "contentInfo" }, { DEVICE, "volumes" },
	{ DEVICE, "baseos" },	   { DEVICE, "edgeview" },
	{ DEVICE, "disks" },	   { DEVICE, "patchEnvelopes" },
	{ DEVICE, "cluster" },	   { APP, "drives" },
	{ APP, "snapshot" },	   { APP, "patchRef" },
	{ APP, "affinity" },	   { VM, "boot_order" },
	{ OPAQUE, "lispConfig" },  { 0 },
};

static int refuse(struct pbjson_error *err, int error, const char *pointer, const char *why)
{
	snprintf(err->pointer, sizeof(err->pointer), "%s", pointer);
	snprintf(err->why, sizeof(err->why), "%s", why);
	return error;
}

static int load_binary(const void *data, size_t len, EVE(EdgeDevConfig) * *ret,
		       struct pbjson_error *err)
{
	EVE(EdgeDevConfig) *eve =
		org__lfedge__eve__config__edge_dev_config__unpack(NULL, len, data);

	if (!eve)
		return refuse(err, -EINVAL, "", "neither JSON nor a binary configuration");
	if (!eve->id || !*eve->id->uuid) {
		org__lfedge__eve__config__edge_dev_config__free_unpacked(eve, NULL);
		return refuse(err, -EINVAL, "/id/uuid",
			      "a binary configuration must name its device");
	}
	*ret = eve;
	return 0;
}

static bool is_json_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int za_config_load(const void *data, size_t len, EVE(EdgeDevConfig) * *ret,
		   struct pbjson_error *err)
{
	const char *text = data;
	ProtobufCMessage *msg;
	size_t blanks = 0;
	int r;

	if (len > ZA_CONFIG_MAX)
		return refuse(err, -E2BIG, "", "larger than 16 MiB");
	while (blanks < len && is_json_blank(text[blanks]))
		blanks++;
	if (blanks == len)
		return refuse(err, -EINVAL, "", "the file is empty");
	if (text[blanks] != '{')
		return load_binary(data, len, ret, err);
	r = pbjson_parse_ignoring(&org__lfedge__eve__config__edge_dev_config__descriptor, text, len,
				  not_ours, &msg, err);
	if (r < 0)
		return r;
	*ret = (EVE(EdgeDevConfig) *)msg;
	return 0;
}
