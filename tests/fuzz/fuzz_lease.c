/* SPDX-License-Identifier: Apache-2.0 */
/* Lease files, and the environment dhcpcd fills from the network: what is accepted must survive
 * being written and read again. */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/strbuf.h"
#include "dataplane/lease.h"
#include "nim/addressing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What nim makes of it: nothing that cannot be an address, a name or a line of somebody's file. */
static void is_believed_within_bounds(int family, const struct dp_lease *lease)
{
	static const struct nim_port port = { .dhcp = NIM_DHCP_CLIENT, .ipv4 = true, .ipv6 = true };
	char domains[NIM_PORT_DOMAINS][NIM_LABEL];
	const char *servers[NIM_PORT_NTP];
	struct nim_iface iface = { 0 };
	struct nim_gateways gateways;

	nim_iface_set_lease(&iface, family, lease);
	gateways = nim_port_gateways(&port, &iface);
	assert(!ipaddr_is_set(&gateways.v4) || !ipaddr_is_zero(&gateways.v4));
	assert(nim_port_ntp(&port, &iface, servers) <= NIM_PORT_NTP);
	for (unsigned int i = nim_port_domains(&port, &iface, domains); i-- > 0;)
		assert(!strpbrk(domains[i], " \n") && strlen(domains[i]) < NIM_LABEL);
	for (unsigned int i = 0; i < iface.lease4.nroutes; i++)
		assert(iface.lease4.routes[i].dst.len > 0);
	assert(!iface.lease4.refused[0] || !iface.lease4.ndns);
}

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
	if (dp_lease_parse(text, size, &lease) == 0) {
		survives(&lease);
		is_believed_within_bounds(AF_INET, &lease);
		is_believed_within_bounds(AF_INET6, &lease);
	}
	for (char *nl = text; (nl = memchr(nl, '\n', size - (size_t)(nl - text)));)
		*nl = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		struct input input = { reasons[i], text };

		if (dp_lease_from_env(from_input, &input, 1, &part, &lease) == DP_LEASE_STORE)
			survives(&lease);
	}
	return 0;
}
