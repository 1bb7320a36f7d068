/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test of one port: all its addresses, both families, all targets at once. It passes with the
 * first that answers. Of several ways to one target the next begins when all before it have failed,
 * or have not brought an answer in PORT_PATIENCE_MS.
 *
 *	chain (target) --ways--> lane (proxy or target, family) --DNS--> track (own address)
 *		--> attempt (address of whom it asks)
 */
#pragma once

#include "base/addr.h"
#include "base/http_proxy.h"
#include "conntest/resolver.h"
#include "nim/conn/conn_record.h"

#define PORT_SOURCES 8 /* own addresses, both families together */
#define PORT_TARGETS 4
#define PORT_GATEWAYS 2 /* one of each family */

struct curl_slist;
struct event_base;
struct fetcher;
struct port_test;
struct trace;
struct trust;

struct port_target { /* borrowed while tests run */
	char *url;
	struct http_url parsed;
	struct curl_slist *headers;
	bool controller;
};

struct port_ways { /* to one target, in the order they are tried; none: it is asked itself */
	struct http_proxy way[HTTP_PROXY_WAYS];
	unsigned int n;
};

struct port_conf { /* copied, but for what it points to */
	struct event_base *base;
	struct fetcher *fetcher;
	struct ifname ifname;
	struct ipaddr sources[PORT_SOURCES], gateways[PORT_GATEWAYS];
	unsigned int nsources, ngateways;
	struct ipaddr servers[RESOLVER_SERVERS];
	unsigned int nservers;
	const struct trust
		*trust; /* borrowed, and so are ways, for each target; NULL: none for all */
	const struct port_ways *ways;
	const struct port_target *targets;
	unsigned int ntargets;
	unsigned int deadline_ms;
	struct trace *trace; /* borrowed; NULL: nobody wants to know */
	bool document; /* what the target is asked for; it ends with the first */
};

struct port_ops { /* from the loop */
	/* Once, at the deadline at the latest. target: whose URL answered, NULL: none; proxy: by
	 * whom, NULL: directly. */
	void (*verdict)(const struct conn_result *result, const struct port_target *target,
			const struct http_proxy *proxy, void *arg);
	/* Just before the verdict that it passed, if conf.document; borrowed for the call. */
	void (*document)(const struct conn_document *document, void *arg);
	/* Each address of a target or proxy that has answered to TCP, once; before the verdict that is
	 * owed to it. NULL: nobody wants to know. */
	void (*peer)(const struct ipaddr *addr, uint16_t port, void *arg);
	/* What has not worked although the port passed, "" is nothing; before ended(), if it passed. */
	void (*warning)(const char *text, void *arg);
	/* Nothing is under way any more. port_test_free() is allowed. */
	void (*ended)(void *arg);
};

/* After it passed, what else was begun is looked at for this long, to be warned of. */
#define PORT_AFTERGLOW_MS 3000

/* Less, where the deadline leaves less for each way. */
#define PORT_PATIENCE_MS 3000

/* That of the port; the caller's. */
struct resolver *port_resolver(const struct port_conf *conf);

struct port_test *port_test_start(const struct port_conf *conf, const struct port_ops *ops,
				  void *arg);
struct port_test *port_test_free(struct port_test *t); /* NULL is fine */
