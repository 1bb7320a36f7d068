/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which server is asked for which name, and when. Text, a line each:
 *
 *	server ADDRESS IFNAME TIER [DOMAIN]
 *	domain DOMAIN
 *
 * The lowest tier is asked first. A name at or below a DOMAIN goes to that domain's servers and to
 * no other; of several domains the longest counts. A domain without servers has none to ask.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define DNS_NAME 256 /* bytes with NUL */
#define DNS_DOMAINS 65 /* the first is "", all other names */
#define DNS_SERVERS 128

struct dns_server {
	struct ipaddr addr;
	struct ifname ifname; /* its queries leave by this interface and no other */
	uint8_t tier;
	uint8_t domain; /* index */
};

struct dns_conf {
	char domains[DNS_DOMAINS][DNS_NAME];
	unsigned int ndomains; /* at least 1 */
	struct dns_server servers[DNS_SERVERS];
	unsigned int nservers;
};

/* A host or domain name: labels of letters, digits, '-' and '_', no dot at the end. */
bool dns_domain_is_valid(const char *name);

/* 0; -EINVAL: a line that is none of the above; -E2BIG: too many of them. */
int dns_conf_parse(const char *text, struct dns_conf *ret);

/* Index of the domain whose servers know the name (without a dot at the end). */
unsigned int dns_conf_route(const struct dns_conf *conf, const char *name);

/* The tier after that one among the servers of a domain, -1 being before all; -1: there is none. */
int dns_conf_next_tier(const struct dns_conf *conf, unsigned int domain, int tier);
