/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of programs for edgeway netdump: what is left of them has nothing more to leave out. */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "cmd/edgeway/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(strbuf_fini) struct strbuf once = STRBUF_INIT, twice = STRBUF_INIT;

	redact((const char *)data, size, &once);
	redact(strbuf_str(&once), once.len, &twice);
	assert(once.len == twice.len);
	assert(memcmp(strbuf_str(&once), strbuf_str(&twice), once.len) == 0);
	return 0;
}
