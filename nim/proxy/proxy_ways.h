/* SPDX-License-Identifier: Apache-2.0 */
/* By whom a port asks for a URL. Pure. */
#pragma once

#include <stdbool.h>

struct arena;
struct nim_iface;
struct nim_port;
struct pac_ways;
struct Ew__ConnPac;
struct Ew__ConnPort;
struct Ew__ConnWays;
struct Ew__ProxyConfig;

/* By what is configured: the server of the URL's scheme, else that of SOCKS; nobody for exceptions.
 * In the arena, with what it borrows of config. */
struct Ew__ConnWays *proxy_ways_static(const struct Ew__ProxyConfig *config, const char *url,
				       struct arena *arena);

/* Whether a PAC file decides, and nothing else that is configured. NULL is fine. */
bool proxy_has_pac(const struct Ew__ProxyConfig *config);
/* What is needed to ask it. In the arena, with what it borrows of port and iface. */
struct Ew__ConnPac *proxy_pac(const struct nim_port *port, const struct nim_iface *iface,
			      struct arena *arena);
/* What a PAC file said for n targets takes its place in port, which was unpacked. A server that
 * is configured as well, by name, port and kind, is shown the user of that: no file of a network
 * gets a password told in clear that was for TLS. */
void proxy_ways_of_pac(struct Ew__ConnPort *port, const struct pac_ways *ways, unsigned int n);
