/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/beside.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "dataplane/dp.h"
#include "dataplane/items/inet.h"
#include "nim/addressing.h"
#include "nim/wireless/wireless_config.h"

/* Tables of ports begin at 500, of network instances at 800 (at most 1,000,000 of them). */
#define TRIAL_TABLE 2000000
#define PRIORITY_TRIAL 14990 /* before PRIORITY_SOURCE of nim/intent.c */

static int find_ifname(const struct nim_config *config, const struct ifname *ifname)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (ifname_equal(&config->ports[i].ifname, ifname))
			return (int)i;
	return -1;
}

static bool has_label(const struct nim_config *config, const char *label)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (strcmp(config->ports[i].label, label) == 0)
			return true;
	return false;
}

/* ---- Does it fit? ---- */

/* What may differ between two that share an interface; a field that is not named here may not. */
static struct nim_port without_addressing(const struct nim_port *port)
{
	static const struct nim_port none;
	struct nim_port p;

	memcpy(&p, port, sizeof(p)); /* with what lies between the fields: it is compared */
	memcpy(p.label, none.label, sizeof(p.label));
	memcpy(p.shared, none.shared, sizeof(p.shared));
	p.nshared = 0;
	p.is_mgmt = p.is_l3 = false;
	p.cost = p.number = 0;
	p.dhcp = NIM_DHCP_NONE;
	p.ipv4 = p.ipv6 = false;
	memcpy(p.addrs, none.addrs, sizeof(p.addrs));
	p.naddrs = 0;
	p.gateway4 = p.gateway6 = none.gateway4;
	p.no_default_route = p.mtu_given = false;
	memcpy(p.dns, none.dns, sizeof(p.dns));
	memcpy(p.ntp, none.ntp, sizeof(p.ntp));
	p.ndns = p.nntp = 0;
	memcpy(p.domain, none.domain, sizeof(p.domain));
	p.ignore = none.ignore;
	p.pnac_ca = NULL; /* same_ca() */
	p.proxy = NULL; /* the interface knows nothing of it */
	p.cellular = NULL; /* nim_wireless_equal() */
	p.access_point = NULL;
	p.wifi = NULL;
	memcpy(p.lowers, none.lowers, sizeof(p.lowers)); /* by name: same_lowers() */
	return p;
}

static bool same_lowers(const struct nim_config *a, const struct nim_port *pa,
			const struct nim_config *b, const struct nim_port *pb)
{
	for (unsigned int i = 0; i < pa->nlowers; i++)
		if (!ifname_equal(&a->ports[pa->lowers[i]].ifname, &b->ports[pb->lowers[i]].ifname))
			return false;
	return true;
}

static bool same_ca(const struct nim_port *a, const struct nim_port *b)
{
	return strcmp(a->pnac_ca ?: "", b->pnac_ca ?: "") == 0;
}

static bool same_gateways(const struct nim_port *a, const struct nim_port *b)
{
	return ipaddr_equal(&a->gateway4, &b->gateway4) &&
	       ipaddr_equal(&a->gateway6, &b->gateway6) &&
	       a->no_default_route == b->no_default_route &&
	       a->ignore.gateways == b->ignore.gateways;
}

static const struct prefix *shared_address(const struct nim_port *w, const struct nim_port *c)
{
	for (unsigned int i = 0; i < c->naddrs; i++)
		for (unsigned int j = 0; j < w->naddrs; j++)
			if (ipaddr_equal(&w->addrs[j].addr, &c->addrs[i].addr))
				return &w->addrs[j];
	return NULL;
}

static const char *clash_of_addresses(const struct nim_port *w, const struct nim_port *c)
{
	const struct prefix *shared = shared_address(w, c);
	bool clients = w->dhcp == NIM_DHCP_CLIENT && c->dhcp == NIM_DHCP_CLIENT;

	if (!c->is_l3) /* the ground of a VLAN, say: what the working one has above it may stay */
		return NULL;
	if (!w->is_l3 || (w->dhcp == NIM_DHCP_NONE && c->dhcp != NIM_DHCP_NONE))
		return "it has no addresses now";
	if (shared && !nim_port_has_addr(c, shared))
		return "the same address with another prefix length";
	if ((shared || clients) && !same_gateways(w, c))
		return "the same address with another gateway";
	if (clients && (w->ipv4 != c->ipv4 || w->ipv6 != c->ipv6 ||
			memcmp(&w->ignore, &c->ignore, sizeof(w->ignore)) != 0))
		return "DHCP for other versions of IP, or for other parts of it";
	if (w->dhcp == NIM_DHCP_STATIC && w->ipv6 && c->dhcp == NIM_DHCP_CLIENT)
		return "who listens to router advertisements would change";
	return NULL;
}

/* NULL: the interface can be shared. */
static const char *clash(const struct nim_config *working, const struct nim_port *w,
			 const struct nim_config *candidate, const struct nim_port *c)
{
	struct nim_port a = without_addressing(w), b = without_addressing(c);

	if (w->error[0] || c->error[0])
		return "it cannot be used in one of the two";
	if (a.mtu_bytes != b.mtu_bytes)
		return "another MTU";
	if (!nim_wireless_equal(w, c))
		return "its radio can follow one of the two only";
	if (w->wireless == NIM_WIRELESS_CELLULAR && w->dhcp != c->dhcp)
		return "whether its addresses are those of the modem would change";
	if (a.lower != b.lower || memcmp(&a, &b, sizeof(a)) != 0 ||
	    !same_lowers(working, w, candidate, c) || !same_ca(w, c))
		return "it differs in more than its addresses";
	return clash_of_addresses(w, c);
}

/* Of a port that only the candidate has. */
static const char *clash_alone(const struct nim_config *working, const struct nim_config *candidate,
			       const struct nim_port *c)
{
	if (c->wireless != NIM_WIRELESS_NONE)
		return "its radio follows what is in force";
	if (has_label(working, c->label))
		return "its label is that of another interface now";
	for (unsigned int i = 0; c->lower == NIM_LOWER_BOND && i < c->nlowers; i++)
		if (find_ifname(working, &candidate->ports[c->lowers[i]].ifname) >= 0)
			return "a member of the bond is in use now";
	return NULL;
}

static const struct nim_port *find_label(const struct nim_config *config, const char *label)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (strcmp(config->ports[i].label, label) == 0)
			return &config->ports[i];
	return NULL;
}

static bool is_absent_radio(const struct nim_port *port)
{
	return port->wireless != NIM_WIRELESS_NONE && port->absent;
}

/* A modem that is in none of the two changes nothing, if its daemon is told the same. */
static bool is_absent_in_both(const struct nim_config *working, const struct nim_port *c)
{
	const struct nim_port *w = find_label(working, c->label);

	return is_absent_radio(c) && w && w->absent && nim_wireless_equal(w, c);
}

bool nim_beside_fits(const struct nim_config *working, const struct nim_config *candidate,
		     char why[NIM_WHY])
{
	unsigned int alone = 0;

	for (unsigned int i = 0; i < candidate->nports; i++) {
		const struct nim_port *c = &candidate->ports[i];
		int at = find_ifname(working, &c->ifname);
		const char *what;

		if (is_absent_in_both(working, c))
			continue;
		alone += at < 0;
		what = at < 0 ? clash_alone(working, candidate, c)
			      : clash(working, &working->ports[at], candidate, c);
		if (!what)
			continue;
		snprintf(why, NIM_WHY, "%s: %s", c->ifname.str, what);
		return false;
	}
	if (working->nports + alone <= NIM_PORTS)
		return true;
	snprintf(why, NIM_WHY, "more ports than there is room for");
	return false;
}

/* ---- Merging ---- */

static void share(struct nim_port *w, const struct nim_port *c)
{
	if (!c->is_l3)
		return;
	w->candidate = c;
	if (c->dhcp != NIM_DHCP_CLIENT || w->dhcp == NIM_DHCP_CLIENT)
		return;
	w->dhcp = NIM_DHCP_CLIENT; /* for the candidate's sake, and it counts for nothing */
	w->lent_client = true;
	w->ipv4 = c->ipv4 || w->ipv4;
	w->ipv6 = c->ipv6;
	w->ignore = (struct nim_ignore){ true, true, true, true };
	w->mtu_given = true;
}

static void add_alone(struct nim_config *working, const struct nim_config *candidate,
		      const struct nim_port *c)
{
	struct nim_port *port = &working->ports[working->nports++];

	*port = *c;
	port->trial = true;
	port->is_mgmt = false; /* no DNS, no default route */
	for (unsigned int i = 0; i < c->nlowers; i++) {
		const struct nim_port *lower = &candidate->ports[c->lowers[i]];

		port->lowers[i] = (uint8_t)find_ifname(working, &lower->ifname);
	}
}

/* Those that others run on come first, so that these find them. */
static bool lowers_are_there(const struct nim_config *working, const struct nim_config *candidate,
			     const struct nim_port *c)
{
	for (unsigned int i = 0; i < c->nlowers; i++)
		if (find_ifname(working, &candidate->ports[c->lowers[i]].ifname) < 0)
			return false;
	return true;
}

void nim_beside_merge(struct nim_config *working, const struct nim_config *candidate)
{
	for (unsigned int i = 0; i < candidate->nports; i++) {
		int at = find_ifname(working, &candidate->ports[i].ifname);

		if (at >= 0 && !is_absent_radio(&candidate->ports[i]))
			share(&working->ports[at], &candidate->ports[i]);
	}
	for (bool more = true; more;) {
		more = false;
		for (unsigned int i = 0; i < candidate->nports; i++) {
			const struct nim_port *c = &candidate->ports[i];

			if (find_ifname(working, &c->ifname) >= 0 || is_absent_radio(c) ||
			    !lowers_are_there(working, candidate, c))
				continue;
			add_alone(working, candidate, c);
			more = true;
		}
	}
}

void nim_beside_numbers(struct nim_config *candidate, const struct nim_config *merged)
{
	for (unsigned int i = 0; i < candidate->nports; i++) {
		int at = find_ifname(merged, &candidate->ports[i].ifname);

		candidate->ports[i].number = at < 0 ? 0 : merged->ports[at].number;
	}
}

/* ---- Its own facts ---- */

static bool is_candidates(const struct nim_port *c, const struct nim_port *merged,
			  const struct prefix *p)
{
	if (nim_port_has_addr(c, p))
		return true;
	return c->dhcp == NIM_DHCP_CLIENT && !nim_port_has_addr(merged, p) && nim_addr_counts(c, p);
}

static void take_addresses(const struct nim_port *c, const struct nim_port *merged,
			   const struct nim_iface *iface, struct nim_iface *ret)
{
	ret->naddrs = ret->nignored = ret->nconflicts = 0;
	memset(ret->health, 0, sizeof(ret->health)); /* of another gateway, maybe */
	for (unsigned int i = 0; i < iface->naddrs; i++)
		if (is_candidates(c, merged, &iface->addrs[i]))
			nim_iface_add_addr(ret, &iface->addrs[i]);
	for (unsigned int i = 0; i < iface->nignored; i++)
		if (is_candidates(c, merged, &iface->ignored[i]))
			nim_iface_add_addr(ret, &iface->ignored[i]);
}

void nim_beside_facts(const struct nim_config *candidate, const struct nim_config *merged,
		      const struct nim_facts *facts, struct nim_facts *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned int i = 0; i < candidate->nports; i++) {
		const struct nim_port *c = &candidate->ports[i];
		int at = find_ifname(merged, &c->ifname);

		ret->ifaces[i].ifname = c->ifname;
		if (at < 0)
			continue;
		ret->ifaces[i] = facts->ifaces[at];
		take_addresses(c, &merged->ports[at], &facts->ifaces[at], &ret->ifaces[i]);
	}
}

/* ---- Its own routes ---- */

static void want_route(struct dp_graph *g, const struct nim_port *port, const struct prefix *dst,
		       const struct ipaddr *gateway, uint32_t metric)
{
	dp_want(g, &dp_route_type,
		&(struct dp_route){ .dst = *dst,
				    .table = TRIAL_TABLE + port->number,
				    .metric = metric,
				    .nexthops = 1,
				    .nexthop = { { .ifname = port->ifname,
						   .gateway = *gateway,
						   .onlink = ipaddr_is_set(gateway) } } });
}

/* ip rule add from ADDR lookup TABLE; ip route add SUBNET dev PORT table TABLE */
static void want_address(struct dp_graph *g, const struct nim_port *port,
			 const struct nim_iface *iface, unsigned int addr)
{
	static const struct ipaddr none;
	const struct prefix *p = &iface->addrs[addr];
	struct prefix subnet = prefix_network(p);

	dp_want(g, &dp_rule_type,
		&(struct dp_rule){ .family = p->addr.family,
				   .priority = PRIORITY_TRIAL,
				   .from = prefix_host(&p->addr),
				   .table = TRIAL_TABLE + port->number });
	if (p->len < ipaddr_bits(&p->addr) && !nim_subnet_seen_before(iface, addr))
		want_route(g, port, &subnet, &none, p->addr.family == AF_INET6 ? 256 : 0);
}

static void shared_port(struct dp_graph *g, const struct nim_port *c, const struct nim_port *merged,
			const struct nim_iface *iface, const struct nim_port_view *view)
{
	const struct ipaddr *const gateways[] = { &view->gateway4, &view->gateway6 };
	bool own[] = { false, false };

	for (unsigned int i = 0; i < iface->naddrs; i++) {
		/* One that both have is the working one's, with the same gateway. */
		if (nim_addr_counts(merged, &iface->addrs[i]))
			continue;
		want_address(g, c, iface, i);
		own[iface->addrs[i].addr.family == AF_INET6] = true;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(gateways); i++)
		if (own[i] && ipaddr_is_set(gateways[i]))
			want_route(g, c,
				   &(struct prefix){ .addr = { .family = gateways[i]->family } },
				   gateways[i], i ? 1024 : 0);
}

struct dp_graph *nim_beside_intent(const struct nim_config *candidate,
				   const struct nim_config *merged, const struct nim_facts *facts,
				   const struct nim_view *view)
{
	struct dp_graph *g = dp_graph_new(NIM_BESIDE_SCOPE);

	for (unsigned int i = 0; i < candidate->nports; i++) {
		const struct nim_port *c = &candidate->ports[i];
		int at = find_ifname(merged, &c->ifname);

		if (at >= 0 && !merged->ports[at].trial && c->number && c->is_l3)
			shared_port(g, c, &merged->ports[at], &facts->ifaces[i], &view->ports[i]);
	}
	return g;
}
