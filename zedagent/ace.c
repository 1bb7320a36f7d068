/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of an access list. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "zedagent/map.h"

#define ACE_ID_MAX 0x3fffff /* 22 bits of the connection mark in EVE */

/* Names of the protocols file that anybody filters by; the file itself is not read here. */
static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "icmp", IPPROTO_ICMP },
	{ "igmp", IPPROTO_IGMP },
	{ "ipip", IPPROTO_IPIP },
	{ "ipencap", IPPROTO_IPIP },
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "dccp", IPPROTO_DCCP },
	{ "ipv6", IPPROTO_IPV6 },
	{ "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },
	{ "ah", IPPROTO_AH },
	{ "icmpv6", IPPROTO_ICMPV6 },
	{ "ipv6-icmp", IPPROTO_ICMPV6 },
	{ "ospf", 89 },
	{ "pim", IPPROTO_PIM },
	{ "vrrp", 112 },
	{ "l2tp", 115 },
	{ "sctp", IPPROTO_SCTP },
	{ "udplite", IPPROTO_UDPLITE },
};

struct ace {
	const EVE(ACE) * in;
	const Ew__NetworkInstanceConfig *ni;
	const struct za_at *at;
	struct pbjson_error *err;
	Ew__AclEntry *out;
	unsigned int seen; /* bits: which matches were given */
};

static int parse_protocol(struct ace *a, const char *value, const struct za_at *at)
{
	unsigned long number;
	char *end;

	if (strcasecmp(value, "all") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (strcasecmp(value, protocols[i].name) == 0) {
			a->out->protocol = protocols[i].number;
			return 0;
		}
	}
	number = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || number > 255)
		return za_refuse(a->err, at, "/value", "\"%.80s\" is no protocol", value);
	a->out->protocol = (uint32_t)number;
	return 0;
}

/* "80", "8000-8010", and "8000:8010" as iptables has it. */
static int parse_ports(struct ace *a, const char *value, const struct za_at *at, uint32_t *first,
		       uint32_t *last)
{
	struct portrange range;
	char text[16], *colon;

	if (strlen(value) >= sizeof(text))
		return za_refuse(a->err, at, "/value", "expected a port or a range of ports");
	strcpy(text, value);
	colon = strchr(text, ':');
	if (colon)
		*colon = '-';
	if (portrange_parse(text, &range) < 0)
		return za_refuse(a->err, at, "/value", "\"%.80s\" is no port or range of ports",
				 value);
	*first = range.first;
	*last = range.last;
	return 0;
}

static int match_ip(struct ace *a, const char *value, const struct za_at *at)
{
	struct prefix p;

	if (prefix_parse(value, &p) < 0)
		return za_refuse(a->err, at, "/value", "\"%.80s\" is no address or prefix", value);
	if (*a->out->remote) /* by a host that is an address */
		return za_refuse(a->err, at, "/value", "the entry has an ip already");
	p = prefix_network(&p);
	za_set_prefix(&a->out->remote, &p);
	return 0;
}

static int match_host(struct ace *a, const char *value, const struct za_at *at)
{
	struct ipaddr addr;

	if (a->ni->type == EW__NETWORK_INSTANCE_TYPE__NI_SWITCH)
		return za_refuse(a->err, at, "/type", "a switch has no DNS to learn hosts from");
	if (ipaddr_parse(value, &addr) == 0)
		return match_ip(a, value, at);
	if (!za_is_domain(value))
		return za_refuse(a->err, at, "/value", "\"%.80s\" is no host name", value);
	za_set(&a->out->host, value);
	return 0;
}

static int match_eidset(struct ace *a, const char *value, const struct za_at *at)
{
	(void)value;
	if (a->ni->type == EW__NETWORK_INSTANCE_TYPE__NI_SWITCH)
		return za_refuse(a->err, at, "/type", "a switch has no names to take the set from");
	a->out->eidset = true;
	return 0;
}

static int match_lport(struct ace *a, const char *value, const struct za_at *at)
{
	return parse_ports(a, value, at, &a->out->lport_first, &a->out->lport_last);
}

static int match_fport(struct ace *a, const char *value, const struct za_at *at)
{
	return parse_ports(a, value, at, &a->out->fport_first, &a->out->fport_last);
}

static int match_adapter(struct ace *a, const char *value, const struct za_at *at)
{
	if (!za_is_name(value))
		return za_refuse(a->err, at, "/value", "expected a label of 1 to 128 bytes");
	za_set(&a->out->adapter, value);
	return 0;
}

static const struct {
	const char *type;
	int (*parse)(struct ace *a, const char *value, const struct za_at *at);
} matches[] = {
	{ "ip", match_ip },	      { "host", match_host },
	{ "eidset", match_eidset },   { "protocol", parse_protocol },
	{ "lport", match_lport },     { "fport", match_fport },
	{ "adapter", match_adapter },
};

static int map_match(struct ace *a, size_t k)
{
	const EVE(ACEMatch) *match = a->in->matches[k];
	struct za_at at = za_at("%s/matches/%zu", a->at->path, k);

	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		if (strcmp(match->type, matches[i].type) != 0)
			continue;
		if (a->seen & 1U << i)
			return za_refuse(a->err, &at, "/type", "\"%.80s\" is given twice",
					 match->type);
		a->seen |= 1U << i;
		return matches[i].parse(a, match->value, &at);
	}
	return za_refuse(a->err, &at, "/type", "\"%.80s\" is no kind of match", match->type);
}

static bool has_ports(uint32_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_DCCP || protocol == IPPROTO_UDPLITE;
}

static int check_matches(const struct ace *a)
{
	const Ew__AclEntry *out = a->out;

	if ((out->lport_first || out->fport_first) && !has_ports(out->protocol))
		return za_refuse(a->err, a->at, "/matches",
				 "a port needs a protocol that has ports");
	if (*out->host && out->eidset)
		return za_refuse(a->err, a->at, "/matches", "host and eidset exclude each other");
	if (*out->adapter && out->action != EW__ACL_ACTION__ACL_PORTMAP)
		return za_refuse(a->err, a->at, "/matches", "adapter is for port maps only");
	return 0;
}

static int map_limit(struct ace *a, const EVE(ACEAction) * action, const struct za_at *at)
{
	static const struct {
		const char *name;
		uint32_t seconds;
	} units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 } };

	if (action->limitrate == 0)
		return za_refuse(a->err, at, "/limitrate", "a limit needs a rate");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(action->limitunit, units[i].name) != 0)
			continue;
		a->out->action = EW__ACL_ACTION__ACL_LIMIT;
		a->out->limit_rate = action->limitrate;
		a->out->limit_unit_s = units[i].seconds;
		a->out->limit_burst = action->limitburst;
		return 0;
	}
	return za_refuse(a->err, at, "/limitunit", "expected \"s\", \"m\" or \"h\"");
}

static int map_portmap(struct ace *a, const EVE(ACEAction) * action, const struct za_at *at)
{
	uint32_t more = a->out->lport_last - a->out->lport_first;

	if (a->ni->type != EW__NETWORK_INSTANCE_TYPE__NI_LOCAL)
		return za_refuse(a->err, at, "/portmap", "only a local instance has port maps");
	if (!*a->ni->port_label)
		return za_refuse(a->err, at, "/portmap", "the instance has no port to map from");
	if (!a->out->lport_first)
		return za_refuse(a->err, at, "/portmap",
				 "a port map needs an lport: the port outside");
	if (a->out->protocol != IPPROTO_TCP && a->out->protocol != IPPROTO_UDP)
		return za_refuse(a->err, at, "/portmap", "a port map needs protocol tcp or udp");
	if (action->appport < 1 || action->appport > 65535 - more)
		return za_refuse(a->err, at, "/appPort", "expected a port of the app");
	a->out->action = EW__ACL_ACTION__ACL_PORTMAP;
	a->out->target_port = action->appport;
	return 0;
}

static int map_action(struct ace *a)
{
	struct za_at at = za_at("%s/actions/0", a->at->path);
	const EVE(ACEAction) * action;

	if (a->in->n_actions == 0)
		return 0;
	if (a->in->n_actions > 1)
		return za_refuse(a->err, a->at, "/actions", "an entry has one action");
	action = a->in->actions[0];
	if (action->drop + action->limit + action->portmap > 1)
		return za_refuse(a->err, &at, "", "only one of drop, limit and portmap");
	if (action->limit)
		return map_limit(a, action, &at);
	if (action->portmap)
		return map_portmap(a, action, &at);
	if (action->drop)
		a->out->action = EW__ACL_ACTION__ACL_DROP;
	return 0;
}

static int map_head(struct ace *a)
{
	const EVE(ACE) *in = a->in;

	if (in->id < 0 || in->id > ACE_ID_MAX)
		return za_refuse(a->err, a->at, "/id", "expected 0 to %d", ACE_ID_MAX);
	if (*in->name && !za_is_name(in->name))
		return za_refuse(a->err, a->at, "/name", "expected a name of 1 to 128 bytes");
	if (in->dir == EVE_VALUE(CONFIG__ACEDIRECTION, INGRESS))
		a->out->direction = EW__ACL_DIRECTION__ACL_INGRESS;
	else if (in->dir == EVE_VALUE(CONFIG__ACEDIRECTION, EGRESS))
		a->out->direction = EW__ACL_DIRECTION__ACL_EGRESS;
	else if (in->dir != EVE_VALUE(CONFIG__ACEDIRECTION, BOTH))
		return za_refuse(a->err, a->at, "/dir", "unknown direction");
	a->out->id = in->id;
	za_set(&a->out->name, in->name);
	return 0;
}

int za_map_ace(const EVE(ACE) * ace, const Ew__NetworkInstanceConfig *ni, const struct za_at *at,
	       Ew__AclEntry **ret, struct pbjson_error *err)
{
	struct ace a = { .in = ace, .ni = ni, .at = at, .err = err };
	int r;

	a.out = xcalloc(1, sizeof(*a.out));
	ew__acl_entry__init(a.out);
	r = map_head(&a);
	for (size_t i = 0; r == 0 && i < ace->n_matches; i++)
		r = map_match(&a, i);
	if (r == 0)
		r = map_action(&a);
	if (r == 0)
		r = check_matches(&a);
	if (r < 0) {
		ew__acl_entry__free_unpacked(a.out, NULL);
		return r;
	}
	*ret = a.out;
	return 0;
}
