/* SPDX-License-Identifier: Apache-2.0 */
/* What the graphs of an instance and of its way out share: routes in its table, names of files. */
#pragma once

#include "zedrouter/model.h"

struct dp_graph;
struct zr_dnsmasq_paths;
struct zr_intent_conf;
struct zr_uplink;

#define ZR_FILE 128 /* bytes of the name of a dp_file */

/* ip route add DST dev IFNAME [via GATEWAY onlink] table 800+N */
void zr_want_route(struct dp_graph *g, const struct zr_ni *ni, const struct prefix *dst,
		   const struct ifname *ifname, const struct ipaddr *gateway);

/* "dnsmasq/<bridge>.<part>", "dnsmasq/uplink<number>-<IP version>.servers" */
void zr_dnsmasq_file(const struct zr_ni *ni, const char *part, char ret[ZR_FILE]);
void zr_servers_file(const struct zr_uplink *u, char ret[ZR_FILE]);
void zr_dnsmasq_paths(const struct zr_intent_conf *conf, const struct zr_ni *ni,
		      struct zr_dnsmasq_paths *ret);
