/* SPDX-License-Identifier: Apache-2.0 */
/* What one app interface needs: its rules first, its place on the bridge when it appears. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config.pb-c.h"
#include "dataplane/dp.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "zedrouter/acl.h"
#include "zedrouter/dnsmasq.h"
#include "zedrouter/filter.h"
#include "zedrouter/intent.h"

void zr_vif_scope(const char *app, unsigned int index, const char *part, char ret[ZR_SCOPE])
{
	snprintf(ret, ZR_SCOPE, "vif/%s/%u/%s", app, index, part);
}

static struct zr_ace ace_from(const Ew__AclEntry *msg)
{
	struct zr_ace ace = {
		.id = msg->id,
		.action = (enum zr_action)msg->action,
		.direction = (enum zr_direction)msg->direction,
		.host = msg->host,
		.eidset = msg->eidset,
		.protocol = (uint8_t)msg->protocol,
		.lport = { (uint16_t)msg->lport_first, (uint16_t)msg->lport_last },
		.fport = { (uint16_t)msg->fport_first, (uint16_t)msg->fport_last },
		.adapter = msg->adapter,
		.limit_rate = msg->limit_rate,
		.limit_unit_s = msg->limit_unit_s,
		.limit_burst = msg->limit_burst,
		.target_port = (uint16_t)msg->target_port,
	};

	if (msg->remote[0])
		(void)prefix_parse(msg->remote, &ace.remote); /* zedagent has checked it */
	return ace;
}

/* The addresses "eidset" stands for: static names and all apps of the instance. */
static struct ipaddr *collect_eids(const struct zr_ni *ni, size_t *ret_n)
{
	const struct zr_vif *vif;
	struct ipaddr *eids;
	size_t n = ni->nnames;

	list_for_each (vif, &ni->vifs, of_ni)
		n++;
	eids = xcalloc(n + 1, sizeof(*eids));
	n = 0;
	for (unsigned int i = 0; i < ni->nnames; i++)
		eids[n++] = ni->names[i].addr;
	list_for_each (vif, &ni->vifs, of_ni)
		if (ipaddr_is_set(&vif->addr))
			eids[n++] = vif->addr;
	*ret_n = n;
	return eids;
}

/* Whether one of the instance's own names is the domain or inside it; case does not count. */
static bool is_below(const char *displayname, const char *domain)
{
	_cleanup_(strbuf_fini) struct strbuf name = STRBUF_INIT;
	size_t d = strlen(domain);
	const char *end;

	zr_dnsmasq_hostname(displayname, &name);
	if (name.len < d)
		return false;
	end = strbuf_str(&name) + name.len - d;
	return strcasecmp(end, domain) == 0 && (name.len == d || end[-1] == '.');
}

/*
 * The addresses that the instance's own names stand for: the DNS server adds to the sets only what
 * it hears from others.
 */
static struct ipaddr *collect_known(const struct zr_ni *ni, const char *host, size_t *ret_n)
{
	const struct zr_vif *vif;
	struct ipaddr *known = NULL;
	size_t n = 0;

	for (unsigned int i = 0; i < ni->nnames; i++) {
		if (!is_below(ni->names[i].name, host))
			continue;
		known = xrealloc(known, n + 1, sizeof(*known));
		known[n++] = ni->names[i].addr;
	}
	list_for_each (vif, &ni->vifs, of_ni) {
		if (!ipaddr_is_set(&vif->addr) || !is_below(vif->app->displayname, host))
			continue;
		known = xrealloc(known, n + 1, sizeof(*known));
		known[n++] = vif->addr;
	}
	*ret_n = n;
	return known;
}

struct zr_acl *zr_vif_acl(const struct zr_vif *vif, struct strbuf *why)
{
	size_t n = vif->config->n_acl, n_eids = 0;
	_cleanup_(freep) struct zr_ace *aces = xcalloc(n + 1, sizeof(*aces));
	_cleanup_(freep) struct ipaddr *eids = NULL;
	struct zr_acl *acl = NULL;

	for (size_t i = 0; i < n; i++) {
		aces[i] = ace_from(vif->config->acl[i]);
		aces[i].unresolved = vif->ni->dnsmasq_off;
		if (aces[i].host[0])
			aces[i].known = collect_known(vif->ni, aces[i].host, &aces[i].n_known);
	}
	if (vif->uses_eids)
		eids = collect_eids(vif->ni, &n_eids);
	/* On an error nothing is allowed; why says so. */
	(void)zr_acl_compile(aces, n, eids, n_eids, why, &acl);
	for (size_t i = 0; i < n; i++)
		free((struct ipaddr *)aces[i].known);
	return acl;
}

static void intent_neighbours(struct dp_graph *g, const struct zr_vif *vif)
{
	struct dp_neigh neigh = { .ifname = vif->ni->bridge, .addr = vif->addr, .mac = vif->mac };

	/* Permanent: what another app claims about this address is not believed. */
	dp_want(g, &dp_neigh_type, &neigh);
	if (vif->addr.family != AF_INET6)
		return;
	neigh.mac = (struct mac){ 0 };
	neigh.proxy = true;
	dp_want(g, &dp_neigh_type, &neigh);
}

struct dp_graph *zr_intent_vif_rules(const struct zr_intent_conf *conf, const struct zr_model *m,
				     const struct zr_vif *vif, const struct zr_acl *acl)
{
	_cleanup_(freep) struct zr_filter_ports *ports = NULL;
	char scope[ZR_SCOPE];
	struct dp_graph *g;

	zr_vif_scope(vif->app->uuid, vif->index, "rules", scope);
	g = dp_graph_new(scope);
	if (!zr_vif_works(vif))
		return g;
	ports = zr_filter_ports(m, vif->ni->port_label);
	zr_filter_vif(g, conf->table,
		      &(struct zr_filter_vif){ .ifname = vif->ifname,
					       .bridge = vif->ni->bridge,
					       .instance = vif->ni->number,
					       .number = vif->number,
					       .mac = vif->mac,
					       .addrs = &vif->addr,
					       .n_addrs = 1,
					       .acl = acl,
					       .ports = ports->port,
					       .n_ports = ports->count });
	intent_neighbours(g, vif);
	return g;
}

struct dp_graph *zr_intent_vif_port(const struct zr_vif *vif)
{
	char scope[ZR_SCOPE];
	struct dp_graph *g;

	zr_vif_scope(vif->app->uuid, vif->index, "port", scope);
	g = dp_graph_new(scope);
	if (zr_vif_works(vif))
		dp_want(g, &dp_brport_type,
			&(struct dp_brport){ .ifname = vif->ifname,
					     .bridge = vif->ni->bridge,
					     .isolated = true,
					     .learning = true });
	return g;
}
