/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the validator: what its parts tell each other. They run in the order of this page. */
#pragma once

#include "base/addr.h"
#include "zedagent/check.h"
#include "zedagent/load.h"
#include "zedagent/names.h"

#define ZA_NONE ((size_t)-1)

/* A physical adapter, VLAN or bond: what a port may run on. */
enum za_lower_kind { ZA_PHYSICAL, ZA_VLAN, ZA_BOND };

struct za_lower {
	enum za_lower_kind kind;
	size_t index; /* in deviceIoList, vlans or bonds */
	const char *label, *phylabel; /* borrowed */
	const char *ifname; /* borrowed; "": only the address tells */
	const char *pci, *usb; /* borrowed; NULL: none */
	Ew__WirelessType wireless;
	char *error; /* why ports on it cannot be used; NULL: they can */
	size_t adapter; /* the first index in systemAdapterList, or ZA_NONE */
	bool needed; /* by an adapter or a layer above */
};

struct za_map {
	const EVE(EdgeDevConfig) * eve;
	struct pbjson_error *err;
	struct za_config *out;
	struct za_lower *lowers;
	size_t n_lowers;
	struct za_names labels; /* of lowers, to their index */
	struct za_names networks; /* uuid to index in networks */
	struct za_names instances; /* uuid to index in networkInstances and out->instances */
	struct prefix *subnets; /* of the instances; unset: none */
	bool dnsmasq_off;
};

#define ZA_PORT_ITEMS "edgeway.port." /* items about one port each: metering.c */
#define ZA_LABEL_ITEMS "edgeway.label." /* … about those who name a label: sharing.c */

/* Remembers that a part is not acted on. */
void za_map_ignored(struct za_map *m, const char *part);

int za_map_items(struct za_map *m); /* items.c */
int za_map_lowers(struct za_map *m); /* lowers.c */
void za_lowers_free(struct za_map *m);
int za_map_networks(struct za_map *m); /* networks.c: checks them all */
int za_map_pnacs(struct za_map *m); /* pnac.c: what of it nobody uses */
int za_map_ports(struct za_map *m); /* ports.c */
int za_map_assigned(struct za_map *m); /* assigned.c */
int za_map_metering(struct za_map *m); /* metering.c */
int za_map_instances(struct za_map *m); /* instances.c */
int za_map_sharing(struct za_map *m); /* sharing.c */
int za_map_apps(struct za_map *m); /* apps.c */

/* bonds.c */
Ew__BondConfig *za_map_bond(const EVE(BondAdapter) * b);

/* pnac.c: 802.1X of the layer with that label; NULL: none */
Ew__PnacConfig *za_map_pnac(const struct za_map *m, const char *label);

/* proxies.c: those of a port's network, NULL: none */
Ew__ProxyConfig *za_map_proxies(const EVE_COMMON(ProxyConfig) * proxies);

/* wireless.c: what a wireless port asks for, from its network, NULL: nothing. What is wrong is an
 * error of the port. */
void za_map_wireless(const EVE(WirelessConfig) * from, Ew__PortConfig *port);

/* networks.c: addressing of one port, from its network. at: the system adapter. */
int za_map_addressing(struct za_map *m, const EVE(SystemAdapter) * adapter, const struct za_at *at,
		      Ew__PortConfig *port);

/* ranges.c: gateway and DHCP range of a local instance; at: the instance. */
int za_map_range(const EVE_COMMON(Ipspec) * ip, const struct prefix *subnet, const struct za_at *at,
		 Ew__NetworkInstanceConfig *ni, struct pbjson_error *err);

/* ace.c: one entry. at: the entry; local: of an app on a local instance with ports. */
int za_map_ace(const EVE(ACE) * ace, const Ew__NetworkInstanceConfig *ni, const struct za_at *at,
	       Ew__AclEntry **ret, struct pbjson_error *err);

/* Lists of texts that several parts check the same way; member names the field. */
int za_map_addresses(struct za_map *m, char **list, size_t n, const struct za_at *at,
		     const char *member);
int za_map_ntp(struct za_map *m, const EVE_COMMON(Ipspec) * ip, const struct za_at *at);
