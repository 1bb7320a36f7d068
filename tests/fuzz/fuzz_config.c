/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a configuration file → message → what is published. A refusal has a reason; what is
 * accepted survives the bus (packed and unpacked it is the same) and is judged the same again
 * when it comes in binary.
 */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pubsub/ps.h"
#include "zedagent/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

static uint8_t *pack(const ProtobufCMessage *msg, size_t *len)
{
	uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(msg) + 1);

	*len = protobuf_c_message_pack(msg, bytes);
	return bytes;
}

static void survives_the_bus(const ProtobufCMessage *msg)
{
	ProtobufCMessage *copy;
	size_t len, copy_len;
	uint8_t *bytes = pack(msg, &len), *copy_bytes;

	must(len <= PS_MSG_MAX);
	copy = protobuf_c_message_unpack(msg->descriptor, NULL, len, bytes);
	must(copy);
	copy_bytes = pack(copy, &copy_len);
	must(copy_len == len && memcmp(bytes, copy_bytes, len) == 0);
	protobuf_c_message_free_unpacked(copy, NULL);
	free(copy_bytes);
	free(bytes);
}

static void check_config(const struct za_config *config)
{
	survives_the_bus(&config->global->base);
	survives_the_bus(&config->ports->base);
	for (size_t i = 0; i < config->n_instances; i++)
		survives_the_bus(&config->instances[i]->base);
	for (size_t i = 0; i < config->n_apps; i++)
		survives_the_bus(&config->apps[i]->base);
}

static void same_again_in_binary(const EVE(EdgeDevConfig) * eve, bool from_json, int first,
				 const struct pbjson_error *first_err)
{
	struct za_config *config = NULL;
	struct pbjson_error err = { "", "" };
	EVE(EdgeDevConfig) * again;
	uint8_t *bytes;
	size_t len;
	int r;

	if (!eve->id || !*eve->id->uuid)
		return; /* refused in binary for that alone */
	bytes = pack(&eve->base, &len);
	again = org__lfedge__eve__config__edge_dev_config__unpack(NULL, len, bytes);
	free(bytes);
	/* protobuf-c takes an unknown field 0 whose tag is longer than it need be, but not what
	 * it packs for it. */
	must(again || !from_json);
	if (!again)
		return;
	r = za_config_map(again, &config, &err);
	must(r == first && (r == 0 || strcmp(err.why, first_err->why) == 0));
	za_config_free(config);
	org__lfedge__eve__config__edge_dev_config__free_unpacked(again, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct za_config *config = NULL;
	struct pbjson_error err = { "", "" };
	EVE(EdgeDevConfig) *eve = NULL;
	size_t blanks = 0;
	int r;

	r = za_config_load(data, size, &eve, &err);
	must(r == 0 ? eve != NULL : err.why[0] && !eve);
	if (r < 0)
		return 0;
	assert(eve);
	r = za_config_map(eve, &config, &err);
	must(r == 0 ? config != NULL : err.why[0] && !config);
	if (r == 0)
		check_config(config);
	while (isspace(data[blanks]))
		blanks++; /* something follows, or it was refused */
	same_again_in_binary(eve, data[blanks] == '{', r, &err);
	za_config_free(config);
	org__lfedge__eve__config__edge_dev_config__free_unpacked(eve, NULL);
	return 0;
}
