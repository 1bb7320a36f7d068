/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of an access list: EVE's texts become typed fields. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "zedagent/check.h"
#include "zedagent/load.h"

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "icmp", 1 },	{ "igmp", 2 },	 { "tcp", 6 },	  { "udp", 17 },
	{ "gre", 47 },	{ "esp", 50 },	 { "ah", 51 },	  { "icmpv6", 58 },
	{ "ospf", 89 }, { "vrrp", 112 }, { "sctp", 132 }, { "udplite", 136 },
};

static bool parse_protocol(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (text[0] && !*end && text[0] != '-' && number <= 255) {
		*ret = (uint32_t)number;
		return true;
	}
	if (strcasecmp(text, "all") == 0) {
		*ret = 0;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (strcasecmp(text, protocols[i].name) != 0)
			continue;
		*ret = protocols[i].number;
		return true;
	}
	return false;
}

static int load_ports(const char *text, const struct za_at *at, uint32_t *first, uint32_t *last,
		      struct pbjson_error *err)
{
	struct portrange range;

	if (portrange_parse(text, &range) < 0)
		return za_refuse(err, at, "/value", "not a port or a range of ports: \"%.60s\"",
				 text);
	*first = range.first;
	*last = range.last;
	return 0;
}

static int load_remote(const char *text, const struct za_at *at, Ew__AclEntry *out,
		       struct pbjson_error *err)
{
	struct prefix p;

	if (prefix_parse(text, &p) < 0)
		return za_refuse(err, at, "/value", "not an address or subnet: \"%.60s\"", text);
	p = prefix_network(&p);
	free(out->remote[0] ? out->remote : NULL);
	za_set_prefix(&out->remote, &p);
	return 0;
}

static int load_host(const char *text, const struct za_at *at, Ew__AclEntry *out,
		     struct pbjson_error *err)
{
	struct ipaddr addr;

	if (ipaddr_parse(text, &addr) == 0)
		return load_remote(text, at, out, err);
	if (!za_is_domain(text))
		return za_refuse(err, at, "/value", "not a domain: \"%.60s\"", text);
	free(out->host[0] ? out->host : NULL);
	za_set(&out->host, text);
	return 0;
}

static int load_match(const EVE(ACEMatch) * m, const struct za_at *at, Ew__AclEntry *out,
		      struct pbjson_error *err)
{
	if (strcmp(m->type, "ip") == 0)
		return load_remote(m->value, at, out, err);
	if (strcmp(m->type, "host") == 0)
		return load_host(m->value, at, out, err);
	if (strcmp(m->type, "lport") == 0)
		return load_ports(m->value, at, &out->lport_first, &out->lport_last, err);
	if (strcmp(m->type, "fport") == 0)
		return load_ports(m->value, at, &out->fport_first, &out->fport_last, err);
	if (strcmp(m->type, "eidset") == 0) {
		out->eidset = true;
		return 0;
	}
	if (strcmp(m->type, "adapter") == 0) {
		if (!za_is_name(m->value))
			return za_refuse(err, at, "/value", "not a label");
		free(out->adapter[0] ? out->adapter : NULL);
		za_set(&out->adapter, m->value);
		return 0;
	}
	if (strcmp(m->type, "protocol") != 0)
		return za_refuse(err, at, "/type", "unknown kind of match: \"%.60s\"", m->type);
	if (!parse_protocol(m->value, &out->protocol))
		return za_refuse(err, at, "/value", "unknown protocol: \"%.60s\"", m->value);
	return 0;
}

static int load_limit(const EVE(ACEAction) * a, const struct za_at *at, Ew__AclEntry *out,
		      struct pbjson_error *err)
{
	static const struct {
		const char *unit;
		uint32_t seconds;
	} units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "", 1 } };

	out->action = EW__ACL_ACTION__ACL_LIMIT;
	out->limit_rate = a->limitrate;
	out->limit_burst = a->limitburst;
	if (!a->limitrate)
		return za_refuse(err, at, "/limitrate", "has to be above 0");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(units[i].unit, a->limitunit) == 0)
			out->limit_unit_s = units[i].seconds;
	if (!out->limit_unit_s)
		return za_refuse(err, at, "/limitunit", "has to be s, m or h");
	return 0;
}

static int load_action(const EVE(ACEAction) * a, const struct za_at *at, Ew__AclEntry *out,
		       struct pbjson_error *err)
{
	if (a->drop + a->limit + a->portmap > 1)
		return za_refuse(err, at, "", "more than one action");
	if (a->drop)
		out->action = EW__ACL_ACTION__ACL_DROP;
	if (a->limit)
		return load_limit(a, at, out, err);
	if (!a->portmap)
		return 0;
	out->action = EW__ACL_ACTION__ACL_PORTMAP;
	out->target_port = a->appport;
	if (a->appport < 1 || a->appport > 65535)
		return za_refuse(err, at, "/appPort", "not a port");
	return 0;
}

static int check_whole(const struct za_at *at, const Ew__AclEntry *out, struct pbjson_error *err)
{
	bool ports = out->lport_first || out->fport_first;

	if (out->host[0] && out->eidset)
		return za_refuse(err, at, "/matches", "host and eidset exclude each other");
	if (ports && out->protocol != 6 && out->protocol != 17 && out->protocol != 132)
		return za_refuse(err, at, "/matches", "ports need a protocol that has them");
	if (out->action != EW__ACL_ACTION__ACL_PORTMAP)
		return out->adapter[0] ? za_refuse(err, at, "/matches", "adapter goes with portmap")
				       : 0;
	if (!out->lport_first)
		return za_refuse(err, at, "/matches", "portmap needs lport, the external port");
	if (out->target_port + out->lport_last - out->lport_first > 65535)
		return za_refuse(err, at, "/actions", "target ports end above 65535");
	return 0;
}

int za_load_ace(const EVE(ACE) * ace, const struct za_at *at, Ew__AclEntry *out,
		struct pbjson_error *err)
{
	out->id = ace->id;
	za_set(&out->name, ace->name);
	if (ace->dir == EVE_VALUE(CONFIG__ACEDIRECTION, INGRESS))
		out->direction = EW__ACL_DIRECTION__ACL_INGRESS;
	else if (ace->dir == EVE_VALUE(CONFIG__ACEDIRECTION, EGRESS))
		out->direction = EW__ACL_DIRECTION__ACL_EGRESS;
	for (size_t i = 0; i < ace->n_matches; i++) {
		struct za_at here = za_at("%s/matches/%zu", at->path, i);
		int r;

		for (size_t j = 0; j < i; j++)
			if (strcmp(ace->matches[i]->type, ace->matches[j]->type) == 0)
				return za_refuse(err, &here, "/type", "given twice");
		r = load_match(ace->matches[i], &here, out, err);
		if (r < 0)
			return r;
	}
	if (ace->n_actions > 1)
		return za_refuse(err, at, "/actions", "more than one action");
	for (size_t i = 0; i < ace->n_actions; i++) {
		struct za_at here = za_at("%s/actions/%zu", at->path, i);
		int r = load_action(ace->actions[i], &here, out, err);

		if (r < 0)
			return r;
	}
	return check_whole(at, out, err);
}
