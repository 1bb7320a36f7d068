/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/heartbeat_kept.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

void heartbeat_kept_format(const struct heartbeat_kept *kept, struct strbuf *out)
{
	char gateway[INET6_ADDRSTRLEN];

	strbuf_addf(out, "%s %s %s", ipaddr_str(&kept->gateway, gateway),
		    kept->silent  ? "silent"
		    : kept->heard ? "answers"
				  : "unknown",
		    kept->held ? "held" : "free");
}

bool heartbeat_kept_parse(const char *words, struct heartbeat_kept *ret)
{
	_cleanup_(freep) char *copy = xstrndup(words, strlen(words));
	char *rest = copy;
	const char *gateway = strsep(&rest, " "), *state = strsep(&rest, " ");
	struct heartbeat_kept kept = { 0 };

	if (!rest || ipaddr_parse(gateway, &kept.gateway) < 0)
		return false;
	kept.silent = strcmp(state, "silent") == 0;
	kept.heard = kept.silent || strcmp(state, "answers") == 0;
	kept.held = strcmp(rest, "held") == 0;
	*ret = kept;
	return true;
}
