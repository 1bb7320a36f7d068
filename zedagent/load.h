/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only validator: a device configuration as the controller or a person wrote it, to what the
 * daemons are told. Pure: no I/O, no clock. A configuration is taken as a whole or refused as a
 * whole, with the place and the reason; docs/zedagent.md says what is refused and what is not.
 */
#pragma once

#include <stdint.h>

#include "base/pbjson.h"
#include "config.pb-c.h"
#include "meter.pb-c.h"
#include "zedagent/eve.h"

#define ZA_CONFIG_MAX (16u << 20) /* bytes */

struct za_config {
	char *uuid, *version; /* of the device; "" = not told */
	int64_t timestamp_ms; /* config_timestamp, Unix time; 0 = not told */
	char *ignored; /* parts that are valid and not acted on yet, comma separated; "" = none */
	Ew__DevicePortConfig *ports;
	Ew__GlobalConfig *global;
	Ew__NetworkInstanceConfig **instances;
	size_t n_instances;
	Ew__AppConfig **apps;
	size_t n_apps;
	Ew__AssignedAdapters *assigned;
	Ew__PortMeterConfig **meters;
	size_t n_meters;
};

/*
 * Bytes to message: proto3 JSON when the first byte that is not blank is '{', else binary
 * protobuf, which must name its device (id.uuid), so that junk does not pass for a small
 * configuration. 0, -EINVAL or -E2BIG with err filled in. Freed by
 * org__lfedge__eve__config__edge_dev_config__free_unpacked(*ret, NULL).
 */
int za_config_load(const void *data, size_t len, EVE(EdgeDevConfig) * *ret,
		   struct pbjson_error *err);

/* Message to messages. 0, or -EINVAL with err filled in; pointers use the JSON names. */
int za_config_map(const EVE(EdgeDevConfig) * eve, struct za_config **ret, struct pbjson_error *err);

/* Both in one. */
int za_config_parse(const void *data, size_t len, struct za_config **ret, struct pbjson_error *err);

struct za_config *za_config_free(struct za_config *config);
static inline void za_config_freep(struct za_config **config)
{
	za_config_free(*config);
}
