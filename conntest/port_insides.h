/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of conntest/port.h. */
#pragma once

#include "base/mono.h"
#include "conntest/port.h"

struct event;
struct fetch;
struct strbuf;

struct track { /* from one own address to one target */
	struct lane *lane;
	struct ipaddr from;
	struct fetch *fetches[RESOLVER_FOUND];
	struct attempt {
		struct track *track;
		unsigned int index;
	} attempts[RESOLVER_FOUND];
	unsigned int begun, failed; /* addresses of the target */
	struct event *next_ev;
	bool passed;
	struct conn_result worst; /* of those that failed: what tells most */
};

struct lane { /* one way to one target by one family */
	struct port_test *test;
	struct chain *chain;
	unsigned int way;
	const struct port_target *target;
	const struct http_proxy *proxy; /* NULL: the target itself is asked */
	const struct http_url *whom; /* of the proxy, else of the target */
	int family;
	struct lookup *lookup; /* NULL: the target is an address */
	bool looked_up;
	enum conn_dns dns;
	struct ipaddr to[RESOLVER_FOUND];
	unsigned int nto;
	struct track tracks[PORT_SOURCES];
	unsigned int ntracks;
};

struct chain { /* the ways to one target */
	struct port_test *test;
	const struct port_target *target;
	const struct port_ways *ways;
	unsigned int begun; /* ways */
	struct event *next_ev;
	bool passed;
	unsigned int by; /* which of them, if it passed */
};

#define LANES (2 * PORT_TARGETS * HTTP_PROXY_WAYS)

struct port_test {
	struct port_conf conf;
	const struct port_ops *ops;
	void *arg;
	struct mono begun;
	struct resolver *resolver;
	struct event *deadline_ev, *settle_ev;
	bool told; /* the verdict */
	bool over; /* ended() is under way */
	struct chain chains[PORT_TARGETS];
	struct lane *lanes[LANES];
	unsigned int nlanes;
	struct conn_peer peers[CONN_PEERS];
	unsigned int npeers;
};

/* Nothing more will come of it. */
bool port_lane_is_settled(const struct lane *l);

/* Why the port has not passed: of all that failed what tells most. */
void port_judge(const struct port_test *t, struct conn_result *ret);
/* What has not worked although it passed: appended. */
void port_warnings(const struct port_test *t, struct strbuf *out);
