/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pubsub/ps.h"
#include "zedagent/map.h"

/* 0001-01-01 to 9999-12-31, as google.protobuf.Timestamp allows. */
#define TIMESTAMP_MIN_S (-62135596800LL)
#define TIMESTAMP_MAX_S 253402300799LL

#define IGNORED_MAX 1024 /* bytes; what follows is not named */

struct za_config *za_config_free(struct za_config *config)
{
	if (!config)
		return NULL;
	for (size_t i = 0; i < config->n_instances; i++)
		ew__network_instance_config__free_unpacked(config->instances[i], NULL);
	for (size_t i = 0; i < config->n_apps; i++)
		ew__app_config__free_unpacked(config->apps[i], NULL);
	for (size_t i = 0; i < config->n_meters; i++)
		ew__port_meter_config__free_unpacked(config->meters[i], NULL);
	ew__device_port_config__free_unpacked(config->ports, NULL);
	ew__global_config__free_unpacked(config->global, NULL);
	ew__assigned_adapters__free_unpacked(config->assigned, NULL);
	free(config->instances);
	free(config->apps);
	free(config->meters);
	free(config->uuid);
	free(config->version);
	free(config->ignored);
	free(config);
	return NULL;
}

static struct za_config *config_new(void)
{
	struct za_config *config = xcalloc(1, sizeof(*config));

	config->ports = xcalloc(1, sizeof(*config->ports));
	ew__device_port_config__init(config->ports);
	config->ports->source = xstrdup("zedagent");
	config->global = xcalloc(1, sizeof(*config->global));
	ew__global_config__init(config->global);
	config->assigned = xcalloc(1, sizeof(*config->assigned));
	ew__assigned_adapters__init(config->assigned);
	config->ignored = xstrdup("");
	return config;
}

void za_map_ignored(struct za_map *m, const char *part)
{
	char *was = m->out->ignored;

	if (strstr(was, part) || strlen(was) >= IGNORED_MAX)
		return;
	m->out->ignored = xasprintf("%s%s%s", was, *was ? "," : "", part);
	free(was);
}

static int map_device(struct za_map *m)
{
	const EVE(EdgeDevConfig) *eve = m->eve;
	struct za_at at = za_at("%s", "");
	char uuid[ZA_UUID_SIZE] = "";

	if (eve->id && *eve->id->uuid && !za_uuid_parse(eve->id->uuid, uuid))
		return za_refuse(m->err, &at, "/id/uuid", "\"%s\" is no UUID", eve->id->uuid);
	m->out->uuid = xstrdup(uuid);
	m->out->version = xstrdup(eve->id ? eve->id->version : "");
	if (eve->config_timestamp) {
		int64_t s = eve->config_timestamp->seconds;
		int32_t ns = eve->config_timestamp->nanos;

		if (s < TIMESTAMP_MIN_S || s > TIMESTAMP_MAX_S || ns < 0 || ns > 999999999)
			return za_refuse(m->err, &at, "/configTimestamp", "no valid time");
		m->out->timestamp_ms = s * 1000 + ns / 1000000;
		m->out->ports->timestamp_ms = m->out->timestamp_ms;
	}
	if (eve->maintenance_mode)
		za_map_ignored(m, "maintenanceMode");
	return 0;
}

/* What the bus would refuse is refused here, before anything is told to anybody. */
static int check_size(struct za_map *m, const ProtobufCMessage *msg, const char *list, size_t i)
{
	struct za_at at = za_at("%s/%zu", list, i);

	if (protobuf_c_message_get_packed_size(msg) > PS_MSG_MAX)
		return za_refuse(m->err, &at, "", "larger than %u bytes", PS_MSG_MAX);
	return 0;
}

static int check_sizes(struct za_map *m)
{
	struct za_at at = za_at("/systemAdapterList");
	int r = 0;

	if (protobuf_c_message_get_packed_size(&m->out->ports->base) > PS_MSG_MAX)
		return za_refuse(m->err, &at, "", "larger than %u bytes", PS_MSG_MAX);
	at = za_at("/configItems");
	if (protobuf_c_message_get_packed_size(&m->out->global->base) > PS_MSG_MAX)
		return za_refuse(m->err, &at, "", "larger than %u bytes", PS_MSG_MAX);
	for (size_t i = 0; r == 0 && i < m->out->n_instances; i++)
		r = check_size(m, &m->out->instances[i]->base, "/networkInstances", i);
	for (size_t i = 0; r == 0 && i < m->out->n_apps; i++)
		r = check_size(m, &m->out->apps[i]->base, "/apps", i);
	return r;
}

static int map_all(struct za_map *m)
{
	static int (*const parts[])(struct za_map *) = {
		map_device,	  za_map_items,	  za_map_lowers,   za_map_networks,
		za_map_pnacs,	  za_map_ports,	  za_map_assigned, za_map_metering,
		za_map_instances, za_map_sharing, za_map_apps,	   check_sizes,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = parts[i](m);
	return r;
}

int za_config_map(const EVE(EdgeDevConfig) * eve, struct za_config **ret, struct pbjson_error *err)
{
	_cleanup_(za_config_freep) struct za_config *config = config_new();
	struct za_map m = { .eve = eve, .err = err, .out = config };
	int r;

	r = map_all(&m);
	za_names_fini(&m.labels);
	za_names_fini(&m.networks);
	za_names_fini(&m.instances);
	za_lowers_free(&m);
	free(m.subnets);
	if (r < 0)
		return r;
	*ret = take_ptr(config);
	return 0;
}

int za_config_parse(const void *data, size_t len, struct za_config **ret, struct pbjson_error *err)
{
	EVE(EdgeDevConfig) * eve;
	int r;

	r = za_config_load(data, len, &eve, err);
	if (r < 0)
		return r;
	r = za_config_map(eve, ret, err);
	org__lfedge__eve__config__edge_dev_config__free_unpacked(eve, NULL);
	return r;
}
