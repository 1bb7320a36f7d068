/* SPDX-License-Identifier: Apache-2.0 */
/* A model of zedrouter from JSON messages with ' for ", for tests. */
#pragma once

#include <event2/event.h>

#include "tests/unit/golden.h"

#include "base/numbers.h"
#include "base/pbjson.h"
#include "config.pb-c.h"
#include "status.pb-c.h"
#include "zedrouter/intent.h"
#include "zedrouter/status.h"
#include "zedrouter/uplinks.h"

#define NI_A "00000000-0000-4000-8000-00000000000a"
#define NI_B "00000000-0000-4000-8000-00000000000b"
#define APP_1 "00000000-0000-4000-8000-000000000001"
#define APP_2 "00000000-0000-4000-8000-000000000002"

struct zr_world {
	struct event_base *base;
	struct zr_model model;
	ProtobufCMessage *kept[32]; /* the model borrows app messages */
	unsigned int nkept;
	char dir[32];
};

static inline ProtobufCMessage *zr_parse(struct zr_world *w, const ProtobufCMessageDescriptor *desc,
					 const char *json)
{
	_cleanup_(freep) char *text = xstrdup(json);
	struct pbjson_error err;
	ProtobufCMessage *msg = NULL;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (pbjson_parse(desc, text, strlen(text), &msg, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	return w->kept[w->nkept++] = msg;
}

static inline void zr_ni(struct zr_world *w, const char *uuid, const char *json)
{
	zr_model_set_ni(&w->model, uuid,
			json ? (Ew__NetworkInstanceConfig *)zr_parse(
				       w, &ew__network_instance_config__descriptor, json)
			     : NULL);
}

static inline void zr_app(struct zr_world *w, const char *uuid, const char *json)
{
	zr_model_set_app(&w->model, uuid,
			 json ? (Ew__AppConfig *)zr_parse(w, &ew__app_config__descriptor, json)
			      : NULL);
}

static inline void zr_ports(struct zr_world *w, const char *json)
{
	free(zr_model_set_ports(&w->model,
				(Ew__DeviceNetworkStatus *)zr_parse(
					w, &ew__device_network_status__descriptor, json)));
}

static inline int zr_setup(void **state)
{
	struct zr_world *w = xcalloc(1, sizeof(*w));
	struct {
		const char *name;
		struct numbers **ret;
		uint32_t last;
	} files[] = {
		{ "ni", &w->model.ni_numbers, ZR_INSTANCES },
		{ "uplink", &w->model.uplink_numbers, 4095 },
		{ "app", &w->model.app_numbers, ZR_INSTANCES },
		{ "vif", &w->model.vif_numbers, ZR_VIFS },
		{ "addr", &w->model.addr_numbers, 65534 },
	};

	w->base = event_base_new();
	assert_non_null(w->base);
	strcpy(w->dir, "/tmp/test_zr.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	zr_model_init(&w->model);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_(freep) char *path = xasprintf("%s/%s", w->dir, files[i].name);

		_cleanup_(freep) char *run = xasprintf("%s.run", path);

		assert_int_equal(numbers_open(&(struct numbers_conf){ .base = w->base,
								      .run_path = run,
								      .state_path = path,
								      .first = 1,
								      .last = files[i].last },
					      files[i].ret),
				 0);
	}
	*state = w;
	return 0;
}

static inline int zr_teardown(void **state)
{
	struct zr_world *w = *state;
	struct numbers *numbers[] = { w->model.ni_numbers, w->model.uplink_numbers,
				      w->model.app_numbers, w->model.vif_numbers,
				      w->model.addr_numbers };
	int r;

	zr_model_fini(&w->model);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		numbers_free(numbers[i]);
	while (w->nkept > 0)
		protobuf_c_message_free_unpacked(w->kept[--w->nkept], NULL);
	event_base_free(w->base);
	r = rmdir(w->dir); /* nothing is in it: the model writes no number by itself */
	free(w);
	return r;
}

static inline const struct zr_vif *zr_vif_of(const struct zr_world *w, const char *app,
					     unsigned int index)
{
	const struct zr_app *a = zr_model_app(&w->model, app);
	const struct zr_vif *vif;

	assert_non_null(a);
	list_for_each (vif, &a->vifs, of_app)
		if (vif->index == index)
			return vif;
	fail_msg("no such interface");
	return NULL;
}
