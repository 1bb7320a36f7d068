/* SPDX-License-Identifier: Apache-2.0 */
/* networkInstances: checked, defaults filled in as EVE does. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedagent/check.h"
#include "zedagent/load.h"
#include "zedagent/names.h"

#define RANGE_MAX 255 /* addresses beyond the first of a range */
#define IPV6_RANGE_FIRST 0x100 /* subnet + this, unless the configuration says otherwise */

struct subnet {
	struct prefix net;
	struct ipaddr gateway, first, last;
};

/* Addresses in the subnet; enough for the largest question asked. */
static uint64_t subnet_size(const struct prefix *net)
{
	unsigned int host_bits = ipaddr_bits(&net->addr) - net->len;

	return host_bits >= 63 ? UINT64_MAX : 1ull << host_bits;
}

static struct ipaddr at_offset(const struct prefix *net, uint64_t offset)
{
	struct ipaddr addr = net->addr;

	(void)ipaddr_add(&net->addr, offset, &addr);
	return addr;
}

/* EVE: from the half of a subnet that has room, else right behind the gateway. */
static void default_range(struct subnet *s, bool end_given)
{
	uint64_t size = subnet_size(&s->net);

	if (s->net.addr.family == AF_INET6) {
		s->first = at_offset(&s->net, size > 2 * IPV6_RANGE_FIRST ? IPV6_RANGE_FIRST : 2);
		s->last = at_offset(&s->net, size > 2 * IPV6_RANGE_FIRST
						     ? IPV6_RANGE_FIRST + RANGE_MAX
						     : size - 2);
		return;
	}
	s->first = at_offset(&s->net, !end_given && size >= 16 ? size / 2 : 2);
	s->last = at_offset(&s->net, size - 2);
}

static int parse_addr(const char *text, const struct subnet *s, const struct za_at *at,
		      const char *member, struct ipaddr *ret, struct pbjson_error *err)
{
	if (!text[0])
		return 0;
	if (ipaddr_parse(text, ret) < 0)
		return za_refuse(err, at, member, "not an address: \"%.60s\"", text);
	if (!prefix_contains(&s->net, ret))
		return za_refuse(err, at, member, "%s is not in the subnet", text);
	return 0;
}

static int load_range(const EVE_COMMON(Ipspec) * ip, const struct za_at *at, struct subnet *s,
		      struct pbjson_error *err)
{
	bool start = ip->dhcprange && ip->dhcprange->start[0];
	bool end = ip->dhcprange && ip->dhcprange->end[0];
	struct ipaddr limit;
	int r = 0;

	default_range(s, end);
	if (start)
		r = parse_addr(ip->dhcprange->start, s, at, "/ip/dhcpRange/start", &s->first, err);
	if (r == 0 && end)
		r = parse_addr(ip->dhcprange->end, s, at, "/ip/dhcpRange/end", &s->last, err);
	if (r < 0)
		return r;
	if (ipaddr_compare(&s->first, &s->last) > 0)
		return za_refuse(err, at, "/ip/dhcpRange", "ends before it starts");
	if (ipaddr_compare(&s->gateway, &s->first) >= 0 &&
	    ipaddr_compare(&s->gateway, &s->last) <= 0) {
		if (start || end || !ipaddr_equal(&s->gateway, &s->first))
			return za_refuse(err, at, "/ip/gateway", "is inside of the DHCP range");
		(void)ipaddr_add(&s->first, 1, &s->first);
	}
	if (ipaddr_add(&s->first, RANGE_MAX, &limit) == 0 && ipaddr_compare(&s->last, &limit) > 0)
		s->last = limit;
	return 0;
}

static int load_subnet(const EVE(NetworkInstanceConfig) * ni, const struct za_at *at,
		       struct subnet *s, struct pbjson_error *err)
{
	const EVE_COMMON(Ipspec) *ip = ni->ip;
	int family, r;

	if (ni->iptype == EVE_VALUE(CONFIG__ADDRESS_TYPE, IPV4))
		family = AF_INET;
	else if (ni->iptype == EVE_VALUE(CONFIG__ADDRESS_TYPE, IPV6))
		family = AF_INET6;
	else
		return za_refuse(err, at, "/ipType", "has to be IPV4 or IPV6");
	if (!ip)
		return za_refuse(err, at, "/ip", "missing");
	if (!za_subnet_parse(ip->subnet, &s->net) || s->net.addr.family != family)
		return za_refuse(err, at, "/ip/subnet", "not an IPv%d subnet: \"%.60s\"",
				 family == AF_INET ? 4 : 6, ip->subnet);
	if (s->net.len == 0 || subnet_size(&s->net) < 4)
		return za_refuse(err, at, "/ip/subnet", "has to have at least 4 addresses");
	s->gateway = at_offset(&s->net, 1);
	r = parse_addr(ip->gateway, s, at, "/ip/gateway", &s->gateway, err);
	return r < 0 ? r : load_range(ip, at, s, err);
}

static int load_servers(const EVE(NetworkInstanceConfig) * ni, const struct za_at *at,
			Ew__NetworkInstanceConfig *out, struct pbjson_error *err)
{
	const EVE_COMMON(Ipspec) *ip = ni->ip;

	for (size_t i = 0; i < ip->n_dns; i++) {
		struct ipaddr addr;

		if (ipaddr_parse(ip->dns[i], &addr) < 0)
			return za_refuse(err, at, "/ip/dns", "not an address: \"%.60s\"",
					 ip->dns[i]);
		ZA_ADD(out, dns_servers, xstrdup(ip->dns[i]));
	}
	if (ip->ntp[0]) {
		if (!za_is_host(ip->ntp))
			return za_refuse(err, at, "/ip/ntp", "not a host: \"%.60s\"", ip->ntp);
		ZA_ADD(out, ntp_servers, xstrdup(ip->ntp));
	}
	if (ip->domain[0] && !za_is_domain(ip->domain))
		return za_refuse(err, at, "/ip/domain", "not a domain: \"%.60s\"", ip->domain);
	za_set(&out->domain, ip->domain);
	return 0;
}

static int load_names(const EVE(NetworkInstanceConfig) * ni, const struct za_at *at,
		      Ew__NetworkInstanceConfig *out, struct pbjson_error *err)
{
	for (size_t i = 0; i < ni->n_dns; i++) {
		const EVE_COMMON(ZnetStaticDNSEntry) *entry = ni->dns[i];
		struct za_at here = za_at("%s/dns/%zu", at->path, i);
		Ew__StaticDns *dns = xcalloc(1, sizeof(*dns));

		ew__static_dns__init(dns);
		ZA_ADD(out, static_dns, dns);
		if (!za_is_domain(entry->hostname))
			return za_refuse(err, &here, "/HostName", "not a host name: \"%.60s\"",
					 entry->hostname);
		za_set(&dns->name, entry->hostname);
		for (size_t j = 0; j < entry->n_address; j++) {
			struct ipaddr addr;

			if (ipaddr_parse(entry->address[j], &addr) < 0)
				return za_refuse(err, &here, "/Address",
						 "not an address: \"%.60s\"", entry->address[j]);
			ZA_ADD(dns, addresses, xstrdup(entry->address[j]));
		}
	}
	return 0;
}

static int load_routes(const EVE(NetworkInstanceConfig) * ni, const struct za_at *at, int family,
		       Ew__NetworkInstanceConfig *out, struct pbjson_error *err)
{
	for (size_t i = 0; i < ni->n_static_routes; i++) {
		const EVE(IPRoute) *r = ni->static_routes[i];
		struct za_at here = za_at("%s/staticRoutes/%zu", at->path, i);
		Ew__StaticRoute *route = xcalloc(1, sizeof(*route));
		struct prefix dst;
		struct ipaddr gw;

		ew__static_route__init(route);
		ZA_ADD(out, static_routes, route);
		if (!za_subnet_parse(r->destination_network, &dst) || dst.addr.family != family)
			return za_refuse(err, &here, "/destinationNetwork",
					 "not a subnet of the instance's family: \"%.60s\"",
					 r->destination_network);
		if (!r->gateway[0] && !r->port[0])
			return za_refuse(err, &here, "", "needs a gateway or a port");
		if (r->gateway[0] && (ipaddr_parse(r->gateway, &gw) < 0 || ipaddr_is_zero(&gw) ||
				      gw.family != family))
			return za_refuse(err, &here, "/gateway", "not a gateway: \"%.60s\"",
					 r->gateway);
		za_set_prefix(&route->destination, &dst);
		za_set(&route->gateway, r->gateway);
		za_set(&route->port_label, r->port);
	}
	return 0;
}

static int load_local(const EVE(NetworkInstanceConfig) * ni, const struct za_at *at,
		      Ew__NetworkInstanceConfig *out, struct prefix *ret_net,
		      struct pbjson_error *err)
{
	struct subnet s = { 0 };
	int r = load_subnet(ni, at, &s, err);

	if (r < 0)
		return r;
	*ret_net = s.net;
	za_set_prefix(&out->subnet, &s.net);
	za_set_addr(&out->gateway, &s.gateway);
	za_set_addr(&out->dhcp_start, &s.first);
	za_set_addr(&out->dhcp_end, &s.last);
	r = load_servers(ni, at, out, err);
	if (r == 0)
		r = load_names(ni, at, out, err);
	return r < 0 ? r : load_routes(ni, at, s.net.addr.family, out, err);
}

static int load_instance(const EVE(NetworkInstanceConfig) * ni, const struct za_at *at,
			 Ew__NetworkInstanceConfig *out, struct prefix *ret_net,
			 struct pbjson_error *err)
{
	out->activate = ni->activate;
	out->mtu = ni->mtu;
	out->propagate_connected_routes = ni->propagate_connected_routes;
	out->disable_flowlog = ni->disable_flowlog;
	if (ni->port)
		za_set(&out->port_label, ni->port->name);
	if (!za_is_name(ni->displayname))
		return za_refuse(err, at, "/displayname", "not a name of 1 to 128 bytes");
	za_set(&out->displayname, ni->displayname);
	if (strlen(out->port_label) > 63)
		return za_refuse(err, at, "/port/name", "longer than 63 bytes");
	if (!za_is_mtu(ni->mtu))
		return za_refuse(err, at, "/mtu", "%u is not 0 or %d..%d", ni->mtu, ZA_MTU_MIN,
				 ZA_MTU_MAX);
	if (ni->insttype == EVE_VALUE(CONFIG__ZNETWORK_INST_TYPE, ZnetInstSwitch)) {
		out->type = EW__NETWORK_INSTANCE_TYPE__NI_SWITCH;
		return 0;
	}
	if (ni->insttype != EVE_VALUE(CONFIG__ZNETWORK_INST_TYPE, ZnetInstLocal))
		return za_refuse(err, at, "/instType", "has to be ZnetInstLocal or ZnetInstSwitch");
	out->type = EW__NETWORK_INSTANCE_TYPE__NI_LOCAL;
	return load_local(ni, at, out, ret_net, err);
}

/* Routing by policy rules cannot tell equal addresses apart. */
static int refuse_overlap(const struct prefix *nets, size_t i, const struct za_at *at,
			  struct pbjson_error *err)
{
	for (size_t j = 0; j < i; j++)
		if (nets[i].addr.family && nets[j].addr.family &&
		    prefix_overlaps(&nets[i], &nets[j]))
			return za_refuse(err, at, "/ip/subnet",
					 "overlaps that of /networkInstances/%zu", j);
	return 0;
}

int za_load_instances(const EVE(EdgeDevConfig) * dev, struct za_config *config,
		      struct pbjson_error *err)
{
	_cleanup_(freep) struct prefix *nets = xcalloc(dev->n_networkinstances + 1, sizeof(*nets));
	struct za_names uuids = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < dev->n_networkinstances; i++) {
		const EVE(NetworkInstanceConfig) *ni = dev->networkinstances[i];
		struct za_at at = za_at("/networkInstances/%zu", i);
		Ew__NetworkInstanceConfig *out = xcalloc(1, sizeof(*out));
		char uuid[ZA_UUID_SIZE];
		const char *where;

		ew__network_instance_config__init(out);
		ZA_ADD(config, instances, out);
		if (!ni->uuidandversion || !za_uuid_parse(ni->uuidandversion->uuid, uuid)) {
			r = za_refuse(err, &at, "/uuidandversion/uuid", "not a UUID");
			break;
		}
		where = za_names_add(&uuids, uuid, at.path, i);
		if (where) {
			r = za_refuse(err, &at, "/uuidandversion/uuid", "taken by %s", where);
			break;
		}
		za_set(&out->uuid, uuid);
		za_set(&out->version, ni->uuidandversion->version);
		r = load_instance(ni, &at, out, &nets[i], err);
		if (r == 0)
			r = refuse_overlap(nets, i, &at, err);
	}
	za_names_fini(&uuids);
	return r;
}
