/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a local profile server's wish → what comes of it: no port is worse than it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "nim/config.h"
#include "nim/dpc/dpc_list.h"
#include "nim/lps/lps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

/* Ports that may be changed, but for c; v stands on b. */
static const char ports[] =
	"{\"ports\": ["
	"{\"logicallabel\": \"a\", \"ifname\": \"eth0\", \"is_mgmt\": true, \"is_l3\": true,"
	" \"dhcp\": \"DHCP_CLIENT\", \"local_changes\": true},"
	"{\"logicallabel\": \"b\", \"ifname\": \"eth1\", \"is_l3\": true, \"dhcp\": "
	"\"DHCP_STATIC\","
	" \"addresses\": [\"192.0.2.2/24\"], \"local_changes\": true},"
	"{\"logicallabel\": \"c\", \"ifname\": \"eth2\", \"is_l3\": true, \"dhcp\": "
	"\"DHCP_STATIC\","
	" \"addresses\": [\"192.0.2.3/24\"]},"
	"{\"logicallabel\": \"v\", \"ifname\": \"v\", \"is_l3\": true, \"dhcp\": \"DHCP_CLIENT\","
	" \"vlan\": {\"parent\": \"b\", \"vid\": 5}, \"local_changes\": true},"
	"{\"logicallabel\": \"w\", \"ifname\": \"wlan0\", \"is_l3\": true,"
	" \"dhcp\": \"DHCP_CLIENT\", \"wireless\": \"WIRELESS_WIFI\","
	" \"wifi\": {\"networks\": [{\"ssid\": \"hall\"}]}, \"local_changes\": true}]}";

static Ew__DpcEntry *controllers(void)
{
	struct pbjson_error err;
	ProtobufCMessage *msg;
	Ew__DpcEntry *entry;

	must(pbjson_parse(&ew__device_port_config__descriptor, ports, sizeof(ports) - 1, &msg,
			  &err) == 0);
	entry = dpc_entry_new("zedagent", EW__DPC_SOURCE__DPC_CONTROLLER, 1000, "",
			      (const Ew__DevicePortConfig *)msg);
	protobuf_c_message_free_unpacked(msg, NULL);
	return entry;
}

static void no_port_is_worse(const Ew__DpcEntry *entry)
{
	_cleanup_(freep) struct nim_config *config = xcalloc(1, sizeof(*config));

	nim_config_load(config, entry->config);
	must(config->nports == 5);
	for (unsigned int i = 0; i < config->nports; i++)
		must(!config->ports[i].error[0]);
	must(!dpc_entry_is_local(entry, "c"));
	must(entry->config->ports[0]->is_mgmt && !entry->config->ports[1]->is_mgmt);
}

static void is_told(struct dpc_list *list, const Ew__LocalNetworkConfig *local,
		    const struct lps_merged *merged)
{
	struct arena arena = { 0 };
	const Ew__LpsStatus *told =
		lps_status(list, local, merged, lps_trouble(list, &arena), &arena);

	must(told->n_refusals + merged->replaced == merged->n);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Ew__LocalNetworkConfig *local = ew__local_network_config__unpack(NULL, size, data);
	struct dpc_list list = { 0 };
	struct lps_merged merged;
	Ew__DpcEntry *entry;

	if (!local || local->n_ports > NIM_PORTS) {
		if (local)
			ew__local_network_config__free_unpacked(local, NULL);
		return 0;
	}
	must(dpc_list_put(&list, controllers()) == 1);
	entry = lps_merge(list.entries[0], local, &merged);
	must(merged.n == local->n_ports && !entry == !merged.replaced);
	if (entry) {
		no_port_is_worse(entry);
		must(dpc_list_put(&list, entry) == 1 && list.entries[0] == entry);
	}
	is_told(&list, local, &merged);
	lps_merged_fini(&merged);
	ew__local_network_config__free_unpacked(local, NULL);
	dpc_list_fini(&list);
	return 0;
}
