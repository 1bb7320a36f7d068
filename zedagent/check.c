/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/check.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/utf8.h"

struct za_at za_at(const char *fmt, ...)
{
	struct za_at at;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(at.path, sizeof(at.path), fmt, ap);
	va_end(ap);
	return at;
}

int za_refuse(struct pbjson_error *err, const struct za_at *at, const char *member, const char *fmt,
	      ...)
{
	va_list ap;

	snprintf(err->pointer, sizeof(err->pointer), "%s%s", at->path, member);
	va_start(ap, fmt);
	vsnprintf(err->why, sizeof(err->why), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int za_number(struct pbjson_error *err, const struct za_at *at, const char *member,
	      const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end)
		return za_refuse(err, at, member, "\"%.80s\" is no number", text);
	if (errno || number < min || number > max)
		return za_refuse(err, at, member, "expected %" PRIu64 " to %" PRIu64, min, max);
	*ret = number;
	return 0;
}

bool za_uuid_parse(const char *s, char ret[ZA_UUID_SIZE])
{
	char text[ZA_UUID_SIZE];

	if (strlen(s) != ZA_UUID_SIZE - 1)
		return false;
	for (size_t i = 0; i < ZA_UUID_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
		text[i] = (char)tolower((unsigned char)s[i]);
	}
	text[ZA_UUID_SIZE - 1] = '\0';
	memcpy(ret, text, sizeof(text));
	return true;
}

bool za_uuid_is_nil(const char *uuid)
{
	return strcmp(uuid, "00000000-0000-0000-0000-000000000000") == 0;
}

bool za_is_name(const char *s)
{
	size_t len = strlen(s);

	if (len < 1 || len > 128)
		return false;
	while (*s) {
		unsigned int n = utf8_length(s);

		if (n == 0 || (unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
		s += n;
	}
	return true;
}

bool za_is_domain(const char *s)
{
	size_t len = strlen(s), label = 0;

	if (len < 1 || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '.') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!isalnum(c) && c != '_' && (c != '-' || label == 0))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0 && s[len - 1] != '-';
}

bool za_is_host(const char *s)
{
	struct ipaddr addr;

	return ipaddr_parse(s, &addr) == 0 || za_is_domain(s);
}

bool za_is_mtu(unsigned int mtu)
{
	return mtu == 0 || (mtu >= ZA_MTU_MIN && mtu <= ZA_MTU_MAX);
}

bool za_subnet_parse(const char *s, struct prefix *ret)
{
	struct prefix p;

	if (!strchr(s, '/') || prefix_parse(s, &p) < 0)
		return false;
	*ret = prefix_network(&p);
	return true;
}

void za_set(char **dst, const char *s)
{
	if (s && *s)
		*dst = xstrdup(s);
}

void za_set_prefix(char **dst, const struct prefix *p)
{
	struct strbuf text = STRBUF_INIT;

	prefix_format(p, &text);
	*dst = strbuf_take(&text);
}

void za_set_addr(char **dst, const struct ipaddr *a)
{
	char text[INET6_ADDRSTRLEN];

	*dst = xstrdup(ipaddr_str(a, text));
}

void za_set_mac(char **dst, const struct mac *mac)
{
	struct strbuf text = STRBUF_INIT;

	mac_format(mac, &text);
	*dst = strbuf_take(&text);
}
