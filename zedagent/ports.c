/* SPDX-License-Identifier: Apache-2.0 */
/* deviceIoList, vlans, bonds, networks and systemAdapterList become one DevicePortConfig. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "zedagent/check.h"
#include "zedagent/load.h"
#include "zedagent/names.h"

#define COST_MAX 255

struct ports {
	const EVE(EdgeDevConfig) * dev;
	Ew__DevicePortConfig *out;
	struct za_names labels; /* of every layer: index into out->ports */
	struct za_names ifnames;
	struct za_names networks; /* by UUID: index into dev->networks */
	struct za_names adapters; /* names in use */
	struct pbjson_error *err;
};

/* One entry for a label of any layer; an adapter makes it a port with addresses later. */
static int add_port(struct ports *p, const struct za_at *at, const char *label_member,
		    const char *label, const char *ifname_member, const char *ifname,
		    Ew__PortConfig **ret)
{
	Ew__PortConfig *port;
	struct ifname parsed;
	const char *where;

	if (!za_is_name(label) || strlen(label) > 63)
		return za_refuse(p->err, at, label_member, "not a label of 1 to 63 bytes");
	if (ifname_parse(ifname, &parsed) < 0)
		return za_refuse(p->err, at, ifname_member, "not an interface name: \"%.60s\"",
				 ifname);
	where = za_names_add(&p->labels, label, at->path, p->out->n_ports);
	if (where)
		return za_refuse(p->err, at, label_member, "label %.60s is taken by %s", label,
				 where);
	where = za_names_add(&p->ifnames, ifname, at->path, p->out->n_ports);
	if (where)
		return za_refuse(p->err, at, ifname_member, "interface %s is taken by %s", ifname,
				 where);
	port = xcalloc(1, sizeof(*port));
	ew__port_config__init(port);
	za_set(&port->logicallabel, label);
	za_set(&port->ifname, ifname);
	ZA_ADD(p->out, ports, port);
	*ret = port;
	return 0;
}

static const char *phyaddr(const EVE(PhysicalIO) * io, const char *key)
{
	for (size_t i = 0; i < io->n_phyaddrs; i++)
		if (strcasecmp(io->phyaddrs[i]->key, key) == 0)
			return io->phyaddrs[i]->value;
	return "";
}

static int load_physical(struct ports *p)
{
	for (size_t i = 0; i < p->dev->n_deviceiolist; i++) {
		const EVE(PhysicalIO) *io = p->dev->deviceiolist[i];
		struct za_at at = za_at("/deviceIoList/%zu", i);
		const char *label = io->logicallabel[0] ? io->logicallabel : io->phylabel;
		const char *ifname = phyaddr(io, "ifname");
		Ew__PortConfig *port;
		int r;

		if (io->ptype != EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEth) &&
		    io->ptype != EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEthPF))
			continue; /* other hardware is others' business */
		r = add_port(p, &at, io->logicallabel[0] ? "/logicallabel" : "/phylabel", label,
			     "/phyaddrs", ifname[0] ? ifname : label, &port);
		if (r < 0)
			return r;
		za_set(&port->phylabel, io->phylabel);
	}
	return 0;
}

static const char *or_label(const char *ifname, const char *label)
{
	return ifname[0] ? ifname : label;
}

static int load_bond(struct ports *p, const EVE(BondAdapter) * bond, const struct za_at *at,
		     Ew__BondConfig *out)
{
	for (size_t i = 0; i < bond->n_lower_layer_names; i++) {
		size_t lower;

		if (!za_names_find(&p->labels, bond->lower_layer_names[i], &lower))
			return za_refuse(p->err, at, "/lowerLayerNames", "no such port: %.60s",
					 bond->lower_layer_names[i]);
		ZA_ADD(out, members, xstrdup(bond->lower_layer_names[i]));
	}
	if (bond->bond_mode == EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_UNSPECIFIED) ||
	    bond->bond_mode > EVE_VALUE(COMMON__BOND_MODE, BOND_MODE_BALANCE_ALB))
		return za_refuse(p->err, at, "/bondMode", "not a bond mode");
	out->mode = (uint32_t)bond->bond_mode - 1; /* the kernel counts from 0 */
	out->lacp_fast = bond->lacp_rate == EVE_VALUE(COMMON__LACP_RATE, LACP_RATE_FAST);
	if (bond->monitoring_case == ORG__LFEDGE__EVE__CONFIG__BOND_ADAPTER__MONITORING_MII) {
		out->miimon_ms = bond->mii->interval;
		out->updelay_ms = bond->mii->updelay;
		out->downdelay_ms = bond->mii->downdelay;
	} else if (bond->monitoring_case ==
		   ORG__LFEDGE__EVE__CONFIG__BOND_ADAPTER__MONITORING_ARP) {
		out->arp_interval_ms = bond->arp->interval;
		for (size_t i = 0; i < bond->arp->n_ip_targets; i++) {
			struct ipaddr addr;

			if (ipaddr_parse(bond->arp->ip_targets[i], &addr) < 0 ||
			    addr.family != AF_INET)
				return za_refuse(p->err, at, "/arp/ipTargets",
						 "not an IPv4 address: \"%.60s\"",
						 bond->arp->ip_targets[i]);
			ZA_ADD(out, arp_targets, xstrdup(bond->arp->ip_targets[i]));
		}
	}
	return 0;
}

static int load_bonds(struct ports *p)
{
	for (size_t i = 0; i < p->dev->n_bonds; i++) {
		const EVE(BondAdapter) *bond = p->dev->bonds[i];
		const char *ifname = or_label(bond->interface_name, bond->logicallabel);
		struct za_at at = za_at("/bonds/%zu", i);
		Ew__PortConfig *port;
		int r;

		if (strcmp(ifname, "bond0") == 0)
			return za_refuse(p->err, &at, "/interfaceName",
					 "the kernel makes a bond0 of its own");
		r = add_port(p, &at, "/logicallabel", bond->logicallabel, "/interfaceName", ifname,
			     &port);
		if (r < 0)
			return r;
		port->lower_case = EW__PORT_CONFIG__LOWER_BOND;
		port->bond = xcalloc(1, sizeof(*port->bond));
		ew__bond_config__init(port->bond);
		r = load_bond(p, bond, &at, port->bond);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_vlans(struct ports *p)
{
	for (size_t i = 0; i < p->dev->n_vlans; i++) {
		const EVE(VlanAdapter) *vlan = p->dev->vlans[i];
		struct za_at at = za_at("/vlans/%zu", i);
		Ew__PortConfig *port;
		size_t parent;
		int r;

		if (!za_names_find(&p->labels, vlan->lower_layer_name, &parent))
			return za_refuse(p->err, &at, "/lowerLayerName", "no such port: %.60s",
					 vlan->lower_layer_name);
		if (vlan->vlan_id < 1 || vlan->vlan_id > 4094)
			return za_refuse(p->err, &at, "/vlanId", "not in 1..4094");
		for (size_t j = 0; j < i; j++)
			if (p->dev->vlans[j]->vlan_id == vlan->vlan_id &&
			    strcmp(p->dev->vlans[j]->lower_layer_name, vlan->lower_layer_name) == 0)
				return za_refuse(p->err, &at, "/vlanId",
						 "VLAN %u of %.60s is taken by /vlans/%zu",
						 vlan->vlan_id, vlan->lower_layer_name, j);
		r = add_port(p, &at, "/logicallabel", vlan->logicallabel, "/interfaceName",
			     or_label(vlan->interface_name, vlan->logicallabel), &port);
		if (r < 0)
			return r;
		port->lower_case = EW__PORT_CONFIG__LOWER_VLAN;
		port->vlan = xcalloc(1, sizeof(*port->vlan));
		ew__vlan_config__init(port->vlan);
		za_set(&port->vlan->parent, vlan->lower_layer_name);
		port->vlan->vid = vlan->vlan_id;
	}
	return 0;
}

static int load_networks(struct ports *p)
{
	for (size_t i = 0; i < p->dev->n_networks; i++) {
		const EVE(NetworkConfig) *net = p->dev->networks[i];
		struct za_at at = za_at("/networks/%zu", i);
		char uuid[ZA_UUID_SIZE];
		const char *where;

		if (!za_uuid_parse(net->id, uuid))
			return za_refuse(p->err, &at, "/id", "not a UUID: \"%.60s\"", net->id);
		where = za_names_add(&p->networks, uuid, at.path, i);
		if (where)
			return za_refuse(p->err, &at, "/id", "taken by %s", where);
		if (!za_is_mtu(net->mtu))
			return za_refuse(p->err, &at, "/mtu", "%u is not 0 or %d..%d", net->mtu,
					 ZA_MTU_MIN, ZA_MTU_MAX);
	}
	return 0;
}

/* ---- Addresses ---- */

static int load_servers(struct ports *p, const EVE_COMMON(Ipspec) * ip, const struct za_at *at,
			Ew__PortConfig *port)
{
	for (size_t i = 0; i < ip->n_dns; i++) {
		struct ipaddr addr;

		if (ipaddr_parse(ip->dns[i], &addr) < 0)
			return za_refuse(p->err, at, "/ip/dns", "not an address: \"%.60s\"",
					 ip->dns[i]);
		ZA_ADD(port, dns_servers, xstrdup(ip->dns[i]));
	}
	if (ip->ntp[0]) {
		if (!za_is_host(ip->ntp))
			return za_refuse(p->err, at, "/ip/ntp", "not a host: \"%.60s\"", ip->ntp);
		ZA_ADD(port, ntp_servers, xstrdup(ip->ntp));
	}
	for (size_t i = 0; i < ip->n_more_ntp; i++) {
		if (!za_is_host(ip->more_ntp[i]))
			return za_refuse(p->err, at, "/ip/moreNtp", "not a host: \"%.60s\"",
					 ip->more_ntp[i]);
		ZA_ADD(port, ntp_servers, xstrdup(ip->more_ntp[i]));
	}
	if (ip->domain[0] && !za_is_domain(ip->domain))
		return za_refuse(p->err, at, "/ip/domain", "not a domain: \"%.60s\"", ip->domain);
	za_set(&port->domain, ip->domain);
	return 0;
}

static int load_gateway(struct ports *p, const EVE_COMMON(Ipspec) * ip, const struct za_at *at,
			const struct prefix *subnet, Ew__PortConfig *port)
{
	struct ipaddr gw;

	if (!ip->gateway[0])
		return 0;
	if (ipaddr_parse(ip->gateway, &gw) < 0)
		return za_refuse(p->err, at, "/ip/gateway", "not an address: \"%.60s\"",
				 ip->gateway);
	port->no_default_route = ipaddr_is_zero(&gw);
	if (port->no_default_route)
		return 0;
	if (subnet && !prefix_contains(subnet, &gw) && !ipaddr_is_linklocal(&gw))
		return za_refuse(p->err, at, "/ip/gateway", "%s is not in the subnet %s",
				 ip->gateway, ip->subnet);
	ZA_ADD(port, gateways, xstrdup(ip->gateway));
	return 0;
}

static int load_static(struct ports *p, const EVE(SystemAdapter) * sa, const struct za_at *sa_at,
		       const EVE_COMMON(Ipspec) * ip, const struct za_at *at, Ew__PortConfig *port)
{
	struct prefix subnet, addr;

	port->dhcp = EW__DHCP_MODE__DHCP_STATIC;
	if (!za_subnet_parse(ip->subnet, &subnet))
		return za_refuse(p->err, at, "/ip/subnet", "not a subnet: \"%.60s\"", ip->subnet);
	if (ipaddr_parse(sa->addr, &addr.addr) < 0)
		return za_refuse(p->err, sa_at, "/addr",
				 "a static network needs an address, not \"%.60s\"", sa->addr);
	if (!prefix_contains(&subnet, &addr.addr))
		return za_refuse(p->err, sa_at, "/addr", "%s is not in the subnet %s", sa->addr,
				 ip->subnet);
	addr.len = subnet.len;
	ZA_ADD(port, addresses, NULL);
	za_set_prefix(&port->addresses[0], &addr);
	return load_gateway(p, ip, at, &subnet, port);
}

static int load_network(struct ports *p, const EVE(SystemAdapter) * sa, const struct za_at *sa_at,
			size_t index, Ew__PortConfig *port)
{
	const EVE(NetworkConfig) *net = p->dev->networks[index];
	struct za_at at = za_at("/networks/%zu", index);
	int r;

	port->is_l3 = true;
	port->mtu = net->mtu;
	if (net->type == EVE_VALUE(COMMON__NETWORK_TYPE, V4Only))
		port->ip_versions = EW__IP_VERSIONS__IP_V4_ONLY;
	else if (net->type == EVE_VALUE(COMMON__NETWORK_TYPE, V6Only))
		port->ip_versions = EW__IP_VERSIONS__IP_V6_ONLY;
	if (!net->ip)
		return za_refuse(p->err, &at, "/ip", "missing");
	switch (net->ip->dhcp) {
	case EVE_VALUE(COMMON__DHCPTYPE, Static):
		r = load_static(p, sa, sa_at, net->ip, &at, port);
		break;
	case EVE_VALUE(COMMON__DHCPTYPE, Client):
		port->dhcp = EW__DHCP_MODE__DHCP_CLIENT;
		r = load_gateway(p, net->ip, &at, NULL, port);
		break;
	case EVE_VALUE(COMMON__DHCPTYPE, DHCPNone):
		r = 0;
		break;
	default:
		return za_refuse(p->err, &at, "/ip/dhcp", "has to be Static, DHCPNone or Client");
	}
	return r < 0 ? r : load_servers(p, net->ip, &at, port);
}

static bool is_reserved_label(const char *label)
{
	return strcmp(label, "all") == 0 || strcmp(label, "uplink") == 0 ||
	       strcmp(label, "freeuplink") == 0;
}

static int load_labels(struct ports *p, const EVE(SystemAdapter) * sa, const struct za_at *at,
		       Ew__PortConfig *port)
{
	for (size_t i = 0; i < sa->n_shared_labels; i++) {
		const char *label = sa->shared_labels[i];
		size_t other;

		if (!za_is_name(label) || strlen(label) > 63)
			return za_refuse(p->err, at, "/sharedLabels",
					 "not a label of 1 to 63 bytes");
		if (is_reserved_label(label))
			return za_refuse(p->err, at, "/sharedLabels", "%s is reserved", label);
		if (za_names_find(&p->labels, label, &other))
			return za_refuse(p->err, at, "/sharedLabels", "%s is a port's name", label);
		ZA_ADD(port, shared_labels, xstrdup(label));
	}
	return 0;
}

static int load_adapter(struct ports *p, const EVE(SystemAdapter) * sa, const struct za_at *at,
			bool all_mgmt)
{
	const char *lower = sa->lowerlayername[0] ? sa->lowerlayername : sa->name;
	char uuid[ZA_UUID_SIZE] = "";
	Ew__PortConfig *port;
	size_t index, network;
	const char *where;
	int r;

	if (!za_names_find(&p->labels, lower, &index))
		return za_refuse(p->err, at, sa->lowerlayername[0] ? "/lowerLayerName" : "/name",
				 "no such port: %.60s", lower);
	where = za_names_add(&p->adapters, lower, at->path, index);
	if (where)
		return za_refuse(p->err, at, "/lowerLayerName", "%.60s is used by %s", lower,
				 where);
	port = p->out->ports[index];
	if (!za_is_name(sa->name) || strlen(sa->name) > 63)
		return za_refuse(p->err, at, "/name", "not a name of 1 to 63 bytes");
	port->is_mgmt = sa->uplink || all_mgmt;
	port->cost = sa->cost > COST_MAX ? COST_MAX : sa->cost;
	r = load_labels(p, sa, at, port);
	if (r < 0)
		return r;
	if (sa->networkuuid[0] && !za_uuid_parse(sa->networkuuid, uuid))
		return za_refuse(p->err, at, "/networkUUID", "not a UUID: \"%.60s\"",
				 sa->networkuuid);
	if (!uuid[0] || za_uuid_is_nil(uuid))
		return port->is_mgmt ? za_refuse(p->err, at, "/networkUUID",
						 "a management port needs a network")
				     : 0;
	if (!za_names_find(&p->networks, uuid, &network))
		return za_refuse(p->err, at, "/networkUUID", "no such network: %s", uuid);
	return load_network(p, sa, at, network, port);
}

/* The name of the adapter is what everybody refers to; lower layers keep their own. */
static void rename_port(struct ports *p, const EVE(SystemAdapter) * sa)
{
	const char *lower = sa->lowerlayername[0] ? sa->lowerlayername : sa->name;

	if (strcmp(lower, sa->name) == 0)
		return;
	for (size_t i = 0; i < p->out->n_ports; i++) {
		Ew__PortConfig *port = p->out->ports[i];

		if (port->lower_case == EW__PORT_CONFIG__LOWER_VLAN &&
		    strcmp(port->vlan->parent, lower) == 0) {
			free(port->vlan->parent);
			port->vlan->parent = xstrdup(sa->name);
		}
		if (strcmp(port->logicallabel, lower) == 0) {
			free(port->logicallabel);
			port->logicallabel = xstrdup(sa->name);
		}
	}
}

static int load_adapters(struct ports *p)
{
	bool any_mgmt = false;
	int r;

	for (size_t i = 0; i < p->dev->n_systemadapterlist; i++)
		any_mgmt = any_mgmt || p->dev->systemadapterlist[i]->uplink;
	for (size_t i = 0; i < p->dev->n_systemadapterlist; i++) {
		struct za_at at = za_at("/systemAdapterList/%zu", i);

		r = load_adapter(p, p->dev->systemadapterlist[i], &at, !any_mgmt);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < p->dev->n_systemadapterlist; i++)
		rename_port(p, p->dev->systemadapterlist[i]);
	return 0;
}

int za_load_ports(const EVE(EdgeDevConfig) * dev, struct za_config *config,
		  struct pbjson_error *err)
{
	struct ports p = { .dev = dev, .err = err };
	int r;

	p.out = config->ports = xcalloc(1, sizeof(*config->ports));
	ew__device_port_config__init(p.out);
	za_set(&p.out->source, "zedagent");
	p.out->timestamp_ms = config->timestamp_ms;
	r = load_physical(&p);
	if (r == 0)
		r = load_bonds(&p);
	if (r == 0)
		r = load_vlans(&p);
	if (r == 0)
		r = load_networks(&p);
	if (r == 0)
		r = load_adapters(&p);
	za_names_fini(&p.labels);
	za_names_fini(&p.ifnames);
	za_names_fini(&p.networks);
	za_names_fini(&p.adapters);
	return r;
}
