/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

static_assert(sizeof(struct ipaddr) == 20, "no padding in struct ipaddr");
static_assert(sizeof(struct prefix) == 24, "no padding in struct prefix");

int ipaddr_parse(const char *s, struct ipaddr *ret)
{
	struct ipaddr a = { .family = strchr(s, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(a.family, s, a.byte) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

struct ipaddr ipaddr_from(int family, const void *bytes)
{
	struct ipaddr a = { .family = (uint8_t)family };

	assert(family == AF_INET || family == AF_INET6);
	memcpy(a.byte, bytes, family == AF_INET ? 4 : 16);
	return a;
}

unsigned int ipaddr_bits(const struct ipaddr *a)
{
	return a->family == AF_INET ? 32 : a->family == AF_INET6 ? 128 : 0;
}

bool ipaddr_is_set(const struct ipaddr *a)
{
	return a->family != 0;
}

bool ipaddr_is_zero(const struct ipaddr *a)
{
	static const uint8_t zero[16];

	return a->family && !memcmp(a->byte, zero, ipaddr_bits(a) / 8);
}

bool ipaddr_is_linklocal(const struct ipaddr *a)
{
	if (a->family == AF_INET)
		return a->byte[0] == 169 && a->byte[1] == 254;
	return a->family == AF_INET6 && a->byte[0] == 0xfe && (a->byte[1] & 0xc0) == 0x80;
}

bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	return ipaddr_compare(a, b) == 0;
}

int ipaddr_compare(const struct ipaddr *a, const struct ipaddr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->byte, b->byte, ipaddr_bits(a) / 8); /* network order: number order */
}

int ipaddr_add(const struct ipaddr *a, uint64_t n, struct ipaddr *ret)
{
	struct ipaddr sum = *a;

	if (!a->family)
		return -EINVAL;
	for (unsigned int i = ipaddr_bits(a) / 8; i-- > 0 && n;) {
		unsigned int digit = (unsigned int)(n & 0xff) + sum.byte[i];

		sum.byte[i] = (uint8_t)digit;
		n = (n >> 8) + (digit >> 8);
	}
	if (n)
		return -ERANGE;
	*ret = sum;
	return 0;
}

/* Addresses are formatted for every key of the engine: no printf, one append. Each put_*()
 * writes at its argument and returns where it stopped. */
static char *put_decimal(char *at, unsigned int n)
{
	char digits[10];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	return mempcpy(at, digits + i, sizeof(digits) - i);
}

static const char hex[] = "0123456789abcdef";

static char *put_group(char *at, unsigned int group)
{
	for (int shift = 12; shift >= 0; shift -= 4)
		if (group >> shift || !shift)
			*at++ = hex[group >> shift & 15];
	return at;
}

static char *put_v4(char *at, const uint8_t byte[4])
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		at = put_decimal(at, byte[i]);
	}
	return at;
}

/* The first longest run of two zero groups or more, or *ret_len = 0. */
static int longest_zero_run(const unsigned int *group, int groups, int *ret_len)
{
	int best_at = 0, best = 1, n;

	for (int i = 0; i < groups; i += n + 1) {
		for (n = 0; i + n < groups && !group[i + n];)
			n++;
		if (n > best) {
			best_at = i;
			best = n;
		}
	}
	*ret_len = best > 1 ? best : 0;
	return best_at;
}

/* RFC 5952: lower case, no leading zeros, "::" for the longest run of zeros. */
static char *put_v6(char *at, const uint8_t byte[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	int groups = memcmp(byte, mapped, 12) ? 8 : 6, run_at, run_len;
	unsigned int group[8];

	for (int i = 0; i < 8; i++)
		group[i] = (unsigned int)byte[2 * i] << 8 | byte[2 * i + 1];
	run_at = longest_zero_run(group, groups, &run_len);
	for (int i = 0; i < groups; i++) {
		if (run_len && i == run_at) {
			at = mempcpy(at, "::", 2);
			i += run_len - 1;
			continue;
		}
		if (i && (!run_len || i != run_at + run_len))
			*at++ = ':';
		at = put_group(at, group[i]);
	}
	if (groups == 6) { /* ::ffff:192.0.2.1 */
		*at++ = ':';
		at = put_v4(at, byte + 12);
	}
	return at;
}

static char *put_ipaddr(char *at, const struct ipaddr *a)
{
	if (a->family == AF_INET)
		return put_v4(at, a->byte);
	return a->family == AF_INET6 ? put_v6(at, a->byte) : at;
}

void ipaddr_format(const struct ipaddr *a, struct strbuf *out)
{
	char s[INET6_ADDRSTRLEN];

	strbuf_addmem(out, s, (size_t)(put_ipaddr(s, a) - s));
}

const char *ipaddr_str(const struct ipaddr *a, char buf[INET6_ADDRSTRLEN])
{
	*put_ipaddr(buf, a) = '\0';
	return buf;
}

int ifname_parse(const char *s, struct ifname *ret)
{
	struct ifname name = { 0 };
	size_t len = strnlen(s, IFNAMSIZ);

	if (!len || len == IFNAMSIZ || !strcmp(s, ".") || !strcmp(s, ".."))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= ' ' || c == 0x7f || strchr("/:%", c))
			return -EINVAL;
	}
	memcpy(name.str, s, len);
	*ret = name;
	return 0;
}

bool ifname_equal(const struct ifname *a, const struct ifname *b)
{
	return !strncmp(a->str, b->str, IFNAMSIZ);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mac_parse(const char *s, struct mac *ret)
{
	struct mac m;

	for (int i = 0; i < 6; i++, s += 3) {
		int high = hex_value(s[0]), low = high < 0 ? -1 : hex_value(s[1]);

		if (low < 0 || s[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		m.byte[i] = (uint8_t)(high << 4 | low);
	}
	*ret = m;
	return 0;
}

bool mac_is_set(const struct mac *m)
{
	return !mac_equal(m, &(struct mac){ 0 });
}

bool mac_equal(const struct mac *a, const struct mac *b)
{
	return !memcmp(a->byte, b->byte, sizeof(a->byte));
}

void mac_format(const struct mac *m, struct strbuf *out)
{
	char s[6 * 3], *at = s;

	for (int i = 0; i < 6; i++) {
		*at++ = hex[m->byte[i] >> 4];
		*at++ = hex[m->byte[i] & 15];
		*at++ = ':';
	}
	strbuf_addmem(out, s, sizeof(s) - 1);
}
