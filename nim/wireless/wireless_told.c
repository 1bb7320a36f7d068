/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/wireless/wireless_told.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/http_proxy.h"
#include "base/strbuf.h"
#include "config.pb-c.h"
#include "nim/intent.h"

#define APN_DEFAULT "internet" /* as in EVE */

/* A file may be written anew under its key and time: what counts is what it says. */
static uint32_t revision_of(const ProtobufCMessage *msg, uint32_t seed)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	_cleanup_(freep) uint8_t *bytes = xcalloc(1, len + 1);

	protobuf_c_message_pack(msg, bytes);
	return hash_bytes(bytes, len, seed);
}

static char *text(struct arena *arena, const char *s)
{
	return arena_strdup(arena, s);
}

/* ---- Cellular ---- */

static Ew__CellularAccessPoint *access_point(const struct nim_port *port, struct arena *arena)
{
	Ew__CellularAccessPoint *ap = arena_alloc(arena, sizeof(*ap));

	*ap = *port->access_point;
	if (!*ap->apn)
		ap->apn = text(arena, APN_DEFAULT);
	return ap;
}

/* Without user and password: that somebody answers there is enough. */
static void add_proxy(Ew__WwanNetwork *network, const Ew__ProxyServer *server, struct arena *arena)
{
	_cleanup_(strbuf_fini) struct strbuf name = STRBUF_INIT;

	if (!server)
		return;
	http_proxy_name((enum http_proxy_kind)server->kind, server->host, server->port, &name);
	network->proxies[network->n_proxies++] = text(arena, strbuf_str(&name));
}

static void add_proxies(Ew__WwanNetwork *network, const Ew__ProxyConfig *proxy, struct arena *arena)
{
	if (!proxy)
		return;
	network->proxies = arena_alloc(arena, 3 * sizeof(char *));
	add_proxy(network, proxy->http, arena);
	add_proxy(network, proxy->https, arena);
	add_proxy(network, proxy->socks, arena);
}

static Ew__WwanNetwork *network_of(const struct nim_port *port, const struct nim_port_view *view,
				   struct arena *arena)
{
	Ew__WwanNetwork *network = arena_alloc(arena, sizeof(*network));

	ew__wwan_network__init(network);
	network->logicallabel = text(arena, port->label);
	network->ifname = text(arena, port->asked.str);
	network->pci_address = text(arena, port->pci);
	network->usb_address = text(arena, port->usb);
	network->access_point = access_point(port, arena);
	add_proxies(network, port->proxy, arena);
	network->probe = port->cellular->probe;
	network->location_tracking = port->cellular->location_tracking;
	network->mtu = port->mtu_given ? port->mtu_bytes : 0;
	network->route_metric = nim_port_metric(port, view);
	return network;
}

struct Ew__WwanConfig *nim_wwan_config(const struct nim_config *config, const struct nim_view *view,
				       const struct nim_told_by *by, struct arena *arena)
{
	Ew__WwanConfig *msg = arena_alloc(arena, sizeof(*msg));

	ew__wwan_config__init(msg);
	msg->networks = arena_alloc(arena, (config->nports + 1) * sizeof(*msg->networks));
	for (unsigned int i = 0; i < config->nports; i++)
		if (config->ports[i].wireless == NIM_WIRELESS_CELLULAR &&
		    nim_port_is_on_air(&config->ports[i]))
			msg->networks[msg->n_networks++] =
				network_of(&config->ports[i], &view->ports[i], arena);
	msg->revision = revision_of(&msg->base, by->seed);
	msg->dpc_key = text(arena, by->dpc_key);
	msg->dpc_time_ms = by->dpc_time_ms;
	msg->radio_silence = by->radio_silence;
	msg->radio_requested_ms = by->radio_requested_ms;
	return msg;
}

/* ---- Wi-Fi ---- */

static Ew__WlanPort *wlan_port(const struct nim_port *port, struct arena *arena)
{
	Ew__WlanPort *msg = arena_alloc(arena, sizeof(*msg));

	ew__wlan_port__init(msg);
	msg->logicallabel = text(arena, port->label);
	msg->ifname = text(arena, port->asked.str);
	msg->pci_address = text(arena, port->pci);
	msg->usb_address = text(arena, port->usb);
	msg->networks = port->wifi->networks;
	msg->n_networks = port->wifi->n_networks;
	return msg;
}

struct Ew__WlanConfig *nim_wlan_config(const struct nim_config *config,
				       const struct nim_told_by *by, struct arena *arena)
{
	Ew__WlanConfig *msg = arena_alloc(arena, sizeof(*msg));

	ew__wlan_config__init(msg);
	msg->ports = arena_alloc(arena, (config->nports + 1) * sizeof(*msg->ports));
	for (unsigned int i = 0; i < config->nports; i++)
		if (config->ports[i].wireless == NIM_WIRELESS_WIFI &&
		    nim_port_is_on_air(&config->ports[i]))
			msg->ports[msg->n_ports++] = wlan_port(&config->ports[i], arena);
	msg->revision = revision_of(&msg->base, by->seed);
	msg->dpc_key = text(arena, by->dpc_key);
	msg->dpc_time_ms = by->dpc_time_ms;
	msg->radio_silence = by->radio_silence;
	msg->radio_requested_ms = by->radio_requested_ms;
	return msg;
}
