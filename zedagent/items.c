/* SPDX-License-Identifier: Apache-2.0 */
/* Device-wide knobs. Known ones are checked, others pass: most belong to other programs. */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/http_url.h"
#include "zedagent/map.h"

enum item_kind {
	ITEM_NUMBER,
	ITEM_BOOL,
	ITEM_TRISTATE,
	ITEM_HOST,
	ITEM_SWITCH,
	ITEM_KEYS,
	ITEM_URLS
};

#define ANY UINT32_MAX

static const struct item {
	const char *key;
	enum item_kind kind;
	uint32_t min, max; /* numbers */
} items[] = {
	{ "timer.config.interval", ITEM_NUMBER, 5, 86400 },
	{ "timer.cert.interval", ITEM_NUMBER, 60, ANY },
	{ "timer.metric.interval", ITEM_NUMBER, 5, 3600 },
	{ "timer.deviceinfo.interval", ITEM_NUMBER, 30, ANY },
	{ "timer.send.timeout", ITEM_NUMBER, 0, 3600 },
	{ "timer.dial.timeout", ITEM_NUMBER, 0, 3600 },
	{ "timer.port.testduration", ITEM_NUMBER, 1, 3600 },
	{ "timer.port.testinterval", ITEM_NUMBER, 1, 3600 },
	{ "timer.port.timeout", ITEM_NUMBER, 0, 3600 },
	{ "timer.port.testbetterinterval", ITEM_NUMBER, 0, ANY },
	{ "timer.port.georedo", ITEM_NUMBER, 60, ANY },
	{ "timer.port.georetry", ITEM_NUMBER, 5, ANY },
	{ "network.fallback.any.eth", ITEM_TRISTATE, 0, 0 },
	{ "network.download.max.cost", ITEM_NUMBER, 0, 255 },
	{ "network.switch.enable.arpsnoop", ITEM_BOOL, 0, 0 },
	{ "network.local.legacy.mac.address", ITEM_BOOL, 0, 0 },
	{ "app.enable.tcp.mss.clamping", ITEM_BOOL, 0, 0 },
	{ "app.allow.vnc", ITEM_BOOL, 0, 0 },
	{ "debug.enable.ssh", ITEM_KEYS, 0, 0 },
	{ "dhcp.enable.vendorclassid", ITEM_BOOL, 0, 0 },
	{ "pnac.dhcp.reacquire.max.retries", ITEM_NUMBER, 0, 8 },
	{ "scep.retry.interval", ITEM_NUMBER, 60, 3600 },
	{ "wwan.query.visible.providers", ITEM_BOOL, 0, 0 },
	{ "wwan.modem.recovery.watchdog", ITEM_BOOL, 0, 0 },
	{ "wwan.modem.recovery.reload.drivers", ITEM_BOOL, 0, 0 },
	{ "wwan.modem.recovery.restart.modemmanager", ITEM_BOOL, 0, 0 },
	{ "timer.location.cloud.interval", ITEM_NUMBER, 300, ANY },
	{ "timer.location.app.interval", ITEM_NUMBER, 5, 3600 },
	{ "timer.ntpsources.interval", ITEM_NUMBER, 60, ANY },
	{ "timer.lps.radio.interval", ITEM_NUMBER, 3, 3600 },
	{ "timer.lps.network.interval", ITEM_NUMBER, 3, 3600 },
	{ "diag.probe.remote.http.endpoint", ITEM_HOST, 0, 0 },
	{ "diag.probe.remote.https.endpoint", ITEM_HOST, 0, 0 },
	{ "netdump.enable", ITEM_BOOL, 0, 0 },
	{ "netdump.topic.preonboard.interval", ITEM_NUMBER, 60, ANY },
	{ "netdump.topic.postonboard.interval", ITEM_NUMBER, 60, ANY },
	{ "netdump.topic.maxcount", ITEM_NUMBER, 1, ANY },
	{ "timer.reboot.no.network", ITEM_NUMBER, 120, ANY },
	{ "timer.test.baseimage.update", ITEM_NUMBER, 30, 3600 },
	{ "airgap.mode", ITEM_TRISTATE, 0, 0 },
	{ "maintenance.mode", ITEM_TRISTATE, 0, 0 },
	{ "msrv.prometheus.metrics.rps", ITEM_NUMBER, 1, ANY },
	{ "msrv.prometheus.metrics.burst", ITEM_NUMBER, 1, ANY },
	{ "msrv.prometheus.metrics.idletimeout.seconds", ITEM_NUMBER, 1, ANY },
	{ "edgeway.dnsmasq", ITEM_SWITCH, 0, 0 },
	{ "edgeway.probe.urls", ITEM_URLS, 0, 0 },
	{ "edgeway.radio.timeout", ITEM_NUMBER, 1, 3600 },
	{ "edgeway.heartbeat", ITEM_SWITCH, 0, 0 },
	{ "edgeway.heartbeat.interval.ms", ITEM_NUMBER, 10, 10000 },
	{ "edgeway.heartbeat.misses", ITEM_NUMBER, 1, 20 },
	{ "edgeway.recovery.hold.ms", ITEM_NUMBER, 0, 600000 },
	{ "edgeway.upstream", ITEM_SWITCH, 0, 0 },
	{ "edgeway.upstream.interval.ms", ITEM_NUMBER, 500, 60000 },
	{ "edgeway.upstream.misses", ITEM_NUMBER, 1, 10 },
};

static bool is_one_of(const char *value, const char *const *list)
{
	for (; *list; list++) {
		if (strcasecmp(value, *list) == 0)
			return true;
	}
	return false;
}

static int check_urls(struct za_map *m, const char *list, const struct za_at *at)
{
	char url[HTTP_URL_MAX];
	unsigned int n = 0;
	int r;

	while ((r = http_url_next(&list, url)) > 0 && n < HTTP_URLS)
		n++;
	if (r < 0)
		return za_refuse(m->err, at, "/value",
				 "expected URLs of http or https, separated by blanks");
	if (r > 0)
		return za_refuse(m->err, at, "/value", "expected at most %d URLs", HTTP_URLS);
	return 0;
}

static int check_value(struct za_map *m, const struct item *item, const char *value,
		       const struct za_at *at)
{
	static const char *const bools[] = { "true", "false", "t", "f", "1", "0", NULL };
	static const char *const tristates[] = { "none",     "enabled", "enable", "on",
						 "disabled", "disable", "off",	  NULL };
	static const char *const switches[] = { "on", "off", NULL };
	uint64_t number;

	switch (item->kind) {
	case ITEM_NUMBER:
		return za_number(m->err, at, "/value", value, item->min, item->max, &number);
	case ITEM_BOOL:
		if (!is_one_of(value, bools))
			return za_refuse(m->err, at, "/value", "expected true or false");
		return 0;
	case ITEM_TRISTATE:
		if (!is_one_of(value, tristates))
			return za_refuse(m->err, at, "/value",
					 "expected none, enabled or disabled");
		return 0;
	case ITEM_HOST:
		if (*value && !za_is_host(value))
			return za_refuse(m->err, at, "/value",
					 "\"%.80s\" is no address or host name", value);
		return 0;
	case ITEM_KEYS:
		if (!za_is_ssh_keys(value))
			return za_refuse(m->err, at, "/value",
					 "expected SSH public keys, or none to close SSH");
		return 0;
	case ITEM_URLS:
		return check_urls(m, value, at);
	case ITEM_SWITCH:
		if (!is_one_of(value, switches))
			return za_refuse(m->err, at, "/value", "expected on or off");
		return 0;
	}
	return 0;
}

/* Most belong to other programs; one that is misspelt belongs to nobody. */
static void note_unknown(struct za_map *m, const char *key, size_t i)
{
	_cleanup_(freep) char *part = NULL;
	bool plain = key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789._-")] == '\0';

	part = plain ? xasprintf("configItems.%s", key) : xasprintf("configItems.%zu", i);
	za_map_ignored(m, part);
}

static int map_item(struct za_map *m, size_t i, struct za_names *keys)
{
	const EVE(ConfigItem) *in = m->eve->configitems[i];
	struct za_at at = za_at("/configItems/%zu", i);
	Ew__GlobalConfig__ItemsEntry *entry;
	const char *other;
	bool known = false;
	int r;

	if (!za_is_name(in->key))
		return za_refuse(m->err, &at, "/key", "expected a name of 1 to 128 bytes");
	other = za_names_add(keys, in->key, at.path, i);
	if (other)
		return za_refuse(m->err, &at, "/key", "\"%.80s\" is set by %s, too", in->key,
				 other);
	for (size_t k = 0; k < ARRAY_SIZE(items); k++) {
		if (strcmp(in->key, items[k].key) != 0)
			continue;
		known = true;
		r = check_value(m, &items[k], in->value, &at);
		if (r < 0)
			return r;
	}
	if (!known && strncmp(in->key, ZA_PORT_ITEMS, strlen(ZA_PORT_ITEMS)) != 0 &&
	    strncmp(in->key, ZA_LABEL_ITEMS, strlen(ZA_LABEL_ITEMS)) != 0)
		note_unknown(m, in->key, i);
	if (strcmp(in->key, "edgeway.dnsmasq") == 0)
		m->dnsmasq_off = strcasecmp(in->value, "off") == 0;
	entry = xcalloc(1, sizeof(*entry));
	ew__global_config__items_entry__init(entry);
	ZA_ADD(m->out->global, items, entry);
	za_set(&entry->key, in->key);
	za_set(&entry->value, in->value);
	return 0;
}

int za_map_items(struct za_map *m)
{
	_cleanup_(za_names_fini) struct za_names keys = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->eve->n_configitems; i++)
		r = map_item(m, i, &keys);
	return r;
}
