/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements of a set or map, as one sorted array of records of equal size: key, end of the key's
 * range when the set has intervals, datum. Field by field, in the order of the set's type:
 *
 *	struct nft_elems *e = nft_elems_new(&set);
 *	struct nft_elem el = nft_elems_add(e);
 *
 *	nft_elem_ifname(&el, &bridge); // "bn1" . 10.1.0.0-10.1.0.255 : drop
 *	nft_elem_addr_range(&el, &first, &last);
 *	nft_elem_verdict(&el, NF_DROP, NULL);
 *	nft_elems_end(e);
 *
 * The result is immutable and counted: specs share it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "dataplane/items/nft.h"

struct strbuf;
struct nft_elems;

struct nft_elem { /* one record while it is filled; valid until the next nft_elems_add() */
	struct nft_elems *of;
	uint8_t *key, *end, *data; /* where the next field goes; end NULL: no intervals */
};

/* Of the shape of this set: its key, data and interval. One reference, yours. */
struct nft_elems *nft_elems_new(const struct dp_nft_set *set);
struct nft_elem nft_elems_add(struct nft_elems *e);
size_t nft_elems_end(struct nft_elems *e); /* sorts, drops repeated records: how many */

/* ---- Key: one call a field; in a set with intervals a plain value is a range of one ---- */

void nft_elem_ifname(struct nft_elem *el, const struct ifname *ifname);
void nft_elem_mac(struct nft_elem *el, const struct mac *mac);
void nft_elem_addr(struct nft_elem *el, const struct ipaddr *addr);
void nft_elem_addr_range(struct nft_elem *el, const struct ipaddr *first,
			 const struct ipaddr *last);
void nft_elem_proto(struct nft_elem *el, uint8_t first, uint8_t last);
void nft_elem_port(struct nft_elem *el, uint16_t first, uint16_t last); /* host order */
void nft_elem_mark(struct nft_elem *el, uint32_t mark);

/* ---- Data of a map ---- */

void nft_elem_verdict(struct nft_elem *el, int code, const char *chain); /* see nft_verdict() */
void nft_elem_data_mark(struct nft_elem *el, uint32_t mark);
void nft_elem_data_addr(struct nft_elem *el, const struct ipaddr *addr);
void nft_elem_data_port(struct nft_elem *el, uint16_t port);

/* ---- The finished ones ---- */

struct nft_elems *nft_elems_ref(const struct nft_elems *e); /* NULL is fine */
struct nft_elems *nft_elems_unref(struct nft_elems *e); /* NULL in, NULL out */
size_t nft_elems_count(const struct nft_elems *e); /* NULL: 0 */
bool nft_elems_equal(const struct nft_elems *a, const struct nft_elems *b);
const uint8_t *nft_elems_at(const struct nft_elems *e, size_t i); /* record i */

struct nft_shape { /* lengths in bytes; records are key, end (interval), data */
	uint16_t key_len, data_len; /* as the kernel counts; 0 data: a set */
	uint16_t key_size, data_size; /* in the record: whole registers */
	uint16_t size; /* of a record */
	bool interval, verdict;
};
const struct nft_shape *nft_elems_shape(const struct nft_elems *e);
void nft_shape_of(const struct dp_nft_set *set, struct nft_shape *ret);
/* Readable: "eth0" . 10.0.0.1 . 6 . 80 : accept */
void nft_elems_print(const struct nft_elems *e, size_t i, struct strbuf *out);

/* A verdict as a record holds it; the name of a chain jumped to stands beside the records. */
struct nft_elem_verdict {
	int16_t code;
	uint16_t chain; /* number of its name + 1; 0 unless jump or goto */
};
unsigned int nft_elems_chains(const struct nft_elems *e); /* how many names; NULL: 0 */
const char *nft_elems_chain(const struct nft_elems *e, unsigned int number);

uint32_t nft_type_len(enum nft_type type); /* bytes; 0: none, verdict */
