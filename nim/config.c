/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cert.h"
#include "base/cleanup.h"
#include "base/http_proxy.h"
#include "base/http_url.h"
#include "base/port_label.h"
#include "config.pb-c.h"
#include "dataplane/items/rundir.h"
#include "nim/addressing.h"
#include "nim/cards.h"
#include "nim/layers.h"
#include "nim/pnac/pnac_reacquire.h"
#include "nim/radio/radio.h"
#include "nim/wireless/wireless_config.h"

#define MTU_DEFAULT 1500
#define MTU_MIN 1280 /* RFC 8200, 5 */
#define MTU_MAX 65535

void nim_port_fail(struct nim_port *port, const char *what, const char *value)
{
	char error[sizeof(port->error)]; /* value may be a field of port */

	if (port->error[0] && !port->absent)
		return;
	port->absent = false;
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

static void load_addresses(struct nim_port *port, const Ew__PortConfig *msg)
{
	for (size_t i = 0; i < msg->n_addresses; i++) {
		if (port->naddrs == NIM_ADDRS ||
		    prefix_parse(msg->addresses[i], &port->addrs[port->naddrs]) < 0)
			nim_port_fail(port, "bad address", msg->addresses[i]);
		else
			port->naddrs++;
	}
	for (size_t i = 0; i < msg->n_gateways; i++) {
		struct ipaddr gw;

		if (ipaddr_parse(msg->gateways[i], &gw) < 0)
			nim_port_fail(port, "bad gateway", msg->gateways[i]);
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
			nim_port_fail(port, "bad DNS server", msg->dns_servers[i]);
		else
			port->ndns++;
	}
	for (size_t i = 0; i < msg->n_ntp_servers && port->nntp < NIM_SERVERS; i++) {
		if (!copy_text(port->ntp[port->nntp], NIM_LABEL, msg->ntp_servers[i]))
			nim_port_fail(port, "NTP server name too long", msg->ntp_servers[i]);
		else
			port->nntp++;
	}
	if (!copy_text(port->domain, sizeof(port->domain), msg->domain))
		nim_port_fail(port, "domain too long", msg->domain);
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

static void load_labels(struct nim_port *port, const struct Ew__DevicePortConfig *all,
			const Ew__PortConfig *msg)
{
	for (size_t i = 0; i < msg->n_shared_labels; i++) {
		const char *label = msg->shared_labels[i];

		if (port->nshared == NIM_LABELS ||
		    !copy_text(port->shared[port->nshared], NIM_LABEL, label)) {
			nim_port_fail(port, "too many or too long shared labels", label);
			continue;
		}
		port->nshared++;
		if (!*label)
			nim_port_fail(port, "a shared label is empty", port->label);
		if (port_label_is_automatic(label))
			nim_port_fail(port, "shared label is reserved", label);
		for (size_t k = 0; k < all->n_ports; k++)
			if (strcmp(all->ports[k]->logicallabel, label) == 0)
				nim_port_fail(port, "shared label is the name of a port", label);
	}
}

static void load_mtu(struct nim_port *port, const Ew__PortConfig *msg)
{
	char number[16];

	port->mtu_given = msg->mtu;
	port->mtu_bytes = msg->mtu ? msg->mtu : MTU_DEFAULT;
	snprintf(number, sizeof(number), "%u", msg->mtu);
	if (port->mtu_bytes < MTU_MIN || port->mtu_bytes > MTU_MAX)
		nim_port_fail(port, "MTU is not 0 or in 1280..65535", number);
}

/* Frames of 802.1X pass between neighbours only: there are none on a VLAN, and a bond has members. */
static void load_pnac(struct nim_port *port, const Ew__PnacConfig *msg)
{
	struct cert ca;
	char method[16];

	port->pnac = true;
	port->pnac_ca = msg->ca_pem[0] ? msg->ca_pem : NULL;
	if (!copy_text(port->pnac_identity, sizeof(port->pnac_identity), msg->identity))
		nim_port_fail(port, "802.1X: identity too long", msg->identity);
	if (!copy_text(port->pnac_profile, sizeof(port->pnac_profile), msg->profile) ||
	    !rundir_is_name(port->pnac_profile))
		nim_port_fail(port, "802.1X: bad name of a certificate profile", msg->profile);
	if (msg->eap_method != 1) {
		snprintf(method, sizeof(method), "%u", msg->eap_method);
		nim_port_fail(port, "802.1X: EAP method is not TLS (1)", method);
	}
	if (port->pnac_ca && cert_parse_pem(port->pnac_ca, strlen(port->pnac_ca), &ca) < 0)
		nim_port_fail(port, "802.1X: the CA's certificate is none", port->label);
	if (port->lower != NIM_LOWER_NONE)
		nim_port_fail(port, "802.1X is for physical ports only", port->label);
}

static void check_proxy(struct nim_port *port, const Ew__ProxyServer *server)
{
	char why[128];

	if (!server || !server->error[0])
		return;
	snprintf(why, sizeof(why), "proxy: %.100s", server->error);
	nim_port_fail(port, why, server->host);
}

static void load_proxy(struct nim_port *port, const Ew__ProxyConfig *msg)
{
	struct http_url url;
	struct cert ca;

	port->proxy = msg;
	check_proxy(port, msg->http);
	check_proxy(port, msg->https);
	check_proxy(port, msg->socks);
	if (msg->error[0])
		nim_port_fail(port, "proxy", msg->error);
	if (msg->pac_url[0] && http_url_parse(msg->pac_url, &url) < 0)
		nim_port_fail(port, "proxy: no URL of a PAC file",
			      http_proxy_without_user(msg->pac_url));
	if (msg->ca_pem[0] && cert_parse_pem(msg->ca_pem, strlen(msg->ca_pem), &ca) < 0)
		nim_port_fail(port, "proxy: the CA's certificate is none", port->label);
}

static void load_interface(struct nim_port *port, const Ew__PortConfig *msg,
			   const struct nim_cards *cards)
{
	if (!copy_text(port->pci, sizeof(port->pci), msg->pci_address))
		nim_port_fail(port, "PCI address too long", msg->pci_address);
	if (!copy_text(port->usb, sizeof(port->usb), msg->usb_address))
		nim_port_fail(port, "USB address too long", msg->usb_address);
	/* Layers are made under their name. */
	nim_cards_resolve(msg->lower_case == EW__PORT_CONFIG__LOWER__NOT_SET ? cards : NULL, port,
			  msg->ifname);
}

static void load_port(struct nim_port *port, const struct Ew__DevicePortConfig *all,
		      const Ew__PortConfig *msg, const struct nim_cards *cards)
{
	if (msg->error[0])
		snprintf(port->error, sizeof(port->error), "%s", msg->error);
	if (!copy_text(port->label, sizeof(port->label), msg->logicallabel))
		nim_port_fail(port, "label too long", msg->logicallabel);
	for (const char *c = port->label; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			nim_port_fail(port, "a control character in the label", "");
	nim_wireless_load(port, msg);
	load_interface(port, msg, cards);
	port->is_mgmt = msg->is_mgmt;
	port->is_l3 = msg->is_l3;
	port->cost = msg->cost > 255 ? 255 : (uint8_t)msg->cost;
	port->dhcp = (enum nim_dhcp)msg->dhcp;
	port->ipv4 = msg->ip_versions != EW__IP_VERSIONS__IP_V6_ONLY;
	port->ipv6 = msg->ip_versions != EW__IP_VERSIONS__IP_V4_ONLY;
	port->no_default_route = msg->no_default_route;
	load_mtu(port, msg);
	load_labels(port, all, msg);
	load_addresses(port, msg);
	load_servers(port, msg);
	load_ignore(port, msg);
	nim_addressing_check(port);
	if (msg->pnac)
		load_pnac(port, msg->pnac);
	if (msg->proxy)
		load_proxy(port, msg->proxy);
}

static bool same_address(const struct nim_port *a, const struct nim_port *b,
			 const struct prefix **ret)
{
	for (unsigned int i = 0; i < a->naddrs; i++) {
		for (unsigned int k = 0; k < b->naddrs; k++) {
			if (!ipaddr_equal(&a->addrs[i].addr, &b->addrs[k].addr))
				continue;
			*ret = &a->addrs[i];
			return true;
		}
	}
	return false;
}

static bool same_text(const char *a, const char *b) /* and there is one */
{
	return *a && strcmp(a, b) == 0;
}

static void refuse_twins(struct nim_config *config)
{
	for (unsigned int i = 0; i < config->nports; i++) {
		for (unsigned int j = 0; j < i; j++) {
			struct nim_port *a = &config->ports[j], *b = &config->ports[i];
			const struct prefix *address;
			char text[INET6_ADDRSTRLEN];

			if (strcmp(a->label, b->label) == 0) {
				nim_port_fail(a, "label used twice", a->label);
				nim_port_fail(b, "label used twice", b->label);
			} else if (same_text(a->pci, b->pci) || same_text(a->usb, b->usb)) {
				nim_port_fail(a, "address of a card used twice", b->label);
				nim_port_fail(b, "address of a card used twice", a->label);
			} else if (same_text(a->ifname.str, b->ifname.str)) {
				nim_port_fail(a, "interface used twice", a->ifname.str);
				nim_port_fail(b, "interface used twice", b->ifname.str);
			} else if (same_address(a, b, &address)) {
				ipaddr_str(&address->addr, text);
				nim_port_fail(a, "address used twice", text);
				nim_port_fail(b, "address used twice", text);
			}
		}
	}
}

void nim_config_load(struct nim_config *config, const struct Ew__DevicePortConfig *msg)
{
	nim_config_load_on(config, msg, NULL);
}

void nim_config_load_on(struct nim_config *config, const struct Ew__DevicePortConfig *msg,
			const struct nim_cards *cards)
{
	memset(config, 0, sizeof(*config));
	if (!msg)
		return;
	for (size_t i = 0; i < msg->n_ports && config->nports < NIM_PORTS; i++)
		load_port(&config->ports[config->nports++], msg, msg->ports[i], cards);
	nim_cards_refuse_told(config);
	refuse_twins(config);
	nim_layers(config, msg);
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
	struct nim_switches now = { .pnac_retries = PNAC_REACQUIRE_RETRIES,
				    .radio_timeout_s = RADIO_TIMEOUT_S };
	bool same;

	for (size_t i = 0; msg && i < msg->n_items; i++) {
		const Ew__GlobalConfig__ItemsEntry *item = msg->items[i];

		if (strcmp(item->key, "app.allow.vnc") == 0)
			now.vnc = is_true(item->value);
		if (strcmp(item->key, "edgeway.radio.timeout") == 0)
			now.radio_timeout_s = (unsigned int)strtoul(item->value, NULL, 10);
		if (strcmp(item->key, "pnac.dhcp.reacquire.max.retries") == 0)
			now.pnac_retries = (unsigned int)strtoul(item->value, NULL, 10);
		if (strcmp(item->key, "network.fallback.any.eth") == 0)
			now.fallback_any_eth = is_enabled(item->value);
		if (strcmp(item->key, "dhcp.enable.vendorclassid") == 0)
			now.no_vendor_class = is_false(item->value);
		if (strcmp(item->key, "network.download.max.cost") == 0) /* 0 to 255: checked */
			now.download_max_cost = (uint8_t)strtoul(item->value, NULL, 10);
		if (strcmp(item->key, "debug.enable.ssh") == 0 && !now.ssh_keys)
			now.ssh_keys = load_keys(item->value);
	}
	same = now.vnc == switches->vnc && now.fallback_any_eth == switches->fallback_any_eth &&
	       now.no_vendor_class == switches->no_vendor_class &&
	       now.pnac_retries == switches->pnac_retries &&
	       now.download_max_cost == switches->download_max_cost &&
	       now.radio_timeout_s == switches->radio_timeout_s &&
	       keys_equal(now.ssh_keys, switches->ssh_keys);
	nim_switches_fini(switches);
	*switches = now;
	return !same;
}

void nim_switches_fini(struct nim_switches *switches)
{
	free(take_ptr(switches->ssh_keys));
}
