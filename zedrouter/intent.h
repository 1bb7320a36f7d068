/* SPDX-License-Identifier: Apache-2.0 */
/* The graphs zedrouter wants, from its model. Pure: no I/O, no clock, no globals. */
#pragma once

#include "zedrouter/filter.h"
#include "zedrouter/model.h"

struct dp_graph;
struct strbuf;

struct zr_intent_conf { /* what is fixed for the life of the daemon */
	const char *table; /* our nftables table */
	const char *run_dir, *owner; /* for file names that stand in other files */
};

#define ZR_SCOPE 96 /* bytes of a scope's name */

/* "node": forwarding sysctls, the chains and sets all others hang on. */
struct dp_graph *zr_intent_node(const struct zr_intent_conf *conf, const struct zr_model *m);
/* Ports whose labels fit ("" fits none) as the filter wants them; caller frees. */
struct zr_filter_ports {
	unsigned int count;
	struct zr_filter_port port[ZR_PORTS];
	struct ipaddr addrs[ZR_PORTS][ZR_PORT_ADDRS]; /* what port[] points to */
	const char *labels[ZR_PORTS][ZR_PORT_LABELS + 1];
};
struct zr_filter_ports *zr_filter_ports(const struct zr_model *m, const char *label);

/* "uplinks": a group of next hops, and a list of name servers, for each label in use. */
struct dp_graph *zr_intent_uplinks(const struct zr_model *m);
/* "links": groups into the subnets of their ports. By themselves, as each replacement of a group has the
 * kernel wait for its readers, and flows wait for the groups above. */
struct dp_graph *zr_intent_links(const struct zr_model *m);
/* "ni/<uuid>": bridge, routing domain, files of the DHCP and DNS server, whose stamps are for
 * ni->stamps. Empty for one that does not work. */
struct dp_graph *zr_intent_ni(const struct zr_intent_conf *conf, const struct zr_model *m,
			      const struct zr_ni *ni, struct zr_stamps *ret_stamps);
void zr_ni_scope(const char *uuid, char ret[ZR_SCOPE]);
/* "ni/<uuid>/way": what depends on the ports in use: routes out, and the server, which tells apps
 * of them. With the stamps of the graph above. */
struct dp_graph *zr_intent_way(const struct zr_intent_conf *conf, const struct zr_model *m,
			       const struct zr_ni *ni);
void zr_way_scope(const char *uuid, char ret[ZR_SCOPE]);

/* The access list of one that works; why (may be NULL): what of it could not be honoured. NULL: nothing
 * may pass. The caller frees it. */
struct zr_acl *zr_vif_acl(const struct zr_vif *vif, struct strbuf *why);
/* "vif/<app>/<index>/rules": what has to stand before the app's interface appears; acl: its list, may be
 * NULL. "vif/<app>/<index>/port": the interface's place on the bridge. */
struct dp_graph *zr_intent_vif_rules(const struct zr_intent_conf *conf, const struct zr_model *m,
				     const struct zr_vif *vif, const struct zr_acl *acl);
struct dp_graph *zr_intent_vif_port(const struct zr_vif *vif);
void zr_vif_scope(const char *app, unsigned int index, const char *part, char ret[ZR_SCOPE]);
