/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/edgeway/capture.h"

struct unit {
	const char *name;
	uint64_t times;
};

static bool parse(const char *text, const struct unit *units, size_t n, uint64_t min, uint64_t max,
		  uint32_t *ret)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && value <= max; p++)
		value = 10 * value + (uint64_t)(*p - '0');
	if (p == text)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(p, units[i].name) == 0 && value <= max &&
		    value * units[i].times >= min && value * units[i].times <= max) {
			*ret = (uint32_t)(value * units[i].times);
			return true;
		}
	return false;
}

bool capture_seconds_parse(const char *text, uint32_t *ret)
{
	static const struct unit units[] = { { "", 1 }, { "s", 1 }, { "m", 60 } };

	return parse(text, units, ARRAY_SIZE(units), 1, CAPTURE_SECONDS_MAX, ret);
}

bool capture_bytes_parse(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	static const struct unit units[] = { { "", 1 }, { "KiB", 1024 }, { "MiB", 1 << 20 } };

	return parse(text, units, ARRAY_SIZE(units), min, max, ret);
}
