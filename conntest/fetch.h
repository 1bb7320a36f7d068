/* SPDX-License-Identifier: Apache-2.0 */
/* GET requests on the event loop, each through one device, from one address, to one address. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/http_proxy.h"
#include "conntest/judge.h"

struct curl_slist;
struct event_base;
struct fetch;
struct fetcher;
struct trace;
struct trust;

/* All requests of a process. */
struct fetcher *fetcher_new(struct event_base *base);
struct fetcher *fetcher_free(struct fetcher *f); /* after its requests; NULL is fine */

struct fetch_conf {
	struct fetcher *fetcher;
	const char *url; /* these four are borrowed while it runs */
	const struct http_url *parsed; /* the same */
	const struct curl_slist *headers; /* NULL: none but the usual */
	const struct ifname *ifname;
	const struct trust *trust; /* borrowed while it runs, and so is proxy */
	const struct http_proxy *proxy; /* is asked for the URL; NULL: nobody, it is asked itself */
	struct trace *trace; /* the same; NULL: nobody wants to know */
	bool show_certificate;
	bool document; /* attempt->document is told, with at most PAC_TEXT_MAX */
	struct ipaddr from, to; /* to: of the proxy, if there is one */
};

/* Once, from the loop; attempt->text is borrowed. The fetch is gone afterwards. */
typedef void fetch_fn(struct conn_attempt *attempt, void *arg);
struct fetch *fetch_start(const struct fetch_conf *conf, fetch_fn *ended, void *arg);
/* Ends it now; how far it got is in *ret, as if time had run out. */
void fetch_give_up(struct fetch *fetch, struct conn_attempt *ret);
