/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/wireless/wireless.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/lease.h"
#include "nim/addressing.h"
#include "wireless.pb-c.h"

static void __attribute__((__format__(__printf__, 2, 3)))
fail(struct nim_air *w, const char *fmt, ...)
{
	va_list ap;

	if (w->error[0])
		return; /* the first says most */
	va_start(ap, fmt);
	vsnprintf(w->error, sizeof(w->error), fmt, ap);
	va_end(ap);
}

bool nim_wwan_applied(const struct nim_wwan *wwan)
{
	return wwan->told && wwan->said && strcmp(wwan->told->dpc_key, wwan->said->dpc_key) == 0 &&
	       wwan->told->dpc_time_ms == wwan->said->dpc_time_ms &&
	       wwan->told->revision == wwan->said->revision;
}

bool nim_wlan_applied(const struct nim_wlan *wlan)
{
	return wlan->told && wlan->said && strcmp(wlan->told->dpc_key, wlan->said->dpc_key) == 0 &&
	       wlan->told->dpc_time_ms == wlan->said->dpc_time_ms &&
	       wlan->told->revision == wlan->said->revision;
}

/* ---- Cellular ---- */

static const Ew__WwanNetworkStatus *find_network(const Ew__WwanStatus *said, const char *label)
{
	for (size_t i = 0; said && i < said->n_networks; i++)
		if (strcmp(said->networks[i]->logicallabel, label) == 0)
			return said->networks[i];
	return NULL;
}

static bool is_wanted(const struct nim_port *port, const struct prefix *p)
{
	return nim_prefix_is_usable(p) && !ipaddr_is_linklocal(&p->addr) &&
	       (p->addr.family == AF_INET ? port->ipv4 : port->ipv6);
}

static void take_addresses(const struct nim_port *port, const Ew__WwanIp *ip, struct nim_air *w)
{
	for (size_t i = 0; i < ip->n_addresses && w->naddrs < NIM_BEARER_ADDRS; i++) {
		struct prefix *p = &w->addrs[w->naddrs];

		if (prefix_parse(ip->addresses[i], p) < 0)
			fail(w, "cellular: no address: %.80s", ip->addresses[i]);
		else if (is_wanted(port, p))
			w->naddrs++;
	}
	memset(&w->addrs[w->naddrs], 0, (NIM_BEARER_ADDRS - w->naddrs) * sizeof(w->addrs[0]));
}

static const char *mode_error(const Ew__WwanModule *module)
{
	/* Not a switch without default: what comes by the bus is open. */
	if (!module || module->mode == EW__MODEM_MODE__MODEM_CONNECTED ||
	    module->mode == EW__MODEM_MODE__MODEM_UNSPECIFIED)
		return NULL;
	if (module->mode == EW__MODEM_MODE__MODEM_RADIO_OFF)
		return "its radio is off";
	if (module->mode == EW__MODEM_MODE__MODEM_OFFLINE)
		return "the modem is offline";
	if (module->mode == EW__MODEM_MODE__MODEM_ONLINE)
		return "not connected";
	return "the modem is in a state that is not known";
}

static void judge_modem(const struct nim_port *port, const Ew__WwanNetworkStatus *modem,
			struct nim_air *w)
{
	const char *mode = mode_error(modem->module);

	if (modem->config_error[0])
		fail(w, "cellular: %s", modem->config_error);
	if (mode)
		fail(w, "cellular: %s", mode);
	if (modem->ifname[0] && port->ifname.str[0] && strcmp(modem->ifname, port->ifname.str) != 0)
		fail(w, "cellular: the interface of the modem is %s", modem->ifname);
	else if (modem->ip)
		take_addresses(port, modem->ip, w);
}

void nim_wireless_look_wwan(const struct nim_port *port, const struct nim_wwan *wwan,
			    struct nim_air *ret)
{
	*ret = (struct nim_air){ .stale = wwan->left };
	if (!nim_port_is_on_air(port))
		return;
	ret->pending = !nim_wwan_applied(wwan);
	ret->cellular = find_network(wwan->said, port->label);
	if (ret->cellular)
		judge_modem(port, ret->cellular, ret);
	else if (wwan->said && wwan->said->error[0])
		fail(ret, "cellular: %s", wwan->said->error);
	else if (ret->pending)
		fail(ret, "cellular: the daemon of modems (wwan) has not answered yet");
	else
		fail(ret, "cellular: the daemon of modems (wwan) says nothing of it");
}

/* ---- What the network gave ---- */

static bool has_address(const struct nim_air *w, const struct ipaddr *addr)
{
	for (unsigned int i = 0; i < w->naddrs; i++)
		if (ipaddr_equal(&w->addrs[i].addr, addr))
			return true;
	return false;
}

/* The first and the last of a subnet with room for more belong to all of it: the kernel takes them for
 * no gateway. */
static bool is_for_all(const struct prefix *own, const struct ipaddr *addr)
{
	struct prefix network = prefix_network(own);
	struct ipaddr last = prefix_last(&network);

	return own->len + 1u < ipaddr_bits(&own->addr) &&
	       (ipaddr_equal(addr, &network.addr) || ipaddr_equal(addr, &last));
}

/*
 * Networks do not always tell a gateway, and a link with two ends needs none; but the routes of
 * all ports have one, and so have those of instances. On a link without ARP any address but one's
 * own stands for the other end.
 */
static struct ipaddr other_end(const struct nim_air *w, const struct prefix *own)
{
	struct ipaddr other = own->addr;
	uint8_t *last = &other.byte[own->addr.family == AF_INET ? 3 : 15], was = *last;

	for (uint8_t bits = 1; bits < 8; bits++) {
		*last = was ^ bits;
		if (!has_address(w, &other) && !is_for_all(own, &other))
			break;
	}
	return other;
}

static bool has_family(const struct nim_air *w, int family)
{
	for (unsigned int i = 0; i < w->naddrs; i++)
		if (w->addrs[i].addr.family == family)
			return true;
	return false;
}

static struct ipaddr gateway_of(const struct nim_air *w, const struct prefix *own, const char *told)
{
	struct ipaddr gateway;

	if (*told && ipaddr_parse(told, &gateway) == 0 && gateway.family == own->addr.family &&
	    !ipaddr_is_zero(&gateway) && !has_address(w, &gateway) && !is_for_all(own, &gateway))
		return gateway;
	return other_end(w, own);
}

static void take_servers(const Ew__WwanIp *ip, int family, struct dp_lease *lease)
{
	struct ipaddr server;

	for (size_t i = 0; i < ip->n_dns_servers && lease->dnss < DP_LEASE_SERVERS; i++)
		if (ipaddr_parse(ip->dns_servers[i], &server) == 0 && server.family == family)
			lease->dns[lease->dnss++] = server;
}

bool nim_wireless_lease(const struct nim_air *w, int family, struct dp_lease *ret)
{
	const Ew__WwanIp *ip = w->cellular ? w->cellular->ip : NULL;
	struct dp_lease lease = { .reason = "BEARER" };

	for (unsigned int i = 0; i < w->naddrs; i++)
		if (w->addrs[i].addr.family == family)
			lease.addr[lease.addrs++] = w->addrs[i];
	if (!ip || !lease.addrs)
		return false;
	lease.router[lease.routers++] =
		gateway_of(w, &lease.addr[0], family == AF_INET ? ip->gateway4 : ip->gateway6);
	take_servers(ip, family, &lease);
	/* Of the link; where there is IPv4 that half tells it. */
	if (ip->mtu <= UINT16_MAX && (family == AF_INET || !has_family(w, AF_INET)))
		lease.mtu_bytes = (uint16_t)ip->mtu;
	*ret = lease;
	return true;
}

/* ---- Wi-Fi ---- */

static const Ew__WlanPortStatus *find_port(const Ew__WlanStatus *said, const char *label)
{
	for (size_t i = 0; said && i < said->n_ports; i++)
		if (strcmp(said->ports[i]->logicallabel, label) == 0)
			return said->ports[i];
	return NULL;
}

static const char *wifi_error(const Ew__WlanPortStatus *wifi)
{
	if (wifi->error[0])
		return wifi->error;
	if (wifi->state == EW__WLAN_STATE__WLAN_OFF)
		return "its radio is off";
	if (wifi->state == EW__WLAN_STATE__WLAN_SCANNING)
		return "looks for a network";
	if (wifi->state == EW__WLAN_STATE__WLAN_CONNECTING)
		return "joins a network";
	if (wifi->state == EW__WLAN_STATE__WLAN_CONNECTED)
		return "in a network, without a carrier";
	return "in no network";
}

void nim_wireless_look_wlan(const struct nim_port *port, const struct nim_wlan *wlan, bool carrier,
			    struct nim_air *ret)
{
	*ret = (struct nim_air){ .stale = wlan->left };
	if (!nim_port_is_on_air(port))
		return;
	ret->pending = !nim_wlan_applied(wlan);
	ret->wifi = find_port(wlan->said, port->label);
	if (carrier) /* the kernel's word: it is in a network, and has its keys */
		return;
	if (ret->wifi)
		fail(ret, "Wi-Fi: %s", wifi_error(ret->wifi));
	else if (wlan->said && wlan->said->error[0])
		fail(ret, "Wi-Fi: %s", wlan->said->error);
	else if (ret->pending)
		fail(ret, "Wi-Fi: the daemon of Wi-Fi (wlan) has not answered yet");
	else
		fail(ret, "Wi-Fi: the daemon of Wi-Fi (wlan) says nothing of it");
}
