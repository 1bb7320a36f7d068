/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/upstream/upstream_kept.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"

#define FILE_MAX (64 * 1024)

void upstream_kept_format(const struct upstream_kept *kept, struct strbuf *out)
{
	char target[INET6_ADDRSTRLEN];

	strbuf_addf(out, "%c %s %s %s %u %s\n", kept->family == NIM_V6 ? '6' : '4',
		    kept->failed   ? "failed"
		    : kept->silent ? "silent"
		    : kept->heard  ? "answers"
				   : "unknown",
		    kept->behind ? "behind" : "free", ipaddr_str(&kept->target, target), kept->port,
		    kept->label);
}

static bool parse_port(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*ret = (uint16_t)n;
	return *text && !*end && n > 0 && n <= UINT16_MAX;
}

bool upstream_kept_parse(const char *line, struct upstream_kept *ret)
{
	_cleanup_(freep) char *copy = xstrndup(line, strcspn(line, "\n"));
	struct upstream_kept kept = { 0 };
	char *rest = copy;
	const char *family = strsep(&rest, " "), *state = strsep(&rest, " ");
	const char *rank = strsep(&rest, " "), *target = strsep(&rest, " ");
	const char *port = strsep(&rest, " ");

	if (!rest || !*rest || strlen(rest) >= sizeof(kept.label) ||
	    ipaddr_parse(target, &kept.target) < 0 || !parse_port(port, &kept.port))
		return false;
	kept.family = strcmp(family, "6") == 0 ? NIM_V6 : NIM_V4;
	if (kept.target.family != (kept.family == NIM_V6 ? AF_INET6 : AF_INET))
		return false;
	kept.failed = strcmp(state, "failed") == 0;
	kept.silent = kept.failed || strcmp(state, "silent") == 0;
	kept.heard = kept.silent || strcmp(state, "answers") == 0;
	kept.behind = strcmp(rank, "behind") == 0;
	strcpy(kept.label, rest);
	*ret = kept;
	return true;
}

struct upstream_kept *upstream_kept_load(const char *path, size_t *ret_n)
{
	_cleanup_(freep) char *text = NULL;
	struct upstream_kept *kept = NULL;
	size_t len, n = 0;

	if (file_read(path, FILE_MAX, &text, &len) == 0) {
		char *rest = text, *line;

		while ((line = strsep(&rest, "\n")) && n < 2 * NIM_PORTS) {
			kept = xrealloc(kept, n + 1, sizeof(*kept));
			n += upstream_kept_parse(line, &kept[n]);
		}
	}
	*ret_n = n;
	return kept;
}
