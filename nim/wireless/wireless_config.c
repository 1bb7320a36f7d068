/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/wireless/wireless_config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config.pb-c.h"

#define APN_MAX 100 /* 3GPP TS 23.003, 9.1 */
#define SSID_MAX 32 /* IEEE 802.11, 9.4.2.2 */
#define PSK_DIGITS 64 /* 256 bits, IEEE 802.11 annex J */
#define PASSPHRASE_MIN 8
#define PASSPHRASE_MAX 63
#define SECRET_MAX 127

/* Programs of others get these texts: no control character may end a line of theirs. */
static bool is_printable(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

/* ---- Cellular ---- */

static bool is_apn(const char *apn)
{
	size_t len = strlen(apn);

	return len <= APN_MAX && strspn(apn, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					     "0123456789.-_+@") == len;
}

/* "310-260", "26201" */
static bool is_plmn(const char *s)
{
	size_t country = strspn(s, "0123456789"), network;

	if (country == 5 || country == 6)
		return !s[country];
	if (country != 3 || s[3] != '-')
		return false;
	network = strspn(s + 4, "0123456789");
	return (network == 2 || network == 3) && !s[4 + network];
}

static void check_credentials(struct nim_port *port, const Ew__WirelessCredentials *credentials)
{
	if (!credentials)
		return;
	if (!is_printable(credentials->user) || strlen(credentials->user) > SECRET_MAX)
		nim_port_fail(port, "cellular", "the user name is too long, or no plain text");
	if (!is_printable(credentials->password) || strlen(credentials->password) > SECRET_MAX)
		nim_port_fail(port, "cellular", "the password is too long, or no plain text");
}

static void check_numbers(struct nim_port *port, const Ew__CellularAccessPoint *ap)
{
	if ((unsigned int)ap->ip > EW__CELLULAR_IP__CELLULAR_IP_V6 ||
	    (unsigned int)ap->attach_ip > EW__CELLULAR_IP__CELLULAR_IP_V6)
		nim_port_fail(port, "cellular: unknown IP type of", ap->apn);
	if ((unsigned int)ap->auth > EW__CELLULAR_AUTH__CELLULAR_AUTH_PAP_AND_CHAP ||
	    (unsigned int)ap->attach_auth > EW__CELLULAR_AUTH__CELLULAR_AUTH_PAP_AND_CHAP)
		nim_port_fail(port, "cellular: unknown authentication of", ap->apn);
	for (size_t i = 0; i < ap->n_technologies; i++)
		if (ap->technologies[i] < EW__CELLULAR_TECHNOLOGY__CELLULAR_GSM ||
		    ap->technologies[i] > EW__CELLULAR_TECHNOLOGY__CELLULAR_5GNR)
			nim_port_fail(port, "cellular: unknown radio technology of", ap->apn);
}

static void check_access_point(struct nim_port *port, const Ew__CellularAccessPoint *ap)
{
	if (!is_apn(ap->apn) || !is_apn(ap->attach_apn))
		nim_port_fail(port, "cellular: no name of an access point",
			      is_apn(ap->apn) ? ap->attach_apn : ap->apn);
	for (size_t i = 0; i < ap->n_plmns; i++)
		if (!is_plmn(ap->plmns[i]))
			nim_port_fail(port, "cellular: no network like 310-260", ap->plmns[i]);
	check_numbers(port, ap);
	check_credentials(port, ap->credentials);
	check_credentials(port, ap->attach_credentials);
}

static void check_probe(struct nim_port *port, const Ew__CellularProbe *probe)
{
	struct ipaddr address;
	char number[16];

	if (!probe || probe->method == EW__CELLULAR_PROBE_METHOD__CELLULAR_PROBE_DEFAULT)
		return;
	if (probe->method != EW__CELLULAR_PROBE_METHOD__CELLULAR_PROBE_ICMP &&
	    probe->method != EW__CELLULAR_PROBE_METHOD__CELLULAR_PROBE_TCP)
		nim_port_fail(port, "cellular: unknown way to probe", probe->host);
	if (ipaddr_parse(probe->host, &address) < 0)
		nim_port_fail(port, "cellular: no address to probe", probe->host);
	snprintf(number, sizeof(number), "%u", probe->port);
	if (probe->method == EW__CELLULAR_PROBE_METHOD__CELLULAR_PROBE_TCP &&
	    (probe->port < 1 || probe->port > 65535))
		nim_port_fail(port, "cellular: no TCP port to probe", number);
}

static void load_cellular(struct nim_port *port, const Ew__CellularConfig *cellular)
{
	if (!cellular || !cellular->n_access_points) {
		nim_port_fail(port, "cellular", "no access point");
		return;
	}
	port->cellular = cellular;
	for (size_t i = 0; i < cellular->n_access_points; i++) {
		check_access_point(port, cellular->access_points[i]);
		if (cellular->access_points[i]->activated && !port->access_point)
			port->access_point = cellular->access_points[i];
	}
	if (!port->access_point)
		nim_port_fail(port, "cellular", "no access point is activated");
	check_probe(port, cellular->probe);
}

/* ---- Wi-Fi ---- */

static bool is_psk(const char *s)
{
	size_t len = strlen(s);

	if (len == PSK_DIGITS)
		return strspn(s, "0123456789abcdefABCDEF") == len;
	return len >= PASSPHRASE_MIN && len <= PASSPHRASE_MAX && is_printable(s);
}

static void check_key(struct nim_port *port, const Ew__WifiNetwork *network)
{
	/* Not a switch without default: what comes by the bus is open. */
	if (network->key_scheme == EW__WIFI_KEY_SCHEME__WIFI_OPEN)
		return;
	if (network->key_scheme == EW__WIFI_KEY_SCHEME__WIFI_WPA_PSK) {
		if (!is_psk(network->password))
			nim_port_fail(port,
				      "Wi-Fi: the key is neither 64 hex digits nor a passphrase of "
				      "8 to 63 characters",
				      network->ssid);
		return;
	}
	if (network->key_scheme != EW__WIFI_KEY_SCHEME__WIFI_WPA_EAP)
		nim_port_fail(port, "Wi-Fi: unknown key scheme", network->ssid);
	else if (!*network->identity || !*network->password)
		nim_port_fail(port, "Wi-Fi: EAP without identity or password", network->ssid);
	else if (!is_printable(network->identity) || strlen(network->identity) > SECRET_MAX ||
		 !is_printable(network->password) || strlen(network->password) > SECRET_MAX)
		nim_port_fail(port, "Wi-Fi: identity or password too long, or no plain text",
			      network->ssid);
}

static void check_network(struct nim_port *port, const Ew__WifiNetwork *network)
{
	size_t len = strlen(network->ssid);

	if (len < 1 || len > SSID_MAX)
		nim_port_fail(port, "Wi-Fi: no SSID of 1 to 32 bytes", network->ssid);
	for (const char *c = network->ssid; *c; c++)
		if (iscntrl((unsigned char)*c))
			nim_port_fail(port, "Wi-Fi", "a control character in the SSID");
	check_key(port, network);
}

static void load_wifi(struct nim_port *port, const Ew__WifiConfig *wifi)
{
	if (!wifi || !wifi->n_networks) {
		nim_port_fail(port, "Wi-Fi", "no network to join");
		return;
	}
	if (wifi->n_networks > NIM_WIFI_NETWORKS)
		nim_port_fail(port, "Wi-Fi", "more than 16 networks");
	port->wifi = wifi;
	for (size_t i = 0; i < wifi->n_networks; i++)
		check_network(port, wifi->networks[i]);
}

/* ---- Both ---- */

static void refuse_layers(struct nim_port *port, const Ew__PortConfig *msg)
{
	if (msg->lower_case != EW__PORT_CONFIG__LOWER__NOT_SET)
		nim_port_fail(port, "a VLAN or bond is not wireless", port->label);
	if (msg->pnac)
		nim_port_fail(port, "802.1X is for ports with a cable", port->label);
}

void nim_wireless_load(struct nim_port *port, const struct Ew__PortConfig *msg)
{
	if (msg->wireless == EW__WIRELESS_TYPE__WIRELESS_NONE)
		return;
	refuse_layers(port, msg);
	if (msg->wireless == EW__WIRELESS_TYPE__WIRELESS_CELLULAR) {
		port->wireless = NIM_WIRELESS_CELLULAR;
		load_cellular(port, msg->cellular);
	} else if (msg->wireless == EW__WIRELESS_TYPE__WIRELESS_WIFI) {
		port->wireless = NIM_WIRELESS_WIFI;
		load_wifi(port, msg->wifi);
	} else {
		nim_port_fail(port, "neither cellular nor Wi-Fi", port->label);
	}
}

static bool messages_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t a_len = a ? protobuf_c_message_get_packed_size(a) : 0;
	size_t b_len = b ? protobuf_c_message_get_packed_size(b) : 0;
	_cleanup_(freep) uint8_t *one = xcalloc(1, a_len + 1);
	_cleanup_(freep) uint8_t *other = xcalloc(1, b_len + 1);

	if (!a || !b)
		return a == b;
	protobuf_c_message_pack(a, one);
	protobuf_c_message_pack(b, other);
	return a_len == b_len && memcmp(one, other, a_len) == 0;
}

bool nim_wireless_equal(const struct nim_port *a, const struct nim_port *b)
{
	return a->wireless == b->wireless &&
	       messages_equal(a->cellular ? &a->cellular->base : NULL,
			      b->cellular ? &b->cellular->base : NULL) &&
	       messages_equal(a->wifi ? &a->wifi->base : NULL, b->wifi ? &b->wifi->base : NULL);
}
