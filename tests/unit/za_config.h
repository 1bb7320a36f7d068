/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the validator: files as text, whole configurations as text. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "zedagent/load.h"

static inline char *za_test_read(const char *path)
{
	size_t len;
	char *text;

	assert_int_equal(file_read(path, ZA_CONFIG_MAX, &text, &len), 0);
	return text;
}

/* It is good. The caller frees. */
static inline struct za_config *za_test_parse(const char *text)
{
	struct pbjson_error err = { "", "" };
	struct za_config *config;

	if (za_config_parse(text, strlen(text), &config, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	return config;
}

static inline void za_test_refused(const char *text, const char *pointer, const char *why)
{
	struct pbjson_error err = { "", "" };
	struct za_config *config;

	assert_int_equal(za_config_parse(text, strlen(text), &config, &err), -EINVAL);
	assert_string_equal(err.pointer, pointer);
	assert_string_equal(err.why, why);
}

static inline void za_test_add(const char *topic, const ProtobufCMessage *msg, struct strbuf *out)
{
	strbuf_addf(out, "%s ", topic);
	pbjson_format(msg, PBJSON_PRETTY, out);
	strbuf_addc(out, '\n');
}

/* All that would be published. The caller frees. */
static inline char *za_test_format(const struct za_config *config)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_addf(&out, "uuid=%s version=%s timestamp_ms=%lld ignored=%s\n", config->uuid,
		    config->version, (long long)config->timestamp_ms, config->ignored);
	za_test_add("GlobalConfig", &config->global->base, &out);
	za_test_add("DevicePortConfig", &config->ports->base, &out);
	for (size_t i = 0; i < config->n_instances; i++)
		za_test_add("NetworkInstanceConfig", &config->instances[i]->base, &out);
	for (size_t i = 0; i < config->n_apps; i++)
		za_test_add("AppConfig", &config->apps[i]->base, &out);
	return strbuf_take(&out);
}
