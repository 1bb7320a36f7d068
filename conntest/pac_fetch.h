/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PAC file of one port, and addresses of the names it may ask for: through the port's own device
 * and resolver, by no proxy. Of several URLs the next is asked when the one before has none.
 */
#pragma once

#include "conntest/port.h"

#define PAC_FETCH_URLS 16
#define PAC_FETCH_REDIRECTS 3 /* of one URL; never from https to http */
#define PAC_FETCH_NAMES_MS 2000 /* for all names; those that have no address by then have none */

struct pac_fetch;

struct pac_fetch_conf {
	struct port_conf port; /* without targets and ways; its deadline is for all URLs together */
	char *urls
		[PAC_FETCH_URLS]; /* borrowed while it runs, and so are names; NULL: passed over */
	unsigned int nurls; /* 0: there is a file already */
	char *names[PORT_TARGETS];
	unsigned int nnames;
};

struct pac_fetch_name {
	const char *name;
	struct ipaddr addrs[2 * RESOLVER_FOUND];
	unsigned int naddrs;
};

struct pac_fetched { /* borrowed for the call */
	const char *text;
	size_t len;
	unsigned int url, max_age_s;
	const struct pac_fetch_name *names;
	unsigned int nnames;
};

struct pac_fetch_ops { /* one of them, once, from the loop; pac_fetch_free() is allowed */
	void (*fetched)(const struct pac_fetched *file, void *arg);
	void (*failed)(const struct conn_result *failure, void *arg);
};

/* conf is copied. */
struct pac_fetch *pac_fetch_start(const struct pac_fetch_conf *conf,
				  const struct pac_fetch_ops *ops, void *arg);
struct pac_fetch *pac_fetch_free(struct pac_fetch *f); /* NULL is fine */
