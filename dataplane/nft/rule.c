/* SPDX-License-Identifier: Apache-2.0 */
/* Writes rules: matches and statements as expressions of libnftnl. */
#include "dataplane/nft/rule.h"

#include <arpa/inet.h>
#include <assert.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <net/ethernet.h>
#include <netinet/tcp.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/nft/field.h"
#include "dataplane/nft/rule_list.h"

#define REG NFT_REG32_00 /* where keys and operands are loaded; 64 bytes are there */

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

/* ct state established,related; ct status != dnat: bits that have names */
static bool text_bits(struct nft_rules *r, struct nft_load l, uint32_t op)
{
	static const struct {
		enum nft_field field;
		uint32_t bit;
		const char *name;
	} bits[] = {
		{ NFT_F_CT_STATE, NFT_STATE_INVALID, "invalid" },
		{ NFT_F_CT_STATE, NFT_STATE_ESTABLISHED, "established" },
		{ NFT_F_CT_STATE, NFT_STATE_RELATED, "related" },
		{ NFT_F_CT_STATE, NFT_STATE_NEW, "new" },
		{ NFT_F_CT_STATUS, NFT_STATUS_DNAT, "dnat" },
	};
	const char *separator = op == NFT_CMP_NEQ ? " " : " ! ";
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (bits[i].field != l.field || !(bits[i].bit & l.mask))
			continue;
		if (!any)
			strbuf_add(&r->text, nft_fields[l.field].text);
		strbuf_addf(&r->text, "%s%s", separator, bits[i].name);
		separator = ",";
		any = true;
	}
	return any;
}

static void text_compare(struct nft_rules *r, struct nft_load l, uint32_t op, uint32_t value)
{
	bool hex = nft_fields[l.field].size == 4 || l.field == NFT_F_ETHER_TYPE;

	text_begin(r);
	if (value == 0 && text_bits(r, l, op))
		return;
	text_load(r, l);
	strbuf_add(&r->text, op == NFT_CMP_EQ ? (l.mask ? " == " : " ") : " != ");
	if (l.field == NFT_F_NFPROTO)
		strbuf_add(&r->text, value == NFPROTO_IPV4 ? "ipv4" : "ipv6");
	else
		strbuf_addf(&r->text, hex ? "0x%x" : "%u", value);
}

static void compare(struct nft_rules *r, struct nft_load l, uint32_t op, uint32_t value)
{
	const struct nft_field_info *f = &nft_fields[l.field];
	uint8_t bytes[4];

	depend(r, f->ethertype);
	text_compare(r, l, op, value);
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

/* Two comparisons of one loaded value; values in network order compare as bytes do. */
static void compare_range(struct nft_rules *r, const struct nft_field_info *f, const void *first,
			  const void *last)
{
	load_field(r, f, REG);
	cmp(r, NFT_CMP_GTE, first, f->size);
	cmp(r, NFT_CMP_LTE, last, f->size);
}

void nft_ports(struct nft_rules *r, enum nft_field field, struct portrange range)
{
	const struct nft_field_info *f = &nft_fields[field];
	const uint16_t first = htons(range.first), last = htons(range.last);

	assert(f->size == sizeof(first) && f->network_order);
	if (first == last) {
		nft_eq(r, NFT_PLAIN(field), range.first);
		return;
	}
	text_begin(r);
	strbuf_addf(&r->text, "%s %u-%u", f->text, range.first, range.last);
	compare_range(r, f, &first, &last);
}

void nft_addrs(struct nft_rules *r, enum nft_field field, const struct ipaddr *first,
	       const struct ipaddr *last)
{
	const struct nft_field_info *f = &nft_fields[field];

	assert(ipaddr_bits(first) == f->size * 8u && first->family == last->family);
	depend(r, f->ethertype);
	text_begin(r);
	strbuf_addf(&r->text, "%s ", f->text);
	ipaddr_format(first, &r->text);
	strbuf_addc(&r->text, '-');
	ipaddr_format(last, &r->text);
	compare_range(r, f, first->byte, last->byte);
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
	rules_use(r, set, true);
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
		rules_use(r, chain, false);
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

void nft_reject_tcp(struct nft_rules *r)
{
	struct nftnl_expr *e = expr_new(r, "reject");

	nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_TCP_RST);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, 0);
	text_begin(r);
	strbuf_add(&r->text, "reject with tcp reset");
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
