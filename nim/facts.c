/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/facts.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "dataplane/lease.h"

struct nim_iface *nim_facts_find(struct nim_facts *facts, const char *ifname)
{
	for (unsigned int i = 0; i < NIM_PORTS; i++)
		if (ifname[0] && strcmp(facts->ifaces[i].ifname.str, ifname) == 0)
			return &facts->ifaces[i];
	return NULL;
}

void nim_facts_follow(struct nim_facts *facts, const struct nim_config *config)
{
	_cleanup_(freep) struct nim_facts *old = xmemdup(facts, sizeof(*facts));

	memset(facts, 0, sizeof(*facts));
	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_iface *was = nim_facts_find(old, config->ports[i].ifname.str);

		if (was)
			facts->ifaces[i] = *was;
		facts->ifaces[i].ifname = config->ports[i].ifname;
	}
}

void nim_iface_remove_addr(struct nim_iface *iface, const struct prefix *p)
{
	for (unsigned int i = 0; i < iface->naddrs; i++) {
		if (!prefix_equal(&iface->addrs[i], p))
			continue;
		memmove(&iface->addrs[i], &iface->addrs[i + 1],
			(iface->naddrs - i - 1u) * sizeof(iface->addrs[0]));
		iface->naddrs--;
		return;
	}
}

void nim_iface_add_addr(struct nim_iface *iface, const struct prefix *p)
{
	for (unsigned int i = 0; i < iface->naddrs; i++)
		if (prefix_equal(&iface->addrs[i], p))
			return;
	if (iface->naddrs < NIM_ADDRS)
		iface->addrs[iface->naddrs++] = *p;
}

static void lease_servers(struct nim_lease *to, const struct dp_lease *lease)
{
	for (unsigned int i = 0; i < lease->dnss && to->ndns < NIM_SERVERS; i++)
		to->dns[to->ndns++] = lease->dns[i];
	for (unsigned int i = 0; i < lease->ntps && to->nntp < NIM_SERVERS; i++) {
		char text[INET6_ADDRSTRLEN];

		snprintf(to->ntp[to->nntp++], NIM_LABEL, "%s", ipaddr_str(&lease->ntp[i], text));
	}
}

bool nim_iface_set_lease(struct nim_iface *iface, int family, const struct dp_lease *lease)
{
	struct nim_lease *to = family == AF_INET6 ? &iface->lease6 : &iface->lease4;
	struct nim_lease was = *to;

	memset(to, 0, sizeof(*to));
	if (lease) {
		if (lease->routers)
			to->gateway = lease->router[0];
		lease_servers(to, lease);
		if (strlen(lease->domain) < sizeof(to->domain)) /* cut off it is another one */
			strcpy(to->domain, lease->domain);
	}
	return memcmp(&was, to, sizeof(was)) != 0;
}

static bool has_family(const struct nim_iface *iface, int family)
{
	for (unsigned int i = 0; i < iface->naddrs; i++)
		if (iface->addrs[i].addr.family == family)
			return true;
	return false;
}

static void view_gateways(const struct nim_port *port, const struct nim_iface *iface,
			  struct nim_port_view *view)
{
	if (port->no_default_route || port->dhcp == NIM_DHCP_NONE)
		return;
	view->gateway4 = port->gateway4;
	view->gateway6 = port->gateway6;
	if (port->dhcp != NIM_DHCP_CLIENT)
		return;
	if (port->ipv4 && !ipaddr_is_set(&view->gateway4))
		view->gateway4 = iface->lease4.gateway;
	if (port->ipv6 && !ipaddr_is_set(&view->gateway6))
		view->gateway6 = ipaddr_is_set(&iface->lease6.gateway) ? iface->lease6.gateway
								       : iface->ra_gateway;
}

static void view_port(const struct nim_port *port, const struct nim_iface *iface,
		      struct nim_port_view *view)
{
	bool link = iface->ifindex && iface->up && iface->carrier;

	if (port->error[0] || !port->is_l3 || !port->number)
		return;
	view_gateways(port, iface, view);
	view->usable4 = link && ipaddr_is_set(&view->gateway4) && has_family(iface, AF_INET);
	view->usable6 = link && ipaddr_is_set(&view->gateway6) && has_family(iface, AF_INET6);
}

static bool port_before(const struct nim_config *config, unsigned int a, unsigned int b)
{
	const struct nim_port *pa = &config->ports[a], *pb = &config->ports[b];

	if (pa->is_mgmt != pb->is_mgmt)
		return pa->is_mgmt;
	if (pa->cost != pb->cost)
		return pa->cost < pb->cost;
	return a < b;
}

void nim_view(const struct nim_config *config, const struct nim_facts *facts, struct nim_view *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->default4 = ret->default6 = -1;
	for (unsigned int i = 0; i < config->nports; i++) {
		view_port(&config->ports[i], &facts->ifaces[i], &ret->ports[i]);
		for (unsigned int j = 0; j < config->nports; j++)
			ret->ports[i].rank += j != i && port_before(config, j, i);
	}
	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port_view *p = &ret->ports[i];

		if (p->usable4 && (ret->default4 < 0 || p->rank < ret->ports[ret->default4].rank))
			ret->default4 = (int)i;
		if (p->usable6 && (ret->default6 < 0 || p->rank < ret->ports[ret->default6].rank))
			ret->default6 = (int)i;
	}
}
