/* SPDX-License-Identifier: Apache-2.0 */
/* The device's ports as nim reports them, and the choice of one for an instance. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "status.pb-c.h"
#include "zedrouter/uplinks.h"

static void load_port(struct zr_port *port, const Ew__PortStatus *msg)
{
	snprintf(port->label, sizeof(port->label), "%s", msg->logicallabel);
	(void)ifname_parse(msg->ifname, &port->ifname); /* nim has checked it */
	port->is_mgmt = msg->is_mgmt;
	port->usable4 = msg->usable4;
	port->usable6 = msg->usable6;
	port->over_quota = msg->over_quota;
	port->held4 = msg->held4;
	port->held6 = msg->held6;
	port->behind4 = msg->behind4;
	port->behind6 = msg->behind6;
	port->cost = (uint8_t)msg->cost;
	port->mark = msg->mark;
	port->mtu_bytes = msg->mtu;
	(void)ipaddr_parse(msg->gateway4, &port->gateway4);
	(void)ipaddr_parse(msg->gateway6, &port->gateway6);
	for (size_t i = 0; i < msg->n_labels && i < ZR_PORT_LABELS; i++)
		snprintf(port->labels[port->nlabels++], ZR_NAME, "%s", msg->labels[i]);
	for (size_t i = 0; i < msg->n_addresses && port->naddrs < ZR_PORT_ADDRS; i++)
		if (prefix_parse(msg->addresses[i], &port->addrs[port->naddrs]) == 0)
			port->naddrs++;
	for (size_t i = 0; i < msg->n_dns_servers && port->ndns < ZR_SERVERS; i++)
		if (ipaddr_parse(msg->dns_servers[i], &port->dns[port->ndns]) == 0)
			port->ndns++;
	for (size_t i = 0; i < msg->n_ntp_servers && port->nntp < ZR_SERVERS; i++)
		snprintf(port->ntp[port->nntp++], ZR_NAME, "%s", msg->ntp_servers[i]);
}

bool zr_port_matches(const struct zr_port *port, const char *label)
{
	if (strcmp(port->label, label) == 0)
		return true;
	for (unsigned int i = 0; i < port->nlabels; i++)
		if (strcmp(port->labels[i], label) == 0)
			return true;
	return false;
}

bool zr_port_serves(const struct zr_port *port, const char *label)
{
	return !port->over_quota && zr_port_matches(port, label);
}

uint32_t zr_ni_mtu(const struct zr_model *m, const struct zr_ni *ni)
{
	uint32_t lowest = 0;

	for (unsigned int i = 0; ni->port_label[0] && i < m->ports.count; i++) {
		const struct zr_port *port = &m->ports.port[i];

		if (port->mtu_bytes && zr_port_matches(port, ni->port_label) &&
		    (!lowest || port->mtu_bytes < lowest))
			lowest = port->mtu_bytes;
	}
	if (!lowest)
		return ni->mtu_bytes ? ni->mtu_bytes : 1500;
	return ni->mtu_bytes && ni->mtu_bytes < lowest ? ni->mtu_bytes : lowest;
}

int zr_port_find(const struct zr_ports *ports, const char *label)
{
	for (unsigned int i = 0; i < ports->count; i++)
		if (strcmp(ports->port[i].label, label) == 0)
			return (int)i;
	return -1;
}

static void find_conflict(const struct zr_ports *ports, const struct prefix *subnet, char *ret,
			  size_t size)
{
	struct strbuf text = STRBUF_INIT;

	for (unsigned int i = 0; i < ports->count && !text.len; i++)
		for (unsigned int k = 0; k < ports->port[i].naddrs && !text.len; k++) {
			if (!prefix_overlaps(subnet, &ports->port[i].addrs[k]))
				continue;
			strbuf_add(&text, "subnet ");
			prefix_format(subnet, &text);
			strbuf_addf(&text, " overlaps that of port %s: ", ports->port[i].label);
			prefix_format(&ports->port[i].addrs[k], &text);
		}
	snprintf(ret, size, "%s", strbuf_str(&text));
	strbuf_fini(&text);
}

/*
 * As EVE does: what the node itself sends into that network would end at the instance, by the rule that
 * leads to its apps, and the port would be lost to the node.
 */
void zr_ni_check_ports(const struct zr_model *m, struct zr_ni *ni)
{
	char now[sizeof(ni->conflict)] = "";
	struct zr_vif *vif;

	if (ipaddr_is_set(&ni->subnet.addr))
		find_conflict(&m->ports, &ni->subnet, now, sizeof(now));
	if (strcmp(ni->conflict, now) == 0)
		return;
	memcpy(ni->conflict, now, sizeof(now));
	ni->dirty = ni->reroutes = ni->untold = true;
	list_for_each (vif, &ni->vifs, of_ni)
		vif->app->dirty = true;
}

static bool same_addresses(const struct zr_ports *a, const struct zr_ports *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned int i = 0; i < a->count; i++)
		if (strcmp(a->port[i].label, b->port[i].label) != 0 ||
		    memcmp(a->port[i].addrs, b->port[i].addrs, sizeof(a->port[i].addrs)) != 0)
			return false;
	return true;
}

static unsigned int ni_touched(const struct zr_ni *ni)
{
	const unsigned int by_label = ZR_TOUCH_FIRST;
	const unsigned int by_route = ZR_TOUCH_SERVER | ZR_TOUCH_MAPS | ZR_TOUCH_STATUS;
	unsigned int touched = ni->uplink ? ni->uplink->touched & ~by_label : 0;

	if (ni->dnsmasq_off)
		touched &= ~(unsigned int)ZR_TOUCH_SERVER;
	for (unsigned int i = 0; i < ni->nroutes; i++) {
		const struct zr_static_route *r = &ni->routes[i];

		if (r->uplink)
			touched |= r->uplink->touched &
				   ~(by_route | (ipaddr_is_set(&r->gateway) ? 0 : by_label));
	}
	return touched;
}

static void ni_follow(struct zr_ni *ni, unsigned int touched)
{
	struct zr_vif *vif;

	ni->selected = zr_uplink_first(ni->uplink);
	ni->dirty |= (touched & ZR_TOUCH_SELF) != 0;
	ni->way_dirty |= (touched & (ZR_TOUCH_ROUTES | ZR_TOUCH_SERVER | ZR_TOUCH_FIRST)) != 0;
	ni->reroutes |= (touched & (ZR_TOUCH_WAY | ZR_TOUCH_FIRST)) != 0;
	ni->untold |= (touched & ZR_TOUCH_STATUS) != 0;
	if (touched & ZR_TOUCH_MAPS)
		list_for_each (vif, &ni->vifs, of_ni)
			vif->app->dirty |= vif->uses_ports;
}

struct zr_ports *zr_model_set_ports(struct zr_model *m,
				    const struct Ew__DeviceNetworkStatus *status)
{
	struct zr_ports *was = xmemdup(&m->ports, sizeof(m->ports));
	struct hmap_node *node;
	bool moved;

	memset(&m->ports, 0, sizeof(m->ports));
	for (size_t i = 0; status && i < status->n_ports && i < ZR_PORTS; i++)
		load_port(&m->ports.port[m->ports.count++], status->ports[i]);
	zr_uplinks_choose(m, was);
	moved = !same_addresses(was, &m->ports);
	hmap_for_each (node, &m->instances) {
		struct zr_ni *ni = container_of(node, struct zr_ni, node);

		ni_follow(ni, ni_touched(ni));
		if (moved)
			zr_ni_check_ports(m, ni);
	}
	return was;
}
