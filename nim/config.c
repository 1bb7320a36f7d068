/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "config.pb-c.h"
#include "nim/addressing.h"

static void port_fail(struct nim_port *port, const char *what, const char *value)
{
	char error[sizeof(port->error)]; /* value may be a field of port */

	if (port->error[0])
		return;
	snprintf(error, sizeof(error), "%s: %s", what, value);
	memcpy(port->error, error, sizeof(error));
}

static bool copy_text(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (len >= size)
		return false;
	memcpy(dst, src, len + 1);
	return true;
}

static const Ew__PortConfig *find_label(const struct Ew__DevicePortConfig *msg, const char *label)
{
	for (size_t i = 0; i < msg->n_ports; i++)
		if (strcmp(msg->ports[i]->logicallabel, label) == 0)
			return msg->ports[i];
	return NULL;
}

/* A lower layer is named by its label; items go by interface name. */
static void resolve_lower(struct nim_port *port, const struct Ew__DevicePortConfig *msg,
			  const char *label, struct ifname *ret)
{
	const Ew__PortConfig *lower = find_label(msg, label);

	if (!lower)
		port_fail(port, "lower layer not found", label);
	else if (ifname_parse(lower->ifname, ret) < 0)
		port_fail(port, "lower layer has no interface name", label);
}

static void load_vlan(struct nim_port *port, const struct Ew__DevicePortConfig *msg,
		      const Ew__VlanConfig *vlan)
{
	port->lower = NIM_LOWER_VLAN;
	port->vlan.ifname = port->ifname;
	port->vlan.vid = (uint16_t)vlan->vid;
	port->vlan.mtu_bytes = port->mtu_bytes;
	if (vlan->vid < 1 || vlan->vid > 4094)
		port_fail(port, "VLAN id is not in 1..4094", port->label);
	resolve_lower(port, msg, vlan->parent, &port->vlan.parent);
}

static void load_arp_targets(struct nim_port *port, const Ew__BondConfig *bond)
{
	for (size_t i = 0; i < bond->n_arp_targets; i++) {
		struct ipaddr target;

		if (i >= DP_BOND_ARP_TARGETS || ipaddr_parse(bond->arp_targets[i], &target) < 0 ||
		    target.family != AF_INET)
			port_fail(port, "bad ARP target", bond->arp_targets[i]);
		else
			port->bond.arp_targets[i] = target.v4;
	}
}

static void load_bond(struct nim_port *port, const struct Ew__DevicePortConfig *msg,
		      const Ew__BondConfig *bond)
{
	port->lower = NIM_LOWER_BOND;
	port->bond = (struct dp_bond){
		.ifname = port->ifname,
		.mtu_bytes = port->mtu_bytes,
		.mode = (enum dp_bond_mode)bond->mode,
		.lacp_fast = bond->lacp_fast,
		.miimon_ms = bond->miimon_ms,
		.updelay_ms = bond->updelay_ms,
		.downdelay_ms = bond->downdelay_ms,
		.arp_interval_ms = bond->arp_interval_ms,
	};
	load_arp_targets(port, bond);
	if (bond->n_members > NIM_MEMBERS)
		port_fail(port, "too many bond members", port->label);
	for (size_t i = 0; i < bond->n_members && i < NIM_MEMBERS; i++) {
		resolve_lower(port, msg, bond->members[i], &port->members[i]);
		port->nmembers++;
	}
}

static void load_addresses(struct nim_port *port, const Ew__PortConfig *msg)
{
	for (size_t i = 0; i < msg->n_addresses; i++) {
		if (port->naddrs == NIM_ADDRS ||
		    prefix_parse(msg->addresses[i], &port->addrs[port->naddrs]) < 0)
			port_fail(port, "bad address", msg->addresses[i]);
		else
			port->naddrs++;
	}
	for (size_t i = 0; i < msg->n_gateways; i++) {
		struct ipaddr gw;

		if (ipaddr_parse(msg->gateways[i], &gw) < 0)
			port_fail(port, "bad gateway", msg->gateways[i]);
		else if (gw.family == AF_INET)
			port->gateway4 = gw;
		else
			port->gateway6 = gw;
	}
}

static void load_servers(struct nim_port *port, const Ew__PortConfig *msg)
{
	for (size_t i = 0; i < msg->n_dns_servers && port->ndns < NIM_SERVERS; i++) {
		if (ipaddr_parse(msg->dns_servers[i], &port->dns[port->ndns]) < 0)
			port_fail(port, "bad DNS server", msg->dns_servers[i]);
		else
			port->ndns++;
	}
	for (size_t i = 0; i < msg->n_ntp_servers && port->nntp < NIM_SERVERS; i++) {
		if (!copy_text(port->ntp[port->nntp], NIM_LABEL, msg->ntp_servers[i]))
			port_fail(port, "NTP server name too long", msg->ntp_servers[i]);
		else
			port->nntp++;
	}
	if (!copy_text(port->domain, sizeof(port->domain), msg->domain))
		port_fail(port, "domain too long", msg->domain);
}

/* Where no client runs there is nothing to ignore. */
static void load_ignore(struct nim_port *port, const Ew__PortConfig *msg)
{
	if (port->dhcp != NIM_DHCP_CLIENT)
		return;
	port->ignore = (struct nim_ignore){ .addresses = msg->ignore_dhcp_addresses,
					    .gateways = msg->ignore_dhcp_gateways,
					    .dns = msg->ignore_dhcp_dns,
					    .ntp = msg->ignore_dhcp_ntp };
}

static void load_labels(struct nim_port *port, const Ew__PortConfig *msg)
{
	for (size_t i = 0; i < msg->n_shared_labels; i++) {
		if (port->nshared == NIM_LABELS ||
		    !copy_text(port->shared[port->nshared], NIM_LABEL, msg->shared_labels[i]))
			port_fail(port, "too many or too long shared labels",
				  msg->shared_labels[i]);
		else
			port->nshared++;
	}
}

static void load_port(struct nim_port *port, const struct Ew__DevicePortConfig *all,
		      const Ew__PortConfig *msg)
{
	if (msg->error[0])
		snprintf(port->error, sizeof(port->error), "%s", msg->error);
	if (!copy_text(port->label, sizeof(port->label), msg->logicallabel))
		port_fail(port, "label too long", msg->logicallabel);
	if (ifname_parse(msg->ifname, &port->ifname) < 0)
		port_fail(port, "bad interface name", msg->ifname);
	port->is_mgmt = msg->is_mgmt;
	port->is_l3 = msg->is_l3;
	port->cost = msg->cost > 255 ? 255 : (uint8_t)msg->cost;
	port->mtu_bytes = msg->mtu;
	port->dhcp = (enum nim_dhcp)msg->dhcp;
	port->ipv4 = msg->ip_versions != EW__IP_VERSIONS__IP_V6_ONLY;
	port->ipv6 = msg->ip_versions != EW__IP_VERSIONS__IP_V4_ONLY;
	port->no_default_route = msg->no_default_route;
	load_labels(port, msg);
	load_addresses(port, msg);
	load_servers(port, msg);
	load_ignore(port, msg);
	nim_addressing_check(port);
	if (msg->lower_case == EW__PORT_CONFIG__LOWER_VLAN)
		load_vlan(port, all, msg->vlan);
	else if (msg->lower_case == EW__PORT_CONFIG__LOWER_BOND)
		load_bond(port, all, msg->bond);
}

static void refuse_twins(struct nim_config *config)
{
	for (unsigned int i = 0; i < config->nports; i++) {
		for (unsigned int j = 0; j < i; j++) {
			struct nim_port *a = &config->ports[j], *b = &config->ports[i];

			if (strcmp(a->label, b->label) == 0) {
				port_fail(a, "label used twice", a->label);
				port_fail(b, "label used twice", b->label);
			} else if (ifname_equal(&a->ifname, &b->ifname)) {
				port_fail(a, "interface used twice", a->ifname.str);
				port_fail(b, "interface used twice", b->ifname.str);
			}
		}
	}
}

void nim_config_load(struct nim_config *config, const struct Ew__DevicePortConfig *msg)
{
	memset(config, 0, sizeof(*config));
	if (!msg)
		return;
	for (size_t i = 0; i < msg->n_ports && config->nports < NIM_PORTS; i++)
		load_port(&config->ports[config->nports++], msg, msg->ports[i]);
	refuse_twins(config);
}

/* ---- Configuration items ---- */

/* zedagent has checked it; EVE takes these for true, in any case. */
static bool is_true(const char *value)
{
	return strcasecmp(value, "true") == 0 || strcasecmp(value, "t") == 0 ||
	       strcmp(value, "1") == 0;
}

/* Of those that are enabled, disabled or none. */
static bool is_enabled(const char *value)
{
	return strcasecmp(value, "enabled") == 0 || strcasecmp(value, "enable") == 0 ||
	       strcasecmp(value, "on") == 0;
}

/* For an item that is true by default. */
static bool is_false(const char *value)
{
	return *value && !is_true(value);
}

/* Keys, one a line; "none" and blanks are none. */
static char *load_keys(const char *value)
{
	value += strspn(value, " \t\r\n");
	if (!*value || strcasecmp(value, "none") == 0)
		return NULL;
	return xasprintf("%s%s", value, value[strlen(value) - 1] == '\n' ? "" : "\n");
}

static bool keys_equal(const char *a, const char *b)
{
	return strcmp(a ?: "", b ?: "") == 0;
}

bool nim_switches_load(struct nim_switches *switches, const struct Ew__GlobalConfig *msg)
{
	struct nim_switches now = { 0 };
	bool same;

	for (size_t i = 0; msg && i < msg->n_items; i++) {
		const Ew__GlobalConfig__ItemsEntry *item = msg->items[i];

		if (strcmp(item->key, "app.allow.vnc") == 0)
			now.vnc = is_true(item->value);
		if (strcmp(item->key, "network.fallback.any.eth") == 0)
			now.fallback_any_eth = is_enabled(item->value);
		if (strcmp(item->key, "dhcp.enable.vendorclassid") == 0)
			now.no_vendor_class = is_false(item->value);
		if (strcmp(item->key, "debug.enable.ssh") == 0 && !now.ssh_keys)
			now.ssh_keys = load_keys(item->value);
	}
	same = now.vnc == switches->vnc && now.fallback_any_eth == switches->fallback_any_eth &&
	       now.no_vendor_class == switches->no_vendor_class &&
	       keys_equal(now.ssh_keys, switches->ssh_keys);
	nim_switches_fini(switches);
	*switches = now;
	return !same;
}

void nim_switches_fini(struct nim_switches *switches)
{
	free(take_ptr(switches->ssh_keys));
}
