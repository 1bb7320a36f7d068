/* SPDX-License-Identifier: Apache-2.0 */
/* What a port configuration says of each port, in a line. */
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "cmd/edgeway/dpc.h"

static const char *usage_of(const Ew__PortConfig *port)
{
	if (port->is_mgmt)
		return "management";
	return port->is_l3 ? "apps" : "layer 2";
}

static void add_ignored(const Ew__PortConfig *port, struct strbuf *out)
{
	const struct {
		bool is;
		const char *what;
	} parts[] = { { port->ignore_dhcp_addresses, "addresses" },
		      { port->ignore_dhcp_gateways, "gateways" },
		      { port->ignore_dhcp_dns, "DNS" },
		      { port->ignore_dhcp_ntp, "NTP" } };
	const char *before = "without its ";

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!parts[i].is)
			continue;
		strbuf_addf(out, "%s%s", before, parts[i].what);
		before = ", ";
	}
	strbuf_add(out, *before == ',' ? " " : "");
}

static void add_addressing(const Ew__PortConfig *port, struct strbuf *out)
{
	strbuf_add(out, port->dhcp == EW__DHCP_MODE__DHCP_CLIENT ? "dhcp " : "");
	add_ignored(port, out);
	for (size_t i = 0; i < port->n_addresses; i++)
		strbuf_addf(out, "%s ", port->addresses[i]);
	for (size_t i = 0; i < port->n_gateways; i++)
		strbuf_addf(out, "via %s ", port->gateways[i]);
	if (port->lower_case == EW__PORT_CONFIG__LOWER_VLAN)
		strbuf_addf(out, "vlan %u of %s ", port->vlan->vid, port->vlan->parent);
	for (size_t i = 0;
	     port->lower_case == EW__PORT_CONFIG__LOWER_BOND && i < port->bond->n_members; i++)
		strbuf_addf(out, "%s%s ", i ? "" : "bond of ", port->bond->members[i]);
}

static void add_radio(const Ew__PortConfig *port, struct strbuf *out)
{
	for (size_t i = 0; port->cellular && i < port->cellular->n_access_points; i++) {
		const Ew__CellularAccessPoint *ap = port->cellular->access_points[i];

		if (ap->activated)
			strbuf_addf(out, "access point %s ", *ap->apn ? ap->apn : "internet");
	}
	for (size_t i = 0; port->wifi && i < port->wifi->n_networks; i++)
		strbuf_addf(out, "%s%s ", i ? "" : "Wi-Fi ", port->wifi->networks[i]->ssid);
}

static void add_result(const Ew__DpcEntry *e, const char *label, struct strbuf *out)
{
	for (size_t i = 0; i < e->n_results; i++)
		if (strcmp(e->results[i]->logicallabel, label) == 0 && e->results[i]->why[0])
			strbuf_addf(out, "%s ", e->results[i]->why);
}

static bool is_local(const Ew__DpcEntry *e, const Ew__PortConfig *port)
{
	for (size_t i = 0; i < e->n_local_ports; i++)
		if (strcmp(e->local_ports[i], port->logicallabel) == 0)
			return true;
	return false;
}

/* Each part ends with a blank, and a line does not. */
static void end_line(struct strbuf *out)
{
	while (out->len && out->str[out->len - 1] == ' ')
		out->str[--out->len] = '\0';
	strbuf_addc(out, '\n');
}

void dpc_add_ports(const Ew__DpcEntry *e, struct strbuf *out)
{
	for (size_t i = 0; i < e->config->n_ports; i++) {
		const Ew__PortConfig *port = e->config->ports[i];

		strbuf_addf(out, "  %-16s %-15s %-10s cost %-3u ", port->logicallabel,
			    *port->ifname	 ? port->ifname
			    : *port->pci_address ? port->pci_address
						 : port->usb_address,
			    usage_of(port), port->cost);
		add_addressing(port, out);
		add_radio(port, out);
		strbuf_add(out, is_local(e, port) ? "local " : "");
		add_result(e, port->logicallabel, out);
		strbuf_add(out, port->error);
		end_line(out);
	}
}
