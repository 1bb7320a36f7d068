/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What zedrouter knows: network instances, the apps' interfaces (VIFs) on them, and the ports of
 * the device. Plain structs; numbers chosen once and kept over restarts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/hmap.h"
#include "base/list.h"
#include "base/mono.h"

struct Ew__AppAdapter;
struct Ew__AppConfig;
struct Ew__DeviceNetworkStatus;
struct Ew__NetworkInstanceConfig;

#define ZR_UUID 40 /* bytes with NUL */
#define ZR_NAME 64
#define ZR_SERVERS 8
#define ZR_STAMP 24 /* DP_STAMP */
#define ZR_PORTS 64
#define ZR_PORT_LABELS 12
#define ZR_PORT_ADDRS 16

struct zr_port { /* as nim reports it */
	char label[ZR_NAME];
	struct ifname ifname;
	char labels[ZR_PORT_LABELS][ZR_NAME];
	uint8_t nlabels;
	bool is_mgmt, usable4, usable6;
	bool over_quota; /* apps may not use it at present */
	bool held4, held6; /* others are preferred for a while */
	bool behind4, behind6; /* others are preferred by those who want to get far: ports.c */
	uint8_t cost;
	uint32_t mark, mtu_bytes;
	struct prefix addrs[ZR_PORT_ADDRS];
	uint8_t naddrs;
	struct ipaddr gateway4, gateway6;
	struct ipaddr dns[ZR_SERVERS];
	uint8_t ndns;
	char ntp[ZR_SERVERS][ZR_NAME];
	uint8_t nntp;
};

struct zr_ports {
	struct zr_port port[ZR_PORTS];
	unsigned int count;
};

/* Numbers of ports, which do not change with their order, as marks of flows have them. */
struct zr_portset {
	uint64_t word[4];
};
static inline unsigned int zr_port_number(const struct zr_port *port)
{
	return port->mark >> 24;
}
static inline void zr_portset_add(struct zr_portset *set, unsigned int number)
{
	set->word[number / 64] |= (uint64_t)1 << number % 64;
}
static inline bool zr_portset_has(const struct zr_portset *set, unsigned int number)
{
	return set->word[number / 64] >> number % 64 & 1;
}

struct zr_name { /* static DNS entry: one address */
	char name[ZR_NAME];
	struct ipaddr addr;
};

struct zr_stamps {
	char conf[ZR_STAMP], hosts[ZR_STAMP];
};

struct zr_uplink;

struct zr_static_route {
	struct prefix dst;
	struct ipaddr gateway; /* unset: the port's */
	struct zr_uplink *uplink; /* NULL: it leads to an app */
};

struct zr_ni {
	struct hmap_node node; /* zr_model.instances, by uuid */
	struct list vifs; /* zr_vif.of_ni */
	char uuid[ZR_UUID];
	char displayname[ZR_NAME];
	bool local; /* the one kind there is so far */
	bool activate;
	bool dnsmasq_off;
	bool propagate_connected;
	char port_label[ZR_NAME];
	bool sharing; /* of the label: flows are spread over its cheapest ports */
	uint32_t drain_s; /* so long after a cheaper port came, flows leave a dearer one; 0: never */
	struct prefix subnet; /* network address */
	struct ipaddr gateway; /* ours, on the bridge */
	struct ipaddr range_first, range_last;
	char domain[ZR_NAME];
	struct ipaddr dns[ZR_SERVERS];
	uint8_t ndns;
	char ntp[ZR_SERVERS][ZR_NAME];
	uint8_t nntp;
	uint32_t mtu_bytes; /* 0: the lowest of its ports */
	struct zr_name *names; /* heap */
	unsigned int nnames;
	struct zr_static_route *routes; /* heap */
	unsigned int nroutes;

	uint16_t number; /* 1..4094: bridge, table, VRF; 0: none */
	struct ifname bridge;
	struct zr_uplink *uplink; /* NULL: air-gapped */
	int selected; /* index into ports of the first in use; -1: none usable */
	/* Of its flows, which outlive a change of config: */
	struct zr_portset flows; /* it may have some by these ports, */
	struct zr_portset begun; /* and new ones were by these at the last zr_flows_follow() */
	bool drains; /* some may be on a port that is dearer than the first in use, */
	struct mono cheaper_at; /* since then */
	struct zr_portset draining; /* as it is told: they are to leave these soon */
	struct zr_stamps stamps; /* of its server's files, as built last */
	char error[160]; /* why it is not built; "" = fine */
	char conflict[160]; /* likewise: a port is in its subnet, and goes first */
	bool conflict_told; /* an operator knows */
	bool lacking; /* some of its VIFs wait for an address or a number, */
	bool left; /* and another one has left since they were looked at */
	bool dirty; /* intent has to be made again, */
	bool way_dirty; /* or only what depends on the ports in use */
	bool reroutes; /* and its flows wait for it: no group leads them to their new way */
	bool untold; /* status has to be made again */
};

struct zr_vif {
	struct list of_ni; /* zr_ni.vifs, or zr_model.orphans while the instance is unknown */
	struct list of_app; /* zr_app.vifs */
	struct zr_app *app;
	struct zr_ni *ni; /* NULL: unknown */
	char adapter[ZR_NAME];
	char ni_uuid[ZR_UUID];
	unsigned int index; /* among the app's adapters, from 0 */
	uint16_t number; /* 1..1023 within its instance; 0: none */
	struct ifname ifname; /* the node's end */
	struct mac mac; /* of the app's end */
	struct ipaddr wanted; /* static address; unset: from the range */
	struct ipaddr addr; /* given; unset: none yet */
	const struct Ew__AppAdapter
		*config; /* the bus's copy, for the ACL; until its next change */
	bool uses_eids; /* its ACL names the addresses of the instance, or hosts among them */
	bool uses_ports; /* its ACL has port maps */
	char error[160];
};

struct zr_app {
	struct hmap_node node; /* zr_model.apps, by uuid */
	struct list vifs;
	char uuid[ZR_UUID];
	char displayname[ZR_NAME];
	bool activate;
	uint16_t number; /* 1..4094 */
	unsigned int submitted; /* scopes of so many VIFs are with the engine */
	char error[160];
	bool dirty, untold; /* as of zr_ni */
};

struct numbers;

struct zr_model {
	struct hmap instances, apps, uplinks;
	struct list orphans; /* zr_vif.of_ni */
	struct zr_ports ports;
	struct zr_portset for_apps[2]; /* IPv4, IPv6: when flows followed the ports last */
	bool followed; /* they ever did; or there are none from before the start */
	struct numbers *ni_numbers, *app_numbers;
	struct numbers *uplink_numbers;
	struct numbers *vif_numbers; /* "<ni>/<app>/<index>" */
	struct numbers *addr_numbers; /* same names: place in the DHCP range, from 1 */
	bool vrf; /* the kernel has VRF devices */
	bool br_netfilter; /* bridged frames can meet the hooks of IP: to be switched off */
};

void zr_model_init(struct zr_model *m); /* numbers are the caller's */
void zr_model_fini(struct zr_model *m);

/* Inputs. config NULL: gone. They mark what has to be made again as dirty. */
void zr_model_set_ni(struct zr_model *m, const char *uuid,
		     const struct Ew__NetworkInstanceConfig *config);
void zr_model_set_app(struct zr_model *m, const char *uuid, const struct Ew__AppConfig *config);
/* Returns the ports before; the caller frees them. */
struct zr_ports *zr_model_set_ports(struct zr_model *m,
				    const struct Ew__DeviceNetworkStatus *status);

/* For the two inputs: a VIF joins its instance, or the orphans, and is given its address. */
void zr_vif_join(struct zr_model *m, struct zr_vif *vif, struct zr_ni *ni);

struct zr_ni *zr_model_ni(const struct zr_model *m, const char *uuid); /* or NULL */
struct zr_app *zr_model_app(const struct zr_model *m, const char *uuid);

static inline bool zr_ni_works(const struct zr_ni *ni)
{
	return ni->activate && !ni->error[0] && !ni->conflict[0];
}
static inline bool zr_vif_works(const struct zr_vif *vif)
{
	return vif->app->activate && vif->ni && zr_ni_works(vif->ni) && !vif->error[0] &&
	       !vif->app->error[0];
}

/* Pure: has the port this label, and may instances of the label use it at present? */
bool zr_port_matches(const struct zr_port *port, const char *label);
bool zr_port_serves(const struct zr_port *port, const char *label);
int zr_port_find(const struct zr_ports *ports,
		 const char *label); /* index by its own label, or -1 */
/* Compares its subnet with those of the ports; when that changes whether it works, all is dirty that has
 * to be made again. */
void zr_ni_check_ports(const struct zr_model *m, struct zr_ni *ni);
uint32_t zr_ni_mtu(const struct zr_model *m, const struct zr_ni *ni);

#define ZR_TABLE_BASE 800
static inline uint32_t zr_ni_table(const struct zr_ni *ni)
{
	return ZR_TABLE_BASE + ni->number;
}
