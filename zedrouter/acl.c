/* SPDX-License-Identifier: Apache-2.0 */
/* From the list of an app interface to boxes; acl_place.c and acl_steps.c order them. */
#include "zedrouter/acl.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "zedrouter/acl_place.h"

#define PORT_MAP_MAX 1024 /* external ports of one port map: each is an element for each address */

/* ---- What cannot be honoured ---- */

static bool has_ports(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		return true;
	}
	return false;
}

static bool is_host(const struct zr_ace *ace)
{
	return ace->host && ace->host[0];
}

/* NULL: all is well with it. */
static const char *fault(const struct zr_ace *ace)
{
	bool ports = portrange_is_set(&ace->lport) || portrange_is_set(&ace->fport);

	if (is_host(ace) && ace->unresolved)
		return "host match needs the DNS server of the instance";
	if (ports && !has_ports(ace->protocol))
		return "ports need a protocol that has ports";
	if (ace->action == ZR_LIMIT && (!ace->limit_rate || !ace->limit_unit_s))
		return "limit without a rate";
	if (ace->action != ZR_PORTMAP)
		return NULL;
	if (!portrange_is_set(&ace->lport) || !ace->target_port)
		return "port map needs lport and target port";
	if (ace->lport.last - ace->lport.first >= PORT_MAP_MAX)
		return "port map of more than 1024 ports";
	if (ace->target_port + (ace->lport.last - ace->lport.first) > UINT16_MAX)
		return "port map beyond port 65535";
	return NULL;
}

bool zr_ace_maps(const struct zr_ace *ace)
{
	return ace->action == ZR_PORTMAP && !fault(ace);
}

static void explain(const struct zr_ace *ace, const char *text, struct strbuf *why)
{
	if (!why)
		return;
	if (why->len)
		strbuf_add(why, "; ");
	strbuf_addf(why, "ACL entry %d: %s", ace->id, text);
}

/*
 * A copy in which everything can be honoured; false: leave it out. What drops is widened instead:
 * it must not let pass more than was asked.
 */
static bool sanitize(const struct zr_ace *ace, struct zr_ace *ret, struct strbuf *why)
{
	struct prefix literal;
	const char *text;

	*ret = *ace;
	if (is_host(ace) && prefix_parse(ace->host, &literal) == 0) { /* EVE: same as ip */
		ret->remote = literal;
		ret->host = NULL;
	}
	text = fault(ret);
	if (!text)
		return true;
	explain(ace, text, why);
	ret->host = NULL;
	ret->lport = ret->fport = (struct portrange){ 0 };
	return ace->action == ZR_DROP;
}

/* ---- Boxes ---- */

static struct portrange or_any(struct portrange r)
{
	return portrange_is_set(&r) ? r : (struct portrange){ 0, UINT16_MAX };
}

static struct acl_box box_of(const struct zr_ace *ace, const struct prefix *remote)
{
	struct portrange lport = or_any(ace->lport), fport = or_any(ace->fport);
	struct prefix net = prefix_network(remote);
	struct ipaddr last = prefix_last(&net);

	if (ace->action == ZR_PORTMAP) /* judged after the translation */
		lport = (struct portrange){ ace->target_port,
					    (uint16_t)(ace->target_port +
						       (ace->lport.last - ace->lport.first)) };
	return (struct acl_box){
		.lo = { acl_number(&net.addr), ace->protocol, lport.first, fport.first },
		.hi = { acl_number(&last), ace->protocol ?: UINT8_MAX, lport.last, fport.last },
	};
}

/* ICMP is a protocol of one family each, so an entry for it is not repeated in the other. */
static bool speaks(uint8_t protocol, int family)
{
	return protocol != (family == AF_INET ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

struct units {
	struct acl_unit *at;
	size_t n, room;
	int family;
};

static void add_unit(struct units *u, const struct zr_ace *ace, uint32_t index,
		     const struct prefix *remote, bool by_host)
{
	if (remote->addr.family != u->family)
		return;
	if (u->n == u->room) {
		u->room = u->room ? 2 * u->room : 16;
		u->at = xrealloc(u->at, u->room, sizeof(*u->at));
	}
	u->at[u->n++] = (struct acl_unit){
		.box = box_of(ace, remote),
		.action = ace->action == ZR_PORTMAP ? ZR_ALLOW : (uint8_t)ace->action,
		.by_host = by_host,
		.ace = index,
	};
}

static void add_addrs(struct units *u, const struct zr_ace *ace, uint32_t index,
		      const struct ipaddr *addrs, size_t n, const struct prefix *within)
{
	for (size_t i = 0; i < n; i++) {
		struct prefix one = prefix_host(&addrs[i]);

		if (prefix_contains(within, &addrs[i]))
			add_unit(u, ace, index, &one, false);
	}
}

/* All that an entry says must hold: with an eidset or a host, its remote narrows them. */
static void add_ace(struct units *u, const struct zr_ace *ace, uint32_t index,
		    const struct ipaddr *eids, size_t n_eids)
{
	const struct prefix any = { .addr = { .family = (uint8_t)u->family } };
	bool to_any = !ipaddr_is_set(&ace->remote.addr);
	const struct prefix *remote = to_any ? &any : &ace->remote;

	if (is_host(ace))
		add_addrs(u, ace, index, ace->known, ace->n_known, remote);
	if (ace->eidset)
		add_addrs(u, ace, index, eids, n_eids, remote);
	else if (!to_any || speaks(ace->protocol, u->family))
		add_unit(u, ace, index, remote, is_host(ace));
}

static bool concerns(const struct zr_ace *ace, enum zr_variant variant)
{
	if (ace->action == ZR_PORTMAP)
		return variant == ZR_VARIANT_DNAT;
	return ace->direction == ZR_BOTH ||
	       (ace->direction == ZR_EGRESS) == (variant == ZR_VARIANT_EGRESS);
}

struct list { /* to compile: what is left of it, where each came from */
	const struct zr_ace *aces;
	const uint32_t *index;
	size_t n;
	const struct ipaddr *eids;
	size_t n_eids;
	bool hosts; /* some are by host */
};

static int compile_family(struct zr_acl *acl, const struct list *list, enum zr_variant variant,
			  int family)
{
	struct acl_placer *p = acl_placer_new(acl, family, variant);
	struct units u = { .family = family };
	int r = 0;

	for (size_t i = 0, from = 0; r == 0 && i < list->n; i++) {
		if (!concerns(&list->aces[i], variant))
			continue;
		add_ace(&u, &list->aces[i], list->index[i], list->eids, list->n_eids);
		for (size_t k = from; r == 0 && k < u.n; k++)
			if (!u.at[k].by_host)
				r = acl_place(p, &u.at[k].box, u.at[k].action, u.at[k].ace);
		from = u.n = list->hosts ? u.n : 0;
	}
	if (r == 0 && list->hosts)
		r = acl_add_steps(acl, family, variant, u.at, u.n);
	acl_placer_free(p);
	free(u.at);
	return r;
}

static int compile_variant(struct zr_acl *acl, const struct list *list, enum zr_variant variant)
{
	int r = compile_family(acl, list, variant, AF_INET);

	return r == 0 ? compile_family(acl, list, variant, AF_INET6) : r;
}

static void copy_aces(struct zr_acl *acl, const struct zr_ace *aces, size_t n)
{
	acl->aces = xcalloc(n ? n : 1, sizeof(*acl->aces));
	acl->n_aces = n;
	for (size_t i = 0; i < n; i++) {
		acl->aces[i] = aces[i];
		acl->aces[i].host = aces[i].host ? xstrdup(aces[i].host) : NULL;
		acl->aces[i].adapter = aces[i].adapter ? xstrdup(aces[i].adapter) : NULL;
		acl->aces[i].known = NULL;
		acl->aces[i].n_known = 0;
	}
}

int zr_acl_compile(const struct zr_ace *aces, size_t n, const struct ipaddr *eids, size_t n_eids,
		   struct strbuf *why, struct zr_acl **ret)
{
	_cleanup_(zr_acl_freep) struct zr_acl *acl = xcalloc(1, sizeof(*acl));
	_cleanup_(freep) struct zr_ace *good = NULL;
	_cleanup_(freep) uint32_t *index = NULL;
	struct list list = { .eids = eids, .n_eids = n_eids };
	int r;

	good = xcalloc(n + 1, sizeof(*good));
	index = xcalloc(n + 1, sizeof(*index));
	for (size_t i = 0; n <= ZR_ACL_MAX && i < n; i++) {
		if (!sanitize(&aces[i], &good[list.n], why))
			continue;
		list.hosts |= is_host(&good[list.n]);
		acl->dnat |= good[list.n].action == ZR_PORTMAP;
		acl->split |=
			good[list.n].action != ZR_PORTMAP && good[list.n].direction != ZR_BOTH;
		index[list.n++] = (uint32_t)i;
	}
	list.aces = good;
	list.index = index;
	copy_aces(acl, aces, n);
	r = n > ZR_ACL_MAX ? -E2BIG : compile_variant(acl, &list, ZR_VARIANT_EGRESS);
	if (r == 0 && acl->split)
		r = compile_variant(acl, &list, ZR_VARIANT_INGRESS);
	if (r == 0 && acl->dnat)
		r = compile_variant(acl, &list, ZR_VARIANT_DNAT);
	if (r < 0) {
		if (why)
			strbuf_addf(why, "%sACL needs more than %d entries, or %d steps for hosts",
				    why->len ? "; " : "", ZR_ACL_MAX, ZR_ACL_STEPS);
		return r;
	}
	*ret = take_ptr(acl);
	return 0;
}

struct zr_acl *zr_acl_free(struct zr_acl *acl)
{
	if (!acl)
		return NULL;
	for (size_t i = 0; i < acl->n_aces; i++) {
		free((char *)acl->aces[i].host);
		free((char *)acl->aces[i].adapter);
	}
	free(acl->aces);
	free(acl->entries);
	free(acl->steps);
	free(acl);
	return NULL;
}

void zr_acl_freep(struct zr_acl **acl)
{
	zr_acl_free(*acl);
}

/* ---- Text ---- */

static void print_ports(struct portrange r, struct strbuf *out)
{
	if (r.first == 0 && r.last == UINT16_MAX)
		strbuf_addc(out, '*');
	else
		portrange_format(&r, out);
}

static void print_remote(const struct zr_acl *acl, const struct zr_acl_entry *e, struct strbuf *out)
{
	if (e->by_host)
		strbuf_addf(out, "%s in ", acl->aces[e->ace].host);
	ipaddr_format(&e->first, out);
	if (!ipaddr_equal(&e->first, &e->last)) {
		strbuf_addc(out, '-');
		ipaddr_format(&e->last, out);
	}
}

static void print_entry(const struct zr_acl *acl, const struct zr_acl_entry *e, const char *place,
			struct strbuf *out)
{
	static const char *const variants[] = { "egress", "ingress", "dnat" };
	static const char *const actions[] = { "allow", "drop", "limit" };

	strbuf_addf(out, "ipv%c %s %s ", e->family == AF_INET ? '4' : '6', variants[e->variant],
		    place);
	print_remote(acl, e, out);
	strbuf_addf(out, " proto=%u-%u lport=", e->proto_first, e->proto_last);
	print_ports(e->lport, out);
	strbuf_add(out, " fport=");
	print_ports(e->fport, out);
	strbuf_addf(out, " %s ace=%u\n", actions[e->action], e->ace);
}

void zr_acl_print(const struct zr_acl *acl, struct strbuf *out)
{
	char place[16];

	for (size_t i = 0; i < acl->n_steps; i++)
		print_entry(acl, &acl->steps[i], "step", out);
	for (size_t i = 0; i < acl->n; i++) {
		snprintf(place, sizeof(place), "%c%u", acl->entries[i].exact ? 'e' : 'r',
			 acl->entries[i].layer);
		print_entry(acl, &acl->entries[i], place, out);
	}
}
