/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dns/dns.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dnsrelay/conf.h"
#include "dnsrelay/relay.h"
#include "nim/addressing.h"
#include "status.pb-c.h"

#define RELAY_FILE "dns/relay.conf"
#define DNSMASQ_FILE "dns/dnsmasq.conf"
#define SEARCH_DOMAINS 6 /* resolv.conf(5): older libraries take no more */

/* ---- What the ports have ---- */

static void add_server(struct ipaddr *list, unsigned int *n, const struct ipaddr *addr)
{
	for (unsigned int i = 0; i < *n; i++)
		if (ipaddr_equal(&list[i], addr))
			return;
	list[(*n)++] = *addr;
}

unsigned int nim_port_dns(const struct nim_port *port, const struct nim_iface *iface,
			  struct ipaddr ret[NIM_PORT_DNS])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < port->ndns; i++)
		add_server(ret, &n, &port->dns[i]);
	if (port->ignore.dns)
		return n;
	for (unsigned int i = 0; i < iface->lease4.ndns; i++)
		add_server(ret, &n, &iface->lease4.dns[i]);
	for (unsigned int i = 0; i < iface->lease6.ndns; i++)
		add_server(ret, &n, &iface->lease6.dns[i]);
	return n;
}

static bool is_management(const struct nim_port *port)
{
	return port->is_mgmt && port->is_l3 && port->number && !port->error[0] &&
	       port->dhcp != NIM_DHCP_NONE;
}

bool nim_dns_wanted(const struct nim_config *config)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (is_management(&config->ports[i]))
			return true;
	return false;
}

/* ---- Who is asked what ---- */

enum reach { REACH_NONE, REACH_SUBNET, REACH_ALL };

/* A port without a gateway may still have the server of its own domain beside it. */
static enum reach server_reach(const struct nim_iface *iface, const struct nim_port_view *view,
			       const struct ipaddr *addr)
{
	if (addr->family == AF_INET ? view->usable4 : view->usable6)
		return REACH_ALL;
	if (!iface->ifindex || !iface->up || !iface->carrier)
		return REACH_NONE;
	for (unsigned int i = 0; i < iface->naddrs; i++)
		if (prefix_contains(&iface->addrs[i], addr))
			return REACH_SUBNET;
	return REACH_NONE;
}

struct told { /* one server of a port, and what it is asked */
	const struct nim_port *port;
	struct ipaddr addr;
	bool all; /* every name; else only those of the domains */
	const char (*domains)[NIM_LABEL];
	unsigned int ndomains;
};

struct asking { /* who is asked for what */
	const struct nim_config *config;
	const struct nim_facts *facts;
	const struct nim_view *view;
	char domains[NIM_PORTS][NIM_PORT_DOMAINS][NIM_LABEL]; /* kept to a port, the main first */
	unsigned int ndomains[NIM_PORTS];
	unsigned int servers, names; /* the relay is told */
};

typedef void told_fn(const struct told *told, void *arg);

static void each_server_of(const struct asking *all, unsigned int port, told_fn *fn, void *arg)
{
	const struct nim_iface *iface = &all->facts->ifaces[port];
	struct told told = { .port = &all->config->ports[port],
			     .domains = (const char(*)[NIM_LABEL])all->domains[port],
			     .ndomains = all->ndomains[port] };
	struct ipaddr servers[NIM_PORT_DNS];
	unsigned int n = is_management(told.port) ? nim_port_dns(told.port, iface, servers) : 0;

	for (unsigned int i = 0; i < n; i++) {
		enum reach reach = server_reach(iface, &all->view->ports[port], &servers[i]);

		told.addr = servers[i];
		told.all = reach == REACH_ALL;
		if (told.all || (reach == REACH_SUBNET && told.ndomains))
			fn(&told, arg);
	}
}

static void each_server(const struct asking *all, told_fn *fn, void *arg)
{
	for (unsigned int i = 0; i < all->config->nports; i++)
		each_server_of(all, i, fn, arg);
}

/* ---- Domains of ports ---- */

/*
 * A domain of the configuration is kept to its port even while that is away. What a DHCP server
 * said counts as long as its port works: it must not cut the node off from its controller
 * afterwards.
 */
static unsigned int private_domains(const struct asking *all, unsigned int port,
				    char ret[NIM_PORT_DOMAINS][NIM_LABEL])
{
	const struct nim_port *p = &all->config->ports[port];
	const struct nim_port_view *view = &all->view->ports[port];
	unsigned int n, kept = 0;

	if (!is_management(p) || !(p->domain[0] || view->usable4 || view->usable6))
		return 0;
	n = nim_port_domains(p, &all->facts->ifaces[port], ret);
	for (unsigned int i = 0; i < n; i++)
		if (dns_domain_is_valid(ret[i]))
			memmove(ret[kept++], ret[i], NIM_LABEL);
	return kept;
}

static void count_server(const struct told *told, void *arg)
{
	struct asking *all = arg;

	all->servers += told->all + (told->ndomains > 0);
}

static void count_one(const struct told *told, void *arg)
{
	(void)told;
	++*(unsigned int *)arg;
}

/* Main domains first; then those of search lists, whole ones, as long as the relay takes more. */
static struct asking *asking_new(const struct nim_config *config, const struct nim_facts *facts,
				 const struct nim_view *view)
{
	struct asking *all = xcalloc(1, sizeof(*all));
	unsigned int found[NIM_PORTS] = { 0 };

	all->config = config;
	all->facts = facts;
	all->view = view;
	for (unsigned int i = 0; i < config->nports; i++) {
		found[i] = private_domains(all, i, all->domains[i]);
		all->ndomains[i] = found[i] > 0;
		all->names += found[i] > 0;
	}
	each_server(all, count_server, all);
	for (unsigned int i = 0; i < config->nports; i++) {
		unsigned int each = 0;

		each_server_of(all, i, count_one, &each);
		while (all->ndomains[i] < found[i] && all->names + 1 < DNS_DOMAINS &&
		       all->servers + each <= DNS_SERVERS) {
			all->ndomains[i]++;
			all->names++;
			all->servers += each;
		}
	}
	return all;
}

/* ---- What the relay is told ---- */

struct printing {
	struct strbuf *out;
	unsigned int servers;
};

static void print_line(const struct told *told, const char *domain, struct strbuf *out)
{
	strbuf_add(out, "server ");
	ipaddr_format(&told->addr, out);
	strbuf_addf(out, " %s %u%s%s\n", told->port->ifname.str, told->port->cost,
		    *domain ? " " : "", domain);
}

static void print_server(const struct told *told, void *arg)
{
	struct printing *p = arg;

	p->servers++;
	if (told->all)
		print_line(told, "", p->out);
	for (unsigned int i = 0; i < told->ndomains; i++)
		print_line(told, told->domains[i], p->out);
}

unsigned int nim_dns_servers(const struct nim_config *config, const struct nim_facts *facts,
			     const struct nim_view *view, struct strbuf *out)
{
	_cleanup_(freep) struct asking *all = asking_new(config, facts, view);
	struct printing p = { .out = out };

	for (unsigned int i = 0; i < config->nports; i++)
		for (unsigned int k = 0; k < all->ndomains[i]; k++)
			strbuf_addf(out, "domain %s\n", all->domains[i][k]);
	each_server(all, print_server, &p);
	return p.servers;
}

static bool add_once(char list[SEARCH_DOMAINS][NIM_LABEL], unsigned int n, const char *domain)
{
	for (unsigned int i = 0; i < n; i++)
		if (strcasecmp(list[i], domain) == 0)
			return false;
	strcpy(list[n], domain);
	return true;
}

void nim_dns_resolv_conf(const struct nim_config *config, const struct nim_facts *facts,
			 struct strbuf *out)
{
	char list[SEARCH_DOMAINS][NIM_LABEL], domains[NIM_PORT_DOMAINS][NIM_LABEL];
	unsigned int n = 0;

	strbuf_add(out, "# Edgeway's nim (--resolv-conf) wrote this and puts back what was here.\n"
			"nameserver " NIM_DNS_ADDR "\n");
	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port *port = &config->ports[i];
		unsigned int m = 0;

		if (is_management(port))
			m = nim_port_domains(port, &facts->ifaces[i], domains);
		for (unsigned int k = 0; k < m && n < SEARCH_DOMAINS; k++)
			n += dns_domain_is_valid(domains[k]) && add_once(list, n, domains[k]);
	}
	for (unsigned int i = 0; i < n; i++)
		strbuf_addf(out, "%s%s", i ? " " : "search ", list[i]);
	if (n)
		strbuf_addc(out, '\n');
}

/* ---- Items ---- */

static void want_file(struct dp_graph *g, const char *name, const struct strbuf *text)
{
	struct dp_file file = { .content = (char *)strbuf_str(text) };

	snprintf(file.name, sizeof(file.name), "%s", name);
	dp_want(g, &dp_file_type, &file);
}

/* It sees for itself when its file is replaced. */
static void want_relay(struct dp_graph *g, const struct nim_dns_conf *conf,
		       const struct strbuf *servers)
{
	struct dp_process relay = { .name = "dns-relay", .needs_file = { RELAY_FILE } };
	struct strbuf argv = STRBUF_INIT;
	char path[256];

	want_file(g, RELAY_FILE, servers);
	dp_file_path(conf->run_dir, conf->owner, RELAY_FILE, path);
	strbuf_addmem(&argv, conf->relay, strlen(conf->relay) + 1);
	strbuf_addmem(&argv, path, strlen(path) + 1);
	strbuf_addc(&argv, '\0');
	relay.argv = argv.str;
	dp_want(g, &dp_process_type, &relay);
	strbuf_fini(&argv);
}

/*
 * It binds exactly two addresses, and goes without ::1 where there is none (bind-dynamic). It asks
 * again, as the relay may have been killed; the relay takes that for what it is. What it
 * remembers is forgotten when the servers change: they may see other names.
 */
static void want_dnsmasq(struct dp_graph *g, const struct strbuf *servers)
{
	struct dp_dnsmasq dnsmasq = { .name = "dns", .conf_file = DNSMASQ_FILE };
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text,
		    "listen-address=" NIM_DNS_ADDR ",::1\nbind-dynamic\nno-resolv\nno-hosts\n"
		    "server=" DNS_RELAY_ADDR "#%d\nfast-dns-retry=500\ncache-size=1000\n"
		    "address=/localhost/127.0.0.1\naddress=/localhost/::1\n",
		    DNS_RELAY_PORT);
	want_file(g, DNSMASQ_FILE, &text);
	dp_stamp(strbuf_str(&text), dnsmasq.stamp);
	dp_stamp(strbuf_str(servers), dnsmasq.hosts_stamp);
	dp_want(g, &dp_dnsmasq_type, &dnsmasq);
	dp_after(g, &dp_file_type, DNSMASQ_FILE);
	dp_after(g, &dp_file_type, RELAY_FILE);
	strbuf_fini(&text);
}

static void want_resolv_conf(struct dp_graph *g, const char *path, const struct nim_config *config,
			     const struct nim_facts *facts)
{
	struct strbuf text = STRBUF_INIT;
	struct dp_placed placed = { 0 };

	nim_dns_resolv_conf(config, facts, &text);
	placed.content = text.str;
	snprintf(placed.path, sizeof(placed.path), "%s", path);
	dp_want(g, &dp_placed_type, &placed);
	dp_after(g, &dp_dnsmasq_type, "dns");
	strbuf_fini(&text);
}

struct dp_graph *nim_intent_dns(const struct nim_dns_conf *conf, const struct nim_config *config,
				const struct nim_facts *facts, const struct strbuf *servers)
{
	struct dp_graph *g = dp_graph_new(NIM_DNS_SCOPE);

	if (!nim_dns_wanted(config))
		return g;
	want_relay(g, conf, servers);
	want_dnsmasq(g, servers);
	if (conf->resolv_conf)
		want_resolv_conf(g, conf->resolv_conf, config, facts);
	return g;
}

/* ---- Status ---- */

struct building {
	Ew__DnsStatus *status;
	struct arena *arena;
};

static void add_status(const struct told *told, void *arg)
{
	const struct building *b = arg;
	Ew__DnsServer *s = arena_alloc(b->arena, sizeof(*s));

	ew__dns_server__init(s);
	s->address = arena_ipaddr(b->arena, &told->addr);
	s->port = arena_strdup(b->arena, told->port->label);
	s->cost = told->port->cost;
	s->domain = arena_strdup(b->arena, told->ndomains ? told->domains[0] : "");
	s->more_domains = arena_alloc(b->arena, NIM_PORT_DOMAINS * sizeof(char *));
	for (unsigned int i = 1; i < told->ndomains; i++)
		s->more_domains[s->n_more_domains++] = arena_strdup(b->arena, told->domains[i]);
	s->domain_only = !told->all;
	b->status->servers[b->status->n_servers++] = s;
}

struct Ew__DnsStatus *nim_dns_status(const struct nim_dns_conf *conf,
				     const struct nim_config *config, const struct nim_facts *facts,
				     const struct nim_view *view, const char *problem,
				     struct arena *arena)
{
	_cleanup_(freep) struct asking *all = NULL;
	struct building b = { .arena = arena };

	if (!nim_dns_wanted(config))
		return NULL;
	b.status = arena_alloc(arena, sizeof(*b.status));
	ew__dns_status__init(b.status);
	b.status->address = arena_strdup(arena, NIM_DNS_ADDR);
	b.status->servers =
		arena_alloc(arena, (config->nports * NIM_PORT_DNS + 1) * sizeof(Ew__DnsServer *));
	all = asking_new(config, facts, view);
	each_server(all, add_status, &b);
	b.status->resolv_conf = arena_strdup(arena, conf->resolv_conf ? conf->resolv_conf : "");
	b.status->error = arena_strdup(arena, problem);
	return b.status;
}
