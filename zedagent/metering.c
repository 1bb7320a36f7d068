/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What EVE does not ask of ports comes in by items of our own, which others pass over.
 *
 *	edgeway.port.LABEL.metering            on, off
 *	edgeway.port.LABEL.quota.month.bytes   both directions
 *	edgeway.port.LABEL.billing.day         1 to 28
 *	edgeway.port.LABEL.heartbeat           on, off
 *	edgeway.port.LABEL.upstream            on, off
 *
 * Any of the first three meters the port; metering=off leaves the others without effect. What nim
 * reads by itself of GlobalConfig is only checked here.
 */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

#define QUOTA_MAX 100000000000000000ull /* 100 PB, as nim/metering/meter.h */
#define BILLING_DAY_MAX 28

static int check_switch(struct za_map *m, const Ew__PortConfig *port, Ew__PortMeterConfig *meter,
			const char *value, const struct za_at *at)
{
	(void)port, (void)meter;
	if (strcasecmp(value, "on") != 0 && strcasecmp(value, "off") != 0)
		return za_refuse(m->err, at, "/value", "expected on or off");
	return 0;
}

static int set_quota(struct za_map *m, const Ew__PortConfig *port, Ew__PortMeterConfig *meter,
		     const char *value, const struct za_at *at)
{
	uint64_t bytes = 0;
	int r = za_number(m->err, at, "/value", value, 1, QUOTA_MAX, &bytes);

	if (r == 0 && port->dhcp == EW__DHCP_MODE__DHCP_NONE)
		r = za_refuse(m->err, at, "/key",
			      "\"%.80s\" has no addresses: a quota has no effect on it",
			      port->logicallabel);
	meter->quota_bytes = bytes;
	return r;
}

static int set_billing_day(struct za_map *m, const Ew__PortConfig *port, Ew__PortMeterConfig *meter,
			   const char *value, const struct za_at *at)
{
	uint64_t day = 1;
	int r = za_number(m->err, at, "/value", value, 1, BILLING_DAY_MAX, &day);

	(void)port;
	meter->billing_day = (uint32_t)day;
	return r;
}

static const struct item {
	const char *name;
	int (*set)(struct za_map *m, const Ew__PortConfig *port, Ew__PortMeterConfig *meter,
		   const char *value, const struct za_at *at);
	bool meters; /* set() is given the port's meter; else NULL */
} items[] = {
	{ ".metering", check_switch, true },
	{ ".quota.month.bytes", set_quota, true },
	{ ".billing.day", set_billing_day, true },
	{ ".heartbeat", check_switch, false },
	{ ".upstream", check_switch, false },
};

/* Labels may have dots. *ret_len: of the label. */
static const struct item *find_item(const char *rest, size_t *ret_len)
{
	size_t len = strlen(rest);

	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		size_t tail = strlen(items[i].name);

		if (len <= tail || strcmp(rest + len - tail, items[i].name) != 0)
			continue;
		*ret_len = len - tail;
		return &items[i];
	}
	return NULL;
}

static const Ew__PortConfig *find_port(const struct za_map *m, const char *label, size_t len)
{
	const Ew__DevicePortConfig *ports = m->out->ports;

	for (size_t i = 0; i < ports->n_ports; i++)
		if (strlen(ports->ports[i]->logicallabel) == len &&
		    memcmp(ports->ports[i]->logicallabel, label, len) == 0)
			return ports->ports[i];
	return NULL;
}

static size_t find_meter(const struct za_map *m, const char *label)
{
	size_t i = 0;

	while (i < m->out->n_meters && strcmp(m->out->meters[i]->logicallabel, label) != 0)
		i++;
	return i;
}

static Ew__PortMeterConfig *want_meter(struct za_map *m, const char *label)
{
	size_t i = find_meter(m, label);
	Ew__PortMeterConfig *meter;

	if (i < m->out->n_meters)
		return m->out->meters[i];
	meter = xcalloc(1, sizeof(*meter));
	ew__port_meter_config__init(meter);
	za_set(&meter->logicallabel, label);
	meter->billing_day = 1;
	ZA_ADD(m->out, meters, meter);
	return meter;
}

static void drop_meter(struct za_map *m, const char *label)
{
	size_t i = find_meter(m, label);

	ew__port_meter_config__free_unpacked(m->out->meters[i], NULL);
	m->out->meters[i] = m->out->meters[--m->out->n_meters];
}

/* *ret_off: the label of a port that is not to be metered, whatever else is said of it. */
static int map_item(struct za_map *m, size_t i, const char **ret_off)
{
	const EVE(ConfigItem) *in = m->eve->configitems[i];
	struct za_at at = za_at("/configItems/%zu", i);
	const char *rest = in->key + strlen(ZA_PORT_ITEMS);
	const Ew__PortConfig *port;
	const struct item *item;
	size_t len = 0;

	if (strncmp(in->key, ZA_PORT_ITEMS, strlen(ZA_PORT_ITEMS)) != 0)
		return 0;
	item = find_item(rest, &len);
	if (!item)
		return za_refuse(m->err, &at, "/key",
				 "expected edgeway.port.LABEL.metering, .quota.month.bytes, "
				 ".billing.day, .heartbeat or .upstream");
	port = find_port(m, rest, len);
	if (!port)
		return za_refuse(m->err, &at, "/key", "there is no port \"%.*s\"",
				 len > 80 ? 80 : (int)len, rest);
	if (strcmp(item->name, ".metering") == 0 && strcasecmp(in->value, "off") == 0)
		*ret_off = port->logicallabel;
	return item->set(m, port, item->meters ? want_meter(m, port->logicallabel) : NULL,
			 in->value, &at);
}

int za_map_metering(struct za_map *m)
{
	size_t n = m->eve->n_configitems;
	_cleanup_(freep) const char **off = xcalloc(n + 1, sizeof(*off));
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = map_item(m, i, &off[i]);
	for (size_t i = 0; r == 0 && i < n; i++) /* last, as items come in any order */
		if (off[i])
			drop_meter(m, off[i]);
	return r;
}
