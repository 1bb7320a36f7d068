/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/proxy/wpad.h"

#include <string.h>

#include "base/arena.h"
#include "conntest.pb-c.h"
#include "dnsrelay/conf.h"
#include "nim/addressing.h"

static void add(Ew__ConnPac *pac, Ew__PacOrigin origin, char *url)
{
	pac->urls[pac->n_urls++] = url;
	pac->origins[pac->n_origins++] = origin;
}

static void add_domain(Ew__ConnPac *pac, const char *domain, struct arena *arena)
{
	struct http_url url;
	char *text;

	while (strchr(domain, '.') && strchr(domain, '.')[1] && pac->n_urls < WPAD_URLS) {
		text = arena_printf(arena, "http://wpad.%s/wpad.dat", domain);
		if (http_url_parse(text, &url) == 0)
			add(pac, EW__PAC_ORIGIN__PAC_DNS, text);
		domain = strchr(domain, '.') + 1;
	}
}

void wpad_urls(const struct nim_port *port, const struct nim_iface *iface, struct Ew__ConnPac *pac,
	       struct arena *arena)
{
	char domains[NIM_PORT_DOMAINS][NIM_LABEL];
	unsigned int n = nim_port_domains(port, iface, domains);

	if (iface->lease4.wpad_url[0])
		add(pac, EW__PAC_ORIGIN__PAC_DHCP, arena_strdup(arena, iface->lease4.wpad_url));
	if (n && dns_domain_is_valid(domains[0]))
		add_domain(pac, domains[0], arena);
}
