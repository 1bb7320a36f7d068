/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/last_resort.h"

#include <string.h>

#include "base/cleanup.h"
#include "dataplane/items/link.h"
#include "dataplane/mark.h"
#include "nim/config.h"
#include "nim/dpc/dpc_list.h"

static bool is_of(const struct dp_link *link, const char *daemon)
{
	return link->group == dp_mark(daemon)->link_group;
}

static bool is_ours(const struct dp_link *link)
{
	return is_of(link, "nim") || is_of(link, "zedrouter") || is_of(link, "domainmgr");
}

/* EVE's own interfaces (vif, nbu, nbo, keth), wireless ones (wlan0, wlp3s0, wwan0, wwp0s20), CAN. */
static bool is_excluded(const char *ifname)
{
	static const char *const prefixes[] = { "vif", "nbu", "nbo", "keth", "wl", "ww", "can" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(ifname, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

bool last_resort_takes(const struct dp_link *link, const struct dp_link *master)
{
	if (!link->ethernet || is_ours(link) || is_excluded(link->ifname.str))
		return false;
	if (link->kind[0] && strcmp(link->kind, "veth") != 0)
		return false;
	/* Ours lets it go when the last resort comes into force. */
	return !link->master || (master && is_of(master, "nim"));
}

static const struct dp_link *find_master(const struct dp_link *link, const struct dp_link *links,
					 size_t n)
{
	for (size_t i = 0; link->master && i < n; i++)
		if (links[i].ifindex == link->master)
			return &links[i];
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	const Ew__PortConfig *const *pa = a, *const *pb = b;

	return strverscmp((*pa)->ifname, (*pb)->ifname);
}

static void make_port(const struct dp_link *link, Ew__PortConfig *ret)
{
	ew__port_config__init(ret);
	ret->logicallabel = ret->ifname = ret->phylabel = (char *)link->ifname.str;
	ret->is_mgmt = ret->is_l3 = true;
	ret->dhcp = EW__DHCP_MODE__DHCP_CLIENT;
	ret->ip_versions = EW__IP_VERSIONS__IP_DUAL;
}

Ew__DpcEntry *last_resort_entry(const struct dp_link *links, size_t n)
{
	Ew__DevicePortConfig config = EW__DEVICE_PORT_CONFIG__INIT;
	Ew__PortConfig ports[NIM_PORTS], *order[NIM_PORTS];

	config.ports = order;
	for (size_t i = 0; i < n && config.n_ports < NIM_PORTS; i++) {
		if (!last_resort_takes(&links[i], find_master(&links[i], links, n)))
			continue;
		make_port(&links[i], &ports[config.n_ports]);
		order[config.n_ports] = &ports[config.n_ports];
		config.n_ports++;
	}
	if (!config.n_ports)
		return NULL;
	qsort(order, config.n_ports, sizeof(order[0]), by_number);
	return dpc_entry_new(LAST_RESORT_KEY, EW__DPC_SOURCE__DPC_LAST_RESORT, 0, "", &config);
}

static bool is_last_resort(const Ew__DpcEntry *entry)
{
	return entry->source == EW__DPC_SOURCE__DPC_LAST_RESORT;
}

bool last_resort_is_alone(const struct dpc_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!is_last_resort(list->entries[i]))
			return false;
	return true;
}

bool last_resort_wanted(const struct dpc_list *list, const struct last_resort_state *state)
{
	bool stands = false, better = false;

	for (size_t i = 0; i < list->n; i++) {
		bool last_resort = is_last_resort(list->entries[i]);

		stands = stands || last_resort;
		better = better || (!last_resort && dpc_entry_works(list->entries[i]));
	}
	if (!state->known && stands)
		return true; /* who switched it on is about to speak */
	if (state->enabled || (stands && !better))
		return true;
	return state->due && last_resort_is_alone(list);
}
