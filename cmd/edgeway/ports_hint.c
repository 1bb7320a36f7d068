/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about a port. */
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "cmd/edgeway/meter_view.h"
#include "cmd/edgeway/ports_model.h"
#include "cmd/edgeway/ports_radio.h"

struct hints {
	const struct ports *ports;
	const struct port_facts *port;
	void (*tell)(const char *hint, void *arg);
	void *arg;
};

static void hint(const struct hints *h, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));
static void hint(const struct hints *h, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	h->tell(strbuf_str(&text), h->arg);
	strbuf_fini(&text);
}

/* The address alone, without its prefix length. */
static int host_part(const char *address)
{
	return (int)strcspn(address, "/");
}

static bool same_host(const char *a, const char *b)
{
	return host_part(a) == host_part(b) && strncmp(a, b, (size_t)host_part(a)) == 0;
}

static void hint_twice(const struct hints *h, const char *address)
{
	for (size_t i = 0; i < h->ports->n; i++) {
		const Ew__PortStatus *other = h->ports->list[i].p;

		for (size_t j = 0; other != h->port->p && j < other->n_addresses; j++)
			if (same_host(other->addresses[j], address))
				hint(h,
				     "port %s has the address %.*s, too: give one of the two "
				     "another "
				     "address",
				     other->logicallabel, host_part(address), address);
	}
}

static void hint_conflicts(const struct hints *h)
{
	const struct port_facts *port = h->port;

	for (size_t i = 0; i < port->p->n_conflicts; i++) {
		const Ew__AddressConflict *c = port->p->conflicts[i];

		if (c->mac[0])
			hint(h,
			     "another host, %s, has the address %s, too: give one of the two "
			     "another "
			     "address",
			     c->mac, c->address);
		else
			hint(h,
			     "another host has the address %s, too: give one of the two another "
			     "address; \"ip neigh show dev %s\" may tell its MAC address",
			     c->address, port->p->ifname);
	}
	for (size_t i = 0; i < port->p->n_addresses; i++)
		hint_twice(h, port->p->addresses[i]);
}

static void hint_dhcp(const struct hints *h)
{
	const struct port_facts *port = h->port;
	const Ew__PortStatus *p = port->p;

	if (!p->is_l3 || p->dhcp != EW__DHCP_MODE__DHCP_CLIENT ||
	    (p->wireless && p->wireless->type == EW__WIRELESS_TYPE__WIRELESS_CELLULAR))
		return;
	if (p->ip_versions != EW__IP_VERSIONS__IP_V6_ONLY && !port->lease[PORT_DHCP4].reason[0])
		hint(h,
		     "no DHCP answer: is there a DHCP server in this network, and the port in the "
		     "right VLAN? \"tcpdump -ni %s port 67 or port 68\" shows questions and "
		     "answers",
		     p->ifname);
	else if (p->ip_versions != EW__IP_VERSIONS__IP_V6_ONLY && !p->usable4 &&
		 !port->lease[PORT_DHCP4].routers && p->error[0])
		hint(h, "the DHCP server names no router: nothing behind its network is reachable; "
			"have it send one (option 3)");
	if (p->ip_versions == EW__IP_VERSIONS__IP_V6_ONLY && !port->lease[PORT_RA].reason[0] &&
	    !p->usable6)
		hint(h,
		     "no router advertises itself: is IPv6 switched on at the router? "
		     "\"tcpdump -ni %s icmp6\" shows advertisements",
		     p->ifname);
}

/* How far packets get tells whom to ask. */
static void hint_test(const struct hints *h)
{
	const Ew__PortTest *t = h->port->p->test;

	if (!t || (t->outcome != EW__TEST_OUTCOME__TEST_FAILED &&
		   t->outcome != EW__TEST_OUTCOME__TEST_REMOTE))
		return; /* what is not ready may be so in a moment */
	if (strncmp(t->error, "PAC file", 8) == 0) {
		hint(h, "by which proxy to go is not known: have the network's PAC file mended, or "
			"configure its URL, or the proxies themselves");
		return;
	}
	switch ((int)t->stage) {
	case EW__TEST_STAGE__TEST_STAGE_GATEWAY:
		hint(h, "the router does not answer: is it switched on, has it another address, is "
			"the port in the right VLAN?");
		break;
	case EW__TEST_STAGE__TEST_STAGE_DNS:
		hint(h, "names are not resolved: are the DNS servers the right ones, does a "
			"firewall keep out UDP and TCP 53? Other servers can be configured");
		break;
	case EW__TEST_STAGE__TEST_STAGE_TCP:
		hint(h, "nothing answers there: a firewall on the way may let no connections out; "
			"have the target's port opened, or configure the network's proxy");
		break;
	case EW__TEST_STAGE__TEST_STAGE_TLS:
		hint(h, "is the node's clock right? A proxy that looks into TLS needs its CA "
			"certificate in the port's configuration");
		break;
	case EW__TEST_STAGE__TEST_STAGE_HTTP:
		hint(h, "the far end answers and refuses: does it know this node, is the address "
			"of the controller right?");
		break;
	}
}

static void hint_pnac(const struct hints *h)
{
	const Ew__PnacStatus *pnac = h->port->p->pnac;

	if (pnac && pnac->state != EW__PNAC_STATE__PNAC_AUTHENTICATED && !pnac->error[0])
		hint(h,
		     "nobody answers to 802.1X: does the switch ask for it on this port? \"tcpdump "
		     "-ni %s ether proto 0x888e\" shows questions and answers",
		     h->port->p->ifname);
	else if (pnac && pnac->error[0])
		hint(h,
		     "802.1X needs a certificate the network's authentication server believes, in "
		     "the "
		     "folder of profile %s: the server's log tells why it refuses one",
		     pnac->profile);
}

static void hint_silent(const struct hints *h)
{
	const Ew__PortStatus *p = h->port->p;

	if (p->gateway_state4 == EW__GATEWAY_STATE__GATEWAY_SILENT)
		hint(h,
		     "the link is up and the gateway does not answer: is the router on, and the "
		     "port in its VLAN? \"arping -I %s %s\" asks as nim does",
		     p->ifname, p->gateway4);
	else if (p->gateway_state6 == EW__GATEWAY_STATE__GATEWAY_SILENT)
		hint(h,
		     "the link is up and the gateway does not answer: is the router on, and the "
		     "port in its VLAN? \"ip -6 neigh show dev %s\" tells what the kernel knows",
		     p->ifname);
}

static bool is_upstream(const Ew__PortStatus *p, Ew__UpstreamState state)
{
	return (p->upstream4 && p->upstream4->state == state) ||
	       (p->upstream6 && p->upstream6->state == state);
}

static void hint_upstream(const struct hints *h)
{
	const Ew__PortStatus *p = h->port->p;

	if (is_upstream(p, EW__UPSTREAM_STATE__UPSTREAM_FAILED))
		hint(h,
		     "the gateway answers, and who is beyond it by another port is not reached by "
		     "this one: is the router's own line up, does a firewall behind it let the "
		     "node "
		     "out? \"traceroute -i %s\" shows how far it gets",
		     p->ifname);
	else if (is_upstream(p, EW__UPSTREAM_STATE__UPSTREAM_SILENT))
		hint(h, "nobody far answers by any port: is the controller up, or do all lines "
			"lead through the same fault? Nothing is moved meanwhile");
}

static void hint_quota(const struct hints *h)
{
	if (h->port->p->over_quota)
		hint(h,
		     "its quota is used up, apps use other ports until the next month begins: see "
		     "edgeway metering");
}

/* An interface that nim makes itself: a VLAN, a bond. */
static bool is_made(const struct port_facts *port)
{
	for (size_t i = 0; i < port->nfaults; i++)
		if ((strcmp(port->faults[i].type, "vlan") == 0 ||
		     strcmp(port->faults[i].type, "bond") == 0) &&
		    strcmp(port->faults[i].key, port->p->ifname) == 0)
			return true;
	return false;
}

static void hint_missing(const struct hints *h)
{
	const char *ifname = h->port->p->ifname;

	if (is_made(h->port))
		hint(h,
		     "%s cannot be made yet: its items tell what they wait for; look at the ports "
		     "below it",
		     ifname);
	else
		hint(h,
		     "there is no interface %s: look for the card and its driver (\"ip link\", "
		     "\"dmesg\"), or correct the interface name in the configuration",
		     ifname);
}

void port_hints(const struct ports *ports, const struct port_facts *port,
		void (*tell)(const char *hint, void *arg), void *arg)
{
	const struct hints h = { ports, port, tell, arg };
	const Ew__PortStatus *p = port->p;

	if (port_radio_hints(port, tell, arg))
		return;
	if (!p->ifindex) {
		hint_missing(&h);
		return;
	}
	if (!p->carrier) {
		hint(&h,
		     "no carrier: look at the cable, and whether the device at its other end is "
		     "switched on; \"ip link show %s\" shows the state",
		     p->ifname);
		return;
	}
	hint_conflicts(&h);
	hint_dhcp(&h);
	hint_silent(&h);
	hint_upstream(&h);
	hint_test(&h);
	hint_quota(&h);
	hint_pnac(&h);
}
