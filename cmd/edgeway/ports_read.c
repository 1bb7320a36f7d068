/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/ports_read.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"

static void read_lease(const char *ifname, const char *part, struct dp_lease *lease)
{
	_cleanup_(freep) char *path = xasprintf("%s/nim/lease/%s.%s", cli_run_dir(), ifname, part);
	_cleanup_(freep) char *text = NULL;
	struct dp_lease read;
	size_t len;

	if (file_read(path, DP_LEASE_FILE_MAX, &text, &len) < 0 ||
	    dp_lease_parse(text, len, &read) < 0)
		return; /* there is none */
	if (!dp_lease_expired(&read, dp_lease_clock()))
		*lease = read;
}

static void read_leases(struct ports *ports)
{
	ports->boot_s = dp_lease_clock();
	ports->unix_s = time(NULL);
	for (size_t i = 0; i < ports->n; i++)
		for (unsigned int j = 0; j < PORT_LEASES; j++)
			read_lease(ports->list[i].p->ifname, port_lease_parts[j],
				   &ports->list[i].lease[j]);
}

int ports_read(struct ports *ports)
{
	_cleanup_(freep) char *json = NULL;
	int r;

	read_leases(ports);
	r = ask_text("nim", "graph json", &json);
	if (r)
		return r;
	if (ports_add_graph(ports, json, strlen(json)) < 0)
		return cli_fail("nim: its graph is none");
	return 0;
}
