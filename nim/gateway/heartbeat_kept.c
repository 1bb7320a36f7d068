/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/heartbeat_kept.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"

#define FILE_MAX (64 * 1024)

void heartbeat_kept_format(const struct heartbeat_kept *kept, struct strbuf *out)
{
	char gateway[INET6_ADDRSTRLEN];

	strbuf_addf(out, "%c %s %s %s %s\n", kept->family == NIM_V6 ? '6' : '4',
		    ipaddr_str(&kept->gateway, gateway),
		    kept->silent  ? "silent"
		    : kept->heard ? "answers"
				  : "unknown",
		    kept->held ? "held" : "free", kept->label);
}

bool heartbeat_kept_parse(const char *line, struct heartbeat_kept *ret)
{
	_cleanup_(freep) char *copy = xstrndup(line, strcspn(line, "\n"));
	struct heartbeat_kept kept = { 0 };
	char *rest = copy;
	const char *family = strsep(&rest, " "), *gateway = strsep(&rest, " ");
	const char *state = strsep(&rest, " "), *hold = strsep(&rest, " ");

	if (!rest || !*rest || strlen(rest) >= sizeof(kept.label) ||
	    ipaddr_parse(gateway, &kept.gateway) < 0)
		return false;
	kept.family = strcmp(family, "6") == 0 ? NIM_V6 : NIM_V4;
	if (kept.gateway.family != (kept.family == NIM_V6 ? AF_INET6 : AF_INET))
		return false;
	kept.silent = strcmp(state, "silent") == 0;
	kept.heard = kept.silent || strcmp(state, "answers") == 0;
	kept.held = strcmp(hold, "held") == 0;
	strcpy(kept.label, rest);
	*ret = kept;
	return true;
}

struct heartbeat_kept *heartbeat_kept_load(const char *path, size_t *ret_n)
{
	_cleanup_(freep) char *text = NULL;
	struct heartbeat_kept *kept = NULL;
	size_t len, n = 0;

	if (file_read(path, FILE_MAX, &text, &len) == 0) {
		char *rest = text, *line;

		while ((line = strsep(&rest, "\n")) && n < 2 * NIM_PORTS) {
			kept = xrealloc(kept, n + 1, sizeof(*kept));
			n += heartbeat_kept_parse(line, &kept[n]);
		}
	}
	*ret_n = n;
	return kept;
}
