/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway dpc set FILE|- | unset: the local operator's port configuration. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/dpc_set.h"
#include "nim/dpc/dpc_json.h"

/* One byte more than is allowed, so that nim says what is wrong. */
static int read_text(const char *file, struct strbuf *ret)
{
	_cleanup_(fclosep) FILE *in =
		strcmp(file, "-") == 0 ? fdopen(dup(0), "re") : fopen(file, "re");
	char text[DPC_JSON_MAX + 1];
	size_t len;

	if (!in)
		return cli_fail("%s: %s", file, strerror(errno));
	len = fread(text, 1, sizeof(text), in);
	if (ferror(in))
		return cli_fail("%s: %s", file, strerror(errno));
	strbuf_addmem(ret, text, len);
	return 0;
}

int dpc_set(const char *file)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT, request = STRBUF_INIT;
	int r = read_text(file, &text);

	if (r)
		return r;
	strbuf_add(&request, "dpc set ");
	base64_encode(strbuf_str(&text), text.len, &request);
	return ask_daemon("nim", request.str, stdout);
}

int dpc_unset(void)
{
	return ask_daemon("nim", "dpc unset", stdout);
}
