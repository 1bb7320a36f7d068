/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the boxes of a list into slots: the order in which a packet looks them up.
 *
 *	slot 0: exact map of layer 0, slot 1: interval map of layer 0, slot 2: exact map of layer 1 …
 *
 * Invariant: when two boxes overlap and disagree, the earlier one has the lower slot; and no two
 * boxes of one interval map overlap. Then the first hit of a packet agrees with the first box of
 * the list that holds it: a hit that disagreed would be later in the list and overlap with that
 * box, hence have a higher slot.
 *
 * A box that finds no slot is cut along the boxes of the last interval map and its pieces go
 * there: each disagreeing earlier box is then either in a lower slot or cut away.
 */
#include "zedrouter/acl_place.h"

#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/hmap.h"

#define SLOTS (2 * ZR_ACL_LAYERS)
#define LAST (SLOTS - 1) /* the last interval map */

struct placed { /* a box with a slot */
	struct hmap_node node; /* exact ones, by their point */
	struct acl_box box;
	uint32_t verdict; /* equal: they agree */
	uint8_t slot;
};

struct placer_list { /* pointers to placed ones, in the order of the access list */
	struct placed **at;
	size_t n, room;
};

struct acl_placer {
	struct zr_acl *acl;
	int family;
	enum zr_variant variant;
	struct placer_list exacts, ranges;
	struct hmap points;
	size_t room; /* of acl->entries */
};

/* ---- Boxes ---- */

acl_value acl_number(const struct ipaddr *addr)
{
	acl_value n = 0;

	for (unsigned int i = 0; i < ipaddr_bits(addr) / 8; i++)
		n = n << 8 | addr->byte[i];
	return n;
}

static struct ipaddr address(acl_value n, int family)
{
	struct ipaddr a = { .family = (uint8_t)family };

	for (unsigned int i = ipaddr_bits(&a) / 8; i-- > 0; n >>= 8)
		a.byte[i] = (uint8_t)n;
	return a;
}

bool acl_box_overlap(const struct acl_box *a, const struct acl_box *b)
{
	for (unsigned int i = 0; i < ACL_AXES; i++)
		if (a->hi[i] < b->lo[i] || b->hi[i] < a->lo[i])
			return false;
	return true;
}

static bool covers(const struct acl_box *a, const struct acl_box *b)
{
	for (unsigned int i = 0; i < ACL_AXES; i++)
		if (b->lo[i] < a->lo[i] || b->hi[i] > a->hi[i])
			return false;
	return true;
}

static bool is_port_protocol(acl_value protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_DCCP || protocol == IPPROTO_UDPLITE;
}

/* One address, one protocol, one fport, any lport: fits the hash map. */
static bool is_exact(const struct acl_box *b)
{
	return b->lo[ACL_REMOTE] == b->hi[ACL_REMOTE] && b->lo[ACL_PROTO] == b->hi[ACL_PROTO] &&
	       b->lo[ACL_FPORT] == b->hi[ACL_FPORT] && b->lo[ACL_LPORT] == 0 &&
	       b->hi[ACL_LPORT] == UINT16_MAX && is_port_protocol(b->lo[ACL_PROTO]);
}

static uint32_t hash_point(const struct acl_box *b)
{
	const struct {
		acl_value remote;
		uint64_t rest;
	} key = { b->lo[ACL_REMOTE],
		  (uint64_t)b->lo[ACL_PROTO] << 16 | (uint64_t)b->lo[ACL_FPORT] };

	return hash_bytes(&key, sizeof(key.remote) + sizeof(key.rest), 0);
}

/* ---- The placer ---- */

struct acl_placer *acl_placer_new(struct zr_acl *acl, int family, enum zr_variant variant)
{
	struct acl_placer *p = xcalloc(1, sizeof(*p));

	p->acl = acl;
	p->family = family;
	p->variant = variant;
	p->room = acl->n;
	hmap_init(&p->points);
	return p;
}

static void list_fini(struct placer_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i]);
	free(l->at);
}

struct acl_placer *acl_placer_free(struct acl_placer *p)
{
	if (!p)
		return NULL;
	hmap_fini(&p->points);
	list_fini(&p->exacts);
	list_fini(&p->ranges);
	free(p);
	return NULL;
}

static void list_add(struct placer_list *l, struct placed *placed)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		l->at = xrealloc(l->at, l->room, sizeof(struct placed *));
	}
	l->at[l->n++] = placed;
}

uint32_t acl_verdict(enum zr_action action, uint32_t ace)
{
	return action == ZR_LIMIT ? ace + 2 : action == ZR_DROP;
}

struct zr_acl_entry acl_entry(const struct acl_box *b, int family, enum zr_variant variant)
{
	return (struct zr_acl_entry){
		.family = (uint8_t)family,
		.variant = (uint8_t)variant,
		.proto_first = (uint8_t)b->lo[ACL_PROTO],
		.proto_last = (uint8_t)b->hi[ACL_PROTO],
		.first = address(b->lo[ACL_REMOTE], family),
		.last = address(b->hi[ACL_REMOTE], family),
		.lport = { (uint16_t)b->lo[ACL_LPORT], (uint16_t)b->hi[ACL_LPORT] },
		.fport = { (uint16_t)b->lo[ACL_FPORT], (uint16_t)b->hi[ACL_FPORT] },
	};
}

static int put(struct acl_placer *p, const struct acl_box *box, unsigned int slot,
	       enum zr_action action, uint32_t ace)
{
	struct zr_acl *acl = p->acl;
	struct placed *placed;

	if (acl->n >= ZR_ACL_MAX)
		return -E2BIG;
	placed = xcalloc(1, sizeof(*placed));
	placed->box = *box;
	placed->slot = (uint8_t)slot;
	placed->verdict = acl_verdict(action, ace);
	if (slot % 2 == 0) {
		hmap_insert(&p->points, &placed->node, hash_point(box));
		list_add(&p->exacts, placed);
	} else {
		list_add(&p->ranges, placed);
	}
	if (acl->n == p->room) {
		p->room = p->room ? 2 * p->room : 16;
		acl->entries = xrealloc(acl->entries, p->room, sizeof(*acl->entries));
	}
	acl->entries[acl->n] = acl_entry(box, p->family, p->variant);
	acl->entries[acl->n].layer = (uint8_t)(slot / 2);
	acl->entries[acl->n].exact = slot % 2 == 0;
	acl->entries[acl->n].action = (uint8_t)action;
	acl->entries[acl->n].ace = ace;
	acl->n++;
	return 0;
}

/* ---- Finding a slot ---- */

struct search {
	bool covered; /* no packet would ever come so far */
	unsigned int lowest; /* slot that the invariant allows */
	unsigned int taken; /* bit per slot: an overlapping range of the same mind is there */
};

static bool has_point(const struct acl_placer *p, const struct acl_box *box)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &p->points, hash_point(box))
	{
		const struct placed *q = container_of(node, struct placed, node);

		if (covers(&q->box, box))
			return true;
	}
	return false;
}

static struct search look(const struct acl_placer *p, const struct acl_box *box, uint32_t verdict,
			  bool exact)
{
	struct search s = { .covered = exact && has_point(p, box) };
	const struct placed *q;

	for (size_t i = 0; !s.covered && i < p->ranges.n; i++) {
		q = p->ranges.at[i];
		if (!acl_box_overlap(&q->box, box))
			continue;
		s.covered = covers(&q->box, box);
		s.taken |= 1u << q->slot;
		if (q->verdict != verdict && s.lowest <= q->slot)
			s.lowest = q->slot + 1u;
	}
	for (size_t i = 0; !s.covered && !exact && i < p->exacts.n; i++) {
		q = p->exacts.at[i];
		if (q->verdict != verdict && s.lowest <= q->slot && acl_box_overlap(&q->box, box))
			s.lowest = q->slot + 1u;
	}
	return s;
}

/* ---- Cutting ---- */

struct pieces {
	struct acl_box *at;
	size_t n, room;
};

static int pieces_add(struct pieces *p, const struct acl_box *box)
{
	if (p->n >= ZR_ACL_MAX)
		return -E2BIG;
	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 16;
		p->at = xrealloc(p->at, p->room, sizeof(*p->at));
	}
	p->at[p->n++] = *box;
	return 0;
}

/* What is left of box without hole, in disjoint pieces: what sticks out on each axis in turn. */
static int cut(struct acl_box box, const struct acl_box *hole, struct pieces *out)
{
	struct acl_box piece;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < ACL_AXES; i++) {
		if (box.lo[i] < hole->lo[i]) {
			piece = box;
			piece.hi[i] = hole->lo[i] - 1;
			box.lo[i] = hole->lo[i];
			r = pieces_add(out, &piece);
		}
		if (r == 0 && box.hi[i] > hole->hi[i]) {
			piece = box;
			piece.lo[i] = hole->hi[i] + 1;
			box.hi[i] = hole->hi[i];
			r = pieces_add(out, &piece);
		}
	}
	return r;
}

static int cut_all(struct pieces *pieces, const struct acl_box *hole)
{
	struct pieces next = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < pieces->n; i++) {
		if (acl_box_overlap(&pieces->at[i], hole))
			r = cut(pieces->at[i], hole, &next);
		else
			r = pieces_add(&next, &pieces->at[i]);
	}
	free(pieces->at);
	*pieces = next;
	return r;
}

static int put_in_pieces(struct acl_placer *p, const struct acl_box *box, enum zr_action action,
			 uint32_t ace)
{
	struct pieces pieces = { 0 };
	int r = pieces_add(&pieces, box);

	for (size_t i = 0; r == 0 && i < p->ranges.n; i++)
		if (p->ranges.at[i]->slot == LAST && acl_box_overlap(&p->ranges.at[i]->box, box))
			r = cut_all(&pieces, &p->ranges.at[i]->box);
	for (size_t i = 0; r == 0 && i < pieces.n; i++)
		r = put(p, &pieces.at[i], LAST, action, ace);
	free(pieces.at);
	return r;
}

int acl_place(struct acl_placer *p, const struct acl_box *box, enum zr_action action, uint32_t ace)
{
	uint32_t verdict = acl_verdict(action, ace);
	bool exact = is_exact(box);
	struct search s = look(p, box, verdict, exact);
	unsigned int slot;

	assert(action != ZR_PORTMAP);
	if (s.covered)
		return 0;
	for (slot = exact ? 0 : 1; slot < SLOTS; slot += 2)
		if (slot >= s.lowest && (exact || !(s.taken & 1u << slot)))
			return put(p, box, slot, action, ace);
	return put_in_pieces(p, box, action, ace);
}
