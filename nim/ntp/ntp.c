/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/ntp/ntp.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dnsrelay/conf.h"
#include "nim/addressing.h"
#include "status.pb-c.h"

static bool is_address(const char *server)
{
	struct ipaddr addr;

	return ipaddr_parse(server, &addr) == 0;
}

static bool is_known(const char *const *list, unsigned int n, const char *server)
{
	for (unsigned int i = 0; i < n; i++)
		if (strcasecmp(list[i], server) == 0)
			return true;
	return false;
}

/* It becomes a line of a configuration: nothing but a name or an address may. */
static bool is_server(const char *server)
{
	return is_address(server) || dns_domain_is_valid(server);
}

unsigned int nim_ntp_servers(const struct nim_config *config, const struct nim_facts *facts,
			     const char *ret[NIM_NTP_SERVERS])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < config->nports; i++) {
		const struct nim_port *port = &config->ports[i];
		const char *servers[NIM_PORT_NTP];
		unsigned int m = 0;

		if (port->is_mgmt && port->is_l3 && port->number && !port->error[0])
			m = nim_port_ntp(port, &facts->ifaces[i], servers);
		for (unsigned int k = 0; k < m && n < NIM_NTP_SERVERS; k++)
			if (is_server(servers[k]) && !is_known(ret, n, servers[k]))
				ret[n++] = servers[k];
	}
	return n;
}

/* A name may stand for several servers; "pool" uses up to four of them. */
void nim_ntp_sources(const struct nim_config *config, const struct nim_facts *facts,
		     struct strbuf *out)
{
	const char *servers[NIM_NTP_SERVERS];
	unsigned int n = nim_ntp_servers(config, facts, servers);

	if (n)
		strbuf_add(out, "# Edgeway's nim wrote this: the NTP servers of its ports.\n");
	for (unsigned int i = 0; i < n; i++)
		strbuf_addf(out, "%s %s iburst\n", is_address(servers[i]) ? "server" : "pool",
			    servers[i]);
}

struct dp_graph *nim_intent_ntp(const char *folder, const struct nim_config *config,
				const struct nim_facts *facts)
{
	struct dp_graph *g = dp_graph_new(NIM_NTP_SCOPE);
	struct strbuf text = STRBUF_INIT;
	struct dp_placed placed = { 0 };

	nim_ntp_sources(config, facts, &text);
	if (folder && text.len) {
		placed.content = text.str;
		snprintf(placed.path, sizeof(placed.path), "%s/" NIM_NTP_FILE, folder);
		dp_want(g, &dp_placed_type, &placed);
	}
	strbuf_fini(&text);
	return g;
}

struct Ew__NtpStatus *nim_ntp_status(const char *folder, const char *problem,
				     const struct nim_config *config, const struct nim_facts *facts,
				     struct arena *arena)
{
	Ew__NtpStatus *s = arena_alloc(arena, sizeof(*s));
	const char *servers[NIM_NTP_SERVERS];

	ew__ntp_status__init(s);
	s->servers = arena_alloc(arena, sizeof(servers));
	s->n_servers = nim_ntp_servers(config, facts, servers);
	for (size_t i = 0; i < s->n_servers; i++)
		s->servers[i] = arena_strdup(arena, servers[i]);
	if (folder && s->n_servers)
		s->sources_file = arena_printf(arena, "%s/" NIM_NTP_FILE, folder);
	s->error = arena_strdup(arena, problem);
	return s;
}
