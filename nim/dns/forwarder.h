/* SPDX-License-Identifier: Apache-2.0 */
/* The management DNS forwarder of nim/dns/dns.h, as it runs: its place in the engine, its state. */
#pragma once

#include "nim/dns/dns.h"

struct daemon;
struct dp;

enum nim_forwarder_state {
	NIM_FORWARDER_OFF, /* not wanted, or idle */
	NIM_FORWARDER_STARTING,
	NIM_FORWARDER_SERVING,
	NIM_FORWARDER_FAILED, /* retried by the engine; see problem */
};

struct nim_forwarder {
	struct nim_dns_conf conf;
	char *relay; /* path */
	enum nim_forwarder_state state;
	char problem[200]; /* "" = all is well, not wanted, or idle */
	/* Nobody to ask yet: it is not started beside the DHCP client, which would come later. One that
	 * runs stays when its last server goes, with its cache. */
	bool idle;
	uint32_t servers_hash; /* of what the relay was told last */
};

/*
 * Before dp_adopt(). resolv_conf NULL: no file is touched, but what an earlier run placed is put
 * back. -ENAMETOOLONG, -EINVAL: that is no path for a file; -errno: it cannot be remembered.
 */
int nim_forwarder_open(struct nim_forwarder *f, const struct daemon *d, const char *resolv_conf);
void nim_forwarder_fini(struct nim_forwarder *f); /* it runs on */

/* The inputs changed. */
void nim_forwarder_apply(struct nim_forwarder *f, struct dp *dp, const struct nim_config *config,
			 const struct nim_facts *facts, const struct nim_view *view);
/* The engine's reports changed: brings state and problem up to date. */
void nim_forwarder_look(struct nim_forwarder *f, const struct dp *dp,
			const struct nim_config *config);
