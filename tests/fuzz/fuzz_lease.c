/* SPDX-License-Identifier: Apache-2.0 */
/* Lease files, and the environment dhcpcd fills from the network: what is accepted must survive
 * being written and read again. */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/strbuf.h"
#include "dataplane/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void survives(const struct dp_lease *lease)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	struct dp_lease again;

	dp_lease_format(lease, &text);
	assert(dp_lease_parse(strbuf_str(&text), text.len, &again) == 0);
	assert(memcmp(lease, &again, sizeof(again)) == 0);
}

struct input {
	const char *reason;
	char *lines; /* divided by NUL, ended by an empty one */
};

/* Every variable holds the line its name's hash picks. */
static const char *from_input(const char *name, void *arg)
{
	const struct input *input = arg;
	const char *line = input->lines;

	if (strcmp(name, "reason") == 0)
		return input->reason;
	for (unsigned int skip = hash_string(name) % 32; skip && *line; skip--)
		line += strlen(line) + 1;
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const reasons[] = { "BOUND", "BOUND6", "ROUTERADVERT" };
	_cleanup_(freep) char *text = xcalloc(size + 2, 1);
	struct dp_lease lease;
	const char *part;

	memcpy(text, data, size);
	if (dp_lease_parse(text, size, &lease) == 0)
		survives(&lease);
	for (char *nl = text; (nl = memchr(nl, '\n', size - (size_t)(nl - text)));)
		*nl = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		struct input input = { reasons[i], text };

		if (dp_lease_from_env(from_input, &input, 1, &part, &lease) == DP_LEASE_STORE)
			survives(&lease);
	}
	return 0;
}
