/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a DHCP client or a router advertisement gave an interface.
 *
 * dhcpcd runs our hook (cmd/dhcp-hook) at each change; the hook turns its environment into a
 * lease file <run_dir>/<owner>/lease/<ifname>.<part> of KEY=VALUE lines, and daemons watch that
 * folder. Parts: "4" (DHCPv4), "6" (DHCPv6), "ra" (router advertisements); readers see the last
 * two as one IPv6 lease. Only values inside policy get through: addresses parse, names are
 * [A-Za-z0-9._-], a URL is of http or https and has nothing in it that means something elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/http_url.h"

struct event_base;
struct strbuf;

#define DP_LEASE_ADDRS 8
#define DP_LEASE_SERVERS 8
#define DP_LEASE_ROUTES 24
#define DP_LEASE_FILE_MAX 16384 /* bytes; larger files are refused */

struct dp_lease_route { /* RFC 3442 */
	struct prefix dst;
	struct ipaddr gateway; /* unset: on-link */
};

/* A plain value, zeroed where unused: leases compare with memcmp(). */
struct dp_lease {
	char reason[16]; /* dhcpcd's: "BOUND", "RENEW6", "ROUTERADVERT" */
	struct prefix addr[DP_LEASE_ADDRS]; /* host bits kept */
	struct ipaddr router[DP_LEASE_SERVERS]; /* default gateways, the preferred first */
	struct ipaddr dns[DP_LEASE_SERVERS];
	struct ipaddr ntp[DP_LEASE_SERVERS];
	struct dp_lease_route route[DP_LEASE_ROUTES]; /* without the default ones */
	uint8_t addrs, routers, dnss, ntps, routes; /* used of each array */
	uint16_t mtu_bytes; /* 0: not told */
	char domain[256]; /* "": not told */
	char search[512]; /* names divided by blanks */
	char wpad_url[HTTP_URL_MAX]; /* DHCP option 252: where a PAC file is; "": not told */
	uint32_t lease_s; /* as granted; 0: without end */
	uint64_t expires_s; /* CLOCK_BOOTTIME; 0: never */
};

/* Strict: unknown keys are passed over, bad values or too many of them are -EINVAL. */
int dp_lease_parse(const char *text, size_t len, struct dp_lease *ret);
void dp_lease_format(const struct dp_lease *lease, struct strbuf *out);
/* The union of DHCPv6 and router advertisement, either may be NULL; expires with the later. */
void dp_lease_merge(const struct dp_lease *dhcp, const struct dp_lease *ra, struct dp_lease *ret);
bool dp_lease_expired(const struct dp_lease *lease, uint64_t now_s);
uint64_t dp_lease_clock(void); /* CLOCK_BOOTTIME in seconds: runs on through suspend */

/* ---- The hook's half ---- */

enum dp_lease_action {
	DP_LEASE_KEEP, /* nothing to do */
	DP_LEASE_STORE, /* write ret to the part's file */
	DP_LEASE_DROP, /* remove the part's file; part "*": all of them */
};

typedef const char *dp_lease_getenv_fn(const char *name, void *arg); /* NULL: unset */

/* From dhcpcd's environment (dhcpcd-run-hooks(8)). Values outside of policy are left out. */
enum dp_lease_action dp_lease_from_env(dp_lease_getenv_fn *get, void *arg, uint64_t now_s,
				       const char **ret_part, struct dp_lease *ret);

/* ---- The daemon's half ---- */

struct dp_lease_watch;

/* family AF_INET or AF_INET6; lease NULL: there is none (any more). Borrowed for the call. */
typedef void dp_lease_fn(const struct ifname *ifname, int family, const struct dp_lease *lease,
			 void *arg);

/* Calls fn for each lease that exists before it returns, then at each change and expiry from the
 * loop. fn may free the watch. */
int dp_lease_watch_new(struct event_base *base, const char *run_dir, const char *owner,
		       dp_lease_fn *fn, void *arg, struct dp_lease_watch **ret);
/* Tells each lease there is once more, before it returns; fn must not free the watch. */
void dp_lease_watch_repeat(const struct dp_lease_watch *watch);
struct dp_lease_watch *dp_lease_watch_free(struct dp_lease_watch *watch);
