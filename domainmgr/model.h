/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What domainmgr knows of each app: its config says what to run, zedrouter's status how it is
 * connected. An app of kind namespace is a network namespace with its interfaces in place; what
 * runs inside is the operator's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/hmap.h"
#include "dataplane/dp.h"

struct domainmgr;
struct Ew__AppConfig;
struct Ew__AppNetworkStatus;

#define DM_UUID 40
#define DM_NAME 64
#define DM_VIFS 32
#define DM_ADDRS 4

struct dm_vif {
	struct ifname ifname; /* the node's end, named by zedrouter */
	struct mac mac; /* of the app's end */
	struct prefix addrs[DM_ADDRS];
	uint8_t naddrs;
	struct ipaddr gateway; /* unset: none */
	uint32_t mtu_bytes;
	bool ready; /* its rules are in place */
	char error[160];
};

struct dm_app {
	struct hmap_node node;
	char uuid[DM_UUID];
	char displayname[DM_NAME];
	char netns[DM_NAME]; /* name under /run/netns */
	bool configured; /* AppConfig is there */
	bool connected; /* AppNetworkStatus is there */
	bool activate;
	struct dm_vif vifs[DM_VIFS];
	uint8_t nvifs; /* as zedrouter says */
	uint8_t wanted_vifs; /* as the config says */
	char error[160];
	bool dirty; /* graphs and status have to be made again */
	struct dp *inside; /* engine of the app's namespace; NULL: none there */
	bool adopted; /* it has looked at what is there */
	struct domainmgr *dm; /* whose app it is */
};

void dm_app_set_config(struct dm_app *app, const struct Ew__AppConfig *msg); /* NULL: gone */
void dm_app_set_network(struct dm_app *app, const struct Ew__AppNetworkStatus *msg);

/* Pure graphs. Outside, scope "app/<uuid>": the namespace, and a veth pair for each VIF whose
 * rules are in place. Inside, scope "app": addresses and routes of the app's ends eth0, eth1…
 * The first interface with a gateway carries the default route of its family. */
struct dp_graph *dm_intent_outside(const struct dm_app *app);
struct dp_graph *dm_intent_inside(const struct dm_app *app);
void dm_app_scope(const char *uuid, char ret[64]);
void dm_inner_ifname(unsigned int index, struct ifname *ret); /* eth0, eth1… */

/* Pure status. problem: of either engine, "" = none; settled: all is in place. */
struct arena;
struct Ew__DomainStatus;
struct Ew__DomainStatus *dm_status(const struct dm_app *app, const char *problem, bool settled,
				   struct arena *arena);
