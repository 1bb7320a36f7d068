/* SPDX-License-Identifier: Apache-2.0 */
/* The lease file: text to struct and back. */
#include "dataplane/lease.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/lease_text.h"

uint64_t dp_lease_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec;
}

bool dp_lease_expired(const struct dp_lease *lease, uint64_t now_s)
{
	return lease->expires_s && lease->expires_s <= now_s;
}

/* ---- Reading values ---- */

int lease_number(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (*s == '\0')
		return -EINVAL;
	for (; *s; s++) {
		unsigned int digit = (unsigned int)(unsigned char)*s - '0';

		if (digit > 9 || n > (max - digit) / 10)
			return -EINVAL;
		n = n * 10 + digit;
	}
	*ret = n;
	return 0;
}

int lease_name(const char *s, char *ret, size_t size)
{
	size_t len = strlen(s);

	if (len == 0 || len >= size)
		return -EINVAL;
	if (strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
		return -EINVAL;
	memset(ret, 0, size);
	strcpy(ret, s);
	return 0;
}

int lease_url(const char *s, char ret[HTTP_URL_MAX])
{
	struct http_url url;

	if (http_url_parse(s, &url) < 0)
		return -EINVAL;
	memset(ret, 0, HTTP_URL_MAX);
	strcpy(ret, s);
	return 0;
}

int lease_add_addr(struct dp_lease *lease, const char *s)
{
	struct prefix p;

	if (lease->addrs >= DP_LEASE_ADDRS || prefix_parse(s, &p) < 0)
		return -EINVAL;
	lease->addr[lease->addrs++] = p;
	return 0;
}

int lease_add_server(struct ipaddr *list, uint8_t *count, const char *s)
{
	struct ipaddr a;

	if (*count >= DP_LEASE_SERVERS || ipaddr_parse(s, &a) < 0 || ipaddr_is_zero(&a))
		return -EINVAL;
	list[(*count)++] = a;
	return 0;
}

int lease_add_search(struct dp_lease *lease, const char *s)
{
	size_t used = strlen(lease->search), len = strlen(s);
	char name[256];

	if (lease_name(s, name, sizeof(name)) < 0 || used + len + 2 > sizeof(lease->search))
		return -EINVAL;
	if (used)
		lease->search[used++] = ' ';
	memcpy(lease->search + used, name, len + 1);
	return 0;
}

/* "10.77.0.0/16,10.9.0.5"; without gateway: on-link */
static int add_route(struct dp_lease *lease, char *s)
{
	struct dp_lease_route route = { 0 };
	char *comma = strchr(s, ',');

	if (lease->routes >= DP_LEASE_ROUTES)
		return -EINVAL;
	if (comma) {
		*comma = '\0';
		if (ipaddr_parse(comma + 1, &route.gateway) < 0)
			return -EINVAL;
	}
	if (prefix_parse(s, &route.dst) < 0)
		return -EINVAL;
	if (comma && route.gateway.family != route.dst.addr.family)
		return -EINVAL;
	lease->route[lease->routes++] = route;
	return 0;
}

static int parse_list(struct dp_lease *lease, const char *key, char *value)
{
	char *one;
	int r = 0;

	while (r == 0 && (one = strsep(&value, " "))) {
		if (strcmp(key, "address") == 0)
			r = lease_add_addr(lease, one);
		else if (strcmp(key, "router") == 0)
			r = lease_add_server(lease->router, &lease->routers, one);
		else if (strcmp(key, "dns") == 0)
			r = lease_add_server(lease->dns, &lease->dnss, one);
		else if (strcmp(key, "ntp") == 0)
			r = lease_add_server(lease->ntp, &lease->ntps, one);
		else if (strcmp(key, "search") == 0)
			r = lease_add_search(lease, one);
		else if (strcmp(key, "route") == 0)
			r = add_route(lease, one);
		else
			return 0; /* written by a later version */
	}
	return r;
}

static int parse_line(struct dp_lease *lease, char *line)
{
	char *value = strchr(line, '=');
	uint64_t n;
	int r;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (strcmp(line, "reason") == 0)
		return lease_name(value, lease->reason, sizeof(lease->reason));
	if (strcmp(line, "domain") == 0)
		return lease_name(value, lease->domain, sizeof(lease->domain));
	if (strcmp(line, "wpad") == 0)
		return lease_url(value, lease->wpad_url);
	if (strcmp(line, "mtu") == 0) {
		r = lease_number(value, UINT16_MAX, &n);
		if (r == 0)
			lease->mtu_bytes = (uint16_t)n;
		return r;
	}
	if (strcmp(line, "lease") == 0) {
		r = lease_number(value, UINT32_MAX, &n);
		if (r == 0)
			lease->lease_s = (uint32_t)n;
		return r;
	}
	if (strcmp(line, "expires") == 0)
		return lease_number(value, INT64_MAX, &lease->expires_s);
	return parse_list(lease, line, value);
}

int dp_lease_parse(const char *text, size_t len, struct dp_lease *ret)
{
	_cleanup_(freep) char *copy = NULL;
	struct dp_lease lease;
	char *rest, *line;
	int r;

	if (len > DP_LEASE_FILE_MAX || memchr(text, '\0', len))
		return -EINVAL;
	copy = xcalloc(len + 1, 1);
	memcpy(copy, text, len);
	memset(&lease, 0, sizeof(lease)); /* padding too: leases are compared bytewise */
	rest = copy;
	while ((line = strsep(&rest, "\n"))) {
		if (*line == '\0')
			continue;
		r = parse_line(&lease, line);
		if (r < 0)
			return r;
	}
	if (lease.reason[0] == '\0')
		return -EINVAL;
	memcpy(ret, &lease, sizeof(lease));
	return 0;
}

/* ---- Writing ---- */

static void format_servers(const char *key, const struct ipaddr *list, unsigned int count,
			   struct strbuf *out)
{
	for (unsigned int i = 0; i < count; i++) {
		strbuf_add(out, i ? " " : key);
		ipaddr_format(&list[i], out);
	}
	if (count)
		strbuf_addc(out, '\n');
}

static void format_routes(const struct dp_lease *lease, struct strbuf *out)
{
	for (unsigned int i = 0; i < lease->routes; i++) {
		strbuf_add(out, i ? " " : "route=");
		prefix_format(&lease->route[i].dst, out);
		if (ipaddr_is_set(&lease->route[i].gateway)) {
			strbuf_addc(out, ',');
			ipaddr_format(&lease->route[i].gateway, out);
		}
	}
	if (lease->routes)
		strbuf_addc(out, '\n');
}

void dp_lease_format(const struct dp_lease *lease, struct strbuf *out)
{
	strbuf_addf(out, "reason=%s\n", lease->reason);
	for (unsigned int i = 0; i < lease->addrs; i++) {
		strbuf_add(out, i ? " " : "address=");
		prefix_format(&lease->addr[i], out);
	}
	if (lease->addrs)
		strbuf_addc(out, '\n');
	format_servers("router=", lease->router, lease->routers, out);
	format_servers("dns=", lease->dns, lease->dnss, out);
	format_servers("ntp=", lease->ntp, lease->ntps, out);
	format_routes(lease, out);
	if (lease->domain[0])
		strbuf_addf(out, "domain=%s\n", lease->domain);
	if (lease->search[0])
		strbuf_addf(out, "search=%s\n", lease->search);
	if (lease->wpad_url[0])
		strbuf_addf(out, "wpad=%s\n", lease->wpad_url);
	if (lease->mtu_bytes)
		strbuf_addf(out, "mtu=%u\n", lease->mtu_bytes);
	if (lease->lease_s)
		strbuf_addf(out, "lease=%u\n", lease->lease_s);
	if (lease->expires_s)
		strbuf_addf(out, "expires=%llu\n", (unsigned long long)lease->expires_s);
}

/* ---- IPv6: two sources, one lease ---- */

static void merge_servers(struct ipaddr *list, uint8_t *count, const struct ipaddr *more,
			  unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		unsigned int j = 0;

		while (j < *count && !ipaddr_equal(&list[j], &more[i]))
			j++;
		if (j == *count && *count < DP_LEASE_SERVERS)
			list[(*count)++] = more[i];
	}
}

void dp_lease_merge(const struct dp_lease *dhcp, const struct dp_lease *ra, struct dp_lease *ret)
{
	struct dp_lease lease;

	memset(&lease, 0, sizeof(lease));
	if (dhcp || ra)
		memcpy(&lease, dhcp ? dhcp : ra, sizeof(lease));
	if (dhcp && ra) {
		for (unsigned int i = 0; i < ra->addrs && lease.addrs < DP_LEASE_ADDRS; i++)
			lease.addr[lease.addrs++] = ra->addr[i];
		merge_servers(lease.router, &lease.routers, ra->router, ra->routers);
		merge_servers(lease.dns, &lease.dnss, ra->dns, ra->dnss);
		if (!lease.mtu_bytes)
			lease.mtu_bytes = ra->mtu_bytes;
		if (!lease.search[0])
			memcpy(lease.search, ra->search, sizeof(lease.search));
		if (!ra->expires_s || (lease.expires_s && ra->expires_s > lease.expires_s))
			lease.expires_s = ra->expires_s;
	}
	memcpy(ret, &lease, sizeof(lease));
}
