/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries under way, and whom they are asked.
 *
 * All servers of the first tier are asked at once and the first answer counts. After DNS_PATIENCE_MS
 * without one the next tier is asked as well, and so on; a tier whose servers all failed is not
 * waited for. When a later tier had to answer for a silent one, queries of the next
 * DNS_DISTRUST_MS go to both at once, until the silent one answers in time again: the price of a
 * dead server is paid once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mono.h"
#include "dnsrelay/conf.h"

struct event_base;
struct query;

#define DNS_PATIENCE_MS 250
#define DNS_GIVE_UP_MS 2000 /* dnsmasq asks twice, and resolvers wait 5 s (resolv.conf(5)) */
#define DNS_DISTRUST_MS 30000
#define DNS_QUERIES 128 /* under way; more are told "server failure" */

struct queries {
	struct event_base *base;
	struct dns_conf conf;
	struct list under_way;
	unsigned int count;
	struct { /* of each domain */
		int tier; /* that answered for silent ones */
		struct mono since; /* 0: all is well */
	} distrust[DNS_DOMAINS];
};

/* The one answer to a query, which is gone for the caller then. Borrowed for the call, in which no
 * query may begin or be freed. */
typedef void query_fn(const uint8_t *msg, size_t len, void *arg);

void queries_init(struct queries *all, struct event_base *base, const struct dns_conf *conf);
void queries_fini(struct queries *all); /* no more answers come */
/* Those under way begin anew with these servers. */
void queries_set_conf(struct queries *all, const struct dns_conf *conf);

/*
 * Begins a query that came by UDP or TCP, and goes on by the same. fn is called once, maybe before
 * this returns; *ret is set while there is something to wait for, else NULL. -EBADMSG: not a
 * query, fn is not called.
 */
int query_start(struct queries *all, bool tcp, const uint8_t *msg, size_t len, query_fn *fn,
		void *arg, struct query **ret);
void query_again(struct query *q); /* who asked grows impatient: sends once more */
struct query *query_free(struct query *q); /* fn is not called any more; NULL is fine */
