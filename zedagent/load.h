/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes of a configuration file to the messages that go on the bus. Pure. The file is
 * taken as a whole or refused as a whole: the first thing that is wrong, with its JSON pointer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/pbjson.h"
#include "config.pb-c.h"
#include "zedagent/eve.h"

struct za_config { /* all messages are ours; za_config_free() */
	char *uuid, *version; /* of the device's configuration */
	int64_t timestamp_ms; /* 0: none */
	Ew__DevicePortConfig *ports;
	Ew__NetworkInstanceConfig **instances;
	size_t n_instances;
	Ew__AppConfig **apps;
	size_t n_apps;
	Ew__GlobalConfig *global;
};

#define ZA_CONFIG_MAX (16u << 20) /* bytes of a configuration file */

/* JSON when the first byte that is not blank is '{', else binary protobuf. -EINVAL, -E2BIG or
 * -ENOMEM with err filled in (binary that does not decode: pointer ""). */
int za_config_load(const void *data, size_t len, struct za_config **ret, struct pbjson_error *err);
struct za_config *za_config_free(struct za_config *config);

/* ---- Parts, one file each; all check and convert, -EINVAL with err filled in ---- */

int za_load_ports(const EVE(EdgeDevConfig) * dev, struct za_config *config,
		  struct pbjson_error *err);
int za_load_instances(const EVE(EdgeDevConfig) * dev, struct za_config *config,
		      struct pbjson_error *err);
int za_load_apps(const EVE(EdgeDevConfig) * dev, struct za_config *config,
		 struct pbjson_error *err); /* after the instances */
struct za_at;
int za_load_ace(const EVE(ACE) * ace, const struct za_at *at, Ew__AclEntry *out,
		struct pbjson_error *err);
