/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries are found by what most have: one prefix of remotes, and one protocol or any. A class holds
 * those of one variant, length and kind of protocol; within it they are hashed. What is no prefix
 * (a box that was cut) is in a list of its own.
 */
#include "zedrouter/judge.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hmap.h"

#define NO_PREFIX 255

struct place { /* of one entry, in the array of all */
	struct hmap_node node;
	const struct zr_acl_entry *entry;
};

struct class
{
	uint8_t family, variant, len; /* NO_PREFIX: by no address */
	bool any_protocol;
};

struct zr_judge {
	struct zr_acl *acl; /* NULL: nothing may pass */
	struct place *places;
	struct hmap map; /* struct place */
	struct class *classes;
	size_t n_classes;
};

/* ---- Classes ---- */

static uint8_t prefix_len(const struct ipaddr *first, const struct ipaddr *last)
{
	struct prefix p = { .addr = *first };
	unsigned int bits = ipaddr_bits(first), len = 0;
	struct prefix net;
	struct ipaddr end;

	while (len < bits && !((first->byte[len / 8] ^ last->byte[len / 8]) >> (7 - len % 8) & 1))
		len++;
	p.len = (uint8_t)len;
	net = prefix_network(&p);
	end = prefix_last(&p);
	return ipaddr_equal(&net.addr, first) && ipaddr_equal(&end, last) ? p.len : NO_PREFIX;
}

static struct class class_of(const struct zr_acl_entry *e)
{
	return (struct class){
		.family = e->family,
		.variant = e->variant,
		.len = prefix_len(&e->first, &e->last),
		.any_protocol = e->proto_first != e->proto_last,
	};
}

static uint32_t class_hash(const struct class *c, const struct ipaddr *addr, uint8_t protocol)
{
	struct prefix p = { .addr = *addr, .len = c->len };
	struct prefix net = { 0 };
	uint32_t seed = (uint32_t)c->len << 16 | (uint32_t)c->variant << 8 |
			(c->any_protocol ? 0 : protocol);

	if (c->len != NO_PREFIX)
		net = prefix_network(&p);
	return hash_bytes(&net.addr, sizeof(net.addr), seed);
}

static bool same_class(const struct class *a, const struct class *b)
{
	return a->family == b->family && a->variant == b->variant && a->len == b->len &&
	       a->any_protocol == b->any_protocol;
}

static void note_class(struct zr_judge *j, const struct class *c)
{
	for (size_t i = 0; i < j->n_classes; i++)
		if (same_class(&j->classes[i], c))
			return;
	j->classes = xrealloc(j->classes, j->n_classes + 1, sizeof(*j->classes));
	j->classes[j->n_classes++] = *c;
}

struct zr_judge *zr_judge_new(struct zr_acl *acl)
{
	struct zr_judge *j = xcalloc(1, sizeof(*j));

	j->acl = acl;
	hmap_init(&j->map);
	if (!acl)
		return j;
	j->places = xcalloc(acl->n + 1, sizeof(*j->places));
	for (size_t i = 0; i < acl->n; i++) {
		const struct zr_acl_entry *e = &acl->entries[i];
		struct class c = class_of(e);

		note_class(j, &c);
		j->places[i].entry = e;
		hmap_insert(&j->map, &j->places[i].node, class_hash(&c, &e->first, e->proto_first));
	}
	return j;
}

struct zr_judge *zr_judge_free(struct zr_judge *j)
{
	if (!j)
		return NULL;
	hmap_fini(&j->map);
	zr_acl_free(j->acl);
	free(j->places);
	free(j->classes);
	free(j);
	return NULL;
}

/* ---- Judging ---- */

static bool in_ports(struct portrange r, uint16_t port)
{
	return r.first <= port && port <= r.last;
}

static bool holds(const struct zr_acl_entry *e, const struct zr_flow *flow, enum zr_variant variant)
{
	return e->variant == variant && e->family == flow->remote.family &&
	       ipaddr_compare(&e->first, &flow->remote) <= 0 &&
	       ipaddr_compare(&flow->remote, &e->last) <= 0 && e->proto_first <= flow->protocol &&
	       flow->protocol <= e->proto_last && in_ports(e->fport, flow->fport) &&
	       (e->exact || in_ports(e->lport, flow->lport));
}

/* The order in which a packet looks them up. */
static unsigned int slot_of(const struct zr_acl_entry *e)
{
	return 2u * e->layer + !e->exact;
}

static const struct zr_acl_entry *find_entry(const struct zr_judge *j, const struct zr_flow *flow,
					     enum zr_variant variant)
{
	const struct zr_acl_entry *best = NULL;
	struct hmap_node *node;

	for (size_t i = 0; i < j->n_classes; i++) {
		const struct class *c = &j->classes[i];

		if (c->variant != variant || c->family != flow->remote.family)
			continue;
		hmap_for_each_match(node, &j->map, class_hash(c, &flow->remote, flow->protocol))
		{
			const struct zr_acl_entry *e =
				container_of(node, struct place, node)->entry;

			if ((!best || slot_of(e) < slot_of(best)) && holds(e, flow, variant))
				best = e;
		}
	}
	return best;
}

static const struct zr_acl_entry *find_step(const struct zr_acl *acl, const struct zr_flow *flow,
					    enum zr_variant variant, zr_learned_fn *learned,
					    void *arg)
{
	for (size_t i = 0; i < acl->n_steps; i++) {
		const struct zr_acl_entry *e = &acl->steps[i];

		if (holds(e, flow, variant) &&
		    (!e->by_host || learned(acl->aces[e->ace].host, &flow->remote, arg)))
			return e;
	}
	return NULL;
}

enum zr_action zr_judge(const struct zr_judge *j, const struct zr_flow *flow,
			zr_learned_fn *learned, void *arg)
{
	enum zr_variant variant = flow->variant;
	const struct zr_acl_entry *found;

	if (!j->acl || (variant == ZR_VARIANT_DNAT && !j->acl->dnat))
		return ZR_DROP;
	if (variant == ZR_VARIANT_INGRESS && !j->acl->split)
		variant = ZR_VARIANT_EGRESS;
	found = find_step(j->acl, flow, variant, learned, arg) ?: find_entry(j, flow, variant);
	return found ? (enum zr_action)found->action : ZR_DROP;
}

bool zr_judge_maps(const struct zr_judge *j, uint8_t protocol, uint16_t external, uint16_t target,
		   zr_adapter_fn *adapter, void *arg)
{
	for (size_t i = 0; j->acl && i < j->acl->n_aces; i++) {
		const struct zr_ace *ace = &j->acl->aces[i];

		if (zr_ace_maps(ace) && ace->protocol == protocol &&
		    in_ports(ace->lport, external) &&
		    ace->target_port + (external - ace->lport.first) == target &&
		    (!ace->adapter || !ace->adapter[0] || adapter(ace->adapter, arg)))
			return true;
	}
	return false;
}

/* ---- Sums ---- */

struct sum {
	uint32_t half[2];
};

static void add_bytes(struct sum *s, const void *p, size_t n)
{
	s->half[0] = hash_bytes(p, n, s->half[0]);
	s->half[1] = hash_bytes(p, n, ~s->half[1]);
}

static void add_text(struct sum *s, const char *text)
{
	add_bytes(s, text ?: "", text ? strlen(text) + 1 : 1);
}

/* Without ace, which is the entry's place in the configuration. */
static void add_entry(struct sum *s, const struct zr_acl_entry *e)
{
	_Static_assert(offsetof(struct zr_acl_entry, fport) + sizeof(struct portrange) ==
			       offsetof(struct zr_acl_entry, ace),
		       "no padding, whose bytes would say nothing");

	add_bytes(s, e, offsetof(struct zr_acl_entry, ace));
}

uint64_t zr_acl_sum(const struct zr_acl *acl)
{
	struct sum s = { { acl ? 1u + acl->split + 2u * acl->dnat : 0, 2 } };

	for (size_t i = 0; acl && i < acl->n; i++)
		add_entry(&s, &acl->entries[i]);
	for (size_t i = 0; acl && i < acl->n_steps; i++) {
		add_entry(&s, &acl->steps[i]);
		if (acl->steps[i].by_host)
			add_text(&s, acl->aces[acl->steps[i].ace].host);
	}
	for (size_t i = 0; acl && i < acl->n_aces; i++) {
		const struct zr_ace *ace = &acl->aces[i];

		if (!zr_ace_maps(ace))
			continue;
		add_bytes(&s, &ace->protocol, sizeof(ace->protocol));
		add_bytes(&s, &ace->lport, sizeof(ace->lport));
		add_bytes(&s, &ace->target_port, sizeof(ace->target_port));
		add_text(&s, ace->adapter);
	}
	return (uint64_t)s.half[0] << 32 | s.half[1];
}
