/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/verify_facts.h"

#include <string.h>

#include "base/hmap.h"
#include "nim/dns/dns.h"
#include "nim/cards.h"
#include "nim/wireless/wireless.h"

static bool is_pending(const struct nim_port *port, const struct nim_iface *iface)
{
	return nim_port_is_on_air(port) && (!iface->wireless || iface->wireless->pending);
}

void verify_facts(const struct conn_ports *on, const struct nim_cards *cards, bool busy,
		  struct dpcv_facts *ret)
{
	struct ipaddr servers[NIM_PORT_DNS];
	const char *taken = NULL;

	*ret = (struct dpcv_facts){ .busy = busy };
	for (unsigned int i = 0; i < on->config->nports; i++) {
		const struct nim_port *port = &on->config->ports[i];
		const struct nim_iface *iface = &on->facts->ifaces[i];

		if (!port->is_mgmt)
			continue;
		if (port->wireless == NIM_WIRELESS_CELLULAR) {
			/* Its daemon first, which may bring the interface. */
			ret->modem_pending = ret->modem_pending || is_pending(port, iface);
			ret->missing += port->absent;
		} else {
			ret->card_pending = ret->card_pending || nim_cards_await(cards, port);
		}
		if (nim_cards_port_app(cards, port))
			taken = port->error;
		if (port->error[0])
			continue;
		ret->present += iface->ifindex != 0;
		ret->missing += iface->ifindex == 0;
		if (iface->naddrs && nim_port_dns(port, iface, servers))
			ret->ip_and_dns = true;
	}
	if (!ret->present && !ret->missing && !ret->card_pending)
		ret->card_taken = taken;
}

uint32_t verify_digest(const struct conn_ports *on, bool busy)
{
	uint32_t hash = hash_bytes(&busy, sizeof(busy), 0);

	for (unsigned int i = 0; i < on->config->nports; i++) {
		const struct nim_iface *iface = &on->facts->ifaces[i];
		const struct nim_port_view *view = &on->view->ports[i];
		const uint32_t state[] = { iface->ifindex, iface->up, iface->carrier, view->usable4,
					   view->usable6 };
		struct ipaddr servers[NIM_PORT_DNS] = { 0 };
		unsigned int n;

		if (!on->config->ports[i].is_mgmt)
			continue;
		n = nim_port_dns(&on->config->ports[i], iface, servers);
		hash = hash_bytes(state, sizeof(state), hash);
		if (iface->wireless) {
			hash = hash_bytes(&iface->wireless->pending, sizeof(bool), hash);
			hash = hash_bytes(iface->wireless->error, strlen(iface->wireless->error),
					  hash);
		}
		hash = hash_bytes(iface->addrs, iface->naddrs * sizeof(iface->addrs[0]), hash);
		hash = hash_bytes(&view->gateway4, sizeof(view->gateway4), hash);
		hash = hash_bytes(&view->gateway6, sizeof(view->gateway6), hash);
		hash = hash_bytes(servers, n * sizeof(servers[0]), hash);
	}
	return hash;
}

bool verify_is_silenced(const struct conn_ports *on)
{
	for (unsigned int i = 0; i < on->config->nports; i++)
		if (on->config->ports[i].is_mgmt && on->facts->ifaces[i].radio_silent)
			return true;
	return false;
}
