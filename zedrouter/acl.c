/* SPDX-License-Identifier: Apache-2.0 */
/* From the list of an app interface to boxes, and from boxes to the text; acl_place.c layers them. */
#include "zedrouter/acl.h"

#include <errno.h>

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

	if (is_host(ace))
		return "host match is not supported yet";
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

static int place_remote(struct acl_placer *p, const struct zr_ace *ace, uint32_t index,
			const struct prefix *remote)
{
	struct acl_box box;

	if (remote->addr.family != acl_placer_family(p))
		return 0;
	box = box_of(ace, remote);
	return acl_place(p, &box, ace->action == ZR_PORTMAP ? ZR_ALLOW : ace->action, index);
}

static int place_ace(struct acl_placer *p, const struct zr_ace *ace, uint32_t index,
		     const struct ipaddr *eids, size_t n_eids)
{
	struct prefix any = { .addr = { .family = acl_placer_family(p) } }, host;
	int r = 0;

	if (ace->eidset) {
		for (size_t i = 0; r == 0 && i < n_eids; i++) {
			host = prefix_host(&eids[i]);
			r = place_remote(p, ace, index, &host);
		}
		return r;
	}
	if (ipaddr_is_set(&ace->remote.addr))
		return place_remote(p, ace, index, &ace->remote);
	if (!speaks(ace->protocol, any.addr.family))
		return 0;
	return place_remote(p, ace, index, &any);
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
};

static int compile_variant(struct zr_acl *acl, const struct list *list, enum zr_variant variant)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct acl_placer *p;
	int r = 0;

	for (size_t f = 0; r == 0 && f < ARRAY_SIZE(families); f++) {
		p = acl_placer_new(acl, families[f], variant);
		for (size_t i = 0; r == 0 && i < list->n; i++)
			if (concerns(&list->aces[i], variant))
				r = place_ace(p, &list->aces[i], list->index[i], list->eids,
					      list->n_eids);
		acl_placer_free(p);
	}
	return r;
}

static void copy_aces(struct zr_acl *acl, const struct zr_ace *aces, size_t n)
{
	acl->aces = xcalloc(n ? n : 1, sizeof(*acl->aces));
	acl->n_aces = n;
	for (size_t i = 0; i < n; i++) {
		acl->aces[i] = aces[i];
		acl->aces[i].host = aces[i].host ? xstrdup(aces[i].host) : NULL;
		acl->aces[i].adapter = aces[i].adapter ? xstrdup(aces[i].adapter) : NULL;
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
			strbuf_addf(why, "%sACL needs more than %d entries", why->len ? "; " : "",
				    ZR_ACL_MAX);
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

static void print_entry(const struct zr_acl_entry *e, struct strbuf *out)
{
	static const char *const variants[] = { "egress", "ingress", "dnat" };
	static const char *const actions[] = { "allow", "drop", "limit" };

	strbuf_addf(out, "ipv%c %s %c%u ", e->family == AF_INET ? '4' : '6', variants[e->variant],
		    e->exact ? 'e' : 'r', e->layer);
	ipaddr_format(&e->first, out);
	if (!ipaddr_equal(&e->first, &e->last)) {
		strbuf_addc(out, '-');
		ipaddr_format(&e->last, out);
	}
	strbuf_addf(out, " proto=%u-%u lport=", e->proto_first, e->proto_last);
	print_ports(e->lport, out);
	strbuf_add(out, " fport=");
	print_ports(e->fport, out);
	strbuf_addf(out, " %s ace=%u\n", actions[e->action], e->ace);
}

void zr_acl_print(const struct zr_acl *acl, struct strbuf *out)
{
	for (size_t i = 0; i < acl->n; i++)
		print_entry(&acl->entries[i], out);
}
