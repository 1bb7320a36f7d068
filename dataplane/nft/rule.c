/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nft/rule.h"

#include <arpa/inet.h>
#include <assert.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <net/ethernet.h>
#include <netinet/tcp.h>

#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/strbuf.h"
#include "dataplane/nft/field.h"

#define REG NFT_REG32_00 /* where keys and operands are loaded; 64 bytes are there */
#define PAYLOAD_MAX 8192 /* of one rule; the longest of ours is about 700 bytes */

struct rule_end { /* where one rule ends, in payload and text */
	size_t payload, text;
};

struct use {
	char name[DP_NFT_NAME];
	bool set;
};

struct nft_rules {
	unsigned int refs;
	uint8_t family;
	uint16_t count;
	uint64_t hash; /* 0: not ended yet */
	struct nftnl_rule *rule; /* the one being written */
	uint16_t ethertype; /* it has matched this protocol already */
	struct strbuf payload, text; /* of all rules; texts are NUL-terminated */
	struct rule_end *ends;
	struct use *uses;
	size_t n_uses;
};

struct nft_rules *nft_rules_new(uint8_t family)
{
	struct nft_rules *r = xcalloc(1, sizeof(*r));

	r->refs = 1;
	r->family = family;
	return r;
}

struct nft_rules *nft_rules_ref(const struct nft_rules *r)
{
	struct nft_rules *m = (struct nft_rules *)r; /* the count is not part of the value */

	if (m)
		m->refs++;
	return m;
}

struct nft_rules *nft_rules_unref(struct nft_rules *r)
{
	if (!r || --r->refs)
		return NULL;
	if (r->rule)
		nftnl_rule_free(r->rule);
	strbuf_fini(&r->payload);
	strbuf_fini(&r->text);
	free(r->ends);
	free(r->uses);
	free(r);
	return NULL;
}

static void finish_rule(struct nft_rules *r)
{
	char buf[PAYLOAD_MAX] __attribute__((__aligned__(8))) = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	if (!r->rule)
		return;
	nftnl_rule_nlmsg_build_payload(nlh, r->rule);
	assert(nlh->nlmsg_len < sizeof(buf));
	strbuf_addmem(&r->payload, mnl_nlmsg_get_payload(nlh), mnl_nlmsg_get_payload_len(nlh));
	strbuf_addc(&r->text, '\0');
	r->ends = xrealloc(r->ends, r->count + 1, sizeof(*r->ends));
	r->ends[r->count++] = (struct rule_end){ r->payload.len, r->text.len };
	nftnl_rule_free(r->rule);
	r->rule = NULL;
}

void nft_rule(struct nft_rules *r)
{
	assert(!r->hash);
	finish_rule(r);
	r->rule = nftnl_rule_alloc();
	if (!r->rule)
		abort(); /* as xcalloc() */
	r->ethertype = 0;
}

void nft_rules_end(struct nft_rules *r)
{
	uint32_t low, high;

	finish_rule(r);
	low = hash_bytes(r->payload.str, r->payload.len, r->count);
	high = hash_bytes(r->payload.str, r->payload.len, 0x9e3779b9u ^ (uint32_t)r->payload.len);
	r->hash = (uint64_t)high << 32 | low;
	if (!r->hash)
		r->hash = 1;
}

static void text_begin(struct nft_rules *r)
{
	size_t start = r->count ? r->ends[r->count - 1].text : 0;

	if (r->text.len > start)
		strbuf_addc(&r->text, ' ');
}

static struct nftnl_expr *expr_new(struct nft_rules *r, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	assert(r->rule);
	if (!e)
		abort();
	nftnl_rule_add_expr(r->rule, e);
	return e;
}

static void use(struct nft_rules *r, const char *name, bool set)
{
	struct use *u;

	for (size_t i = 0; i < r->n_uses; i++)
		if (r->uses[i].set == set && strcmp(r->uses[i].name, name) == 0)
			return;
	r->uses = xrealloc(r->uses, r->n_uses + 1, sizeof(*r->uses));
	u = &r->uses[r->n_uses++];
	*u = (struct use){ .set = set };
	assert(strlen(name) < sizeof(u->name));
	strcpy(u->name, name);
}

/* ---- Loading and comparing ---- */

static void cmp(struct nft_rules *r, uint32_t op, const void *value, uint32_t len)
{
	struct nftnl_expr *e = expr_new(r, "cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value, len);
}

static void bitwise(struct nft_rules *r, uint32_t reg, const void *mask, const void * xor,
		    uint32_t len)
{
	struct nftnl_expr *e = expr_new(r, "bitwise");

	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, reg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, reg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static void load_meta(struct nft_rules *r, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *e = expr_new(r, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg);
}

/*
 * A field of the network header is read only from packets that have that header: nft too puts
 * "meta nfproto ipv4" (inet) or "meta protocol ip" (bridge) before it, once a rule.
 */
static void depend(struct nft_rules *r, uint16_t ethertype)
{
	uint16_t type = htons(ethertype);
	uint8_t nfproto = ethertype == ETHERTYPE_IP ? NFPROTO_IPV4 : NFPROTO_IPV6;

	if (!ethertype || ethertype == r->ethertype)
		return;
	r->ethertype = ethertype;
	if (r->family == NFPROTO_INET) {
		load_meta(r, NFT_META_NFPROTO, REG);
		cmp(r, NFT_CMP_EQ, &nfproto, sizeof(nfproto));
	} else if (r->family == NFPROTO_BRIDGE) {
		load_meta(r, NFT_META_PROTOCOL, REG);
		cmp(r, NFT_CMP_EQ, &type, sizeof(type));
	}
}

static void load_field(struct nft_rules *r, const struct nft_field_info *f, uint32_t reg)
{
	struct nftnl_expr *e;

	switch (f->kind) {
	case NFT_KIND_META:
		load_meta(r, f->key, reg);
		break;
	case NFT_KIND_CT:
	case NFT_KIND_CT_ORIGINAL:
		e = expr_new(r, "ct");
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, f->key);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, reg);
		if (f->kind == NFT_KIND_CT_ORIGINAL)
			nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, 0);
		break;
	case NFT_KIND_PAYLOAD:
		e = expr_new(r, "payload");
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, f->key);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, f->offset);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, f->size);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
		break;
	}
}

/* The bytes of a number as the register holds them. */
static void encode(const struct nft_field_info *f, uint32_t value, uint8_t out[4])
{
	uint16_t half = f->network_order ? htons((uint16_t)value) : (uint16_t)value;
	uint32_t word = f->network_order ? htonl(value) : value;

	assert(f->size == 1 || f->size == 2 || f->size == 4);
	if (f->size == 1)
		out[0] = (uint8_t)value;
	else if (f->size == 2)
		memcpy(out, &half, sizeof(half));
	else
		memcpy(out, &word, sizeof(word));
}

static const struct nft_field_info *load(struct nft_rules *r, struct nft_load l, uint32_t reg)
{
	const struct nft_field_info *f = &nft_fields[l.field];
	uint8_t mask[4], none[4] = { 0 };

	load_field(r, f, reg);
	if (l.mask) {
		encode(f, l.mask, mask);
		bitwise(r, reg, mask, none, f->size);
	}
	return f;
}

static void text_load(struct nft_rules *r, struct nft_load l)
{
	strbuf_add(&r->text, nft_fields[l.field].text);
	if (l.mask)
		strbuf_addf(&r->text, " & 0x%x", l.mask);
}

/* ---- Matches ---- */

static void compare(struct nft_rules *r, struct nft_load l, uint32_t op, uint32_t value)
{
	const struct nft_field_info *f = &nft_fields[l.field];
	uint8_t bytes[4];

	depend(r, f->ethertype);
	text_begin(r);
	text_load(r, l);
	strbuf_add(&r->text, op == NFT_CMP_EQ ? (l.mask ? " == " : " ") : " != ");
	strbuf_addf(&r->text, f->size == 4 || l.field == NFT_F_ETHER_TYPE ? "0x%x" : "%u", value);
	load(r, l, REG);
	encode(f, value, bytes);
	cmp(r, op, bytes, f->size);
}

void nft_eq(struct nft_rules *r, struct nft_load l, uint32_t value)
{
	compare(r, l, NFT_CMP_EQ, value);
}

void nft_ne(struct nft_rules *r, struct nft_load l, uint32_t value)
{
	compare(r, l, NFT_CMP_NEQ, value);
}

void nft_any(struct nft_rules *r, struct nft_load l)
{
	assert(l.mask);
	compare(r, l, NFT_CMP_NEQ, 0);
}

void nft_none(struct nft_rules *r, struct nft_load l)
{
	assert(l.mask);
	compare(r, l, NFT_CMP_EQ, 0);
}

void nft_eq_name(struct nft_rules *r, enum nft_field field, const char *ifname)
{
	char name[IFNAMSIZ] = "";

	assert(strlen(ifname) < sizeof(name));
	strcpy(name, ifname);
	text_begin(r);
	strbuf_addf(&r->text, "%s \"%s\"", nft_fields[field].text, ifname);
	load_field(r, &nft_fields[field], REG);
	cmp(r, NFT_CMP_EQ, name, sizeof(name));
}

static void compare_prefix(struct nft_rules *r, enum nft_field field, uint32_t op,
			   const struct prefix *p)
{
	const struct nft_field_info *f = &nft_fields[field];
	struct prefix net = prefix_network(p);
	uint8_t mask[16] = { 0 }, none[16] = { 0 };

	assert(ipaddr_bits(&net.addr) == f->size * 8u);
	depend(r, f->ethertype);
	text_begin(r);
	strbuf_addf(&r->text, "%s %s", f->text, op == NFT_CMP_EQ ? "" : "!= ");
	prefix_format(&net, &r->text);
	load_field(r, f, REG);
	if (net.len < f->size * 8u) {
		for (unsigned int i = 0; i < net.len; i++)
			mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
		bitwise(r, REG, mask, none, f->size);
	}
	cmp(r, op, net.addr.byte, f->size);
}

void nft_eq_prefix(struct nft_rules *r, enum nft_field field, const struct prefix *p)
{
	compare_prefix(r, field, NFT_CMP_EQ, p);
}

void nft_ne_prefix(struct nft_rules *r, enum nft_field field, const struct prefix *p)
{
	compare_prefix(r, field, NFT_CMP_NEQ, p);
}

/* Loads a concatenated key into the registers from REG on; each field fills whole registers. */
static void load_key(struct nft_rules *r, const struct nft_load *key)
{
	uint32_t reg = REG;

	for (const struct nft_load *l = key; l->field != NFT_F_END; l++)
		depend(r, nft_fields[l->field].ethertype);
	text_begin(r);
	for (const struct nft_load *l = key; l->field != NFT_F_END; l++) {
		if (l != key)
			strbuf_add(&r->text, " . ");
		text_load(r, *l);
		load(r, *l, reg);
		reg += (nft_fields[l->field].size + 3u) / 4;
	}
	assert(reg <= NFT_REG32_15 + 1);
}

#define NO_DREG UINT32_MAX

static void lookup(struct nft_rules *r, const struct nft_load *key, const char *set, uint32_t dreg,
		   bool invert)
{
	struct nftnl_expr *e;

	load_key(r, key);
	e = expr_new(r, "lookup");
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, REG);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	if (dreg != NO_DREG)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, dreg);
	if (invert)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	use(r, set, true);
}

void nft_in(struct nft_rules *r, const struct nft_load *key, const char *set)
{
	lookup(r, key, set, NO_DREG, false);
	strbuf_addf(&r->text, " @%s", set);
}

void nft_not_in(struct nft_rules *r, const struct nft_load *key, const char *set)
{
	lookup(r, key, set, NO_DREG, true);
	strbuf_addf(&r->text, " != @%s", set);
}

/* ---- Statements ---- */

void nft_counter(struct nft_rules *r)
{
	text_begin(r);
	strbuf_add(&r->text, "counter");
	expr_new(r, "counter");
}

static const char *verdict_name(int code)
{
	switch (code) {
	case NF_ACCEPT:
		return "accept";
	case NF_DROP:
		return "drop";
	case NFT_RETURN:
		return "return";
	case NFT_JUMP:
		return "jump";
	case NFT_GOTO:
		return "goto";
	}
	return "?";
}

void nft_verdict(struct nft_rules *r, int code, const char *chain)
{
	struct nftnl_expr *e = expr_new(r, "immediate");

	assert(!chain == (code != NFT_JUMP && code != NFT_GOTO));
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)code);
	text_begin(r);
	strbuf_add(&r->text, verdict_name(code));
	if (chain) {
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
		strbuf_addf(&r->text, " %s", chain);
		use(r, chain, false);
	}
}

void nft_vmap(struct nft_rules *r, const struct nft_load *key, const char *map)
{
	lookup(r, key, map, NFT_REG_VERDICT, false);
	strbuf_addf(&r->text, " vmap @%s", map);
}

static void store_mark(struct nft_rules *r, enum nft_field mark)
{
	struct nftnl_expr *e;

	assert(mark == NFT_F_MARK || mark == NFT_F_CT_MARK);
	if (mark == NFT_F_MARK) {
		e = expr_new(r, "meta");
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, REG);
	} else {
		e = expr_new(r, "ct");
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_SREG, REG);
	}
}

void nft_set_from_map(struct nft_rules *r, enum nft_field mark, const struct nft_load *key,
		      const char *map)
{
	text_begin(r);
	strbuf_addf(&r->text, "%s set", nft_fields[mark].text);
	lookup(r, key, map, REG, false);
	strbuf_addf(&r->text, " map @%s", map);
	store_mark(r, mark);
}

void nft_set_bits(struct nft_rules *r, enum nft_field mark, uint32_t keep, uint32_t bits)
{
	const char *name = nft_fields[mark].text;

	text_begin(r);
	if (keep)
		strbuf_addf(&r->text, "%s set %s & 0x%x | 0x%x", name, name, keep, bits);
	else
		strbuf_addf(&r->text, "%s set 0x%x", name, bits);
	keep &= ~bits; /* (x & keep) ^ bits is then (x & keep) | bits */
	load_field(r, &nft_fields[mark], REG);
	bitwise(r, REG, &keep, &bits, sizeof(bits));
	store_mark(r, mark);
}

void nft_copy_mark(struct nft_rules *r, enum nft_field to, enum nft_field from, uint32_t keep)
{
	text_begin(r);
	strbuf_addf(&r->text, "%s set ", nft_fields[to].text);
	text_load(r, NFT_MASKED(from, keep));
	load(r, NFT_MASKED(from, keep), REG);
	store_mark(r, to);
}

void nft_masquerade(struct nft_rules *r)
{
	text_begin(r);
	strbuf_add(&r->text, "masquerade");
	expr_new(r, "masq");
}

void nft_dnat(struct nft_rules *r, uint8_t family, const struct nft_load *key, const char *map)
{
	uint32_t words = family == NFPROTO_IPV4 ? 1 : 4;
	struct nftnl_expr *e;

	text_begin(r);
	strbuf_addf(&r->text, "dnat %s to", family == NFPROTO_IPV4 ? "ip" : "ip6");
	lookup(r, key, map, REG, false);
	strbuf_addf(&r->text, " map @%s", map);
	e = expr_new(r, "nat");
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, family);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, REG + words);
}

void nft_limit(struct nft_rules *r, bool over, uint32_t packets, uint32_t unit_s, uint32_t burst)
{
	struct nftnl_expr *e = expr_new(r, "limit");

	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, packets);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, unit_s);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, burst);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, over ? NFT_LIMIT_F_INV : 0);
	text_begin(r);
	strbuf_addf(&r->text, "limit rate %s%u per %u seconds burst %u packets",
		    over ? "over " : "", packets, unit_s, burst);
}

void nft_clamp_mss(struct nft_rules *r)
{
	struct nftnl_expr *e = expr_new(r, "rt");

	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_DREG, REG);
	e = expr_new(r, "exthdr");
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_SREG, REG);
	nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	text_begin(r);
	strbuf_add(&r->text, "tcp option maxseg size set rt mtu");
}

/* ---- The finished ones ---- */

uint16_t nft_rules_count(const struct nft_rules *r)
{
	return r ? r->count : 0;
}

uint64_t nft_rules_hash(const struct nft_rules *r)
{
	assert(!r || r->hash);
	return r ? r->hash : 0;
}

const void *nft_rules_payload(const struct nft_rules *r, unsigned int i, size_t *ret_len)
{
	size_t start = i ? r->ends[i - 1].payload : 0;

	assert(i < r->count);
	*ret_len = r->ends[i].payload - start;
	return r->payload.str + start;
}

const char *nft_rules_text(const struct nft_rules *r, unsigned int i)
{
	assert(i < r->count);
	return r->text.str + (i ? r->ends[i - 1].text : 0);
}

void nft_rules_uses(const struct nft_rules *r, void (*fn)(const char *name, bool set, void *arg),
		    void *arg)
{
	for (size_t i = 0; r && i < r->n_uses; i++)
		fn(r->uses[i].name, r->uses[i].set, arg);
}
