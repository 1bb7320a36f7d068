/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of an override file → ports. A refusal has a reason; what is accepted survives the bus. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config.pb-c.h"
#include "dpc.pb-c.h"
#include "nim/config.h"
#include "nim/dpc/dpc_json.h"
#include "nim/dpc/dpc_ports.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

static void survives_the_bus(const Ew__DevicePortConfig *config)
{
	size_t len = ew__device_port_config__get_packed_size(config);
	uint8_t *bytes = malloc(len + 1), *again;
	Ew__DevicePortConfig *copy;

	ew__device_port_config__pack(config, bytes);
	copy = ew__device_port_config__unpack(NULL, len, bytes);
	must(copy && ew__device_port_config__get_packed_size(copy) == len);
	again = malloc(len + 1);
	ew__device_port_config__pack(copy, again);
	must(memcmp(bytes, again, len) == 0);
	ew__device_port_config__free_unpacked(copy, NULL);
	free(bytes);
	free(again);
}

static void check_ports(const Dpc__Config *dpc)
{
	static struct nim_config config;
	struct pbjson_error err = { "", "" };
	Ew__DevicePortConfig *ports = NULL;
	struct arena arena = { 0 };

	if (dpc_ports(dpc, &arena, &ports, &err) < 0) {
		must(err.why[0]);
	} else {
		must(ports->n_ports == dpc->n_ports);
		survives_the_bus(ports);
		nim_config_load(&config, ports);
	}
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pbjson_error err = { "", "" };
	Dpc__Config *dpc = NULL;
	int r = dpc_json_parse((const char *)data, size, &dpc, &err);

	must(r == 0 ? dpc != NULL : err.why[0] && !dpc);
	if (r == 0)
		check_ports(dpc);
	if (dpc)
		dpc__config__free_unpacked(dpc, NULL);
	return 0;
}
