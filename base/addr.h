/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interface names, MAC and IP addresses, prefixes and port ranges as plain values: they assign
 * with =, an all-zero one means "unset", and unused bytes are zero so that memcmp() compares.
 * Parsers return 0 or -EINVAL and leave *ret alone on failure; they take no surrounding blanks.
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct strbuf;

struct ifname {
	char str[IFNAMSIZ];
};

struct mac {
	uint8_t byte[6];
};

struct ipaddr {
	uint8_t family; /* AF_INET, AF_INET6 or 0 = unset */
	uint8_t zero[3]; /* no padding: memcmp() must see defined bytes only */
	union {
		struct in_addr v4;
		struct in6_addr v6;
		uint8_t byte[16]; /* network order; IPv4 uses the first four */
	};
};

struct prefix {
	struct ipaddr addr;
	uint8_t len; /* bits */
	uint8_t zero[3];
};

struct portrange {
	uint16_t first, last; /* host order; 0-0 = unset */
};

#define IFNAME(s) ((struct ifname){ .str = s })

/* 1 to 15 printable bytes, not "." or "..", and none of '/', ':', '%' (the kernel refuses the first
 * two and takes "a%d" for a template). */
int ifname_parse(const char *s, struct ifname *ret);
bool ifname_equal(const struct ifname *a, const struct ifname *b);

int mac_parse(const char *s, struct mac *ret); /* 00:16:3e:01:02:03 */
bool mac_is_set(const struct mac *m);
bool mac_equal(const struct mac *a, const struct mac *b);
void mac_format(const struct mac *m, struct strbuf *out);

int ipaddr_parse(const char *s, struct ipaddr *ret);
struct ipaddr ipaddr_from(int family, const void *bytes); /* from 4 or 16 network-order bytes */
unsigned int ipaddr_bits(const struct ipaddr *a); /* 32, 128; 0 when unset */
bool ipaddr_is_set(const struct ipaddr *a);
bool ipaddr_is_zero(const struct ipaddr *a); /* 0.0.0.0 or :: */
bool ipaddr_is_linklocal(const struct ipaddr *a); /* 169.254/16, fe80::/10 */
bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);
int ipaddr_compare(const struct ipaddr *a, const struct ipaddr *b); /* by family, then number */
int ipaddr_add(const struct ipaddr *a, uint64_t n, struct ipaddr *ret); /* -ERANGE on overflow */
void ipaddr_format(const struct ipaddr *a, struct strbuf *out);
const char *ipaddr_str(const struct ipaddr *a, char buf[INET6_ADDRSTRLEN]); /* returns buf */

int prefix_parse(const char *s, struct prefix *ret); /* "10.0.0.1/8"; without length: host prefix */
struct prefix prefix_host(const struct ipaddr *a); /* /32 or /128 */
struct prefix prefix_network(const struct prefix *p); /* host bits cleared */
bool prefix_equal(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *p, const struct ipaddr *a);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
struct ipaddr prefix_last(const struct prefix *p); /* all host bits set: IPv4's broadcast address */
void prefix_format(const struct prefix *p, struct strbuf *out);

int portrange_parse(const char *s, struct portrange *ret); /* "80" or "8000-8010"; 1..65535 */
bool portrange_is_set(const struct portrange *r);
void portrange_format(const struct portrange *r, struct strbuf *out);
