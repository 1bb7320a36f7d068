/* SPDX-License-Identifier: Apache-2.0 */
/* What nim is asked for: DevicePortConfig as plain structs, lower layers resolved to names. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "dataplane/items/link.h"

#define NIM_PORTS 64 /* of one device */
#define NIM_LABEL 64 /* bytes with NUL */
#define NIM_ADDRS 16 /* of one port */
#define NIM_ADDRS_LEARNED 12 /* of one IP version, that nobody has configured: others need room, too */
#define NIM_SERVERS 8
#define NIM_LABELS 8
#define NIM_MEMBERS 16

struct Ew__DevicePortConfig;
struct Ew__CellularAccessPoint;
struct Ew__CellularConfig;
struct Ew__ProxyConfig;
struct Ew__WifiConfig;

enum nim_dhcp { NIM_DHCP_NONE, NIM_DHCP_STATIC, NIM_DHCP_CLIENT };
enum nim_wireless { NIM_WIRELESS_NONE, NIM_WIRELESS_CELLULAR, NIM_WIRELESS_WIFI };
enum nim_lower { NIM_LOWER_NONE, NIM_LOWER_VLAN, NIM_LOWER_BOND };

/* What of DHCP and router advertisements does not count; all false where there is no client. */
struct nim_ignore {
	bool addresses, gateways, dns, ntp;
};

struct nim_port {
	char label[NIM_LABEL];
	struct ifname ifname;
	struct ifname asked; /* what the configuration calls it; empty: only its address tells */
	struct ifname told; /* what its daemon calls it, where that counts; empty: it does not */
	char pci[24], usb[24]; /* address of the card it is; "": by name */
	char shared[NIM_LABELS][NIM_LABEL];
	uint8_t nshared;
	bool is_mgmt, is_l3;
	uint8_t cost;
	uint8_t number; /* 1..255, kept over restarts: chooses table and mark; 0 = none */
	uint32_t mtu_bytes; /* of the link: at least what the layers above send */
	bool mtu_given; /* by the configuration of it, or of a layer above; else it is the default */

	enum nim_dhcp dhcp;
	bool ipv4, ipv6;
	struct prefix addrs[NIM_ADDRS]; /* static */
	uint8_t naddrs;
	struct ipaddr gateway4, gateway6; /* static */
	bool no_default_route;
	struct ipaddr dns[NIM_SERVERS];
	uint8_t ndns;
	char ntp[NIM_SERVERS][NIM_LABEL];
	uint8_t nntp;
	char domain[NIM_LABEL];
	struct nim_ignore ignore;

	enum nim_lower lower;
	struct dp_vlan vlan;
	struct dp_bond bond;
	uint8_t lowers[NIM_MEMBERS]; /* ports it runs on: a VLAN's parent, a bond's members */
	uint8_t nlowers;

	enum nim_wireless wireless;
	const struct Ew__CellularConfig *cellular; /* borrowed from the message, as those below … */
	const struct Ew__CellularAccessPoint *access_point; /* … NULL: not of that kind */
	const struct Ew__WifiConfig *wifi;
	bool pnac; /* 802.1X */
	char pnac_identity[128]; /* "" = the certificate's */
	char pnac_profile[NIM_LABEL]; /* folder of its certificate and key */
	const char *pnac_ca; /* PEM; borrowed from the message; NULL: in the profile's folder */

	bool trial; /* of a configuration tried beside this one: nim/dpc/beside.h */
	const struct nim_port
		*candidate; /* that shares the interface on trial, borrowed; NULL: none */
	bool lent_client; /* the DHCP client is the candidate's: this one's addresses are static */
	const struct Ew__ProxyConfig *proxy; /* borrowed from the message; NULL: none */

	char error[160]; /* why it is not applied; "" = valid */
	bool absent; /* the error: no interface of it is there, as far as the node knows */
};

/* Its daemon is to be told of it, also of one whose interface it may bring yet. */
static inline bool nim_port_is_on_air(const struct nim_port *port)
{
	return port->wireless != NIM_WIRELESS_NONE && (!port->error[0] || port->absent);
}

struct nim_config {
	struct nim_port ports[NIM_PORTS];
	unsigned int nports;
	bool no_vendor_class; /* DHCP clients do not say what they are */
	uint8_t download_max_cost; /* of ports for large transfers */
};

/* What the configuration items switch. */
struct nim_switches {
	char *ssh_keys; /* as sshd reads them, heap; NULL: SSH is closed */
	bool vnc;
	unsigned int radio_timeout_s; /* for daemons of radios to acknowledge a request */
	unsigned int pnac_retries; /* of asking DHCP anew, after a change of authentication */
	bool fallback_any_eth; /* the last resort stands ready, whatever else there is */
	bool no_vendor_class;
	uint8_t download_max_cost;
};

struct Ew__GlobalConfig;
/* Frees what *switches held; NULL is no item at all. True: it is another one now. */
bool nim_switches_load(struct nim_switches *switches, const struct Ew__GlobalConfig *msg);
void nim_switches_fini(struct nim_switches *switches);

/*
 * Converts a message; NULL is no port at all. A port that cannot be applied (bad address, unknown
 * lower layer, name taken twice) is kept with its error: status shows it, intent leaves it out.
 * So are the layers above it. Numbers are not filled in. Keeps pointers into the
 * message: see pnac_ca, proxy, cellular.
 */
void nim_config_load(struct nim_config *config, const struct Ew__DevicePortConfig *msg);
/* The same for the node as it is: ports are found by the addresses of its cards, and those that
 * belong to an app are left alone. */
struct nim_cards;
void nim_config_load_on(struct nim_config *config, const struct Ew__DevicePortConfig *msg,
			const struct nim_cards *cards);

/* For the files that judge parts of a port: the first error counts, but for one of absence, "WHAT:
 * VALUE". Never of NULL; value may be a part of port. */
void nim_port_fail(struct nim_port *port, const char *what, const char *value);

/* Routing table and mark of a port with a number. */
#define NIM_TABLE_BASE 500
#define NIM_MARK_MASK 0xff000000u
static inline uint32_t nim_port_table(const struct nim_port *port)
{
	return NIM_TABLE_BASE + port->number;
}
static inline uint32_t nim_port_mark(const struct nim_port *port)
{
	return (uint32_t)port->number << 24;
}
