/* SPDX-License-Identifier: Apache-2.0 */
/* Gateway and DHCP range of a local network instance, with the defaults EVE gives them. */
#include <errno.h>
#include <string.h>

#include "zedagent/map.h"

#define RANGE_MAX 256 /* addresses: application numbers are 0 to 255 */
#define RANGE6_START 0x100 /* IPv6 subnets are so large that half of one is no nice address */

struct range {
	const struct za_at *at;
	struct pbjson_error *err;
	const struct prefix *subnet;
	uint64_t count; /* addresses of the subnet; the largest number when there are more */
	struct ipaddr gateway, start, end, last; /* last: IPv4's broadcast address */
};

static uint64_t subnet_count(const struct prefix *subnet)
{
	unsigned int bits = ipaddr_bits(&subnet->addr) - subnet->len;

	return bits > 62 ? UINT64_C(1) << 62 : UINT64_C(1) << bits;
}

/* An address of the subnet that a host may have. */
static int parse_host(const struct range *r, const char *s, const char *member, struct ipaddr *ret)
{
	struct ipaddr addr;

	if (ipaddr_parse(s, &addr) < 0)
		return za_refuse(r->err, r->at, member, "\"%.80s\" is no IP address", s);
	if (!prefix_contains(r->subnet, &addr))
		return za_refuse(r->err, r->at, member, "%s is not inside of the subnet", s);
	*ret = addr;
	return 0;
}

static int map_gateway(struct range *r, const char *gateway)
{
	int res;

	if (!*gateway)
		return ipaddr_add(&r->subnet->addr, 1, &r->gateway);
	res = parse_host(r, gateway, "/ip/gateway", &r->gateway);
	if (res < 0)
		return res;
	if (ipaddr_equal(&r->gateway, &r->subnet->addr) || ipaddr_equal(&r->gateway, &r->last))
		return za_refuse(r->err, r->at, "/ip/gateway", "%s is the %s address of the subnet",
				 gateway,
				 ipaddr_equal(&r->gateway, &r->last) ? "broadcast" : "network");
	return 0;
}

/* Where the range starts when the configuration does not say it. */
static uint64_t default_start(const struct range *r, bool end_given)
{
	if (r->subnet->addr.family == AF_INET6 && r->count >= 2 * RANGE6_START)
		return RANGE6_START;
	return r->count >= 16 && !end_given ? r->count / 2 : 2;
}

static int map_start(struct range *r, const char *start, bool end_given)
{
	int res;

	if (!*start) {
		ipaddr_add(&r->subnet->addr, default_start(r, end_given), &r->start);
	} else {
		res = parse_host(r, start, "/ip/dhcpRange/start", &r->start);
		if (res < 0)
			return res;
	}
	if (ipaddr_equal(&r->start, &r->subnet->addr))
		ipaddr_add(&r->start, 1, &r->start);
	if (ipaddr_equal(&r->start, &r->gateway))
		ipaddr_add(&r->start, 1, &r->start);
	return 0;
}

/* One less; callers know that it stays inside of the subnet. */
static void step_back(struct ipaddr *addr)
{
	for (int i = (int)ipaddr_bits(addr) / 8 - 1; i >= 0; i--) {
		if (addr->byte[i]-- != 0)
			break;
	}
}

static int map_end(struct range *r, const char *end)
{
	struct ipaddr furthest;
	int res;

	if (!*end) {
		r->end = r->last;
	} else {
		res = parse_host(r, end, "/ip/dhcpRange/end", &r->end);
		if (res < 0)
			return res;
	}
	if (ipaddr_equal(&r->end, &r->last))
		step_back(&r->end);
	if (ipaddr_equal(&r->end, &r->gateway))
		step_back(&r->end);
	if (ipaddr_add(&r->start, RANGE_MAX - 1, &furthest) == 0 &&
	    ipaddr_compare(&r->end, &furthest) > 0)
		r->end = furthest;
	return 0;
}

static int check_range(const struct range *r)
{
	if (ipaddr_compare(&r->start, &r->end) > 0)
		return za_refuse(r->err, r->at, "/ip/dhcpRange", "the range is empty");
	if (ipaddr_compare(&r->start, &r->gateway) < 0 && ipaddr_compare(&r->gateway, &r->end) < 0)
		return za_refuse(r->err, r->at, "/ip/dhcpRange", "the gateway is inside");
	return 0;
}

int za_map_range(const EVE_COMMON(Ipspec) * ip, const struct prefix *subnet, const struct za_at *at,
		 Ew__NetworkInstanceConfig *ni, struct pbjson_error *err)
{
	struct range r = { .at = at, .err = err, .subnet = subnet, .count = subnet_count(subnet) };
	const char *start = ip->dhcprange ? ip->dhcprange->start : "";
	const char *end = ip->dhcprange ? ip->dhcprange->end : "";
	int res;

	r.last = prefix_last(subnet);
	res = map_gateway(&r, ip->gateway);
	if (res == 0)
		res = map_start(&r, start, *end);
	if (res == 0)
		res = map_end(&r, end);
	if (res == 0)
		res = check_range(&r);
	if (res < 0)
		return res;
	za_set_addr(&ni->gateway, &r.gateway);
	za_set_addr(&ni->dhcp_start, &r.start);
	za_set_addr(&ni->dhcp_end, &r.end);
	return 0;
}
