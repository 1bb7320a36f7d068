/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/dnsmasq.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config.pb-c.h"
#include "zedrouter/filter_sets.h"
#include "zedrouter/uplinks.h"

static void add_addr(struct strbuf *out, const struct ipaddr *addr)
{
	bool brackets = addr->family == AF_INET6;

	if (brackets)
		strbuf_addc(out, '[');
	ipaddr_format(addr, out);
	if (brackets)
		strbuf_addc(out, ']');
}

/* Names come from display names: anything that is no host name character becomes '-'. */
void zr_dnsmasq_hostname(const char *name, struct strbuf *out)
{
	for (; *name; name++)
		strbuf_addc(out, isalnum((unsigned char)*name) || *name == '.' || *name == '-'
					 ? *name
					 : '-');
}

static void option_list(struct strbuf *out, const char *option, const struct ipaddr *addrs,
			unsigned int n)
{
	strbuf_addf(out, "dhcp-option=%s", option);
	for (unsigned int i = 0; i < n; i++) {
		strbuf_addc(out, ',');
		add_addr(out, &addrs[i]);
	}
	strbuf_addc(out, '\n');
}

/* Classless routes (RFC 3442) replace the router option at the client, so the default route has
 * to be among them. */
static void option_routes(const struct zr_model *m, const struct zr_ni *ni, struct strbuf *out)
{
	const struct zr_port *port = ni->selected < 0 ? NULL : &m->ports.port[ni->selected];
	unsigned int n = ni->nroutes;

	if (ni->propagate_connected && port)
		n += port->naddrs;
	if (!n)
		return;
	strbuf_add(out, "option:classless-static-route,0.0.0.0/0,");
	ipaddr_format(&ni->gateway, out);
	for (unsigned int i = 0; i < ni->nroutes; i++) {
		strbuf_addc(out, ',');
		prefix_format(&ni->routes[i].dst, out);
		strbuf_addc(out, ',');
		ipaddr_format(&ni->gateway, out);
	}
	for (unsigned int i = 0; ni->propagate_connected && port && i < port->naddrs; i++) {
		struct prefix subnet = prefix_network(&port->addrs[i]);

		if (subnet.addr.family != AF_INET)
			continue;
		strbuf_addc(out, ',');
		prefix_format(&subnet, out);
		strbuf_addc(out, ',');
		ipaddr_format(&ni->gateway, out);
	}
	strbuf_addc(out, '\n');
}

static void conf_ipv4(const struct zr_model *m, const struct zr_ni *ni, struct strbuf *out)
{
	/* Static range: only interfaces zedrouter knows are served, so that no app can use up
	 * the range of the others. */
	strbuf_add(out, "dhcp-range=");
	ipaddr_format(&ni->subnet.addr, out);
	strbuf_add(out, ",static,60m\n");
	if (ni->port_label[0])
		option_list(out, "option:router", &ni->gateway, 1);
	else
		strbuf_add(out, "dhcp-option=option:router\n");
	if (ni->ndns)
		option_list(out, "option:dns-server", ni->dns, ni->ndns);
	else
		option_list(out, "option:dns-server", &ni->gateway, 1);
	if (ni->domain[0])
		strbuf_addf(out, "dhcp-option=option:domain-name,%s\n", ni->domain);
	strbuf_addf(out, "dhcp-option=option:mtu,%u\n", zr_ni_mtu(m, ni));
}

static void conf_ipv6(const struct zr_ni *ni, struct strbuf *out)
{
	/* off-link: apps of one instance talk through the bridge address, past the ACLs. */
	strbuf_add(out, "enable-ra\ndhcp-range=");
	ipaddr_format(&ni->subnet.addr, out);
	strbuf_addf(out, ",static,off-link,%u,60m\n", ni->subnet.len);
	option_list(out, "option6:dns-server", ni->ndns ? ni->dns : &ni->gateway,
		    ni->ndns ? ni->ndns : 1);
	if (!ni->port_label[0]) /* air-gapped: router lifetime 0 */
		strbuf_addf(out, "ra-param=%s,0,0\n", ni->bridge.str);
}

static void option_ntp(const struct zr_model *m, const struct zr_ni *ni, const char *option,
		       struct strbuf *out)
{
	const struct zr_port *port = ni->selected < 0 ? NULL : &m->ports.port[ni->selected];
	bool v6 = ni->subnet.addr.family == AF_INET6;
	bool any = false;

	for (unsigned int i = 0; i < ni->nntp + (port ? port->nntp : 0u); i++) {
		const char *text = i < ni->nntp ? ni->ntp[i] : port->ntp[i - ni->nntp];
		struct ipaddr addr;

		/* The option carries addresses only (RFC 2132 8.3). */
		if (ipaddr_parse(text, &addr) < 0 || (addr.family == AF_INET6) != v6)
			continue;
		strbuf_add(out, any ? "," : option);
		add_addr(out, &addr);
		any = true;
	}
	if (any)
		strbuf_addc(out, '\n');
}

static int compare_names(const void *a, const void *b) /* case does not count */
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_spellings(const void *a, const void *b) /* of one name, always the same first */
{
	const char *const *x = a, *const *y = b;

	return compare_names(a, b) ?: strcmp(*x, *y);
}

const char **zr_dnsmasq_listed(const struct zr_ni *ni, size_t *ret_n)
{
	const char **names = NULL;
	const struct zr_vif *vif;
	size_t n = 0, kept = 0;

	list_for_each (vif, &ni->vifs, of_ni) {
		for (size_t i = 0; i < vif->config->n_acl; i++) {
			if (!vif->config->acl[i]->host[0])
				continue;
			names = xrealloc(names, n + 1, sizeof(*names));
			names[n++] = vif->config->acl[i]->host;
		}
	}
	if (n)
		qsort(names, n, sizeof(*names), compare_spellings);
	for (size_t i = 0; i < n; i++)
		if (!kept || strcasecmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	*ret_n = kept;
	return names;
}

static void add_sets(struct strbuf *out, const struct zr_ni *ni, const char *name,
		     const char *table)
{
	struct dp_nft_set v4 = zr_host_set(AF_INET, &ni->bridge, name, table);
	struct dp_nft_set v6 = zr_host_set(AF_INET6, &ni->bridge, name, table);

	strbuf_addf(out, "4#inet#%s#%s,6#inet#%s#%s", table, v4.name, table, v6.name);
}

/*
 * The addresses of each answer about a listed name, or one below it, go into the sets of that name
 * before the answer goes out. The server takes the longest of the names that fit and no other, so
 * its line has the sets of those it is below, too.
 */
static void conf_listed(const struct zr_ni *ni, const char *table, struct strbuf *out)
{
	_cleanup_(freep) const char **names = NULL;
	size_t n;

	names = zr_dnsmasq_listed(ni, &n);
	for (size_t i = 0; i < n; i++) {
		strbuf_addf(out, "nftset=/%s/", names[i]);
		add_sets(out, ni, names[i], table);
		for (const char *up = names[i]; (up = strchr(up, '.'));) {
			up++;
			if (!bsearch(&up, names, n, sizeof(*names), compare_names))
				continue;
			strbuf_addc(out, ',');
			add_sets(out, ni, up, table);
		}
		strbuf_addc(out, '\n');
	}
}

void zr_dnsmasq_conf(const struct zr_model *m, const struct zr_ni *ni,
		     const struct zr_dnsmasq_paths *paths, const char *table, struct strbuf *out)
{
	strbuf_addf(out, "interface=%s\nexcept-interface=lo\nbind-interfaces\nlisten-address=",
		    ni->bridge.str);
	ipaddr_format(&ni->gateway, out);
	strbuf_add(out, "\nno-resolv\nno-hosts\nno-ping\nbogus-priv\nneg-ttl=10\n"
			"dhcp-ttl=600\nquiet-dhcp\nquiet-dhcp6\nquiet-ra\nleasefile-ro\n"
			"dhcp-authoritative\ndhcp-ignore=tag:!known\n");
	strbuf_addf(out, "addn-hosts=%s\ndhcp-hostsfile=%s\n", paths->hosts, paths->dhcp_hosts);
	if (paths->servers[0])
		strbuf_addf(out, "servers-file=%s\n", paths->servers);
	if (ni->domain[0])
		strbuf_addf(out, "domain=%s\nlocal=/%s/\n", ni->domain, ni->domain);
	if (ni->subnet.addr.family == AF_INET6)
		conf_ipv6(ni, out);
	else
		conf_ipv4(m, ni, out);
	strbuf_addf(out, "dhcp-optsfile=%s\n", paths->options);
	conf_listed(ni, table, out);
}

void zr_dnsmasq_hosts(const struct zr_ni *ni, struct strbuf *out)
{
	const struct zr_vif *vif;

	ipaddr_format(&ni->gateway, out);
	strbuf_add(out, " router\n");
	for (unsigned int i = 0; i < ni->nnames; i++) {
		ipaddr_format(&ni->names[i].addr, out);
		strbuf_addc(out, ' ');
		zr_dnsmasq_hostname(ni->names[i].name, out);
		strbuf_addc(out, '\n');
	}
	list_for_each (vif, &ni->vifs, of_ni) {
		if (!ipaddr_is_set(&vif->addr) || !vif->app->displayname[0])
			continue;
		ipaddr_format(&vif->addr, out);
		strbuf_addc(out, ' ');
		zr_dnsmasq_hostname(vif->app->displayname, out);
		strbuf_addc(out, '\n');
	}
}

void zr_dnsmasq_dhcp_hosts(const struct zr_ni *ni, struct strbuf *out)
{
	const struct zr_vif *vif;

	list_for_each (vif, &ni->vifs, of_ni) {
		if (!ipaddr_is_set(&vif->addr))
			continue;
		mac_format(&vif->mac, out);
		strbuf_add(out, ",id:*,");
		add_addr(out, &vif->addr);
		strbuf_addf(out, ",%s\n", vif->app->uuid);
	}
}

void zr_dnsmasq_options(const struct zr_model *m, const struct zr_ni *ni, struct strbuf *out)
{
	if (ni->subnet.addr.family == AF_INET6) {
		option_ntp(m, ni, "option6:ntp-server,", out);
	} else {
		option_routes(m, ni, out);
		option_ntp(m, ni, "option:ntp-server,", out);
	}
}

void zr_dnsmasq_servers(const struct zr_ports *ports, const struct zr_uplink *u, struct strbuf *out)
{
	const struct zr_port *port;

	if (!u->in_use)
		return;
	port = &ports->port[u->port[0]];
	for (unsigned int i = 0; i < port->ndns; i++) {
		strbuf_add(out, "server=");
		ipaddr_format(&port->dns[i], out);
		strbuf_addf(out, "@%s\n", port->ifname.str);
	}
}
