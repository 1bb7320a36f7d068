/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/strbuf.h"

void base64_encode(const void *data, size_t len, struct strbuf *out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = data;

	for (; len > 0; p += 3) {
		uint32_t bits = (uint32_t)p[0] << 16 | (len > 1 ? (uint32_t)p[1] << 8 : 0) |
				(len > 2 ? p[2] : 0);

		strbuf_addc(out, alphabet[bits >> 18]);
		strbuf_addc(out, alphabet[bits >> 12 & 63]);
		strbuf_addc(out, len > 1 ? alphabet[bits >> 6 & 63] : '=');
		strbuf_addc(out, len > 2 ? alphabet[bits & 63] : '=');
		len -= len < 3 ? len : 3;
	}
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

int base64_decode(const char *s, uint8_t **ret, size_t *ret_len)
{
	size_t n = strlen(s), len = 0;
	uint32_t bits = 0;
	uint8_t *data;

	if (n % 4 == 0 && n > 0 && s[n - 1] == '=')
		n -= s[n - 2] == '=' ? 2 : 1;
	if (n % 4 == 1)
		return -EINVAL;
	if (n == 0) {
		*ret = NULL;
		*ret_len = 0;
		return 0;
	}
	data = malloc(n / 4 * 3 + 2);
	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int v = base64_value(s[i]);

		if (v < 0) {
			free(data);
			return -EINVAL;
		}
		bits = bits << 6 | (uint32_t)v;
		if (i % 4 != 0)
			data[len++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	*ret = data;
	*ret_len = len;
	return 0;
}
