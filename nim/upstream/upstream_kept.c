/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/upstream/upstream_kept.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "nim/port_switch.h"

void upstream_kept_format(const struct upstream_kept *kept, struct strbuf *out)
{
	char target[INET6_ADDRSTRLEN];

	strbuf_addf(out, "%s %s %s %u",
		    kept->failed   ? "failed"
		    : kept->silent ? "silent"
		    : kept->heard  ? "answers"
				   : "unknown",
		    kept->behind ? "behind" : "free", ipaddr_str(&kept->target, target),
		    kept->port);
}

bool upstream_kept_parse(const char *words, struct upstream_kept *ret)
{
	_cleanup_(freep) char *copy = xstrndup(words, strlen(words));
	char *rest = copy;
	const char *state = strsep(&rest, " "), *rank = strsep(&rest, " ");
	const char *target = strsep(&rest, " ");
	struct upstream_kept kept = { 0 };

	if (!rest || ipaddr_parse(target, &kept.target) < 0)
		return false;
	kept.port = (uint16_t)item_number(rest, 1, UINT16_MAX, 0);
	if (!kept.port)
		return false;
	kept.failed = strcmp(state, "failed") == 0;
	kept.silent = kept.failed || strcmp(state, "silent") == 0;
	kept.heard = kept.silent || strcmp(state, "answers") == 0;
	kept.behind = strcmp(rank, "behind") == 0;
	*ret = kept;
	return true;
}
