/* SPDX-License-Identifier: Apache-2.0 */
/* Network instances. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

#define STATIC_DNS_MAX 64 /* addresses of one name */

static int map_static_dns(struct za_map *m, const EVE(NetworkInstanceConfig) * in,
			  const struct za_at *at, Ew__NetworkInstanceConfig *ni)
{
	int r;

	for (size_t i = 0; i < in->n_dns; i++) {
		const EVE_COMMON(ZnetStaticDNSEntry) *entry = in->dns[i];
		struct za_at place = za_at("%s/dns/%zu", at->path, i);
		Ew__StaticDns *dns;

		if (!za_is_domain(entry->hostname))
			return za_refuse(m->err, &place, "/HostName", "\"%.80s\" is no host name",
					 entry->hostname);
		if (entry->n_address < 1 || entry->n_address > STATIC_DNS_MAX)
			return za_refuse(m->err, &place, "/Address", "expected 1 to %d addresses",
					 STATIC_DNS_MAX);
		r = za_map_addresses(m, entry->address, entry->n_address, &place, "/Address");
		if (r < 0)
			return r;
		dns = xcalloc(1, sizeof(*dns));
		ew__static_dns__init(dns);
		ZA_ADD(ni, static_dns, dns);
		za_set(&dns->name, entry->hostname);
		for (size_t k = 0; k < entry->n_address; k++)
			ZA_ADD(dns, addresses, xstrdup(entry->address[k]));
	}
	return 0;
}

static int map_route(struct za_map *m, const EVE(IPRoute) * in, const struct za_at *at,
		     Ew__NetworkInstanceConfig *ni)
{
	Ew__StaticRoute *route;
	struct ipaddr gateway;
	struct prefix dst;

	if (!za_subnet_parse(in->destination_network, &dst))
		return za_refuse(m->err, at, "/destinationNetwork",
				 "\"%.80s\" is no network like 192.0.2.0/24",
				 in->destination_network);
	if (!*in->gateway && !*in->port)
		return za_refuse(m->err, at, "", "a route needs a gateway or a port");
	if (*in->gateway && ipaddr_parse(in->gateway, &gateway) < 0)
		return za_refuse(m->err, at, "/gateway", "\"%.80s\" is no IP address", in->gateway);
	if (*in->gateway && (ipaddr_is_zero(&gateway) || gateway.family != dst.addr.family))
		return za_refuse(m->err, at, "/gateway", "%s is no gateway towards %s", in->gateway,
				 in->destination_network);
	if (*in->port && !za_is_name(in->port))
		return za_refuse(m->err, at, "/port", "expected a label of 1 to 128 bytes");
	if (in->probe)
		za_map_ignored(m, "networkInstances.staticRoutes.probe");
	route = xcalloc(1, sizeof(*route));
	ew__static_route__init(route);
	ZA_ADD(ni, static_routes, route);
	za_set_prefix(&route->destination, &dst);
	za_set(&route->gateway, in->gateway);
	za_set(&route->port_label, in->port);
	return 0;
}

static int map_routes(struct za_map *m, const EVE(NetworkInstanceConfig) * in,
		      const struct za_at *at, Ew__NetworkInstanceConfig *ni)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->n_static_routes; i++) {
		struct za_at place = za_at("%s/staticRoutes/%zu", at->path, i);

		r = map_route(m, in->static_routes[i], &place, ni);
	}
	return r;
}

/* Loopback, link-local (the metadata server's, too), multicast: never an instance's. */
static bool is_reserved(const struct prefix *subnet)
{
	static const char *const reserved[] = { "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
						"::1/128",     "fe80::/10",	 "ff00::/8" };
	struct prefix p;

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (prefix_parse(reserved[i], &p) == 0 && prefix_overlaps(&p, subnet))
			return true;
	}
	return false;
}

static int map_subnet(struct za_map *m, const EVE(NetworkInstanceConfig) * in,
		      const struct za_at *at, Ew__NetworkInstanceConfig *ni, struct prefix *ret)
{
	int family = in->iptype == EVE_VALUE(CONFIG__ADDRESS_TYPE, IPV4) ? AF_INET : AF_INET6;
	struct prefix subnet;

	if (!za_subnet_parse(in->ip->subnet, &subnet))
		return za_refuse(m->err, at, "/ip/subnet",
				 "\"%.80s\" is no subnet like 10.1.0.0/24", in->ip->subnet);
	if (subnet.addr.family != family)
		return za_refuse(m->err, at, "/ip/subnet", "%s does not go with the ipType",
				 in->ip->subnet);
	if (ipaddr_bits(&subnet.addr) - subnet.len < 2)
		return za_refuse(m->err, at, "/ip/subnet", "%s has less than 4 addresses",
				 in->ip->subnet);
	if (is_reserved(&subnet))
		return za_refuse(m->err, at, "/ip/subnet", "%s is no range for apps",
				 in->ip->subnet);
	za_set_prefix(&ni->subnet, &subnet);
	*ret = subnet;
	return za_map_range(in->ip, &subnet, at, ni, m->err);
}

static int map_services(struct za_map *m, const EVE_COMMON(Ipspec) * ip, const struct za_at *at,
			Ew__NetworkInstanceConfig *ni)
{
	int r;

	if (*ip->domain && !za_is_domain(ip->domain))
		return za_refuse(m->err, at, "/ip/domain", "\"%.80s\" is no domain name",
				 ip->domain);
	za_set(&ni->domain, ip->domain);
	r = za_map_addresses(m, ip->dns, ip->n_dns, at, "/ip/dns");
	if (r < 0)
		return r;
	for (size_t i = 0; i < ip->n_dns; i++)
		ZA_ADD(ni, dns_servers, xstrdup(ip->dns[i]));
	r = za_map_ntp(m, ip, at);
	if (r < 0)
		return r;
	if (*ip->ntp)
		ZA_ADD(ni, ntp_servers, xstrdup(ip->ntp));
	for (size_t i = 0; i < ip->n_more_ntp; i++)
		ZA_ADD(ni, ntp_servers, xstrdup(ip->more_ntp[i]));
	return 0;
}

static int map_local(struct za_map *m, const EVE(NetworkInstanceConfig) * in,
		     const struct za_at *at, Ew__NetworkInstanceConfig *ni, struct prefix *subnet)
{
	int r;

	ni->type = EW__NETWORK_INSTANCE_TYPE__NI_LOCAL;
	if (in->iptype != EVE_VALUE(CONFIG__ADDRESS_TYPE, IPV4) &&
	    in->iptype != EVE_VALUE(CONFIG__ADDRESS_TYPE, IPV6))
		return za_refuse(m->err, at, "/ipType", "a local instance is IPV4 or IPV6");
	if (!in->ip)
		return za_refuse(m->err, at, "/ip", "a local instance needs a subnet");
	r = map_subnet(m, in, at, ni, subnet);
	if (r == 0)
		r = map_services(m, in->ip, at, ni);
	if (r == 0)
		r = map_static_dns(m, in, at, ni);
	if (r == 0)
		r = map_routes(m, in, at, ni);
	ni->propagate_connected_routes = in->propagate_connected_routes;
	ni->dnsmasq_off = m->dnsmasq_off;
	return r;
}

static int map_switch(struct za_map *m, const EVE(NetworkInstanceConfig) * in,
		      const struct za_at *at, Ew__NetworkInstanceConfig *ni)
{
	ni->type = EW__NETWORK_INSTANCE_TYPE__NI_SWITCH;
	if (in->n_static_routes)
		return za_refuse(m->err, at, "/staticRoutes", "only a local instance has routes");
	for (size_t i = 0; i < in->n_vlan_access_ports; i++) {
		struct za_at place = za_at("%s/vlanAccessPorts/%zu", at->path, i);

		if (in->vlan_access_ports[i]->vlan_id < 1 ||
		    in->vlan_access_ports[i]->vlan_id > 4094)
			return za_refuse(m->err, &place, "/vlanId", "expected 1 to 4094");
	}
	return 0;
}

static int map_type(struct za_map *m, const EVE(NetworkInstanceConfig) * in, const struct za_at *at,
		    Ew__NetworkInstanceConfig *ni, struct prefix *subnet)
{
	if (in->insttype == EVE_VALUE(CONFIG__ZNETWORK_INST_TYPE, ZnetInstLocal))
		return map_local(m, in, at, ni, subnet);
	if (in->insttype == EVE_VALUE(CONFIG__ZNETWORK_INST_TYPE, ZnetInstSwitch))
		return map_switch(m, in, at, ni);
	if (in->insttype == EVE_VALUE(CONFIG__ZNETWORK_INST_TYPE, ZNetInstFirst))
		return za_refuse(m->err, at, "/instType", "the type of the instance is required");
	za_set(&ni->error, "this type of network instance is not supported");
	return 0;
}

static int map_identity(struct za_map *m, const EVE(NetworkInstanceConfig) * in, size_t i,
			const struct za_at *at, Ew__NetworkInstanceConfig *ni)
{
	char uuid[ZA_UUID_SIZE];
	const char *other;

	if (!in->uuidandversion)
		return za_refuse(m->err, at, "/uuidandversion", "a UUID is required");
	if (!za_uuid_parse(in->uuidandversion->uuid, uuid) || za_uuid_is_nil(uuid))
		return za_refuse(m->err, at, "/uuidandversion/uuid", "\"%.80s\" is no UUID",
				 in->uuidandversion->uuid);
	other = za_names_add(&m->instances, uuid, at->path, i);
	if (other)
		return za_refuse(m->err, at, "/uuidandversion/uuid", "the UUID is taken by %s",
				 other);
	if (*in->displayname && !za_is_name(in->displayname))
		return za_refuse(m->err, at, "/displayname", "expected a name of 1 to 128 bytes");
	za_set(&ni->uuid, uuid);
	za_set(&ni->version, in->uuidandversion->version);
	za_set(&ni->displayname, in->displayname);
	return 0;
}

static int map_instance(struct za_map *m, size_t i)
{
	const EVE(NetworkInstanceConfig) *in = m->eve->networkinstances[i];
	struct za_at at = za_at("/networkInstances/%zu", i);
	Ew__NetworkInstanceConfig *ni = xcalloc(1, sizeof(*ni));
	int r;

	ew__network_instance_config__init(ni);
	m->out->instances[m->out->n_instances++] = ni;
	r = map_identity(m, in, i, &at, ni);
	if (r < 0)
		return r;
	ni->activate = in->activate;
	ni->disable_flowlog = in->disable_flowlog;
	if (in->port && *in->port->name && !za_is_name(in->port->name))
		return za_refuse(m->err, &at, "/port/name", "expected a label of 1 to 128 bytes");
	if (in->port)
		za_set(&ni->port_label, in->port->name);
	if (!za_is_mtu(in->mtu))
		return za_refuse(m->err, &at, "/mtu", "expected 0 or %d to %d", ZA_MTU_MIN,
				 ZA_MTU_MAX);
	ni->mtu = in->mtu;
	return map_type(m, in, &at, ni, &m->subnets[i]);
}

struct placed_prefix {
	struct prefix prefix;
	size_t index;
};

static int compare_prefixes(const void *a, const void *b)
{
	const struct placed_prefix *p = a, *q = b;
	int order = ipaddr_compare(&p->prefix.addr, &q->prefix.addr);

	if (order == 0)
		order = (int)p->prefix.len - (int)q->prefix.len;
	return order ? order : (p->index > q->index) - (p->index < q->index);
}

/* Prefixes are nested or apart, so if any two overlap, two neighbours in order do. */
static int check_overlap(struct za_map *m)
{
	size_t n = 0;
	_cleanup_(freep) struct placed_prefix *list =
		xcalloc(m->out->n_instances + 1, sizeof(*list));

	for (size_t i = 0; i < m->out->n_instances; i++) {
		if (ipaddr_is_set(&m->subnets[i].addr))
			list[n++] = (struct placed_prefix){ m->subnets[i], i };
	}
	qsort(list, n, sizeof(*list), compare_prefixes);
	for (size_t i = 1; i < n; i++) {
		size_t a = list[i - 1].index, b = list[i].index, later = a > b ? a : b;
		struct za_at at = za_at("/networkInstances/%zu", later);

		if (prefix_overlaps(&list[i - 1].prefix, &list[i].prefix))
			return za_refuse(m->err, &at, "/ip/subnet",
					 "%s overlaps with %s of /networkInstances/%zu",
					 m->out->instances[later]->subnet,
					 m->out->instances[a + b - later]->subnet, a + b - later);
	}
	return 0;
}

/* What is static is known now; addresses from DHCP are compared by zedrouter. */
static int check_ports(struct za_map *m)
{
	const Ew__DevicePortConfig *ports = m->out->ports;
	struct prefix own;

	for (size_t p = 0; p < ports->n_ports; p++) {
		for (size_t k = 0; k < ports->ports[p]->n_addresses; k++) {
			if (prefix_parse(ports->ports[p]->addresses[k], &own) < 0)
				continue;
			own = prefix_network(&own);
			for (size_t i = 0; i < m->out->n_instances; i++) {
				struct za_at at = za_at("/networkInstances/%zu", i);

				if (!ipaddr_is_set(&m->subnets[i].addr) ||
				    !prefix_overlaps(&m->subnets[i], &own))
					continue;
				return za_refuse(m->err, &at, "/ip/subnet",
						 "%s overlaps with the network of port \"%.80s\"",
						 m->out->instances[i]->subnet,
						 ports->ports[p]->logicallabel);
			}
		}
	}
	return 0;
}

int za_map_instances(struct za_map *m)
{
	size_t n = m->eve->n_networkinstances;
	int r = 0;

	m->out->instances = xcalloc(n + 1, sizeof(*m->out->instances));
	m->subnets = xcalloc(n + 1, sizeof(*m->subnets));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = map_instance(m, i);
	if (r == 0)
		r = check_overlap(m);
	return r < 0 ? r : check_ports(m);
}
