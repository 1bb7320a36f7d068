/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/facts.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "dataplane/lease.h"
#include "nim/addressing.h"

struct nim_iface *nim_facts_find(struct nim_facts *facts, const char *ifname)
{
	for (unsigned int i = 0; i < NIM_PORTS; i++)
		if (ifname[0] && strcmp(facts->ifaces[i].ifname.str, ifname) == 0)
			return &facts->ifaces[i];
	return NULL;
}

struct addr_list {
	struct prefix *list;
	uint8_t *n;
};

static void list_remove_addr(struct addr_list addrs, const struct prefix *p)
{
	for (unsigned int i = 0; i < *addrs.n; i++) {
		if (!prefix_equal(&addrs.list[i], p))
			continue;
		memmove(&addrs.list[i], &addrs.list[i + 1],
			(*addrs.n - i - 1u) * sizeof(*addrs.list));
		--*addrs.n;
		return;
	}
}

static bool list_has_addr(struct addr_list addrs, const struct prefix *p)
{
	for (unsigned int i = 0; i < *addrs.n; i++)
		if (prefix_equal(&addrs.list[i], p))
			return true;
	return false;
}

static void list_add_addr(struct addr_list addrs, const struct prefix *p)
{
	if (*addrs.n < NIM_ADDRS && !list_has_addr(addrs, p))
		addrs.list[(*addrs.n)++] = *p;
}

static struct addr_list counted(struct nim_iface *iface)
{
	return (struct addr_list){ iface->addrs, &iface->naddrs };
}

static struct addr_list ignored(struct nim_iface *iface)
{
	return (struct addr_list){ iface->ignored, &iface->nignored };
}

void nim_iface_remove_addr(struct nim_iface *iface, const struct prefix *p)
{
	list_remove_addr(counted(iface), p);
	list_remove_addr(ignored(iface), p);
}

void nim_iface_add_addr(struct nim_iface *iface, const struct prefix *p)
{
	list_add_addr(counted(iface), p);
}

static unsigned int learned(struct addr_list addrs, const struct nim_port *port, int family)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < *addrs.n; i++)
		n += addrs.list[i].addr.family == family &&
		     !nim_port_has_addr(port, &addrs.list[i]);
	return n;
}

/* The last one that nobody has configured: a port has no more that are than these lists hold. */
static void make_room(struct addr_list addrs, const struct nim_port *port, struct prefix *out)
{
	unsigned int i = *addrs.n - 1;

	while (i && nim_port_has_addr(port, &addrs.list[i]))
		i--;
	*out = addrs.list[i];
	list_remove_addr(addrs, out);
}

/* A router may advertise prefixes without end. */
bool nim_iface_sort_addr(struct nim_iface *iface, const struct nim_port *port,
			 const struct prefix *p, struct prefix *out)
{
	struct addr_list addrs = nim_addr_counts(port, p) ? counted(iface) : ignored(iface);
	bool configured = nim_port_has_addr(port, p), full = *addrs.n == NIM_ADDRS;

	if (list_has_addr(addrs, p))
		return true;
	if (!configured && (full || learned(addrs, port, p->addr.family) >= NIM_ADDRS_LEARNED)) {
		*out = *p;
		return false;
	}
	if (full)
		make_room(addrs, port, out);
	list_add_addr(addrs, p);
	return !full;
}

static void remove_conflict(struct nim_iface *iface, unsigned int i)
{
	memmove(&iface->conflicts[i], &iface->conflicts[i + 1],
		(iface->nconflicts - i - 1u) * sizeof(iface->conflicts[0]));
	iface->nconflicts--;
}

bool nim_iface_clear_conflict(struct nim_iface *iface, const struct ipaddr *addr)
{
	for (unsigned int i = 0; i < iface->nconflicts; i++) {
		if (!ipaddr_equal(&iface->conflicts[i].addr, addr))
			continue;
		remove_conflict(iface, i);
		return true;
	}
	return false;
}

void nim_iface_clear_conflicts(struct nim_iface *iface, int family)
{
	for (unsigned int i = iface->nconflicts; i-- > 0;)
		if (iface->conflicts[i].addr.family == family)
			remove_conflict(iface, i);
}

bool nim_iface_set_conflict(struct nim_iface *iface, const struct ipaddr *addr,
			    const struct mac *mac)
{
	bool had = nim_iface_clear_conflict(iface, addr);

	if (iface->nconflicts < NIM_ADDRS)
		iface->conflicts[iface->nconflicts++] =
			(struct nim_conflict){ .addr = *addr, .mac = *mac };
	return !had;
}

/* The port may now think otherwise of what counts. */
static void sort_addresses(struct nim_iface *iface, const struct nim_port *port)
{
	const struct nim_iface was = *iface;
	struct prefix out; /* said once all are read again */

	iface->naddrs = iface->nignored = 0;
	for (unsigned int i = 0; i < was.naddrs; i++)
		nim_iface_sort_addr(iface, port, &was.addrs[i], &out);
	for (unsigned int i = 0; i < was.nignored; i++)
		nim_iface_sort_addr(iface, port, &was.ignored[i], &out);
}

static unsigned int used_slots(const struct nim_facts *facts)
{
	unsigned int n = NIM_PORTS;

	while (n && !facts->ifaces[n - 1].ifname.str[0])
		n--;
	return n;
}

/* Slots without a port stay untouched: pages nobody wrote to cost no memory. */
void nim_facts_follow(struct nim_facts *facts, const struct nim_config *config)
{
	const unsigned int nold = used_slots(facts);
	_cleanup_(freep) struct nim_iface *old = xcalloc(nold + 1, sizeof(*old));

	memcpy(old, facts->ifaces, nold * sizeof(*old));
	memset(facts->ifaces, 0, nold * sizeof(*old));
	facts->firewall_problem[0] = '\0';
	for (unsigned int i = 0; i < config->nports; i++) {
		struct nim_iface *iface = &facts->ifaces[i];

		for (unsigned int k = 0; k < nold; k++)
			if (old[k].ifname.str[0] &&
			    ifname_equal(&old[k].ifname, &config->ports[i].ifname))
				*iface = old[k];
		iface->ifname = config->ports[i].ifname;
		sort_addresses(iface, &config->ports[i]);
		iface->nconflicts = 0; /* whoever knows of them says so again */
	}
}

static void lease_servers(struct nim_lease *to, const struct dp_lease *lease)
{
	for (unsigned int i = 0; i < lease->dnss && to->ndns < NIM_SERVERS; i++)
		to->dns[to->ndns++] = lease->dns[i];
	for (unsigned int i = 0; i < lease->ntps && to->nntp < NIM_SERVERS; i++) {
		char text[INET6_ADDRSTRLEN];

		strcpy(to->ntp[to->nntp++], ipaddr_str(&lease->ntp[i], text));
	}
}

static void lease_routes(struct nim_lease *to, const struct dp_lease *lease)
{
	for (unsigned int i = 0; i < lease->routes && to->nroutes < NIM_LEASE_ROUTES; i++) {
		const struct dp_lease_route *route = &lease->route[i];

		if (nim_lease_route_is_usable(route))
			to->routes[to->nroutes++] =
				(struct nim_lease_route){ .dst = prefix_network(&route->dst),
							  .gateway = route->gateway };
	}
}

static void lease_names(struct nim_lease *to, const struct dp_lease *lease)
{
	if (strlen(lease->domain) < sizeof(to->domain)) /* cut off it is another one */
		strcpy(to->domain, lease->domain);
	if (strlen(lease->search) < sizeof(to->search)) {
		strcpy(to->search, lease->search);
		return;
	}
	memcpy(to->search, lease->search, sizeof(to->search) - 1);
	for (size_t i = sizeof(to->search) - 1; i-- > 0 && to->search[i] != ' ';)
		to->search[i] = '\0'; /* the name that is cut off */
}

bool nim_iface_set_lease(struct nim_iface *iface, int family, const struct dp_lease *lease)
{
	struct nim_lease *to = family == AF_INET6 ? &iface->lease6 : &iface->lease4;
	struct nim_lease was = *to;

	memset(to, 0, sizeof(*to));
	if (lease)
		nim_lease_refuse(lease, to->refused);
	if (lease && !to->refused[0]) {
		to->addr = lease->addr[0].addr;
		to->gateway = nim_lease_gateway(lease);
		to->mtu_bytes = lease->mtu_bytes;
		lease_servers(to, lease);
		lease_names(to, lease);
		lease_routes(to, lease);
		strcpy(to->wpad_url, lease->wpad_url);
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

static void view_port(const struct nim_port *port, const struct nim_iface *iface,
		      struct nim_port_view *view)
{
	bool link = iface->ifindex && iface->up && iface->carrier;
	struct nim_gateways gateways;

	if (port->error[0] || !port->is_l3 || !port->number)
		return;
	gateways = nim_port_gateways(port, iface);
	view->gateway4 = gateways.v4;
	view->gateway6 = gateways.v6;
	if (port->trial) /* its own table has the gateway, and nobody else is to use it */
		return;
	view->good4 = link && ipaddr_is_set(&view->gateway4) && has_family(iface, AF_INET);
	view->good6 = link && ipaddr_is_set(&view->gateway6) && has_family(iface, AF_INET6);
	view->held4 = view->good4 && iface->health[NIM_V4].held;
	view->held6 = view->good6 && iface->health[NIM_V6].held;
	view->behind4 = view->good4 && iface->upstream[NIM_V4].behind;
	view->behind6 = view->good6 && iface->upstream[NIM_V6].behind;
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

static bool is_well(const struct nim_iface *iface, int family)
{
	return iface->health[family].gateway != NIM_GATEWAY_SILENT && !iface->health[family].shaky;
}

/* A doubtful port is better than none: what seems dead is cut off only when another is alive. */
static void view_usable(const struct nim_facts *facts, unsigned int nports, struct nim_view *view)
{
	bool alive4 = false, alive6 = false;

	for (unsigned int i = 0; i < nports; i++) {
		alive4 = alive4 || (view->ports[i].good4 && is_well(&facts->ifaces[i], NIM_V4));
		alive6 = alive6 || (view->ports[i].good6 && is_well(&facts->ifaces[i], NIM_V6));
	}
	for (unsigned int i = 0; i < nports; i++) {
		struct nim_port_view *p = &view->ports[i];

		p->usable4 = p->good4 && (!alive4 || is_well(&facts->ifaces[i], NIM_V4));
		p->usable6 = p->good6 && (!alive6 || is_well(&facts->ifaces[i], NIM_V6));
	}
}

static bool default_before(const struct nim_config *config, const struct nim_view *view, int family,
			   unsigned int a, unsigned int b)
{
	const struct nim_port_view *pa = &view->ports[a], *pb = &view->ports[b];
	bool held_a = family == AF_INET6 ? pa->held6 : pa->held4;
	bool held_b = family == AF_INET6 ? pb->held6 : pb->held4;
	bool behind_a = family == AF_INET6 ? pa->behind6 : pa->behind4;
	bool behind_b = family == AF_INET6 ? pb->behind6 : pb->behind4;

	if (config->ports[a].is_mgmt != config->ports[b].is_mgmt)
		return config->ports[a].is_mgmt;
	if (behind_a != behind_b)
		return !behind_a;
	if (held_a != held_b)
		return !held_a;
	return pa->rank < pb->rank;
}

static int choose_default(const struct nim_config *config, const struct nim_view *view, int family)
{
	int best = -1;

	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port_view *p = &view->ports[i];

		if ((family == AF_INET6 ? p->usable6 : p->usable4) &&
		    (best < 0 || default_before(config, view, family, i, (unsigned int)best)))
			best = (int)i;
	}
	return best;
}

/* Of no use to requests of the management while there is another. */
static bool is_behind(const struct nim_port_view *view)
{
	return (view->usable4 || view->usable6) && (!view->usable4 || view->behind4) &&
	       (!view->usable6 || view->behind6);
}

/* Classes of management ports that come first, by cost; equal ones share the requests. Those behind
 * are classes of their own. */
static uint8_t port_turn(const struct nim_config *config, const struct nim_view *view,
			 unsigned int port)
{
	unsigned int own = config->ports[port].cost + (is_behind(&view->ports[port]) ? 256u : 0);
	bool seen[2 * 256] = { false };
	uint8_t turn = 0;

	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port *p = &config->ports[i];
		unsigned int class = p->cost + (is_behind(&view->ports[i]) ? 256u : 0);

		if (!p->is_mgmt || class >= own || seen[class])
			continue;
		seen[class] = true;
		turn++;
	}
	return turn;
}

void nim_view(const struct nim_config *config, const struct nim_facts *facts, struct nim_view *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned int i = 0; i < config->nports; i++) {
		view_port(&config->ports[i], &facts->ifaces[i], &ret->ports[i]);
		for (unsigned int j = 0; j < config->nports; j++)
			ret->ports[i].rank += j != i && port_before(config, j, i);
	}
	view_usable(facts, config->nports, ret);
	for (unsigned int i = 0; i < config->nports; i++)
		ret->ports[i].turn = port_turn(config, ret, i);
	ret->default4 = choose_default(config, ret, AF_INET);
	ret->default6 = choose_default(config, ret, AF_INET6);
}
