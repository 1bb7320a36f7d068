/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsrelay/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */

bool dns_domain_is_valid(const char *name)
{
	size_t label = 0, len = strlen(name);

	if (len == 0 || len > 253)
		return false;
	for (const char *c = name; *c; c++) {
		if (*c == '.' && label == 0)
			return false;
		if (*c != '.' && !isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			return false;
		label = *c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

static int add_domain(struct dns_conf *conf, const char *name, uint8_t *ret)
{
	if (!dns_domain_is_valid(name))
		return -EINVAL;
	for (unsigned int i = 1; i < conf->ndomains; i++) {
		if (strcasecmp(conf->domains[i], name) == 0) {
			*ret = (uint8_t)i;
			return 0;
		}
	}
	if (conf->ndomains == DNS_DOMAINS)
		return -E2BIG;
	strcpy(conf->domains[conf->ndomains], name);
	*ret = (uint8_t)conf->ndomains++;
	return 0;
}

static int parse_tier(const char *text, uint8_t *ret)
{
	char *end;
	unsigned long tier = isdigit((unsigned char)text[0]) ? strtoul(text, &end, 10) : 256;

	if (tier > 255 || *end)
		return -EINVAL;
	*ret = (uint8_t)tier;
	return 0;
}

static int add_server(struct dns_conf *conf, char *rest)
{
	const char *addr = strsep(&rest, " "), *ifname = strsep(&rest, " ");
	const char *tier = strsep(&rest, " "), *domain = strsep(&rest, " ");
	struct dns_server server = { 0 };
	int r;

	if (!tier || rest)
		return -EINVAL;
	r = ipaddr_parse(addr, &server.addr);
	if (r == 0)
		r = ifname_parse(ifname, &server.ifname);
	if (r == 0)
		r = parse_tier(tier, &server.tier);
	if (r == 0 && domain)
		r = add_domain(conf, domain, &server.domain);
	if (r == 0 && conf->nservers == DNS_SERVERS)
		r = -E2BIG;
	if (r == 0)
		conf->servers[conf->nservers++] = server;
	return r;
}

int dns_conf_parse(const char *text, struct dns_conf *ret)
{
	_cleanup_(freep) struct dns_conf *conf = xcalloc(1, sizeof(*conf));
	_cleanup_(freep) char *copy = xstrdup(text);
	char *rest = copy, *line;
	uint8_t domain;
	int r = 0;

	conf->ndomains = 1;
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		const char *word = strsep(&line, " ");

		if (strcmp(word, "server") == 0 && line)
			r = add_server(conf, line);
		else if (strcmp(word, "domain") == 0 && line)
			r = add_domain(conf, line, &domain);
		else if (*word || line)
			r = -EINVAL;
	}
	if (r == 0)
		*ret = *conf;
	return r;
}

static bool name_is_below(const char *name, const char *domain)
{
	size_t name_len = strlen(name), len = strlen(domain);

	if (name_len < len || strcasecmp(name + name_len - len, domain) != 0)
		return false;
	return name_len == len || name[name_len - len - 1] == '.';
}

unsigned int dns_conf_route(const struct dns_conf *conf, const char *name)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < conf->ndomains; i++)
		if (strlen(conf->domains[i]) > strlen(conf->domains[best]) &&
		    name_is_below(name, conf->domains[i]))
			best = i;
	return best;
}

int dns_conf_next_tier(const struct dns_conf *conf, unsigned int domain, int tier)
{
	int next = -1;

	for (unsigned int i = 0; i < conf->nservers; i++) {
		const struct dns_server *server = &conf->servers[i];

		if (server->domain == domain && server->tier > tier &&
		    (next < 0 || server->tier < next))
			next = server->tier;
	}
	return next;
}
