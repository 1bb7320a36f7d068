/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel can do, found out by doing it: each feature is tried in a network namespace of
 * its own, inside a short-lived child process, so the machine's own configuration is not touched.
 * Version numbers say little: distributions leave out and backport.
 *
 * The answer is kept in <run_dir>/caps for the kernel's uptime; daemons started together find it
 * there.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct event_base;

enum cap {
	CAPS_BRIDGE,
	CAPS_BRIDGE_ISOLATED,
	CAPS_BRIDGE_VLAN,
	CAPS_VETH,
	CAPS_TAP,
	CAPS_DUMMY,
	CAPS_VLAN,
	CAPS_BOND,
	CAPS_VRF,
	CAPS_IPV6,
	CAPS_ADDR_PROTOCOL,
	CAPS_RULE_PROTOCOL,
	CAPS_NEIGH_PROTOCOL,
	CAPS_MULTIPATH,
	CAPS_PROXY_ARP_PVLAN,
	CAPS_NFT_INET,
	CAPS_NFT_BRIDGE,
	CAPS_NFT_MASQUERADE,
	CAPS_NFT_CT_MARK,
	CAPS_NFT_REJECT,
	CAPS_NFT_CT_BRIDGE,
	CAPS_NFT_FLOWTABLE,
	CAPS_NFT_LOG,
	CAPS_XDP,
	CAPS_COUNT
};

struct caps {
	int err[CAPS_COUNT]; /* 0: it works; else what trying it gave, -errno */
};

bool caps_has(const struct caps *caps, enum cap cap);
const char *caps_name(enum cap cap); /* "vlan": stable */
const char *caps_purpose(enum cap cap); /* what needs it: "VLAN ports" */
const char *caps_kernel_option(enum cap cap); /* "CONFIG_VLAN_8021Q", for a hint */

/* A table for people: feature, yes or no, what needs it; and below, why not. */
void caps_print(const struct caps *caps, FILE *out);

/* Waits for the child, some ten milliseconds: for the command line. -EPERM: may not make a
 * network namespace. */
int caps_probe(struct caps *ret);

/*
 * For daemons: asks the file or starts the child; done comes from the loop, exactly once, with
 * err 0 or what hindered the probe (caps are then zeroed except err[], all that error). Freeing
 * the query before that cancels it; done may free it.
 */
struct caps_query;
typedef void caps_done_fn(const struct caps *caps, int err, void *arg);
int caps_ask(struct event_base *base, const char *run_dir, caps_done_fn *done, void *arg,
	     struct caps_query **ret);
struct caps_query *caps_query_free(struct caps_query *q);
