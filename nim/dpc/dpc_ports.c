/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_ports.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/http_proxy.h"
#include "base/pac.h"
#include "base/port_label.h"
#include "base/strbuf.h"
#include "config.pb-c.h"
#include "dpc.pb-c.h"
#include "nim/config.h"
#include "nim/dpc/dpc_wireless.h"

struct reader {
	struct arena *arena;
	bool all_l3, all_mgmt;
};

static void __attribute__((__format__(__printf__, 3, 4)))
port_fail(struct reader *r, Ew__PortConfig *port, const char *fmt, ...)
{
	char error[160];
	va_list ap;

	if (port->error[0])
		return; /* the first says most */
	va_start(ap, fmt);
	vsnprintf(error, sizeof(error), fmt, ap);
	va_end(ap);
	port->error = arena_strdup(r->arena, error);
}

/* The strings of a repeated field that are not empty. */
static size_t copy_texts(struct reader *r, char *const *texts, size_t n, char ***ret)
{
	char **copy = arena_alloc(r->arena, (n + 1) * sizeof(*copy));
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (texts[i][0])
			copy[count++] = arena_strdup(r->arena, texts[i]);
	*ret = copy;
	return count;
}

static void read_names(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	const char *label = *from->logicallabel ? from->logicallabel : from->ifname;
	/* One that is named by its address has no name but what it is found under. */
	const char *ifname = *from->ifname || *from->pciaddr || *from->usbaddr ? from->ifname
									       : from->logicallabel;

	port->logicallabel = arena_strdup(r->arena, label);
	port->ifname = arena_strdup(r->arena, ifname);
	port->phylabel = arena_strdup(r->arena, *from->phylabel ? from->phylabel : ifname);
	if (!*label)
		port_fail(r, port, "neither IfName nor Logicallabel");
	port->pci_address = arena_strdup(r->arena, from->pciaddr);
	port->usb_address = arena_strdup(r->arena, from->usbaddr);
}

/* EVE writes the labels it derives into its own files: those that the port has anyway are passed
 * over here, and others of them are an error. */
static bool has_anyway(const Ew__PortConfig *port, const char *label)
{
	return port_label_applies(label, port->is_mgmt, port->cost);
}

static void read_labels(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	char **labels;
	size_t n = copy_texts(r, from->sharedlabels, from->n_sharedlabels, &labels);

	port->shared_labels = labels;
	for (size_t i = 0; i < n; i++)
		if (!has_anyway(port, labels[i]))
			labels[port->n_shared_labels++] = labels[i];
}

static void read_dhcp(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	switch (from->dhcp) {
	case 0:
	case 2:
		port->dhcp = EW__DHCP_MODE__DHCP_NONE;
		return;
	case 1:
		port->dhcp = EW__DHCP_MODE__DHCP_STATIC;
		return;
	case 4:
		port->dhcp = EW__DHCP_MODE__DHCP_CLIENT;
		return;
	}
	port_fail(r, port, "Dhcp %u is none of 0, 1, 2, 4", from->dhcp);
}

static void read_ip_versions(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	switch (from->type) {
	case 0:
	case 4:
	case 6:
	case 8:
		port->ip_versions = EW__IP_VERSIONS__IP_DUAL;
		return;
	case 5:
		port->ip_versions = EW__IP_VERSIONS__IP_V4_ONLY;
		return;
	case 7:
		port->ip_versions = EW__IP_VERSIONS__IP_V6_ONLY;
		return;
	}
	port_fail(r, port, "Type %u is none of 0, 4, 5, 6, 7, 8", from->type);
}

static void add_address(struct reader *r, Ew__PortConfig *port, const char *field, const char *text)
{
	struct prefix prefix;

	if (!strchr(text, '/') || prefix_parse(text, &prefix) < 0)
		port_fail(r, port, "%s \"%.60s\" is no address with prefix length", field, text);
	else
		port->addresses[port->n_addresses++] = arena_strdup(r->arena, text);
}

static void read_addresses(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	port->addresses = arena_alloc(r->arena, (from->n_moreaddrsubnets + 1) * sizeof(char *));
	if (*from->addrsubnet)
		add_address(r, port, "AddrSubnet", from->addrsubnet);
	for (size_t i = 0; i < from->n_moreaddrsubnets; i++)
		add_address(r, port, "MoreAddrSubnets", from->moreaddrsubnets[i]);
	if (!port->n_addresses && port->dhcp == EW__DHCP_MODE__DHCP_STATIC)
		port_fail(r, port, "static without AddrSubnet");
}

static void add_gateway(struct reader *r, Ew__PortConfig *port, const char *text)
{
	struct ipaddr gateway, other;

	if (ipaddr_parse(text, &gateway) < 0)
		return; /* "": the reader of the file took nothing else */
	if (ipaddr_is_zero(&gateway)) {
		port->no_default_route = true;
		return;
	}
	for (size_t i = 0; i < port->n_gateways; i++)
		if (ipaddr_parse(port->gateways[i], &other) == 0 && other.family == gateway.family)
			port_fail(r, port, "two gateways of one IP version: %s and %s",
				  port->gateways[i], text);
	port->gateways[port->n_gateways++] = arena_strdup(r->arena, text);
}

static void read_gateways(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	port->gateways = arena_alloc(r->arena, (from->n_moregateways + 1) * sizeof(char *));
	add_gateway(r, port, from->gateway);
	for (size_t i = 0; i < from->n_moregateways; i++)
		add_gateway(r, port, from->moregateways[i]);
}

static void read_addressing(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	read_dhcp(r, from, port);
	read_ip_versions(r, from, port);
	read_addresses(r, from, port);
	read_gateways(r, from, port);
	port->n_dns_servers =
		copy_texts(r, from->dnsservers, from->n_dnsservers, &port->dns_servers);
	port->n_ntp_servers =
		copy_texts(r, from->ntpservers, from->n_ntpservers, &port->ntp_servers);
	port->domain = arena_strdup(r->arena, from->domainname);
	port->ignore_dhcp_addresses = from->ignoredhcpipaddresses;
	port->ignore_dhcp_gateways = from->ignoredhcpgateways;
	port->ignore_dhcp_dns = from->ignoredhcpdnsconfig;
	port->ignore_dhcp_ntp = from->ignoredhcpntpservers;
}

/* ---- Layers ---- */

static void read_vlan(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	if (!from->vlan) {
		port_fail(r, port, "L2Type 1 without VLAN");
		return;
	}
	port->vlan = arena_alloc(r->arena, sizeof(*port->vlan));
	ew__vlan_config__init(port->vlan);
	port->vlan->parent = arena_strdup(r->arena, from->vlan->parentport);
	port->vlan->vid = from->vlan->id;
	port->lower_case = EW__PORT_CONFIG__LOWER_VLAN;
}

static void read_bond(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	const Dpc__Bond *bond = from->bond;
	const Dpc__MiiMonitor *mii = bond ? bond->miimonitor : NULL;
	const Dpc__ArpMonitor *arp = bond ? bond->arpmonitor : NULL;

	if (!bond) {
		port_fail(r, port, "L2Type 2 without Bond");
		return;
	}
	port->bond = arena_alloc(r->arena, sizeof(*port->bond));
	ew__bond_config__init(port->bond);
	port->lower_case = EW__PORT_CONFIG__LOWER_BOND;
	port->bond->n_members =
		copy_texts(r, bond->aggregatedports, bond->n_aggregatedports, &port->bond->members);
	port->bond->mode = (Ew__BondMode)bond->mode; /* the same numbers */
	port->bond->lacp_fast = bond->lacprate == 2;
	if (mii && mii->enabled) {
		port->bond->mii = true;
		port->bond->miimon_ms = mii->interval;
		port->bond->updelay_ms = mii->updelay;
		port->bond->downdelay_ms = mii->downdelay;
	}
	if (arp && arp->enabled) {
		port->bond->arp = true;
		port->bond->arp_interval_ms = arp->interval;
		port->bond->n_arp_targets =
			copy_texts(r, arp->iptargets, arp->n_iptargets, &port->bond->arp_targets);
	}
}

static void read_layer(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	if (from->l2type == 1)
		read_vlan(r, from, port);
	else if (from->l2type == 2)
		read_bond(r, from, port);
	else if (from->l2type != 0)
		port_fail(r, port, "L2Type %u is none of 0, 1, 2", from->l2type);
}

/* One text of all certificates. */
static char *join_pem(struct reader *r, const ProtobufCBinaryData *pem, size_t n)
{
	struct strbuf text = STRBUF_INIT;
	char *joined;

	for (size_t i = 0; i < n && pem[i].len; i++)
		strbuf_addf(&text, "%.*s\n", (int)pem[i].len, (const char *)pem[i].data);
	joined = arena_strdup(r->arena, strbuf_str(&text));
	strbuf_fini(&text);
	return joined;
}

static void read_pnac(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	const Dpc__Pnac *pnac = from->pnac;

	if (!pnac || !pnac->enabled)
		return;
	port->pnac = arena_alloc(r->arena, sizeof(*port->pnac));
	ew__pnac_config__init(port->pnac);
	port->pnac->identity = arena_strdup(r->arena, pnac->eapidentity);
	port->pnac->profile = arena_strdup(r->arena, pnac->certenrollmentprofilename);
	port->pnac->ca_pem = join_pem(r, pnac->proxycertpem, pnac->n_proxycertpem);
	port->pnac->eap_method = pnac->eapmethod;
}

/* ---- Proxies ---- */

#define PROXY_HTTP 0
#define PROXY_HTTPS 1
#define PROXY_SOCKS 2

static Ew__ProxyServer *read_proxy(struct reader *r, const Dpc__Port *from, uint32_t type,
				   enum http_proxy_kind kind)
{
	struct http_proxy proxy;
	Ew__ProxyServer *server;
	size_t i = 0;
	int err;

	while (i < from->n_proxies && from->proxies[i]->type != type)
		i++;
	if (i == from->n_proxies)
		return NULL;
	server = arena_alloc(r->arena, sizeof(*server));
	ew__proxy_server__init(server);
	err = http_proxy_parse(from->proxies[i]->server, from->proxies[i]->port, kind, &proxy);
	if (err < 0) {
		server->host =
			arena_strdup(r->arena, http_proxy_without_user(from->proxies[i]->server));
		server->error = arena_strdup(r->arena, http_proxy_why(err));
		return server;
	}
	server->kind = (Ew__ProxyKind)proxy.kind;
	server->host = arena_strdup(r->arena, proxy.url.host);
	server->port = proxy.url.port;
	server->user = arena_strdup(r->arena, proxy.user);
	server->password = arena_strdup(r->arena, proxy.password);
	return server;
}

static void read_pac(struct reader *r, const Dpc__Port *from, Ew__ProxyConfig *proxy)
{
	char *text = NULL;

	if (!*from->pacfile) {
		if (from->networkproxyenable)
			proxy->pac_url = arena_strdup(r->arena, from->networkproxyurl);
		proxy->discover = from->networkproxyenable && !*from->networkproxyurl;
		return;
	}
	if (pac_text_decode(from->pacfile, &text) < 0)
		proxy->error = arena_strdup(r->arena, PAC_TEXT_WHY);
	else
		proxy->pac_text = arena_strdup(r->arena, text);
	free(text);
}

static void read_proxies(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	Ew__ProxyConfig *proxy = arena_alloc(r->arena, sizeof(*proxy));

	ew__proxy_config__init(proxy);
	proxy->http = read_proxy(r, from, PROXY_HTTP, HTTP_PROXY_PLAIN);
	proxy->https = read_proxy(r, from, PROXY_HTTPS, HTTP_PROXY_PLAIN);
	proxy->socks = read_proxy(r, from, PROXY_SOCKS, HTTP_PROXY_SOCKS5);
	proxy->exceptions = arena_strdup(r->arena, from->exceptions);
	proxy->ca_pem = join_pem(r, from->proxycertpem, from->n_proxycertpem);
	read_pac(r, from, proxy);
	if (proxy->http || proxy->https || proxy->socks || *proxy->ca_pem || *from->pacfile ||
	    from->networkproxyenable)
		port->proxy = proxy;
}

static void read_wireless(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	const char *why = dpc_wireless_read(from->wirelesscfg, r->arena, port);

	if (why)
		port_fail(r, port, "%s", why);
	/* Its daemon tells the interface of a modem; for others the label is one. */
	if (port->wireless == EW__WIRELESS_TYPE__WIRELESS_CELLULAR)
		port->ifname = arena_strdup(r->arena, from->ifname);
}

static Ew__PortConfig *read_port(struct reader *r, const Dpc__Port *from)
{
	Ew__PortConfig *port = arena_alloc(r->arena, sizeof(*port));

	ew__port_config__init(port);
	if (from->invalidconfig)
		port_fail(r, port, "marked as invalid: %.100s",
			  *from->lasterror ? from->lasterror : "no reason given");
	read_names(r, from, port);
	port->is_l3 = from->isl3port || r->all_l3;
	port->is_mgmt = from->ismgmt || (r->all_mgmt && port->is_l3);
	port->cost = from->cost;
	port->mtu = from->mtu;
	port->local_changes = from->allowlocalmodifications;
	read_labels(r, from, port);
	read_addressing(r, from, port);
	read_layer(r, from, port);
	read_wireless(r, from, port);
	read_pnac(r, from, port);
	read_proxies(r, from, port);
	return port;
}

/* ---- The whole ---- */

static void set_defaults(struct reader *r, const Dpc__Config *dpc)
{
	r->all_l3 = true;
	r->all_mgmt = dpc->version == 0;
	for (size_t i = 0; i < dpc->n_ports; i++) {
		r->all_l3 = r->all_l3 && !dpc->ports[i]->isl3port;
		r->all_mgmt = r->all_mgmt && !dpc->ports[i]->ismgmt;
	}
}

int dpc_ports(const Dpc__Config *dpc, struct arena *arena, Ew__DevicePortConfig **ret,
	      struct pbjson_error *err)
{
	struct reader r = { .arena = arena };
	Ew__DevicePortConfig *config = arena_alloc(arena, sizeof(*config));

	if (dpc->n_ports > NIM_PORTS) {
		snprintf(err->pointer, sizeof(err->pointer), "/Ports");
		snprintf(err->why, sizeof(err->why), "more than %d ports", NIM_PORTS);
		return -EINVAL;
	}
	ew__device_port_config__init(config);
	config->source = arena_strdup(arena, dpc->key);
	if (dpc->timepriority)
		config->timestamp_ms =
			dpc->timepriority->seconds * 1000 + dpc->timepriority->nanos / 1000000;
	set_defaults(&r, dpc);
	config->ports = arena_alloc(arena, (dpc->n_ports + 1) * sizeof(*config->ports));
	for (size_t i = 0; i < dpc->n_ports; i++)
		config->ports[config->n_ports++] = read_port(&r, dpc->ports[i]);
	*ret = config;
	return 0;
}

bool dpc_is_usable(const Ew__DevicePortConfig *config)
{
	for (size_t i = 0; i < config->n_ports; i++) {
		const Ew__PortConfig *port = config->ports[i];

		if (port->is_mgmt && port->is_l3 && !port->error[0] &&
		    port->dhcp != EW__DHCP_MODE__DHCP_NONE)
			return true;
	}
	return false;
}
