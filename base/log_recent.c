/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_recent.h"

#include <string.h>

void log_recent_add(struct log_recent *r, const char *line, size_t len)
{
	size_t at = r->end % LOG_RECENT_BYTES, room = LOG_RECENT_BYTES - at;
	size_t first = len < room ? len : room;

	memcpy(r->bytes + at, line, first);
	memcpy(r->bytes, line + first, len - first);
	r->end += len;
}

void log_recent_print(const struct log_recent *r, FILE *out)
{
	size_t from = 0;

	if (r->end > LOG_RECENT_BYTES) { /* a line is overwritten in part */
		from = r->end - LOG_RECENT_BYTES;
		while (r->bytes[from++ % LOG_RECENT_BYTES] != '\n')
			continue;
	}
	for (; from < r->end; from++)
		putc(r->bytes[from % LOG_RECENT_BYTES], out);
}
