/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/load.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/check.h"

/* What a controller also sends and other agents of a device care for. */
static const struct pbjson_ignore not_ours[] = {
	{ "org.lfedge.eve.config.EdgeDevConfig", "datastores" },
	{ "org.lfedge.eve.config.EdgeDevConfig", "base" },
	{ "org.lfedge.eve.config.EdgeDevConfig", "contentInfo" },
	{ "org.lfedge.eve.config.EdgeDevConfig", "volumes" },
	{ "org.lfedge.eve.config.EdgeDevConfig", "baseos" },
	{ "org.lfedge.eve.config.EdgeDevConfig", "edgeview" },
	{ "org.lfedge.eve.config.EdgeDevConfig", "disks" },
	{ "org.lfedge.eve.config.EdgeDevConfig", "patchEnvelopes" },
	{ "org.lfedge.eve.config.EdgeDevConfig", "cluster" },
	{ "org.lfedge.eve.config.AppInstanceConfig", "drives" },
	{ "org.lfedge.eve.config.AppInstanceConfig", "snapshot" },
	{ "org.lfedge.eve.config.AppInstanceConfig", "patchRef" },
	{ "org.lfedge.eve.config.AppInstanceConfig", "affinity" },
	{ "org.lfedge.eve.config.VmConfig", "boot_order" },
	{ NULL, NULL },
};

static int decode(const char *data, size_t len, EVE(EdgeDevConfig) * *ret, struct pbjson_error *err)
{
	const ProtobufCMessageDescriptor *desc =
		&org__lfedge__eve__config__edge_dev_config__descriptor;
	size_t blank = 0;

	if (len > ZA_CONFIG_MAX) {
		snprintf(err->why, sizeof(err->why), "larger than %u bytes", ZA_CONFIG_MAX);
		return -E2BIG;
	}
	while (blank < len && isspace((unsigned char)data[blank]))
		blank++;
	if (blank == len) {
		snprintf(err->why, sizeof(err->why), "the file is empty");
		return -EINVAL;
	}
	if (data[blank] == '{')
		return pbjson_parse_ignoring(desc, data, len, not_ours, (ProtobufCMessage **)ret,
					     err);
	*ret = (EVE(EdgeDevConfig) *)protobuf_c_message_unpack(desc, NULL, len,
							       (const uint8_t *)data);
	if (*ret)
		return 0;
	snprintf(err->why, sizeof(err->why), "neither JSON nor a protobuf EdgeDevConfig");
	return -EINVAL;
}

static int load_id(const EVE(EdgeDevConfig) * dev, struct za_config *config,
		   struct pbjson_error *err)
{
	struct za_at at = za_at("/id");
	char uuid[ZA_UUID_SIZE];

	if (!dev->id)
		return za_refuse(err, &at, "", "missing");
	if (!za_uuid_parse(dev->id->uuid, uuid))
		return za_refuse(err, &at, "/uuid", "not a UUID: \"%.60s\"", dev->id->uuid);
	config->uuid = xstrdup(uuid);
	config->version = xstrdup(dev->id->version);
	if (dev->config_timestamp)
		config->timestamp_ms = dev->config_timestamp->seconds * 1000 +
				       dev->config_timestamp->nanos / 1000000;
	return 0;
}

static int load_items(const EVE(EdgeDevConfig) * dev, struct za_config *config,
		      struct pbjson_error *err)
{
	config->global = xcalloc(1, sizeof(*config->global));
	ew__global_config__init(config->global);
	for (size_t i = 0; i < dev->n_configitems; i++) {
		const EVE(ConfigItem) *item = dev->configitems[i];
		struct za_at at = za_at("/configItems/%zu", i);
		Ew__GlobalConfig__ItemsEntry *entry;

		if (!item->key[0])
			return za_refuse(err, &at, "/key", "missing");
		for (size_t j = 0; j < i; j++)
			if (strcmp(dev->configitems[j]->key, item->key) == 0)
				return za_refuse(err, &at, "/key", "given twice: %.60s", item->key);
		entry = xcalloc(1, sizeof(*entry));
		ew__global_config__items_entry__init(entry);
		za_set(&entry->key, item->key);
		za_set(&entry->value, item->value);
		ZA_ADD(config->global, items, entry);
	}
	return 0;
}

/* "edgeway.dnsmasq" = "off": no DHCP and DNS servers, for tests and benchmarks of scale. */
static void apply_items(struct za_config *config)
{
	bool off = false;

	for (size_t i = 0; i < config->global->n_items; i++)
		off = off || (strcmp(config->global->items[i]->key, "edgeway.dnsmasq") == 0 &&
			      strcmp(config->global->items[i]->value, "off") == 0);
	for (size_t i = 0; i < config->n_instances; i++)
		config->instances[i]->dnsmasq_off = off;
}

int za_config_load(const void *data, size_t len, struct za_config **ret, struct pbjson_error *err)
{
	struct za_config *config;
	EVE(EdgeDevConfig) *dev = NULL;
	int r;

	memset(err, 0, sizeof(*err));
	r = decode(data, len, &dev, err);
	if (r < 0)
		return r;
	config = xcalloc(1, sizeof(*config));
	r = load_id(dev, config, err);
	if (r == 0)
		r = load_items(dev, config, err);
	if (r == 0)
		r = za_load_ports(dev, config, err);
	if (r == 0)
		r = za_load_instances(dev, config, err);
	if (r == 0)
		r = za_load_apps(dev, config, err);
	protobuf_c_message_free_unpacked(&dev->base, NULL);
	if (r < 0) {
		za_config_free(config);
		return r;
	}
	apply_items(config);
	*ret = config;
	return 0;
}

struct za_config *za_config_free(struct za_config *config)
{
	if (!config)
		return NULL;
	if (config->ports)
		ew__device_port_config__free_unpacked(config->ports, NULL);
	for (size_t i = 0; i < config->n_instances; i++)
		ew__network_instance_config__free_unpacked(config->instances[i], NULL);
	for (size_t i = 0; i < config->n_apps; i++)
		ew__app_config__free_unpacked(config->apps[i], NULL);
	if (config->global)
		ew__global_config__free_unpacked(config->global, NULL);
	free(config->instances);
	free(config->apps);
	free(config->uuid);
	free(config->version);
	free(config);
	return NULL;
}
