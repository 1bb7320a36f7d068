/* SPDX-License-Identifier: Apache-2.0 */
/* nft add set|map FAMILY TABLE NAME { type KEY [: DATA]; flags interval, dynamic; } */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/items/nft.h"
#include "dataplane/nft/elems.h"
#include "dataplane/nft/nft.h"

#define DYNAMIC_SIZE 65536 /* elements: who fills a set must not fill the memory */
#define TYPE_BITS 6 /* nft packs the types of a concatenation into one number, so many bits each */

enum { HOST_ENDIAN_ORDER = 1, BIG_ENDIAN_ORDER = 2 }; /* nft(8)'s numbers */

/* The numbers by which nft(8) knows the types; the kernel only keeps them for it. */
static const struct {
	uint8_t number;
	const char *name;
} types[] = {
	[NFT_TYPE_IFNAME] = { 41, "ifname" },	 [NFT_TYPE_IPV4] = { 7, "ipv4_addr" },
	[NFT_TYPE_IPV6] = { 8, "ipv6_addr" },	 [NFT_TYPE_ETHER] = { 9, "ether_addr" },
	[NFT_TYPE_PROTO] = { 12, "inet_proto" }, [NFT_TYPE_PORT] = { 13, "inet_service" },
	[NFT_TYPE_MARK] = { 19, "mark" },	 [NFT_TYPE_VERDICT] = { 1, "verdict" },
};

static uint32_t pack(const uint8_t *fields, unsigned int max)
{
	uint32_t packed = 0;

	for (unsigned int i = 0; i < max && fields[i] != NFT_TYPE_NONE; i++)
		packed = packed << TYPE_BITS | types[fields[i]].number;
	return packed;
}

static void unpack(uint32_t packed, uint8_t *fields, unsigned int max)
{
	unsigned int n = 0;

	for (uint32_t p = packed; p; p >>= TYPE_BITS)
		n++;
	if (n > max)
		return;
	for (; packed; packed >>= TYPE_BITS) {
		fields[--n] = NFT_TYPE_NONE;
		for (unsigned int t = 1; t < ARRAY_SIZE(types); t++)
			if (types[t].number == (packed & ((1u << TYPE_BITS) - 1)))
				fields[n] = (uint8_t)t;
	}
}

static void set_key(const void *spec, struct strbuf *out)
{
	const struct dp_nft_set *s = spec;

	strbuf_add(out, nft_family_name(s->family));
	strbuf_addc(out, '/');
	strbuf_add(out, s->table);
	strbuf_addc(out, '/');
	strbuf_add(out, s->name);
}

static void set_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_nft_set *s = want;
	_cleanup_(strbuf_fini) struct strbuf key = STRBUF_INIT;

	strbuf_addf(&key, "%s/%s", nft_family_name(s->family), s->table);
	dp_need(deps, &dp_nft_table_type, key.str, DP_FALLS_WITH, NULL);
}

static enum dp_change set_diff(const void *have, const void *want)
{
	const struct dp_nft_set *h = have, *w = want;

	return memcmp(h->key, w->key, sizeof(h->key)) == 0 &&
			       memcmp(h->data, w->data, sizeof(h->data)) == 0 &&
			       h->interval == w->interval && h->dynamic == w->dynamic
		       ? DP_SAME
		       : DP_RECREATE;
}

static void print_types(const uint8_t *fields, unsigned int max, struct strbuf *out)
{
	for (unsigned int i = 0; i < max && fields[i] != NFT_TYPE_NONE; i++) {
		strbuf_add(out, i ? " . " : "");
		strbuf_add(out, types[fields[i]].name);
	}
}

static void set_print(const void *spec, struct strbuf *out)
{
	const struct dp_nft_set *s = spec;

	strbuf_add(out, "type=\"");
	print_types(s->key, ARRAY_SIZE(s->key), out);
	if (s->data[0] != NFT_TYPE_NONE)
		strbuf_add(out, " : ");
	print_types(s->data, ARRAY_SIZE(s->data), out);
	strbuf_addc(out, '"');
	if (s->interval)
		strbuf_add(out, " interval");
	if (s->dynamic)
		strbuf_add(out, " dynamic");
}

/* The kernel needs the length of each field to split ranges of a concatenation (pipapo). */
static void put_fields(struct nlmsghdr *nlh, const struct dp_nft_set *s)
{
	struct nlattr *concat = mnl_attr_nest_start(nlh, NFTA_SET_DESC_CONCAT);

	for (unsigned int i = 0; i < ARRAY_SIZE(s->key) && s->key[i] != NFT_TYPE_NONE; i++) {
		struct nlattr *field = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);

		mnl_attr_put_u32(nlh, NFTA_SET_FIELD_LEN, htonl(nft_type_len(s->key[i])));
		mnl_attr_nest_end(nlh, field);
	}
	mnl_attr_nest_end(nlh, concat);
}

static void put_description(struct nlmsghdr *nlh, const struct dp_nft_set *s)
{
	struct nlattr *desc = mnl_attr_nest_start(nlh, NFTA_SET_DESC);

	if (s->dynamic)
		mnl_attr_put_u32(nlh, NFTA_SET_DESC_SIZE, htonl(DYNAMIC_SIZE));
	if (s->key[1] != NFT_TYPE_NONE)
		put_fields(nlh, s);
	mnl_attr_nest_end(nlh, desc);
}

static void put_data_type(struct nlmsghdr *nlh, const struct dp_nft_set *s,
			  const struct nft_shape *shape)
{
	if (shape->verdict) {
		mnl_attr_put_u32(nlh, NFTA_SET_DATA_TYPE, htonl(NFT_DATA_VERDICT));
		mnl_attr_put_u32(nlh, NFTA_SET_DATA_LEN, 0);
		return;
	}
	mnl_attr_put_u32(nlh, NFTA_SET_DATA_TYPE, htonl(pack(s->data, ARRAY_SIZE(s->data))));
	mnl_attr_put_u32(nlh, NFTA_SET_DATA_LEN, htonl(shape->data_len));
}

static uint32_t byteorder(uint8_t type)
{
	return type == NFT_TYPE_MARK || type == NFT_TYPE_IFNAME ? HOST_ENDIAN_ORDER
								: BIG_ENDIAN_ORDER;
}

/* For nft(8), which prints some types in the wrong order without. */
static void put_byteorder(struct nlmsghdr *nlh, const struct dp_nft_set *s)
{
	const struct {
		uint8_t type, len;
		uint32_t value; /* NFTNL_UDATA_SET_KEYBYTEORDER, …_DATABYTEORDER */
	} __attribute__((__packed__)) udata[] = {
		{ 0, 4, byteorder(s->key[0]) },
		{ 1, 4, byteorder(s->data[0]) },
	};

	mnl_attr_put(nlh, NFTA_SET_USERDATA, sizeof(udata), udata);
}

/* Creating one that is there as wanted is fine, as something else fails with -EEXIST. */
static int set_create(struct dp_op *op, const void *want)
{
	const struct dp_nft_set *s = want;
	struct nlmsghdr *nlh = nft_msg(op, NFT_MSG_NEWSET, NLM_F_CREATE, s->family, NFT_ROOM);
	bool concat = s->key[1] != NFT_TYPE_NONE;
	struct nft_shape shape;
	uint32_t flags = 0;

	nft_shape_of(s, &shape);
	assert(shape.key_len && shape.key_len <= 64);
	if (s->data[0] != NFT_TYPE_NONE)
		flags |= NFT_SET_MAP;
	if (s->interval)
		flags |= NFT_SET_INTERVAL;
	if (concat)
		flags |= NFT_SET_CONCAT;
	if (s->dynamic)
		flags |= NFT_SET_EVAL;
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, s->table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, s->name);
	mnl_attr_put_u32(nlh, NFTA_SET_ID, htonl(nlh->nlmsg_seq)); /* unique in the batch */
	mnl_attr_put_u32(nlh, NFTA_SET_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_TYPE, htonl(pack(s->key, ARRAY_SIZE(s->key))));
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_LEN, htonl(shape.key_len));
	if (flags & NFT_SET_MAP)
		put_data_type(nlh, s, &shape);
	if (concat || s->dynamic)
		put_description(nlh, s);
	put_byteorder(nlh, s);
	return -EINPROGRESS;
}

static int set_remove(struct dp_op *op, const void *have)
{
	const struct dp_nft_set *s = have;
	struct nlmsghdr *nlh = nft_msg(op, NFT_MSG_DELSET, 0, s->family, NFT_ROOM);

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, s->table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, s->name);
	nft_absent_is_fine(op);
	return -EINPROGRESS;
}

int nft_set_parse(const struct nlmsghdr *nlh, struct dp_nft_set *ret)
{
	const struct nlattr *tb[NFTA_SET_MAX + 1];
	struct dp_nft_set s = { 0 };
	uint32_t flags, data;

	if (nft_attrs(nlh, tb, NFTA_SET_MAX) < 0 ||
	    !nft_attr_name(tb[NFTA_SET_TABLE], s.table, sizeof(s.table)) ||
	    !nft_attr_name(tb[NFTA_SET_NAME], s.name, sizeof(s.name)))
		return -EBADMSG;
	flags = nft_attr_u32(tb[NFTA_SET_FLAGS]);
	if (flags & NFT_SET_ANONYMOUS)
		return -ENOENT;
	s.family = nft_family(nlh);
	s.interval = flags & NFT_SET_INTERVAL;
	s.dynamic = flags & NFT_SET_EVAL;
	unpack(nft_attr_u32(tb[NFTA_SET_KEY_TYPE]), s.key, ARRAY_SIZE(s.key));
	data = nft_attr_u32(tb[NFTA_SET_DATA_TYPE]);
	if (data == NFT_DATA_VERDICT)
		s.data[0] = NFT_TYPE_VERDICT;
	else if (flags & NFT_SET_MAP)
		unpack(data, s.data, ARRAY_SIZE(s.data));
	*ret = s;
	return 0;
}

static int set_seen(const struct nlmsghdr *nlh, void *arg)
{
	struct dp_nft_set s;
	struct dp *dp = arg;

	if (nlh && nft_set_parse(nlh, &s) == 0 && strcmp(s.table, nft_table(nft_of(dp))) == 0)
		dp_observed(dp, &dp_nft_set_type, &s, true);
	return 0;
}

static int set_observe(struct dp *dp)
{
	return nft_dump(nft_of(dp), NFT_MSG_GETSET, NFPROTO_UNSPEC, NULL, NULL, set_seen, dp);
}

int dp_nft_set_has(struct dp *dp, const struct dp_nft_set *set, const struct ipaddr *addr)
{
	char buf[NFT_ROOM] __attribute__((__aligned__(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;
	struct nlattr *list, *elem, *key;
	int r;

	nlh->nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETSETELEM;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	memset(nfg, 0, sizeof(*nfg));
	nfg->nfgen_family = set->family;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, set->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, ipaddr_bits(addr) / 8, addr->byte);
	mnl_attr_nest_end(nlh, key);
	mnl_attr_nest_end(nlh, elem);
	mnl_attr_nest_end(nlh, list);
	r = nft_request(nft_of(dp), nlh, NULL, NULL);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

const struct dp_type dp_nft_set_type = {
	.name = "nft_set",
	.size = sizeof(struct dp_nft_set),
	.key = set_key,
	.diff = set_diff,
	.needs = set_needs,
	.print = set_print,
	.create = set_create,
	.remove = set_remove,
	.observe = set_observe,
};
