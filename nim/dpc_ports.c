/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc_ports.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "config.pb-c.h"
#include "dpc.pb-c.h"
#include "nim/config.h"

#define MTU_DEFAULT 1500
#define MTU_MIN 1280 /* RFC 8200, 5 */
#define MIIMON_DEFAULT_MS 100

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
	const char *ifname = *from->ifname ? from->ifname : from->logicallabel;

	port->logicallabel = arena_strdup(r->arena, label);
	port->ifname = arena_strdup(r->arena, ifname);
	port->phylabel = arena_strdup(r->arena, *from->phylabel ? from->phylabel : ifname);
	if (!*label)
		port_fail(r, port, "neither IfName nor Logicallabel");
	else if (!*from->ifname && (*from->pciaddr || *from->usbaddr))
		port_fail(r, port, "named by its %s address only", *from->pciaddr ? "PCI" : "USB");
}

static void read_labels(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	static const char *const derived[] = { "all", "uplink", "freeuplink" };
	char **labels;
	size_t n = copy_texts(r, from->sharedlabels, from->n_sharedlabels, &labels);

	port->shared_labels = labels;
	for (size_t i = 0; i < n; i++) {
		bool user = true;

		for (size_t k = 0; k < ARRAY_SIZE(derived); k++)
			user = user && strcmp(labels[i], derived[k]) != 0;
		if (user)
			labels[port->n_shared_labels++] = labels[i];
	}
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

static void read_address(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	struct prefix prefix;

	if (!*from->addrsubnet) {
		if (port->dhcp == EW__DHCP_MODE__DHCP_STATIC)
			port_fail(r, port, "static without AddrSubnet");
		return;
	}
	if (!strchr(from->addrsubnet, '/') || prefix_parse(from->addrsubnet, &prefix) < 0) {
		port_fail(r, port, "AddrSubnet \"%.60s\" is no address with prefix length",
			  from->addrsubnet);
		return;
	}
	port->n_addresses = copy_texts(r, &from->addrsubnet, 1, &port->addresses);
}

static void read_gateway(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	struct ipaddr gateway;

	if (ipaddr_parse(from->gateway, &gateway) < 0)
		return; /* "": the reader of the file took nothing else */
	port->no_default_route = ipaddr_is_zero(&gateway);
	if (!port->no_default_route)
		port->n_gateways = copy_texts(r, &from->gateway, 1, &port->gateways);
}

static void read_addressing(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	read_dhcp(r, from, port);
	read_ip_versions(r, from, port);
	read_address(r, from, port);
	read_gateway(r, from, port);
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

enum { EVE_BOND_ACTIVE_BACKUP = 2, EVE_BOND_8023AD = 5, EVE_BOND_TLB, EVE_BOND_ALB };

/* The kernel refuses ARP monitoring in the last three modes (bond_option_arp_interval_set()). */
static void read_arp_monitor(struct reader *r, const Dpc__Bond *from, Ew__PortConfig *port)
{
	const Dpc__ArpMonitor *arp = from->arpmonitor;

	if (from->miimonitor && from->miimonitor->enabled)
		port_fail(r, port, "MII and ARP monitor at once");
	if (from->mode >= EVE_BOND_8023AD)
		port_fail(r, port, "this bond mode cannot be monitored by ARP");
	if (!arp->interval || !arp->n_iptargets)
		port_fail(r, port, "ARPMonitor without Interval or IPTargets");
	port->bond->arp_interval_ms = arp->interval;
	port->bond->n_arp_targets =
		copy_texts(r, arp->iptargets, arp->n_iptargets, &port->bond->arp_targets);
}

static void read_mii_monitor(const Dpc__MiiMonitor *mii, Ew__BondConfig *bond)
{
	uint32_t interval = mii->interval ? mii->interval : MIIMON_DEFAULT_MS;

	bond->miimon_ms = interval;
	/* The kernel counts delays in intervals and rounds down. */
	bond->updelay_ms = mii->updelay / interval * interval;
	bond->downdelay_ms = mii->downdelay / interval * interval;
}

/* These never notice a dead member without a monitor. */
static bool needs_monitor(uint32_t mode)
{
	return mode == EVE_BOND_ACTIVE_BACKUP || mode == EVE_BOND_TLB || mode == EVE_BOND_ALB;
}

static void read_bond(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	const Dpc__Bond *bond = from->bond;

	if (!bond || !bond->n_aggregatedports) {
		port_fail(r, port, "a bond without AggregatedPorts");
		return;
	}
	if (bond->mode < 1 || bond->mode > EVE_BOND_ALB)
		port_fail(r, port, "bond Mode %u is not in 1..7", bond->mode);
	/* The kernel makes a bond0 of its own when the module loads. */
	if (strcmp(port->ifname, "bond0") == 0)
		port_fail(r, port, "the name bond0 is reserved");
	port->bond = arena_alloc(r->arena, sizeof(*port->bond));
	ew__bond_config__init(port->bond);
	port->bond->n_members =
		copy_texts(r, bond->aggregatedports, bond->n_aggregatedports, &port->bond->members);
	port->bond->mode = bond->mode ? bond->mode - 1 : 0; /* BOND_MODE_*, same order */
	port->bond->lacp_fast = bond->lacprate == 2;
	if (bond->arpmonitor && bond->arpmonitor->enabled)
		read_arp_monitor(r, bond, port);
	else if (bond->miimonitor && bond->miimonitor->enabled)
		read_mii_monitor(bond->miimonitor, port->bond);
	else if (needs_monitor(bond->mode))
		port->bond->miimon_ms = MIIMON_DEFAULT_MS;
	port->lower_case = EW__PORT_CONFIG__LOWER_BOND;
}

static void read_layer(struct reader *r, const Dpc__Port *from, Ew__PortConfig *port)
{
	if (from->l2type == 1)
		read_vlan(r, from, port);
	else if (from->l2type == 2)
		read_bond(r, from, port);
	else if (from->l2type != 0)
		port_fail(r, port, "L2Type %u is none of 0, 1, 2", from->l2type);
	if (from->wirelesscfg && from->wirelesscfg->wtype != 0)
		port_fail(r, port, "%s ports are not managed here",
			  from->wirelesscfg->wtype == 1 ? "cellular" : "wireless");
}

static Ew__PortConfig *read_port(struct reader *r, const Dpc__Port *from)
{
	Ew__PortConfig *port = arena_alloc(r->arena, sizeof(*port));

	ew__port_config__init(port);
	if (from->invalidconfig)
		port_fail(r, port, "marked as invalid: %.100s",
			  *from->lasterror ? from->lasterror : "no reason given");
	read_names(r, from, port);
	read_labels(r, from, port);
	port->is_l3 = from->isl3port || r->all_l3;
	port->is_mgmt = from->ismgmt || (r->all_mgmt && port->is_l3);
	port->cost = from->cost;
	port->mtu = from->mtu;
	if (from->mtu && from->mtu < MTU_MIN)
		port_fail(r, port, "MTU %u is below %d", from->mtu, MTU_MIN);
	read_addressing(r, from, port);
	read_layer(r, from, port);
	return port;
}

/* ---- The whole ---- */

static uint32_t effective_mtu(const Ew__PortConfig *port)
{
	return port->mtu ? port->mtu : MTU_DEFAULT;
}

static void carry(Ew__DevicePortConfig *config, const char *label, uint32_t mtu)
{
	for (size_t i = 0; i < config->n_ports; i++) {
		Ew__PortConfig *lower = config->ports[i];

		if (strcmp(lower->logicallabel, label) == 0 && effective_mtu(lower) < mtu)
			lower->mtu = mtu;
	}
}

/* VLANs first, then bonds to their members: there are no deeper stacks. */
static void spread_mtu(Ew__DevicePortConfig *config)
{
	for (size_t i = 0; i < config->n_ports; i++)
		if (config->ports[i]->lower_case == EW__PORT_CONFIG__LOWER_VLAN)
			carry(config, config->ports[i]->vlan->parent,
			      effective_mtu(config->ports[i]));
	for (size_t i = 0; i < config->n_ports; i++) {
		const Ew__PortConfig *port = config->ports[i];

		if (port->lower_case != EW__PORT_CONFIG__LOWER_BOND)
			continue;
		for (size_t k = 0; k < port->bond->n_members; k++)
			carry(config, port->bond->members[k], effective_mtu(port));
	}
}

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
	spread_mtu(config);
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

static bool has_proxy(const Dpc__Port *p)
{
	return p->n_proxies || p->networkproxyenable || *p->networkproxyurl || *p->pacfile ||
	       p->n_proxycertpem;
}

static bool has_pnac(const Dpc__Port *p)
{
	return p->pnac && p->pnac->enabled;
}

const char *dpc_ignored(const Dpc__Config *dpc, struct arena *arena)
{
	static const struct {
		const char *name;
		bool (*has)(const Dpc__Port *p);
	} parts[] = { { "proxies", has_proxy }, { "PNAC", has_pnac } };
	char *list = arena_strdup(arena, "");

	for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
		bool has = false;

		for (size_t i = 0; i < dpc->n_ports; i++)
			has = has || parts[k].has(dpc->ports[i]);
		if (has)
			list = arena_printf(arena, "%s%s%s", list, *list ? ", " : "",
					    parts[k].name);
	}
	return list;
}
