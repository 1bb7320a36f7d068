/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/status.h"

#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/http_proxy.h"
#include "base/port_label.h"
#include "base/strbuf.h"
#include "nim/addressing.h"
#include "nim/dns/dns.h"
#include "nim/gateway/heartbeat_status.h"
#include "nim/pnac/pnac.h"
#include "nim/upstream/upstream_status.h"
#include "nim/wireless/wireless_status.h"
#include "status.pb-c.h"

struct texts { /* a repeated string field while it grows */
	char **item;
	size_t n;
};

static void texts_add(struct texts *t, char *s)
{
	t->item[t->n++] = s;
}

static struct texts texts_new(struct arena *a, size_t max)
{
	return (struct texts){ .item = arena_alloc(a, max * sizeof(char *)) };
}

static struct texts port_labels(const struct nim_port *port, struct arena *a)
{
	struct texts t = texts_new(a, NIM_LABELS + 3);

	for (unsigned int i = 0; i < port->nshared; i++)
		texts_add(&t, arena_strdup(a, port->shared[i]));
	for (const char *const *label = port_labels_automatic; *label; label++)
		if (port_label_applies(*label, port->is_mgmt, port->cost))
			texts_add(&t, arena_strdup(a, *label));
	return t;
}

static struct texts port_dns(const struct nim_port *port, const struct nim_iface *iface,
			     struct arena *a)
{
	struct ipaddr servers[NIM_PORT_DNS];
	unsigned int n = nim_port_dns(port, iface, servers);
	struct texts t = texts_new(a, NIM_PORT_DNS);

	for (unsigned int i = 0; i < n; i++)
		texts_add(&t, arena_ipaddr(a, &servers[i]));
	return t;
}

static struct texts port_ntp(const struct nim_port *port, const struct nim_iface *iface,
			     struct arena *a)
{
	const char *servers[NIM_PORT_NTP];
	unsigned int n = nim_port_ntp(port, iface, servers);
	struct texts t = texts_new(a, NIM_PORT_NTP);

	for (unsigned int i = 0; i < n; i++)
		texts_add(&t, arena_strdup(a, servers[i]));
	return t;
}

static struct texts port_domains(const struct nim_port *port, const struct nim_iface *iface,
				 struct arena *a)
{
	char domains[NIM_PORT_DOMAINS][NIM_LABEL];
	unsigned int n = nim_port_domains(port, iface, domains);
	struct texts t = texts_new(a, NIM_PORT_DOMAINS);

	for (unsigned int i = 0; i < n; i++)
		texts_add(&t, arena_strdup(a, domains[i]));
	return t;
}

static struct texts port_addresses(const struct prefix *list, unsigned int n, struct arena *a)
{
	struct texts t = texts_new(a, NIM_ADDRS);

	for (unsigned int i = 0; i < n; i++)
		texts_add(&t, arena_prefix(a, &list[i]));
	return t;
}

static void add_conflicts(const struct nim_iface *iface, Ew__PortStatus *s, struct arena *a)
{
	s->conflicts = arena_alloc(a, (iface->nconflicts + 1u) * sizeof(*s->conflicts));
	for (unsigned int i = 0; i < iface->nconflicts; i++) {
		Ew__AddressConflict *c = arena_alloc(a, sizeof(*c));

		ew__address_conflict__init(c);
		c->address = arena_ipaddr(a, &iface->conflicts[i].addr);
		c->mac = arena_mac(a, &iface->conflicts[i].mac);
		s->conflicts[s->n_conflicts++] = c;
	}
}

/* It explains the missing address, and where there is one it still needs somebody. */
static const char *pnac_error(const struct nim_iface *iface, struct arena *a)
{
	const struct nim_pnac *pnac = iface->pnac;

	if (!pnac)
		return "";
	if (pnac->error[0])
		return arena_printf(a, "802.1X: %s", pnac->error);
	if (!iface->naddrs && pnac->state != PNAC_AUTHENTICATED)
		return arena_printf(a, "802.1X: %s", pnac_state_name(pnac->state));
	return "";
}

static char *proxy_name(const Ew__ProxyServer *server, struct arena *a)
{
	_cleanup_(strbuf_fini) struct strbuf name = STRBUF_INIT;

	if (server)
		http_proxy_name((enum http_proxy_kind)server->kind, server->host, server->port,
				&name);
	return arena_strdup(a, strbuf_str(&name));
}

/* Without user and password: everybody sees this. */
static void add_proxy(const struct nim_port *port, Ew__PortStatus *s, struct arena *a)
{
	if (!port->proxy)
		return;
	s->http_proxy = proxy_name(port->proxy->http, a);
	s->https_proxy = proxy_name(port->proxy->https, a);
	s->socks_proxy = proxy_name(port->proxy->socks, a);
	s->proxy_exceptions = arena_strdup(a, port->proxy->exceptions);
}

static const char *port_error(const struct nim_port *port, const struct nim_iface *iface,
			      const struct nim_port_view *view, struct arena *a)
{
	const char *pnac = pnac_error(iface, a);
	const char *radio = nim_wireless_error(iface);
	const char *ill;

	if (port->error[0] && !(port->absent && *radio))
		return port->error;
	if (!port->number && !port->absent)
		return "no free port number";
	if (*radio) /* it explains the interface, carrier and address that are missing */
		return radio;
	if (!iface->ifindex)
		return "interface not found";
	if (iface->problem[0])
		return iface->problem;
	if (!iface->carrier)
		return "no carrier";
	if (iface->lease4.refused[0])
		return iface->lease4.refused;
	if (*pnac)
		return pnac;
	ill = nim_health_error(iface, view, a);
	if (!ill[0])
		ill = nim_upstream_error(iface, a);
	if (ill[0])
		return ill;
	if (!port->is_l3 || port->dhcp == NIM_DHCP_NONE || view->usable4 || view->usable6)
		return "";
	if (!iface->naddrs)
		return "no address";
	return nim_port_needs_no_gateway(port) ? "" : "no gateway";
}

static Ew__PortStatus *port_status(const struct nim_port *port, const struct nim_iface *iface,
				   const struct nim_port_view *view, struct arena *a)
{
	Ew__PortStatus *s = arena_alloc(a, sizeof(*s));
	struct texts labels = port_labels(port, a), dns = port_dns(port, iface, a),
		     ntp = port_ntp(port, iface, a), domains = port_domains(port, iface, a),
		     addrs = port_addresses(iface->addrs, iface->naddrs, a),
		     ignored = port_addresses(iface->ignored, iface->nignored, a);

	ew__port_status__init(s);
	s->logicallabel = arena_strdup(a, port->label);
	s->ifname = arena_strdup(a, port->ifname.str);
	s->ifindex = iface->ifindex;
	s->labels = labels.item;
	s->n_labels = labels.n;
	s->is_mgmt = port->is_mgmt;
	s->is_l3 = port->is_l3;
	s->cost = port->cost;
	s->mtu = iface->mtu_bytes;
	s->up = iface->up;
	s->carrier = iface->carrier;
	s->mac = arena_mac(a, &iface->mac);
	s->addresses = addrs.item;
	s->n_addresses = addrs.n;
	s->gateway4 = arena_ipaddr(a, &view->gateway4);
	s->gateway6 = arena_ipaddr(a, &view->gateway6);
	s->dns_servers = dns.item;
	s->n_dns_servers = dns.n;
	s->ntp_servers = ntp.item;
	s->n_ntp_servers = ntp.n;
	s->domain = domains.n ? domains.item[0] : arena_strdup(a, "");
	s->search_domains = domains.item;
	s->n_search_domains = domains.n;
	s->ignored_addresses = ignored.item;
	s->n_ignored_addresses = ignored.n;
	if (ipaddr_is_set(&iface->boot_left.addr))
		s->boot_address = arena_prefix(a, &iface->boot_left);
	add_conflicts(iface, s, a);
	add_proxy(port, s, a);
	s->table = port->number ? nim_port_table(port) : 0;
	s->mark = nim_port_mark(port);
	s->usable4 = view->usable4;
	s->usable6 = view->usable6;
	s->over_quota = iface->over_quota;
	s->dhcp = port->lent_client ? EW__DHCP_MODE__DHCP_STATIC : (Ew__DhcpMode)port->dhcp;
	s->ip_versions = !port->ipv6   ? EW__IP_VERSIONS__IP_V4_ONLY
			 : !port->ipv4 ? EW__IP_VERSIONS__IP_V6_ONLY
				       : EW__IP_VERSIONS__IP_DUAL;
	s->pnac = nim_pnac_status(port, iface, a);
	s->wireless = nim_wireless_status(port, iface, a);
	s->error = arena_strdup(a, port_error(port, iface, view, a));
	nim_health_status(s, iface, view);
	nim_upstream_status(s, iface, view, a);
	return s;
}

struct Ew__DeviceNetworkStatus *nim_status(const struct nim_config *config,
					   const struct nim_facts *facts,
					   const struct nim_view *view, struct arena *arena)
{
	Ew__DeviceNetworkStatus *s = arena_alloc(arena, sizeof(*s));

	ew__device_network_status__init(s);
	s->ports = arena_alloc(arena, (config->nports + 1) * sizeof(Ew__PortStatus *));
	s->download_max_cost = config->download_max_cost;
	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port *port = &config->ports[i];
		const struct nim_port_view *pv = &view->ports[i];
		Ew__PortStatus *ps;

		if (port->trial)
			continue;
		ps = port_status(port, &facts->ifaces[i], pv, arena);
		ps->for_downloads = port->is_mgmt && (pv->usable4 || pv->usable6) &&
				    port->cost <= config->download_max_cost;
		s->ports[s->n_ports++] = ps;
	}
	s->firewall_error = arena_strdup(arena, facts->firewall_problem);
	if (view->default4 >= 0)
		s->default_port4 = arena_strdup(arena, config->ports[view->default4].label);
	if (view->default6 >= 0)
		s->default_port6 = arena_strdup(arena, config->ports[view->default6].label);
	return s;
}
