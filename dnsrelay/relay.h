/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes DNS queries of this node on to the servers of its ports: the cheap ones first, others
 * when those are silent, and names of a port's own domain to that port alone. It has no cache and
 * trusts its clients; dnsmasq stands before it. Loopback only.
 */
#pragma once

#include "dnsrelay/conf.h"

struct event_base;
struct relay;

/* An address of its own in 127/8: neither 127.0.0.1 nor systemd-resolved's 127.0.0.53. The port
 * needs no privilege. */
#define DNS_RELAY_ADDR "127.69.87.1"
#define DNS_RELAY_PORT 5335

/* Binds and serves. 0 or -errno: -EADDRINUSE when another one does. */
int relay_new(struct event_base *base, const struct dns_conf *conf, struct relay **ret);
void relay_set_conf(struct relay *relay, const struct dns_conf *conf); /* loses no query */
struct relay *relay_free(struct relay *relay); /* NULL is fine */
static inline void relay_freep(struct relay **relay)
{
	relay_free(*relay);
}
