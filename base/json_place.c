/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_place.h"

#include <stdio.h>
#include <string.h>

static void add(const struct json_place *at, char *out, size_t size)
{
	size_t len;

	if (!at->up)
		return;
	add(at->up, out, size);
	len = strlen(out);
	if (!at->key) {
		snprintf(out + len, size - len, "/%zu", at->index);
		return;
	}
	if (len + 1 < size)
		out[len++] = '/';
	for (const char *s = at->key; *s && len + 2 < size; s++) {
		if (*s == '~' || *s == '/') {
			out[len++] = '~';
			out[len++] = *s == '~' ? '0' : '1';
		} else {
			out[len++] = *s;
		}
	}
	out[len] = '\0';
}

void json_place_format(const struct json_place *at, char *ret, size_t size)
{
	ret[0] = '\0';
	add(at, ret, size);
}
