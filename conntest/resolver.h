/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name resolution of one port: its own servers, all at once, through its own device and from
 * its own address. Nothing is shared with other ports, nothing of the system is asked.
 */
#pragma once

#include "base/addr.h"
#include "conntest/judge.h"

struct event_base;
struct resolver;
struct strbuf;
struct trace;

#define RESOLVER_SERVERS 24
#define RESOLVER_FOUND 4 /* addresses of a name that are of interest */

struct resolver_conf { /* copied */
	struct event_base *base;
	struct ifname ifname;
	struct ipaddr from4, from6; /* unset: servers of this family are not asked */
	struct ipaddr servers[RESOLVER_SERVERS];
	unsigned int nservers;
	struct trace *trace; /* borrowed; NULL: nobody wants to know */
};

struct resolver *resolver_new(const struct resolver_conf *conf);
struct resolver *resolver_free(struct resolver *r); /* no callback follows; NULL is fine */

/*
 * Asks all servers for the addresses of one family. found() is called once, from the loop: with
 * the first answer that has some, else with CONN_DNS_… and none, when all servers have answered in
 * vain, or RESOLVER_GRACE_MS after the first that is sure there is none. There is no time limit.
 */
#define RESOLVER_GRACE_MS 1000
typedef void resolver_fn(enum conn_dns dns, const struct ipaddr *addrs, unsigned int n, void *arg);
struct lookup;
struct lookup *resolver_start(struct resolver *r, const char *host, int family, resolver_fn *found,
			      void *arg);
enum conn_dns lookup_state(const struct lookup *l); /* so far */

/* "192.0.2.53, 192.0.2.54": those that were asked. */
void resolver_servers(const struct resolver *r, struct strbuf *out);
/* The same, of those that have not answered a single question. */
void resolver_silent(const struct resolver *r, struct strbuf *out);
