/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes and port ranges. */
#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "base/strbuf.h"

/* Plain decimal without sign, blanks or leading zeros, up to max; advances *s. */
static int parse_number(const char **s, unsigned int max, unsigned int *ret)
{
	const char *p = *s;
	unsigned int n = 0;

	if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (unsigned int)(*p - '0');
		if (n > max)
			return -EINVAL;
	}
	*s = p;
	*ret = n;
	return 0;
}

/* Sets the bits behind the first len ones of a to zero or one. */
static void fill_host_bits(struct ipaddr *a, unsigned int len, bool ones)
{
	for (unsigned int i = len / 8; i < ipaddr_bits(a) / 8; i++) {
		unsigned int host = i == len / 8 ? 0xff >> len % 8 : 0xff;

		a->byte[i] = (uint8_t)(ones ? a->byte[i] | host : a->byte[i] & ~host);
	}
}

int prefix_parse(const char *s, struct prefix *ret)
{
	const char *slash = strchr(s, '/');
	char addr[INET6_ADDRSTRLEN];
	struct prefix p = { 0 };
	unsigned int len;
	int r;

	if (!slash) {
		r = ipaddr_parse(s, &p.addr);
		if (r == 0)
			*ret = prefix_host(&p.addr);
		return r;
	}
	if ((size_t)(slash - s) >= sizeof(addr))
		return -EINVAL;
	*(char *)mempcpy(addr, s, (size_t)(slash - s)) = '\0';
	r = ipaddr_parse(addr, &p.addr);
	if (r < 0)
		return r;
	s = slash + 1;
	r = parse_number(&s, ipaddr_bits(&p.addr), &len);
	if (r < 0 || *s)
		return -EINVAL;
	p.len = (uint8_t)len;
	*ret = p;
	return 0;
}

struct prefix prefix_host(const struct ipaddr *a)
{
	return (struct prefix){ .addr = *a, .len = (uint8_t)ipaddr_bits(a) };
}

struct prefix prefix_network(const struct prefix *p)
{
	struct prefix network = *p;

	fill_host_bits(&network.addr, p->len, false);
	return network;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && ipaddr_equal(&a->addr, &b->addr);
}

bool prefix_contains(const struct prefix *p, const struct ipaddr *a)
{
	unsigned int whole = p->len / 8, rest = p->len % 8;

	if (!a->family || p->addr.family != a->family || memcmp(p->addr.byte, a->byte, whole) != 0)
		return false;
	return !rest || (p->addr.byte[whole] ^ a->byte[whole]) >> (8 - rest) == 0;
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->len <= b->len ? prefix_contains(a, &b->addr) : prefix_contains(b, &a->addr);
}

struct ipaddr prefix_last(const struct prefix *p)
{
	struct ipaddr last = p->addr;

	fill_host_bits(&last, p->len, true);
	return last;
}

void prefix_format(const struct prefix *p, struct strbuf *out)
{
	if (!ipaddr_is_set(&p->addr))
		return;
	ipaddr_format(&p->addr, out);
	strbuf_addc(out, '/');
	strbuf_addu(out, p->len);
}

int portrange_parse(const char *s, struct portrange *ret)
{
	unsigned int first, last;
	int r;

	r = parse_number(&s, UINT16_MAX, &first);
	if (r < 0)
		return r;
	last = first;
	if (*s == '-') {
		s++;
		r = parse_number(&s, UINT16_MAX, &last);
	}
	if (r < 0 || *s || !first || last < first)
		return -EINVAL;
	*ret = (struct portrange){ .first = (uint16_t)first, .last = (uint16_t)last };
	return 0;
}

bool portrange_is_set(const struct portrange *r)
{
	return r->first != 0;
}

void portrange_format(const struct portrange *r, struct strbuf *out)
{
	if (!portrange_is_set(r))
		return;
	strbuf_addu(out, r->first);
	if (r->last == r->first)
		return;
	strbuf_addc(out, '-');
	strbuf_addu(out, r->last);
}
