/* SPDX-License-Identifier: Apache-2.0 */
/* Wi-Fi and cellular of a network; what is wrong with them is nim's to say, as for other sources of
 * ports. */
#include "base/cleanup.h"
#include "zedagent/map.h"

static const char *const encrypted = "encrypted credentials cannot be read";

static void fail(Ew__PortConfig *port, const char *kind, const char *why)
{
	if (!port->error[0])
		port->error = xasprintf("%s: %s", kind, why);
}

static Ew__CellularAccessPoint *access_point_new(const char *apn)
{
	Ew__CellularAccessPoint *to = xcalloc(1, sizeof(*to));

	ew__cellular_access_point__init(to);
	za_set(&to->apn, apn);
	return to;
}

/* The numbers are those of the bus. */
static Ew__CellularAccessPoint *map_access_point(const EVE(CellularAccessPoint) * from)
{
	Ew__CellularAccessPoint *to = access_point_new(from->apn);

	to->sim_slot = from->sim_slot;
	to->ip = (Ew__CellularIp)from->ip_type;
	to->auth = (Ew__CellularAuth)from->auth_protocol;
	for (size_t i = 0; i < from->n_preferred_plmns; i++)
		ZA_ADD(to, plmns, xstrdup(from->preferred_plmns[i]));
	for (size_t i = 0; i < from->n_preferred_rats; i++)
		ZA_ADD(to, technologies, (Ew__CellularTechnology)from->preferred_rats[i]);
	to->forbid_roaming = from->forbid_roaming;
	za_set(&to->attach_apn, from->attach_apn);
	to->attach_ip = (Ew__CellularIp)from->attach_ip_type;
	to->attach_auth = (Ew__CellularAuth)from->attach_auth_protocol;
	return to;
}

/* The slot that is named; with none, the first entry. */
static void activate(const EVE(CellularConfig) * from, Ew__CellularConfig *to)
{
	bool any = false;

	for (size_t i = 0; i < to->n_access_points; i++) {
		to->access_points[i]->activated =
			to->access_points[i]->sim_slot == from->activated_sim_slot;
		any = any || to->access_points[i]->activated;
	}
	if (!any && to->n_access_points && !from->activated_sim_slot)
		to->access_points[0]->activated = true;
}

static Ew__CellularProbe *map_probe(const EVE(CellularConnectivityProbe) * from)
{
	const EVE_COMMON(ConnectivityProbe) *custom = from->custom_probe;
	Ew__CellularProbe *to = xcalloc(1, sizeof(*to));

	ew__cellular_probe__init(to);
	to->disable = from->disable;
	if (custom && custom->probe_method) {
		to->method = (Ew__CellularProbeMethod)custom->probe_method;
		if (custom->probe_endpoint) {
			za_set(&to->host, custom->probe_endpoint->host);
			to->port = custom->probe_endpoint->port;
		}
	} else if (*from->probe_address) {
		to->method = EW__CELLULAR_PROBE_METHOD__CELLULAR_PROBE_ICMP;
		za_set(&to->host, from->probe_address);
	}
	return to;
}

static void map_cellular(const EVE(WirelessConfig) * from, Ew__PortConfig *port)
{
	const EVE(CellularConfig) * one;

	if (from->n_cellularcfg != 1) {
		fail(port, "cellular",
		     from->n_cellularcfg ? "more than one configuration" : "no configuration");
		return;
	}
	one = from->cellularcfg[0];
	port->cellular = xcalloc(1, sizeof(*port->cellular));
	ew__cellular_config__init(port->cellular);
	for (size_t i = 0; i < one->n_access_points; i++) {
		const EVE_COMMON(CipherBlock) *cipher = one->access_points[i]->cipher_data;

		if (cipher && cipher->cipherdata.len)
			fail(port, "cellular", encrypted);
		ZA_ADD(port->cellular, access_points, map_access_point(one->access_points[i]));
	}
	if (!one->n_access_points)
		ZA_ADD(port->cellular, access_points, access_point_new(one->apn));
	activate(one, port->cellular);
	if (one->probe)
		port->cellular->probe = map_probe(one->probe);
	port->cellular->location_tracking = one->location_tracking;
}

static void map_wifi(const EVE(WirelessConfig) * from, Ew__PortConfig *port)
{
	port->wifi = xcalloc(1, sizeof(*port->wifi));
	ew__wifi_config__init(port->wifi);
	for (size_t i = 0; i < from->n_wificfg; i++) {
		const EVE(WifiConfig) *network = from->wificfg[i];
		Ew__WifiNetwork *to = xcalloc(1, sizeof(*to));

		ew__wifi_network__init(to);
		ZA_ADD(port->wifi, networks, to);
		za_set(&to->ssid, network->wifissid);
		to->key_scheme = (Ew__WifiKeyScheme)network->keyscheme;
		za_set(&to->identity, network->identity);
		za_set(&to->password, network->password);
		to->priority = network->priority;
		if (network->cipherdata && network->cipherdata->cipherdata.len &&
		    !*network->password)
			fail(port, "Wi-Fi", encrypted);
	}
}

void za_map_wireless(const EVE(WirelessConfig) * from, Ew__PortConfig *port)
{
	bool wifi = port->wireless == EW__WIRELESS_TYPE__WIRELESS_WIFI;
	bool cellular = port->wireless == EW__WIRELESS_TYPE__WIRELESS_CELLULAR;

	/* EVE numbers them the other way round than the bus. */
	if (!from || from->type == EVE_VALUE(COMMON__WIRELESS_TYPE, TypeNOOP))
		return;
	if (cellular && from->type == EVE_VALUE(COMMON__WIRELESS_TYPE, Cellular))
		map_cellular(from, port);
	else if (wifi && from->type == EVE_VALUE(COMMON__WIRELESS_TYPE, WiFi))
		map_wifi(from, port);
	else
		fail(port, "network", "its kind of radio is not that of the adapter");
}
