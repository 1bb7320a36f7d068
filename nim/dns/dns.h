/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's own name resolution: a forwarder on 127.0.0.1 and ::1 while there is a management
 * port. Pure.
 *
 *	applications of the node --> dnsmasq "dns" (cache) --> dns-relay --> servers of the ports
 */
#pragma once

#include "nim/facts.h"

#define NIM_DNS_SCOPE "dns"
#define NIM_DNS_ADDR "127.0.0.1"
#define NIM_PORT_DNS (3 * NIM_SERVERS)

struct arena;
struct dp_graph;
struct strbuf;
struct Ew__DnsStatus;

struct nim_dns_conf { /* all borrowed */
	const char *run_dir, *owner;
	const char *relay; /* path of the program dns-relay */
	const char *resolv_conf; /* file to point at the forwarder; NULL: leave all files alone */
};

/* Servers of the config come first, then those of the leases; each once. Returns how many. */
unsigned int nim_port_dns(const struct nim_port *port, const struct nim_iface *iface,
			  struct ipaddr ret[NIM_PORT_DNS]);

/* Whether there is to be a forwarder: a valid management port that may have an address. */
bool nim_dns_wanted(const struct nim_config *config);

/* What dns-relay is told (dnsrelay/conf.h): appended. Returns how many servers it has to ask. */
unsigned int nim_dns_servers(const struct nim_config *config, const struct nim_facts *facts,
			     const struct nim_view *view, struct strbuf *out);
/* The file that points at the forwarder: appended. */
void nim_dns_resolv_conf(const struct nim_config *config, const struct nim_facts *facts,
			 struct strbuf *out);

/* Scope NIM_DNS_SCOPE; empty when no forwarder is wanted. servers: of nim_dns_servers(). */
struct dp_graph *nim_intent_dns(const struct nim_dns_conf *conf, const struct nim_config *config,
				const struct nim_facts *facts, const struct strbuf *servers);

/* NULL when no forwarder is wanted. problem "": it serves. In the arena. */
struct Ew__DnsStatus *nim_dns_status(const struct nim_dns_conf *conf,
				     const struct nim_config *config, const struct nim_facts *facts,
				     const struct nim_view *view, const char *problem,
				     struct arena *arena);
