/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nft/elems.h"

#include <arpa/inet.h>
#include <assert.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

struct nft_elems {
	unsigned int refs;
	struct nft_shape shape;
	uint8_t key[DP_NFT_FIELDS], data[2]; /* types, for printing */
	size_t n, room;
	uint8_t *bytes;
	struct chain_name { /* jumped to; sorted once ended */
		char str[DP_NFT_NAME];
	} * chains;
	uint16_t n_chains;
};

static uint16_t registers(uint32_t len)
{
	return (uint16_t)((len + 3) / 4 * 4);
}

uint32_t nft_type_len(enum nft_type type)
{
	switch (type) {
	case NFT_TYPE_IFNAME:
		return IFNAMSIZ;
	case NFT_TYPE_IPV4:
		return 4;
	case NFT_TYPE_IPV6:
		return 16;
	case NFT_TYPE_ETHER:
		return 6;
	case NFT_TYPE_PROTO:
		return 1;
	case NFT_TYPE_PORT:
		return 2;
	case NFT_TYPE_MARK:
		return 4;
	case NFT_TYPE_NONE:
	case NFT_TYPE_VERDICT:
		break;
	}
	return 0;
}

/* A single field has its own length, fields of a concatenation fill whole registers. */
static void lengths(const uint8_t *types, unsigned int max, uint16_t *ret_len, uint16_t *ret_size)
{
	uint16_t len = 0, size = 0;
	unsigned int n = 0;

	for (; n < max && types[n] != NFT_TYPE_NONE; n++) {
		len = (uint16_t)nft_type_len(types[n]);
		size += registers(len);
	}
	*ret_len = n == 1 ? len : size;
	*ret_size = size;
}

void nft_shape_of(const struct dp_nft_set *set, struct nft_shape *ret)
{
	struct nft_shape s = { .interval = set->interval };

	lengths(set->key, ARRAY_SIZE(set->key), &s.key_len, &s.key_size);
	lengths(set->data, ARRAY_SIZE(set->data), &s.data_len, &s.data_size);
	s.verdict = set->data[0] == NFT_TYPE_VERDICT;
	if (s.verdict)
		s.data_len = s.data_size = sizeof(struct nft_elem_verdict);
	s.size = s.key_size * (s.interval ? 2 : 1) + s.data_size;
	*ret = s;
}

struct nft_elems *nft_elems_new(const struct dp_nft_set *set)
{
	struct nft_elems *e = xcalloc(1, sizeof(*e));

	e->refs = 1;
	nft_shape_of(set, &e->shape);
	memcpy(e->key, set->key, sizeof(e->key));
	memcpy(e->data, set->data, sizeof(e->data));
	return e;
}

struct nft_elems *nft_elems_ref(const struct nft_elems *e)
{
	struct nft_elems *m = (struct nft_elems *)e; /* the count is not part of the value */

	if (m)
		m->refs++;
	return m;
}

struct nft_elems *nft_elems_unref(struct nft_elems *e)
{
	if (!e || --e->refs)
		return NULL;
	free(e->bytes);
	free(e->chains);
	free(e);
	return NULL;
}

struct nft_elem nft_elems_add(struct nft_elems *e)
{
	const struct nft_shape *s = &e->shape;
	uint8_t *record;

	if (e->n == e->room) {
		e->room = e->room ? 2 * e->room : 8;
		e->bytes = xrealloc(e->bytes, e->room, s->size);
	}
	record = e->bytes + e->n++ * s->size;
	memset(record, 0, s->size);
	return (struct nft_elem){
		.of = e,
		.key = record,
		.end = s->interval ? record + s->key_size : NULL,
		.data = record + s->key_size * (s->interval ? 2 : 1),
	};
}

static int compare_records(const void *a, const void *b, void *arg)
{
	const struct nft_shape *s = arg;

	return memcmp(a, b, s->size);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Numbers the chains by the order of their names, so that equal elements are equal bytes. */
static void sort_chains(struct nft_elems *e)
{
	_cleanup_(freep) struct chain_name *was = NULL;
	struct chain_name *found;
	struct nft_elem_verdict v;
	uint8_t *at;

	if (e->n_chains < 2)
		return;
	was = xmemdup(e->chains, e->n_chains * sizeof(*was));
	qsort(e->chains, e->n_chains, sizeof(*e->chains), compare_names);
	for (size_t i = 0; i < e->n; i++) {
		at = e->bytes + (i + 1) * e->shape.size - sizeof(v);
		memcpy(&v, at, sizeof(v));
		if (!v.chain)
			continue;
		found = bsearch(&was[v.chain - 1], e->chains, e->n_chains, sizeof(*found),
				compare_names);
		v.chain = (uint16_t)(found - e->chains + 1);
		memcpy(at, &v, sizeof(v));
	}
}

size_t nft_elems_end(struct nft_elems *e)
{
	size_t size = e->shape.size, kept = 0, dropped;

	if (!e->n)
		return 0;
	sort_chains(e);
	qsort_r(e->bytes, e->n, size, compare_records, &e->shape);
	for (size_t i = 1; i < e->n; i++)
		if (memcmp(e->bytes + kept * size, e->bytes + i * size, size) != 0 && ++kept != i)
			memcpy(e->bytes + kept * size, e->bytes + i * size, size);
	dropped = e->n - (kept + 1);
	e->n = kept + 1;
	return dropped;
}

/* ---- Filling a record ---- */

static void put_key(struct nft_elem *el, const void *first, const void *last, size_t len)
{
	memcpy(el->key, first, len);
	el->key += registers(len);
	if (el->end) {
		memcpy(el->end, last, len);
		el->end += registers(len);
	}
}

void nft_elem_ifname(struct nft_elem *el, const struct ifname *ifname)
{
	put_key(el, ifname->str, ifname->str, IFNAMSIZ);
}

void nft_elem_mac(struct nft_elem *el, const struct mac *mac)
{
	put_key(el, mac->byte, mac->byte, sizeof(mac->byte));
}

void nft_elem_addr(struct nft_elem *el, const struct ipaddr *addr)
{
	put_key(el, addr->byte, addr->byte, ipaddr_bits(addr) / 8);
}

void nft_elem_addr_range(struct nft_elem *el, const struct ipaddr *first, const struct ipaddr *last)
{
	assert(el->end || ipaddr_equal(first, last));
	put_key(el, first->byte, last->byte, ipaddr_bits(first) / 8);
}

void nft_elem_proto(struct nft_elem *el, uint8_t first, uint8_t last)
{
	assert(el->end || first == last);
	put_key(el, &first, &last, sizeof(first));
}

void nft_elem_port(struct nft_elem *el, uint16_t first, uint16_t last)
{
	uint16_t f = htons(first), l = htons(last);

	assert(el->end || first == last);
	put_key(el, &f, &l, sizeof(f));
}

void nft_elem_mark(struct nft_elem *el, uint32_t mark)
{
	put_key(el, &mark, &mark, sizeof(mark));
}

static uint16_t chain_number(struct nft_elems *e, const char *name)
{
	for (uint16_t i = 0; i < e->n_chains; i++)
		if (strcmp(e->chains[i].str, name) == 0)
			return i;
	e->chains = xrealloc(e->chains, e->n_chains + 1u, sizeof(*e->chains));
	memset(&e->chains[e->n_chains], 0, sizeof(*e->chains));
	assert(strlen(name) < sizeof(e->chains->str));
	strcpy(e->chains[e->n_chains].str, name);
	return e->n_chains++;
}

void nft_elem_verdict(struct nft_elem *el, int code, const char *chain)
{
	struct nft_elem_verdict v = { .code = (int16_t)code };

	assert(!chain == (code != NFT_JUMP && code != NFT_GOTO));
	if (chain)
		v.chain = chain_number(el->of, chain) + 1;
	memcpy(el->data, &v, sizeof(v));
}

static void put_data(struct nft_elem *el, const void *value, size_t len)
{
	memcpy(el->data, value, len);
	el->data += registers(len);
}

void nft_elem_data_mark(struct nft_elem *el, uint32_t mark)
{
	put_data(el, &mark, sizeof(mark));
}

void nft_elem_data_addr(struct nft_elem *el, const struct ipaddr *addr)
{
	put_data(el, addr->byte, ipaddr_bits(addr) / 8);
}

void nft_elem_data_port(struct nft_elem *el, uint16_t port)
{
	uint16_t p = htons(port);

	put_data(el, &p, sizeof(p));
}

/* ---- The finished ones ---- */

size_t nft_elems_count(const struct nft_elems *e)
{
	return e ? e->n : 0;
}

bool nft_elems_equal(const struct nft_elems *a, const struct nft_elems *b)
{
	if (a == b || (nft_elems_count(a) == 0 && nft_elems_count(b) == 0))
		return true;
	return nft_elems_count(a) == nft_elems_count(b) && a->shape.size == b->shape.size &&
	       a->n_chains == b->n_chains &&
	       memcmp(a->bytes, b->bytes, a->n * a->shape.size) == 0 &&
	       (!a->n_chains ||
		memcmp(a->chains, b->chains, a->n_chains * sizeof(*a->chains)) == 0);
}

unsigned int nft_elems_chains(const struct nft_elems *e)
{
	return e ? e->n_chains : 0;
}

const char *nft_elems_chain(const struct nft_elems *e, unsigned int number)
{
	assert(number < e->n_chains);
	return e->chains[number].str;
}

const uint8_t *nft_elems_at(const struct nft_elems *e, size_t i)
{
	assert(i < e->n);
	return e->bytes + i * e->shape.size;
}

const struct nft_shape *nft_elems_shape(const struct nft_elems *e)
{
	return &e->shape;
}

static void print_field(enum nft_type type, const uint8_t *p, struct strbuf *out)
{
	struct ipaddr addr;
	struct mac mac;
	uint32_t word;
	uint16_t half;

	switch (type) {
	case NFT_TYPE_IFNAME:
		strbuf_addf(out, "\"%.*s\"", IFNAMSIZ, (const char *)p);
		return;
	case NFT_TYPE_IPV4:
	case NFT_TYPE_IPV6:
		addr = ipaddr_from(type == NFT_TYPE_IPV4 ? AF_INET : AF_INET6, p);
		ipaddr_format(&addr, out);
		return;
	case NFT_TYPE_ETHER:
		memcpy(mac.byte, p, sizeof(mac.byte));
		mac_format(&mac, out);
		return;
	case NFT_TYPE_PROTO:
		strbuf_addu(out, *p);
		return;
	case NFT_TYPE_PORT:
		memcpy(&half, p, sizeof(half));
		strbuf_addu(out, ntohs(half));
		return;
	case NFT_TYPE_MARK:
		memcpy(&word, p, sizeof(word));
		strbuf_addf(out, "0x%x", word);
		return;
	case NFT_TYPE_NONE:
	case NFT_TYPE_VERDICT:
		return;
	}
}

static void print_verdict(const struct nft_elems *e, const uint8_t *p, struct strbuf *out)
{
	struct nft_elem_verdict v;

	memcpy(&v, p, sizeof(v));
	switch (v.code) {
	case NF_ACCEPT:
		strbuf_add(out, "accept");
		break;
	case NF_DROP:
		strbuf_add(out, "drop");
		break;
	case NFT_RETURN:
		strbuf_add(out, "return");
		break;
	default:
		strbuf_addf(out, "%s %s", v.code == NFT_JUMP ? "jump" : "goto",
			    v.chain ? nft_elems_chain(e, v.chain - 1u) : "?");
	}
}

static void print_fields(const uint8_t *types, unsigned int max, const uint8_t *at,
			 const uint8_t *end, struct strbuf *out)
{
	for (unsigned int i = 0; i < max && types[i] != NFT_TYPE_NONE; i++) {
		uint32_t len = nft_type_len(types[i]);

		if (i)
			strbuf_add(out, " . ");
		print_field(types[i], at, out);
		if (end && memcmp(at, end, len) != 0) {
			strbuf_addc(out, '-');
			print_field(types[i], end, out);
		}
		at += registers(len);
		if (end)
			end += registers(len);
	}
}

void nft_elems_print(const struct nft_elems *e, size_t i, struct strbuf *out)
{
	const uint8_t *key = nft_elems_at(e, i), *end = NULL, *data;

	data = key + e->shape.key_size;
	if (e->shape.interval) {
		end = data;
		data += e->shape.key_size;
	}
	print_fields(e->key, ARRAY_SIZE(e->key), key, end, out);
	if (!e->shape.data_size)
		return;
	strbuf_add(out, " : ");
	if (e->shape.verdict)
		print_verdict(e, data, out);
	else
		print_fields(e->data, ARRAY_SIZE(e->data), data, NULL, out);
}
