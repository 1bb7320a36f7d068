/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_wireless.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "config.pb-c.h"
#include "dpc.pb-c.h"

#define CELLULAR 1
#define WIFI 2

static const char *const ip_types[] = { "", "ipv4", "ipv4v6",
					"ipv6" }; /* as the bus numbers them */
static const char *const auths[] = { "", "pap", "chap", "pap-and-chap" };
static const char *const technologies[] = { "", "gsm", "umts", "lte", "5gnr" };

struct reader {
	struct arena *arena;
	const char *why; /* the first says most */
};

static unsigned int number_of(struct reader *r, const char *word, const char *const *words,
			      size_t n, const char *why)
{
	for (unsigned int i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	r->why = r->why ?: why;
	return 0;
}

static Ew__CellularIp ip_of(struct reader *r, const char *word)
{
	return (Ew__CellularIp)number_of(r, word, ip_types, ARRAY_SIZE(ip_types),
					 "cellular: an IP type is none of ipv4, ipv6, ipv4v6");
}

static Ew__CellularAuth auth_of(struct reader *r, const char *word)
{
	return (Ew__CellularAuth)number_of(
		r, word, auths, ARRAY_SIZE(auths),
		"cellular: an authentication is none of pap, chap, pap-and-chap");
}

static Ew__WirelessCredentials *credentials_of(struct reader *r, const Dpc__Credentials *from)
{
	Ew__WirelessCredentials *to;

	if (!from)
		return NULL;
	to = arena_alloc(r->arena, sizeof(*to));
	ew__wireless_credentials__init(to);
	to->user = arena_strdup(r->arena, from->username);
	to->password = arena_strdup(r->arena, from->password);
	return to;
}

static void read_technologies(struct reader *r, const Dpc__AccessPoint *from,
			      Ew__CellularAccessPoint *to)
{
	to->technologies =
		arena_alloc(r->arena, (from->n_preferredrats + 1) * sizeof(*to->technologies));
	for (size_t i = 0; i < from->n_preferredrats; i++)
		to->technologies[to->n_technologies++] = (Ew__CellularTechnology)number_of(
			r, from->preferredrats[i], technologies, ARRAY_SIZE(technologies),
			"cellular: a technology is none of gsm, umts, lte, 5gnr");
}

static Ew__CellularAccessPoint *access_point_new(struct reader *r, const char *apn)
{
	Ew__CellularAccessPoint *to = arena_alloc(r->arena, sizeof(*to));

	ew__cellular_access_point__init(to);
	to->apn = arena_strdup(r->arena, apn);
	return to;
}

static Ew__CellularAccessPoint *read_access_point(struct reader *r, const Dpc__AccessPoint *from)
{
	Ew__CellularAccessPoint *to = access_point_new(r, from->apn);

	to->sim_slot = from->simslot;
	to->activated = from->activated;
	to->ip = ip_of(r, from->iptype);
	to->auth = auth_of(r, from->authprotocol);
	to->credentials = credentials_of(r, from->cleartextcredentials);
	to->attach_credentials = credentials_of(r, from->attachcleartextcredentials);
	if (from->encryptedcredentials && from->encryptedcredentials->iscipher && !to->credentials)
		r->why = r->why ?: "cellular: encrypted credentials cannot be read";
	to->plmns = arena_alloc(r->arena, (from->n_preferredplmns + 1) * sizeof(*to->plmns));
	for (size_t i = 0; i < from->n_preferredplmns; i++)
		to->plmns[to->n_plmns++] = arena_strdup(r->arena, from->preferredplmns[i]);
	read_technologies(r, from, to);
	to->forbid_roaming = from->forbidroaming;
	to->attach_apn = arena_strdup(r->arena, from->attachapn);
	to->attach_ip = ip_of(r, from->attachiptype);
	to->attach_auth = auth_of(r, from->attachauthprotocol);
	return to;
}

static Ew__CellularProbe *probe_new(struct reader *r, bool disable)
{
	Ew__CellularProbe *to = arena_alloc(r->arena, sizeof(*to));

	ew__cellular_probe__init(to);
	to->disable = disable;
	return to;
}

static Ew__CellularProbe *read_probe(struct reader *r, const Dpc__Probe *from)
{
	Ew__CellularProbe *to;

	if (!from)
		return NULL;
	to = probe_new(r, from->disable);
	if (from->userdefinedprobe) {
		to->method = (Ew__CellularProbeMethod)from->userdefinedprobe->method;
		to->host = arena_strdup(r->arena, from->userdefinedprobe->probehost);
		to->port = from->userdefinedprobe->probeport;
	}
	return to;
}

static void read_legacy(struct reader *r, const Dpc__LegacyCellular *from, Ew__CellularConfig *to)
{
	Ew__CellularAccessPoint *ap = access_point_new(r, from->apn);

	ap->activated = true;
	to->access_points = arena_alloc(r->arena, sizeof(ap));
	to->access_points[to->n_access_points++] = ap;
	to->location_tracking = from->locationtracking;
	to->probe = probe_new(r, from->disableprobe);
	if (!*from->probeaddr)
		return;
	to->probe->method = EW__CELLULAR_PROBE_METHOD__CELLULAR_PROBE_ICMP;
	to->probe->host = arena_strdup(r->arena, from->probeaddr);
}

static Ew__CellularConfig *read_cellular(struct reader *r, const Dpc__Wireless *from)
{
	Ew__CellularConfig *to = arena_alloc(r->arena, sizeof(*to));
	const Dpc__Cellular *now = from->cellularv2;

	ew__cellular_config__init(to);
	if (!now || !now->n_accesspoints) {
		if (from->n_cellular)
			read_legacy(r, from->cellular[0], to);
		return to;
	}
	to->access_points = arena_alloc(r->arena, now->n_accesspoints * sizeof(*to->access_points));
	for (size_t i = 0; i < now->n_accesspoints; i++)
		to->access_points[to->n_access_points++] =
			read_access_point(r, now->accesspoints[i]);
	to->probe = read_probe(r, now->probe);
	to->location_tracking = now->locationtracking;
	return to;
}

static Ew__WifiNetwork *read_network(struct reader *r, const Dpc__Wifi *from)
{
	Ew__WifiNetwork *to = arena_alloc(r->arena, sizeof(*to));

	ew__wifi_network__init(to);
	to->ssid = arena_strdup(r->arena, from->ssid);
	to->key_scheme = (Ew__WifiKeyScheme)from->keyscheme;
	to->identity = arena_strdup(r->arena, from->identity);
	to->password = arena_strdup(r->arena, from->password);
	to->priority = from->priority;
	if (from->iscipher && !*from->password)
		r->why = r->why ?: "Wi-Fi: encrypted credentials cannot be read";
	return to;
}

static Ew__WifiConfig *read_wifi(struct reader *r, const Dpc__Wireless *from)
{
	Ew__WifiConfig *to = arena_alloc(r->arena, sizeof(*to));

	ew__wifi_config__init(to);
	to->networks = arena_alloc(r->arena, (from->n_wifi + 1) * sizeof(*to->networks));
	for (size_t i = 0; i < from->n_wifi; i++)
		to->networks[to->n_networks++] = read_network(r, from->wifi[i]);
	return to;
}

const char *dpc_wireless_read(const struct Dpc__Wireless *from, struct arena *arena,
			      struct Ew__PortConfig *port)
{
	struct reader r = { .arena = arena };

	if (!from || from->wtype == 0)
		return NULL;
	if (from->wtype == CELLULAR) {
		port->wireless = EW__WIRELESS_TYPE__WIRELESS_CELLULAR;
		port->cellular = read_cellular(&r, from);
	} else if (from->wtype == WIFI) {
		port->wireless = EW__WIRELESS_TYPE__WIRELESS_WIFI;
		port->wifi = read_wifi(&r, from);
	} else {
		return "WType is none of 0, 1, 2";
	}
	return r.why;
}
