/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a port's addresses, gateways, servers and MTU come from when both the configuration and
 * DHCP or a router have something to say. Pure.
 *
 *	addresses, DNS and NTP servers	both count, the configuration's first
 *	gateway, domain, MTU		the configuration's if it has one
 *
 * unless port->ignore says that the other part does not count.
 */
#pragma once

#include "nim/facts.h"

#define NIM_PORT_NTP (3 * NIM_SERVERS)
#define NIM_PORT_DOMAINS 6

/* Sets port->error when its static addresses or gateways cannot work. */
void nim_addressing_check(struct nim_port *port);

/* A unicast address in a network of sensible size: neither 127.0.0.1/8 nor 10.0.0.1/0. */
bool nim_prefix_is_usable(const struct prefix *p);
bool nim_port_has_addr(const struct nim_port *port, const struct prefix *p); /* configured */
/* Whether an address of the interface gets rules and routes. */
bool nim_addr_counts(const struct nim_port *port, const struct prefix *p);
/* Whether an address before that one is of the same network: one route is enough for both. */
bool nim_subnet_seen_before(const struct nim_iface *iface, unsigned int addr);

/* "" or why an IPv4 lease is not believed at all. Bad parts of an IPv6 one are passed over. */
void nim_lease_refuse(const struct dp_lease *lease, char ret[NIM_REFUSED]);
struct dp_lease_route;
bool nim_lease_route_is_usable(const struct dp_lease_route *route);
/* The first router that can be one; unset: there is none. */
struct ipaddr nim_lease_gateway(const struct dp_lease *lease);

struct nim_gateways {
	struct ipaddr v4, v6; /* unset: none */
};
struct nim_gateways nim_port_gateways(const struct nim_port *port, const struct nim_iface *iface);
/* Whether it is as configured that no family has a gateway. */
bool nim_port_needs_no_gateway(const struct nim_port *port);

/* Each once. Returns how many; the strings are those of port and iface. */
unsigned int nim_port_ntp(const struct nim_port *port, const struct nim_iface *iface,
			  const char *ret[NIM_PORT_NTP]);
/* The first is the port's own domain, the others come from a search list. */
unsigned int nim_port_domains(const struct nim_port *port, const struct nim_iface *iface,
			      char ret[NIM_PORT_DOMAINS][NIM_LABEL]);

/* Bytes for the link of a port. */
uint32_t nim_port_mtu(const struct nim_config *config, const struct nim_facts *facts,
		      unsigned int port);
/* Bytes for its IPv6 packets alone; 0: as the link. */
uint32_t nim_port_mtu6(const struct nim_port *port, const struct nim_iface *iface);
