/* SPDX-License-Identifier: Apache-2.0 */
/* Networks a port is attached to, and what they mean for a port's addresses. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

int za_map_addresses(struct za_map *m, char **list, size_t n, const struct za_at *at,
		     const char *member)
{
	struct ipaddr addr;

	for (size_t i = 0; i < n; i++) {
		struct za_at place = za_at("%s%s/%zu", at->path, member, i);

		if (ipaddr_parse(list[i], &addr) < 0)
			return za_refuse(m->err, &place, "", "\"%.80s\" is no IP address", list[i]);
	}
	return 0;
}

int za_map_ntp(struct za_map *m, const EVE_COMMON(Ipspec) * ip, const struct za_at *at)
{
	if (*ip->ntp && !za_is_host(ip->ntp))
		return za_refuse(m->err, at, "/ip/ntp", "\"%.80s\" is no address or host name",
				 ip->ntp);
	for (size_t i = 0; i < ip->n_more_ntp; i++) {
		struct za_at place = za_at("%s/ip/moreNtp/%zu", at->path, i);

		if (!za_is_host(ip->more_ntp[i]))
			return za_refuse(m->err, &place, "", "\"%.80s\" is no address or host name",
					 ip->more_ntp[i]);
	}
	return 0;
}

/* The gateway must be reachable: inside of the subnet, or link-local (IPv6). */
static int check_gateway(struct za_map *m, const EVE_COMMON(Ipspec) * ip, const struct za_at *at)
{
	struct prefix subnet = { 0 };
	struct ipaddr gateway;

	if (*ip->subnet && !za_subnet_parse(ip->subnet, &subnet))
		return za_refuse(m->err, at, "/ip/subnet",
				 "\"%.80s\" is no subnet like 192.0.2.0/24", ip->subnet);
	if (!*ip->gateway)
		return 0;
	if (ipaddr_parse(ip->gateway, &gateway) < 0)
		return za_refuse(m->err, at, "/ip/gateway", "\"%.80s\" is no IP address",
				 ip->gateway);
	if (ipaddr_is_zero(&gateway) || !*ip->subnet || prefix_contains(&subnet, &gateway))
		return 0;
	if (gateway.family == AF_INET6 && subnet.addr.family == AF_INET6 &&
	    ipaddr_is_linklocal(&gateway))
		return 0;
	return za_refuse(m->err, at, "/ip/gateway", "%s is not inside of %s", ip->gateway,
			 ip->subnet);
}

static bool type_is_known(EVE_COMMON(NetworkType) type)
{
	return type == EVE_VALUE(COMMON__NETWORK_TYPE, NETWORKTYPENOOP) ||
	       type == EVE_VALUE(COMMON__NETWORK_TYPE, V4) ||
	       type == EVE_VALUE(COMMON__NETWORK_TYPE, V6) ||
	       type == EVE_VALUE(COMMON__NETWORK_TYPE, V4Only) ||
	       type == EVE_VALUE(COMMON__NETWORK_TYPE, V6Only) ||
	       type == EVE_VALUE(COMMON__NETWORK_TYPE, DualV4V6);
}

/* Does an address family go with the type? V4 and V6 both mean "dual stack" in EVE. */
static bool family_fits(EVE_COMMON(NetworkType) type, int family)
{
	if (type == EVE_VALUE(COMMON__NETWORK_TYPE, V4Only))
		return family == AF_INET;
	if (type == EVE_VALUE(COMMON__NETWORK_TYPE, V6Only))
		return family == AF_INET6;
	return true;
}

static int check_ip(struct za_map *m, const EVE(NetworkConfig) * net, const struct za_at *at)
{
	const EVE_COMMON(Ipspec) *ip = net->ip;
	struct prefix subnet;
	int r;

	if (ip->dhcp == EVE_VALUE(COMMON__DHCPTYPE, Static) && !*ip->subnet)
		return za_refuse(m->err, at, "/ip/subnet", "static addressing needs a subnet");
	r = check_gateway(m, ip, at);
	if (r < 0)
		return r;
	if (*ip->subnet && za_subnet_parse(ip->subnet, &subnet) &&
	    !family_fits(net->type, subnet.addr.family))
		return za_refuse(m->err, at, "/ip/subnet", "%s does not go with the network's type",
				 ip->subnet);
	if (*ip->domain && !za_is_domain(ip->domain))
		return za_refuse(m->err, at, "/ip/domain", "\"%.80s\" is no domain name",
				 ip->domain);
	r = za_map_addresses(m, ip->dns, ip->n_dns, at, "/ip/dns");
	if (r < 0)
		return r;
	return za_map_ntp(m, ip, at);
}

static int check_network(struct za_map *m, size_t i)
{
	const EVE(NetworkConfig) *net = m->eve->networks[i];
	struct za_at at = za_at("/networks/%zu", i);
	char uuid[ZA_UUID_SIZE];
	const char *other;

	if (!za_uuid_parse(net->id, uuid) || za_uuid_is_nil(uuid))
		return za_refuse(m->err, &at, "/id", "\"%.80s\" is no UUID", net->id);
	other = za_names_add(&m->networks, uuid, at.path, i);
	if (other)
		return za_refuse(m->err, &at, "/id", "the UUID is taken by %s", other);
	if (!type_is_known(net->type))
		return za_refuse(m->err, &at, "/type", "this network type is not supported");
	if (!za_is_mtu(net->mtu))
		return za_refuse(m->err, &at, "/mtu", "expected 0 or %d to %d", ZA_MTU_MIN,
				 ZA_MTU_MAX);
	if (net->n_dns)
		za_map_ignored(m, "networks.dns");
	if (net->ip)
		return check_ip(m, net, &at);
	if (net->type != EVE_VALUE(COMMON__NETWORK_TYPE, NETWORKTYPENOOP))
		return za_refuse(m->err, &at, "/ip", "IP settings are required");
	return 0;
}

int za_map_networks(struct za_map *m)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->eve->n_networks; i++)
		r = check_network(m, i);
	return r;
}

/* The port's own address, with the length of the network's subnet. */
static int map_address(struct za_map *m, const EVE(SystemAdapter) * adapter,
		       const EVE_COMMON(Ipspec) * ip, const struct za_at *at, Ew__PortConfig *port)
{
	struct prefix subnet, own;
	struct ipaddr gateway, last;
	char *text;

	if (!*ip->subnet)
		return za_refuse(m->err, at, "/addr", "the network has no subnet for an address");
	za_subnet_parse(ip->subnet, &subnet);
	if (ipaddr_parse(adapter->addr, &own.addr) < 0)
		return za_refuse(m->err, at, "/addr", "\"%.80s\" is no IP address", adapter->addr);
	own.len = subnet.len;
	if (!prefix_contains(&subnet, &own.addr))
		return za_refuse(m->err, at, "/addr", "%s is not inside of %s", adapter->addr,
				 ip->subnet);
	last = prefix_last(&subnet);
	/* RFC 3021: a /31 has no network and broadcast address. */
	if (subnet.addr.family == AF_INET && subnet.len < 31 &&
	    (ipaddr_equal(&own.addr, &subnet.addr) || ipaddr_equal(&own.addr, &last)))
		return za_refuse(m->err, at, "/addr", "%s is the %s address of %s", adapter->addr,
				 ipaddr_equal(&own.addr, &last) ? "broadcast" : "network",
				 ip->subnet);
	if (*ip->gateway && ipaddr_parse(ip->gateway, &gateway) == 0 &&
	    ipaddr_equal(&gateway, &own.addr))
		return za_refuse(m->err, at, "/addr", "%s is the gateway", adapter->addr);
	za_set_prefix(&text, &own);
	ZA_ADD(port, addresses, text);
	return 0;
}

static void map_lists(const EVE_COMMON(Ipspec) * ip, Ew__PortConfig *port)
{
	struct ipaddr gateway;

	if (*ip->gateway && ipaddr_parse(ip->gateway, &gateway) == 0) {
		port->no_default_route = ipaddr_is_zero(&gateway);
		if (!port->no_default_route)
			ZA_ADD(port, gateways, xstrdup(ip->gateway));
	}
	for (size_t i = 0; i < ip->n_dns; i++)
		ZA_ADD(port, dns_servers, xstrdup(ip->dns[i]));
	if (*ip->ntp)
		ZA_ADD(port, ntp_servers, xstrdup(ip->ntp));
	for (size_t i = 0; i < ip->n_more_ntp; i++)
		ZA_ADD(port, ntp_servers, xstrdup(ip->more_ntp[i]));
	za_set(&port->domain, ip->domain);
}

static void map_ignore(const EVE_COMMON(DhcpOptionsIgnore) * ignore, Ew__PortConfig *port)
{
	if (!ignore || port->dhcp != EW__DHCP_MODE__DHCP_CLIENT)
		return;
	port->ignore_dhcp_addresses = ignore->ip_addresses_exclusively;
	port->ignore_dhcp_gateways = ignore->gateways_exclusively;
	port->ignore_dhcp_dns = ignore->dns_config_exclusively;
	port->ignore_dhcp_ntp = ignore->ntp_server_exclusively;
}

static int map_mode(struct za_map *m, const EVE(NetworkConfig) * net, const struct za_at *at,
		    Ew__PortConfig *port)
{
	EVE_COMMON(DHCPType) dhcp = net->ip ? net->ip->dhcp : 0;

	if (net->type == EVE_VALUE(COMMON__NETWORK_TYPE, V4Only))
		port->ip_versions = EW__IP_VERSIONS__IP_V4_ONLY;
	else if (net->type == EVE_VALUE(COMMON__NETWORK_TYPE, V6Only))
		port->ip_versions = EW__IP_VERSIONS__IP_V6_ONLY;
	if (dhcp == EVE_VALUE(COMMON__DHCPTYPE, Client))
		port->dhcp = EW__DHCP_MODE__DHCP_CLIENT;
	else if (dhcp == EVE_VALUE(COMMON__DHCPTYPE, Static))
		port->dhcp = EW__DHCP_MODE__DHCP_STATIC;
	else if (dhcp != EVE_VALUE(COMMON__DHCPTYPE, DHCPNone))
		return za_refuse(m->err, at, "/networkUUID",
				 "the network does not say how ports get their address (ip.dhcp)");
	return 0;
}

int za_map_addressing(struct za_map *m, const EVE(SystemAdapter) * adapter, const struct za_at *at,
		      Ew__PortConfig *port)
{
	const EVE(NetworkConfig) * net;
	char uuid[ZA_UUID_SIZE];
	size_t index;
	int r;

	if (!za_uuid_parse(adapter->networkuuid, uuid))
		return za_refuse(m->err, at, "/networkUUID", "\"%.80s\" is no UUID",
				 adapter->networkuuid);
	if (!za_names_find(&m->networks, uuid, &index))
		return za_refuse(m->err, at, "/networkUUID", "no network has the UUID %s", uuid);
	net = m->eve->networks[index];
	r = map_mode(m, net, at, port);
	if (r < 0)
		return r;
	port->is_l3 = true;
	port->mtu = net->mtu;
	port->proxy = za_map_proxies(net->entproxy);
	za_map_wireless(net->wireless, port);
	if (port->dhcp == EW__DHCP_MODE__DHCP_STATIC && !*adapter->addr)
		return za_refuse(m->err, at, "/addr", "static addressing needs an address");
	if (port->dhcp == EW__DHCP_MODE__DHCP_NONE) {
		if (*adapter->addr)
			return za_refuse(m->err, at, "/addr", "the network has no addresses");
		return 0;
	}
	map_lists(net->ip, port);
	map_ignore(net->ip->dhcp_options_ignore, port);
	return *adapter->addr ? map_address(m, adapter, net->ip, at, port) : 0;
}
