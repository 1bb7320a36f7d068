/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/rtnetlink.h>
#include <stdio.h>

#include "dataplane/items/host.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "domainmgr/model.h"

void dm_app_scope(const char *uuid, char ret[64])
{
	snprintf(ret, 64, "app/%s", uuid);
}

void dm_inner_ifname(unsigned int index, struct ifname *ret)
{
	snprintf(ret->str, sizeof(ret->str), "eth%u", index);
}

static bool app_runs(const struct dm_app *app)
{
	return app->configured && app->activate && !app->error[0];
}

static void intent_veth(struct dp_graph *g, const struct dm_app *app, unsigned int index)
{
	const struct dm_vif *vif = &app->vifs[index];
	struct dp_veth veth = {
		.ifname = vif->ifname,
		.peer_mac = vif->mac,
		.mtu_bytes = vif->mtu_bytes,
		.up = true,
		.peer_up = true,
	};

	dm_inner_ifname(index, &veth.peer);
	snprintf(veth.peer_netns, sizeof(veth.peer_netns), "%s", app->netns);
	dp_want(g, &dp_veth_type, &veth);
	dp_after(g, &dp_netns_type, app->netns);
}

struct dp_graph *dm_intent_outside(const struct dm_app *app)
{
	struct dp_netns netns = { 0 };
	struct dp_graph *g;
	char scope[64];

	dm_app_scope(app->uuid, scope);
	g = dp_graph_new(scope);
	if (!app_runs(app))
		return g;
	snprintf(netns.name, sizeof(netns.name), "%s", app->netns);
	dp_want(g, &dp_netns_type, &netns);
	for (unsigned int i = 0; i < app->nvifs; i++)
		if (app->vifs[i].ready)
			intent_veth(g, app, i);
	return g;
}

/* Before the one with metric 1024 that the instance's router advertisements bring: beside it, with
 * one metric, whichever came second would be refused (net/ipv6/ip6_fib.c, fib6_add_rt2node). */
#define METRIC_DEFAULT6 512

static void want_default(struct dp_graph *g, const struct ifname *ifname,
			 const struct ipaddr *gateway)
{
	dp_want(g, &dp_route_type,
		&(struct dp_route){
			.dst = { .addr = { .family = gateway->family } },
			.table = RT_TABLE_MAIN,
			.metric = gateway->family == AF_INET6 ? METRIC_DEFAULT6 : 0,
			.nexthops = 1,
			.nexthop = {
				{ .ifname = *ifname, .gateway = *gateway, .onlink = true } } });
}

struct dp_graph *dm_intent_inside(const struct dm_app *app)
{
	struct dp_graph *g = dp_graph_new("app");
	bool has4 = false, has6 = false;

	for (unsigned int i = 0; app_runs(app) && i < app->nvifs; i++) {
		const struct dm_vif *vif = &app->vifs[i];
		bool *has = vif->gateway.family == AF_INET6 ? &has6 : &has4;
		struct dp_addr addr = { .nodad = true };

		if (!vif->ready)
			continue;
		dm_inner_ifname(i, &addr.ifname);
		for (unsigned int j = 0; j < vif->naddrs; j++) {
			addr.prefix = vif->addrs[j];
			dp_want(g, &dp_addr_type, &addr);
		}
		if (ipaddr_is_set(&vif->gateway) && !*has) {
			want_default(g, &addr.ifname, &vif->gateway);
			*has = true;
		}
	}
	return g;
}
