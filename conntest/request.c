/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/request.h"

#include <curl/curl.h>
#include <errno.h>
#include <libpsl.h>
#include <string.h>

#include "base/cleanup.h"
#include "conntest.pb-c.h"

static int load_addresses(char **texts, size_t n, unsigned int max, struct ipaddr *ret,
			  unsigned int *ret_n)
{
	unsigned int count = 0;

	for (size_t i = 0; i < n && count < max; i++)
		if (ipaddr_parse(texts[i], &ret[count++]) < 0)
			return -EINVAL;
	*ret_n = count;
	return 0;
}

static int load_way(const Ew__ProxyServer *msg, struct http_proxy *ret)
{
	struct http_proxy p = { .kind = HTTP_PROXY_DIRECT };
	int r;

	if ((unsigned int)msg->kind > HTTP_PROXY_DIRECT)
		return -EINVAL;
	if ((enum http_proxy_kind)msg->kind == HTTP_PROXY_DIRECT) {
		*ret = p;
		return 0;
	}
	if (strlen(msg->user) >= sizeof(p.user) || strlen(msg->password) >= sizeof(p.password))
		return -EINVAL;
	r = http_proxy_of(msg->host, msg->port, (enum http_proxy_kind)msg->kind, &p);
	if (r < 0)
		return r;
	strcpy(p.user, msg->user);
	strcpy(p.password, msg->password);
	*ret = p;
	return 0;
}

static int load_ways(const Ew__ConnPort *msg, struct port_ways **ret)
{
	_cleanup_(freep) struct port_ways *ways = NULL;
	int r = 0;

	if (!msg->n_ways)
		return 0;
	ways = xcalloc(PORT_TARGETS, sizeof(*ways));
	for (size_t i = 0; i < msg->n_ways && i < PORT_TARGETS; i++)
		for (size_t j = 0; r == 0 && j < msg->ways[i]->n_ways && j < HTTP_PROXY_WAYS; j++)
			r = load_way(msg->ways[i]->ways[j], &ways[i].way[ways[i].n++]);
	if (r == 0)
		*ret = take_ptr(ways);
	return r;
}

/* wpad.co.uk is for whoever has bought that name: nobody climbs above what one owner can have, as
 * the list of public suffixes has it (publicsuffix.org; browsers keep cookies by it). */
static bool is_for_anybody(const char *url)
{
	struct http_url parsed;
	const char *domain;

	if (http_url_parse(url, &parsed) < 0)
		return false;
	domain = strchr(parsed.host, '.');
	return !domain || psl_is_public_suffix(psl_builtin(), domain + 1);
}

/* Its texts stay those of msg. */
static int load_pac(const Ew__ConnPac *msg, struct pac_fetch_conf **ret)
{
	struct pac_fetch_conf *pac;

	if (!msg)
		return 0;
	if (msg->n_urls > PAC_FETCH_URLS || msg->n_names > PORT_TARGETS)
		return -EINVAL;
	pac = *ret = xcalloc(1, sizeof(*pac));
	for (size_t i = 0; i < msg->n_urls; i++, pac->nurls++)
		if (i >= msg->n_origins || msg->origins[i] != EW__PAC_ORIGIN__PAC_DNS ||
		    !is_for_anybody(msg->urls[i]))
			pac->urls[i] = msg->urls[i];
	for (size_t i = 0; i < msg->n_names; i++)
		pac->names[pac->nnames++] = msg->names[i];
	return 0;
}

static int load_port(const Ew__ConnPort *msg, uint32_t deadline_ms, struct port_conf *port)
{
	int r = ifname_parse(msg->ifname, &port->ifname);

	port->deadline_ms = deadline_ms;
	if (r == 0)
		r = load_addresses(msg->addresses, msg->n_addresses, PORT_SOURCES, port->sources,
				   &port->nsources);
	if (r == 0)
		r = load_addresses(msg->gateways, msg->n_gateways, PORT_GATEWAYS, port->gateways,
				   &port->ngateways);
	if (r == 0)
		r = load_addresses(msg->dns_servers, msg->n_dns_servers, RESOLVER_SERVERS,
				   port->servers, &port->nservers);
	return r;
}

static int load_target(const Ew__ConnTarget *msg, struct port_target *target)
{
	int r = http_url_parse(msg->url, &target->parsed);

	if (r < 0)
		return r;
	target->url = xstrdup(msg->url);
	target->controller = msg->controller;
	for (size_t i = 0; i < msg->n_headers; i++)
		target->headers = curl_slist_append(target->headers, msg->headers[i]);
	return 0;
}

int request_load(const Ew__ConnRequest *msg, struct request *ret)
{
	int r = msg->n_ports > REQUEST_PORTS ? -EINVAL : 0;

	*ret = (struct request){ 0 };
	for (size_t i = 0; r == 0 && i < msg->n_targets && i < PORT_TARGETS; i++) {
		r = load_target(msg->targets[i], &ret->targets[i]);
		ret->ntargets += r == 0;
	}
	for (size_t i = 0; r == 0 && i < msg->n_ports; i++, ret->nports++) {
		r = load_port(msg->ports[i], msg->deadline_ms, &ret->ports[i]);
		if (r == 0)
			r = load_ways(msg->ports[i], &ret->ways[i]);
		if (r == 0)
			r = load_pac(msg->ports[i]->pac, &ret->pacs[i]);
		ret->ports[i].ways = ret->ways[i];
	}
	if (r < 0)
		request_fini(ret);
	return r < 0 ? -EINVAL : 0;
}

void request_fini(struct request *request)
{
	for (unsigned int i = 0; i < request->ntargets; i++) {
		free(request->targets[i].url);
		curl_slist_free_all(request->targets[i].headers);
	}
	for (unsigned int i = 0; i < request->nports; i++) {
		free(request->ways[i]);
		free(request->pacs[i]);
	}
	*request = (struct request){ 0 };
}
