/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/lps/lps.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "dnsrelay/conf.h"
#include "nim/config.h"
#include "nim/dpc/dpc_list.h"

struct merge {
	const Ew__DevicePortConfig *controller;
	const Ew__LocalNetworkConfig *local;
	struct lps_verdict *verdicts; /* of each port of local */
	struct arena arena;
};

static void __attribute__((__format__(__printf__, 2, 3)))
refuse(struct lps_verdict *v, const char *fmt, ...)
{
	va_list ap;

	if (v->why[0])
		return; /* the first says most */
	va_start(ap, fmt);
	vsnprintf(v->why, sizeof(v->why), fmt, ap);
	va_end(ap);
}

/* ---- May it be changed, and so? ---- */

static const char *wireless_name(Ew__WirelessType type)
{
	switch (type) {
	case EW__WIRELESS_TYPE__WIRELESS_NONE:
		return "wired";
	case EW__WIRELESS_TYPE__WIRELESS_CELLULAR:
		return "cellular";
	case EW__WIRELESS_TYPE__WIRELESS_WIFI:
		return "Wi-Fi";
	case _EW__WIRELESS_TYPE_IS_INT_SIZE:
		break;
	}
	return "unknown";
}

static void judge_permission(const Ew__PortConfig *port, const Ew__LocalPortConfig *wish,
			     struct lps_verdict *v)
{
	if (!port->local_changes)
		refuse(v, "the controller does not permit local changes of this port");
	else if (port->error[0])
		refuse(v, "wrong as the controller has it: %s", port->error);
	else if (!port->is_l3)
		refuse(v, "the port is to have no addresses: it carries frames only");
	else if (port->wireless != wish->wireless)
		refuse(v, "wireless: %s, and the port is %s", wireless_name(wish->wireless),
		       wireless_name(port->wireless));
}

static void judge_addresses(const Ew__LocalPortConfig *wish, struct lps_verdict *v)
{
	struct prefix prefix;

	for (size_t i = 0; i < wish->n_addresses; i++)
		if (!strchr(wish->addresses[i], '/') ||
		    prefix_parse(wish->addresses[i], &prefix) < 0)
			refuse(v, "addresses: \"%.60s\" is no address with prefix length",
			       wish->addresses[i]);
	if (!wish->use_dhcp && !wish->n_addresses)
		refuse(v, "addresses: none, and DHCP is not to be used");
}

static void judge_gateways(const Ew__LocalPortConfig *wish, struct lps_verdict *v)
{
	const char *first[2] = { NULL, NULL };
	struct ipaddr gateway;

	for (size_t i = 0; i < wish->n_gateways; i++) {
		const char **of_version;

		if (ipaddr_parse(wish->gateways[i], &gateway) < 0) {
			refuse(v, "gateways: \"%.60s\" is no IP address", wish->gateways[i]);
			continue;
		}
		of_version = &first[gateway.family == AF_INET6];
		if (*of_version)
			refuse(v, "gateways: two of one IP version: %s and %s", *of_version,
			       wish->gateways[i]);
		*of_version = wish->gateways[i];
	}
}

/* What becomes a line of some configuration has to be a name or an address. */
static void judge_names(const Ew__LocalPortConfig *wish, struct lps_verdict *v)
{
	struct ipaddr addr;

	for (size_t i = 0; i < wish->n_ntp_servers; i++)
		if (ipaddr_parse(wish->ntp_servers[i], &addr) < 0 &&
		    !dns_domain_is_valid(wish->ntp_servers[i]))
			refuse(v, "NTP servers: \"%.60s\" is no address or name",
			       wish->ntp_servers[i]);
	if (wish->domain[0] && !dns_domain_is_valid(wish->domain))
		refuse(v, "domain: \"%.60s\" is none", wish->domain);
	if (wish->n_dns_servers > NIM_SERVERS || wish->n_ntp_servers > NIM_SERVERS)
		refuse(v, "more than %d DNS or NTP servers", NIM_SERVERS);
}

static size_t count(const struct merge *m, const char *label)
{
	size_t n = 0;

	for (size_t i = 0; i < m->local->n_ports; i++)
		n += strcmp(m->local->ports[i]->logicallabel, label) == 0;
	return n;
}

static const Ew__PortConfig *find_port(const Ew__DevicePortConfig *config, const char *label)
{
	for (size_t i = 0; i < config->n_ports; i++)
		if (strcmp(config->ports[i]->logicallabel, label) == 0)
			return config->ports[i];
	return NULL;
}

static void judge(const struct merge *m, const Ew__LocalPortConfig *wish, struct lps_verdict *v)
{
	const Ew__PortConfig *port = find_port(m->controller, wish->logicallabel);

	if (!port) {
		refuse(v, "the controller's configuration has no such port");
		return;
	}
	if (count(m, wish->logicallabel) > 1)
		refuse(v, "asked for more than once");
	judge_permission(port, wish, v);
	judge_addresses(wish, v);
	judge_gateways(wish, v);
	judge_names(wish, v);
}

/* ---- The unit that is replaced ---- */

static bool is_no_gateway(const char *text) /* EVE's way to say "no default route" */
{
	struct ipaddr gateway;

	return ipaddr_parse(text, &gateway) == 0 && ipaddr_is_zero(&gateway);
}

static void put_gateways(struct arena *arena, const Ew__LocalPortConfig *wish, Ew__PortConfig *port)
{
	port->gateways = arena_alloc(arena, (wish->n_gateways + 1) * sizeof(*port->gateways));
	port->n_gateways = 0;
	port->no_default_route = wish->no_default_route;
	for (size_t i = 0; i < wish->n_gateways; i++) {
		if (is_no_gateway(wish->gateways[i]))
			port->no_default_route = true;
		else
			port->gateways[port->n_gateways++] = wish->gateways[i];
	}
}

static Ew__PortConfig *put_into(struct arena *arena, const Ew__LocalPortConfig *wish,
				const Ew__PortConfig *controller)
{
	Ew__PortConfig *port = arena_alloc(arena, sizeof(*port));

	*port = *controller;
	port->dhcp = wish->use_dhcp ? EW__DHCP_MODE__DHCP_CLIENT : EW__DHCP_MODE__DHCP_STATIC;
	port->ip_versions = wish->ip_versions;
	port->addresses = wish->addresses;
	port->n_addresses = wish->n_addresses;
	put_gateways(arena, wish, port);
	port->dns_servers = wish->dns_servers;
	port->n_dns_servers = wish->n_dns_servers;
	port->domain = wish->domain;
	port->ntp_servers = wish->ntp_servers;
	port->n_ntp_servers = wish->n_ntp_servers;
	port->mtu = wish->mtu;
	port->ignore_dhcp_addresses = wish->use_dhcp && wish->ignore_dhcp_addresses;
	port->ignore_dhcp_gateways = wish->use_dhcp && wish->ignore_dhcp_gateways;
	port->ignore_dhcp_dns = wish->use_dhcp && wish->ignore_dhcp_dns;
	port->ignore_dhcp_ntp = wish->use_dhcp && wish->ignore_dhcp_ntp;
	port->proxy = wish->proxy;
	port->cellular = wish->cellular;
	port->wifi = wish->wifi;
	return port;
}

/* NULL: the port stays as it is. */
static struct lps_verdict *find_replaced(const struct merge *m, const char *label)
{
	for (size_t i = 0; i < m->local->n_ports; i++)
		if (!m->verdicts[i].why[0] && strcmp(m->verdicts[i].label, label) == 0)
			return &m->verdicts[i];
	return NULL;
}

/* Shallow: what it points to is the two configurations', and the arena's. */
static void put_together(struct merge *m, Ew__DevicePortConfig *ret)
{
	const Ew__DevicePortConfig *c = m->controller;

	*ret = *c;
	ret->ports = arena_alloc(&m->arena, (c->n_ports + 1) * sizeof(*ret->ports));
	for (size_t i = 0; i < c->n_ports; i++) {
		const struct lps_verdict *v = find_replaced(m, c->ports[i]->logicallabel);

		ret->ports[i] = c->ports[i];
		if (v)
			ret->ports[i] =
				put_into(&m->arena, m->local->ports[v - m->verdicts], c->ports[i]);
	}
}

static bool stands_on_a_wrong_one(const struct nim_config *config, const struct nim_port *port)
{
	for (unsigned int i = 0; i < port->nlowers; i++)
		if (config->ports[port->lowers[i]].error[0])
			return true;
	return false;
}

static bool refuse_some(struct merge *m, const struct nim_config *merged, bool lowest)
{
	bool any = false;

	for (unsigned int i = 0; i < merged->nports; i++) {
		const struct nim_port *port = &merged->ports[i];
		struct lps_verdict *v;

		if (!port->error[0] || (lowest && stands_on_a_wrong_one(merged, port)))
			continue;
		v = find_replaced(m, m->controller->ports[i]->logicallabel);
		if (!v)
			continue;
		refuse(v, "%s", port->error);
		any = true;
	}
	return any;
}

/* Errors that the controller's configuration does not have are the wishes' of these ports. Of two
 * wishes that go against each other (one address) both are refused; of a layer and what stands on
 * it the layer, first. True: there was one. */
static bool refuse_wrong(struct merge *m, const Ew__DevicePortConfig *merged)
{
	_cleanup_(freep) struct nim_config *loaded = xcalloc(1, sizeof(*loaded));

	nim_config_load(loaded, merged);
	return refuse_some(m, loaded, true) || refuse_some(m, loaded, false);
}

/* ---- The whole ---- */

void lps_merged_fini(struct lps_merged *merged)
{
	for (size_t i = 0; i < merged->n; i++)
		free(merged->ports[i].label);
	free(merged->ports);
	*merged = (struct lps_merged){ 0 };
}

static Ew__DpcEntry *entry_new(const struct merge *m, const Ew__DpcEntry *controller,
			       const Ew__DevicePortConfig *merged)
{
	_cleanup_(freep) char **labels = xcalloc(m->local->n_ports + 1, sizeof(*labels));
	Ew__DpcEntry *entry;
	size_t n = 0;

	for (size_t i = 0; i < m->local->n_ports; i++)
		if (!m->verdicts[i].why[0])
			labels[n++] = m->verdicts[i].label;
	if (!n)
		return NULL;
	entry = dpc_entry_new(LPS_KEY, EW__DPC_SOURCE__DPC_LPS, controller->time_priority_ms, "",
			      merged);
	dpc_entry_set_local(entry, labels, n, m->local->submitted_ms);
	return entry;
}

Ew__DpcEntry *lps_merge(const Ew__DpcEntry *controller, const Ew__LocalNetworkConfig *local,
			struct lps_merged *ret)
{
	struct merge m = { .controller = controller->config, .local = local };
	Ew__DevicePortConfig merged;
	Ew__DpcEntry *entry;

	m.verdicts = xcalloc(local->n_ports + 1, sizeof(*m.verdicts));
	for (size_t i = 0; i < local->n_ports; i++) {
		m.verdicts[i].label = xstrdup(local->ports[i]->logicallabel);
		judge(&m, local->ports[i], &m.verdicts[i]);
	}
	do /* each time fewer wishes are left */
		put_together(&m, &merged);
	while (refuse_wrong(&m, &merged));
	entry = entry_new(&m, controller, &merged);
	*ret = (struct lps_merged){ .ports = m.verdicts,
				    .n = local->n_ports,
				    .replaced = entry ? entry->n_local_ports : 0 };
	arena_fini(&m.arena);
	return entry;
}
