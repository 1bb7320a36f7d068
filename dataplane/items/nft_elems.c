/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements of one set that belong together. The kernel keeps their tag as the comment of each, so
 * a later run knows which item they are of; `nft list` shows it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/strbuf.h"
#include "dataplane/items/nft.h"
#include "dataplane/nft/elems.h"
#include "dataplane/nft/nft.h"

#define UDATA_COMMENT 0 /* NFTNL_UDATA_SET_ELEM_COMMENT */
#define LIST_BYTES 60000 /* of elements in one message: the length of an attribute is 16 bits */
#define SHUFFLED_TRIES 4
#define PRINT_MAX 6 /* elements shown of one item */

void dp_want_nft_elems(struct dp_graph *g, const struct dp_nft_set *set, struct nft_elems *elems,
		       const struct ifname *tag)
{
	struct dp_nft_elems spec = { .family = set->family, .elems = elems };

	nft_elems_end(elems);
	memcpy(spec.table, set->table, sizeof(spec.table));
	memcpy(spec.set, set->name, sizeof(spec.set));
	memcpy(spec.tag, tag->str, sizeof(tag->str));
	if (nft_elems_count(elems))
		dp_want(g, &dp_nft_elems_type, &spec);
	nft_elems_unref(elems);
}

static int elems_copy(void *dst, const void *src)
{
	const struct dp_nft_elems *s = src;
	struct dp_nft_elems *d = dst;

	*d = *s;
	d->elems = nft_elems_ref(s->elems);
	return 0;
}

static void elems_clear(void *spec)
{
	struct dp_nft_elems *e = spec;

	e->elems = nft_elems_unref(e->elems);
}

static void set_name(const struct dp_nft_elems *e, struct strbuf *out)
{
	strbuf_add(out, nft_family_name(e->family));
	strbuf_addc(out, '/');
	strbuf_add(out, e->table);
	strbuf_addc(out, '/');
	strbuf_add(out, e->set);
}

static void elems_key(const void *spec, struct strbuf *out)
{
	const struct dp_nft_elems *e = spec;

	set_name(e, out);
	strbuf_addc(out, '@');
	strbuf_add(out, e->tag);
}

static enum dp_change elems_diff(const void *have, const void *want)
{
	const struct dp_nft_elems *h = have, *w = want;

	return nft_elems_equal(h->elems, w->elems) ? DP_SAME : DP_MODIFY;
}

static void elems_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_nft_elems *e = want;
	_cleanup_(strbuf_fini) struct strbuf key = STRBUF_INIT;

	set_name(e, &key);
	dp_need(deps, &dp_nft_set_type, key.str, DP_FALLS_WITH, NULL);
	for (unsigned int i = 0; i < nft_elems_chains(e->elems); i++) {
		strbuf_reset(&key);
		strbuf_addf(&key, "%s/%s/%s", nft_family_name(e->family), e->table,
			    nft_elems_chain(e->elems, i));
		dp_need(deps, &dp_nft_chain_type, key.str, 0, NULL);
	}
}

static void elems_print(const void *spec, struct strbuf *out)
{
	const struct dp_nft_elems *e = spec;
	size_t n = nft_elems_count(e->elems);

	strbuf_addf(out, "elements=%zu", n);
	for (size_t i = 0; i < n && i < PRINT_MAX; i++) {
		strbuf_add(out, i ? ", " : " { ");
		nft_elems_print(e->elems, i, out);
	}
	if (n > PRINT_MAX)
		strbuf_add(out, ", …");
	if (n)
		strbuf_add(out, " }");
}

/* ---- Writing ---- */

struct writer { /* one change of the elements of a set, spread over messages */
	struct dp_op *op;
	const struct dp_nft_elems *spec;
	uint16_t type; /* NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM */
	struct nlmsghdr *nlh; /* NULL: none open */
	struct nlattr *list;
	size_t room; /* for elements in the open message */
	size_t left; /* elements still to come, at most */
};

/* Bytes one element takes at most. */
static size_t elem_bytes(const struct nft_shape *s)
{
	return 4 + 2 * (8 + MNL_ALIGN(s->key_len)) + /* key, end */
	       24 + MNL_ALIGN(s->data_len) + DP_NFT_NAME + /* datum or verdict and its chain */
	       8 + MNL_ALIGN(2 + DP_NFT_NAME); /* comment */
}

static void writer_close(struct writer *w)
{
	if (w->nlh)
		mnl_attr_nest_end(w->nlh, w->list);
	w->nlh = NULL;
}

static void writer_room(struct writer *w, size_t bytes)
{
	const struct dp_nft_elems *e = w->spec;
	uint16_t flags = w->type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;

	if (w->nlh && w->room < bytes)
		writer_close(w);
	if (w->nlh)
		return;
	w->room = w->left * bytes < LIST_BYTES ? w->left * bytes : LIST_BYTES;
	w->nlh = nft_msg(w->op, w->type, flags, e->family, NFT_ROOM + w->room);
	mnl_attr_put_strz(w->nlh, NFTA_SET_ELEM_LIST_TABLE, e->table);
	mnl_attr_put_strz(w->nlh, NFTA_SET_ELEM_LIST_SET, e->set);
	w->list = mnl_attr_nest_start(w->nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void put_value(struct nlmsghdr *nlh, uint16_t type, const void *value, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, value);
	mnl_attr_nest_end(nlh, nest);
}

static void put_verdict(struct nlmsghdr *nlh, const struct nft_elems *elems, const uint8_t *data)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
	struct nlattr *inner = mnl_attr_nest_start(nlh, NFTA_DATA_VERDICT);
	struct nft_elem_verdict v;

	memcpy(&v, data, sizeof(v));
	mnl_attr_put_u32(nlh, NFTA_VERDICT_CODE, htonl((uint32_t)(int32_t)v.code));
	if (v.chain)
		mnl_attr_put_strz(nlh, NFTA_VERDICT_CHAIN, nft_elems_chain(elems, v.chain - 1u));
	mnl_attr_nest_end(nlh, inner);
	mnl_attr_nest_end(nlh, nest);
}

static void put_comment(struct nlmsghdr *nlh, const char *tag)
{
	uint8_t udata[2 + DP_NFT_NAME] = { UDATA_COMMENT, (uint8_t)(strlen(tag) + 1) };

	memcpy(udata + 2, tag, udata[1]);
	mnl_attr_put(nlh, NFTA_SET_ELEM_USERDATA, 2u + udata[1], udata);
}

static void write_elem(struct writer *w, const struct nft_elems *elems, size_t i)
{
	const struct nft_shape *s = nft_elems_shape(elems);
	const uint8_t *at = nft_elems_at(elems, i);
	size_t before;
	struct nlattr *nest;

	writer_room(w, elem_bytes(s));
	before = w->nlh->nlmsg_len;
	nest = mnl_attr_nest_start(w->nlh, NFTA_LIST_ELEM);
	put_value(w->nlh, NFTA_SET_ELEM_KEY, at, s->key_len);
	at += s->key_size;
	if (s->interval) {
		put_value(w->nlh, NFTA_SET_ELEM_KEY_END, at, s->key_len);
		at += s->key_size;
	}
	if (w->type == NFT_MSG_NEWSETELEM) {
		if (s->verdict)
			put_verdict(w->nlh, elems, at);
		else if (s->data_len)
			put_value(w->nlh, NFTA_SET_ELEM_DATA, at, s->data_len);
		put_comment(w->nlh, w->spec->tag);
	}
	mnl_attr_nest_end(w->nlh, nest);
	w->room -= w->nlh->nlmsg_len - before;
	w->left--;
}

static int write_all(struct dp_op *op, const struct dp_nft_elems *e, uint16_t type)
{
	size_t n = nft_elems_count(e->elems);
	struct writer w = { .op = op, .spec = e, .type = type, .left = n };

	for (size_t i = 0; i < n; i++)
		write_elem(&w, e->elems, i);
	writer_close(&w);
	return n ? -EINPROGRESS : 0;
}

/* nft add element FAMILY TABLE SET { KEY : DATA comment TAG, … } */
static int elems_create(struct dp_op *op, const void *want)
{
	return write_all(op, want, NFT_MSG_NEWSETELEM);
}

/* nft delete element FAMILY TABLE SET { KEY, … } */
static int elems_remove(struct dp_op *op, const void *have)
{
	return write_all(op, have, NFT_MSG_DELSETELEM);
}

static bool same_datum(const struct nft_elems *a, const uint8_t *x, const struct nft_elems *b,
		       const uint8_t *y)
{
	const struct nft_shape *s = nft_elems_shape(a);
	struct nft_elem_verdict v, u;

	if (!s->verdict)
		return memcmp(x, y, s->data_size) == 0;
	memcpy(&v, x, sizeof(v));
	memcpy(&u, y, sizeof(u));
	if (v.code != u.code || !v.chain != !u.chain)
		return false;
	return !v.chain ||
	       strcmp(nft_elems_chain(a, v.chain - 1u), nft_elems_chain(b, u.chain - 1u)) == 0;
}

/* Walks two sorted arrays and writes what is in a but not, or not with that datum, in b. */
static bool write_missing(struct writer *w, const struct nft_elems *a, const struct nft_elems *b)
{
	size_t n = nft_elems_count(a), m = nft_elems_count(b), j = 0;
	const struct nft_shape *s = nft_elems_shape(a);
	size_t key = s->size - s->data_size;
	bool any = false;
	int c;

	w->left = n;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *x = nft_elems_at(a, i);

		c = 1;
		while (j < m && (c = memcmp(x, nft_elems_at(b, j), key)) > 0)
			j++;
		if (j < m && c == 0 && same_datum(a, x + key, b, nft_elems_at(b, j) + key)) {
			w->left--;
			continue;
		}
		write_elem(w, a, i);
		any = true;
	}
	writer_close(w);
	return any;
}

/* What goes before what comes: a new range may overlap with one that is going. */
static int elems_modify(struct dp_op *op, const void *have, const void *want)
{
	const struct dp_nft_elems *h = have, *e = want;
	struct writer del = { .op = op, .spec = h, .type = NFT_MSG_DELSETELEM };
	struct writer add = { .op = op, .spec = e, .type = NFT_MSG_NEWSETELEM };
	bool any;

	if (!nft_elems_count(h->elems))
		return elems_create(op, want);
	if (!nft_elems_count(e->elems))
		return elems_remove(op, have);
	if (nft_elems_shape(h->elems)->size != nft_elems_shape(e->elems)->size)
		return -EINVAL; /* the set is of another type: it is recreated, and we with it */
	any = write_missing(&del, h->elems, e->elems);
	any |= write_missing(&add, e->elems, h->elems);
	return any ? -EINPROGRESS : 0;
}

/* ---- Reading ---- */

struct group { /* elements of one tag */
	struct hmap_node node;
	struct dp_nft_elems spec;
};

struct reading {
	const char *table;
	struct dp_nft_set *sets;
	size_t n_sets;
	const struct dp_nft_set *set; /* being read */
	struct hmap groups;
};

static void forget_groups(struct reading *r)
{
	struct hmap_node *node, *tmp;

	hmap_for_each_safe (node, tmp, &r->groups) {
		struct group *g = container_of(node, struct group, node);

		hmap_remove(&r->groups, node);
		nft_elems_unref(g->spec.elems);
		free(g);
	}
}

static int set_seen(const struct nlmsghdr *nlh, void *arg)
{
	struct reading *r = arg;
	struct dp_nft_set s;

	if (!nlh) {
		r->n_sets = 0;
		return 0;
	}
	if (nft_set_parse(nlh, &s) < 0 || strcmp(s.table, r->table) != 0 || s.dynamic)
		return 0;
	r->sets = xrealloc(r->sets, r->n_sets + 1, sizeof(*r->sets));
	r->sets[r->n_sets++] = s;
	return 0;
}

/* The comment, "" when it has none: then it is of nobody and will be swept or repaired away. */
static void read_tag(const struct nlattr *udata, char tag[DP_NFT_NAME])
{
	const uint8_t *p = udata ? mnl_attr_get_payload(udata) : NULL;
	size_t len = udata ? mnl_attr_get_payload_len(udata) : 0;

	memset(tag, 0, DP_NFT_NAME);
	if (len < 2 || p[0] != UDATA_COMMENT || p[1] > len - 2 || p[1] > DP_NFT_NAME)
		return;
	memcpy(tag, p + 2, strnlen((const char *)p + 2, p[1]));
	tag[DP_NFT_NAME - 1] = '\0';
}

static struct group *group_of(struct reading *r, const char *tag)
{
	uint32_t hash = hash_string(tag);
	struct hmap_node *node;
	struct group *g;

	hmap_for_each_match(node, &r->groups, hash)
	{
		g = container_of(node, struct group, node);
		if (strcmp(g->spec.tag, tag) == 0)
			return g;
	}
	g = xcalloc(1, sizeof(*g));
	g->spec.family = r->set->family;
	memcpy(g->spec.table, r->set->table, sizeof(g->spec.table));
	memcpy(g->spec.set, r->set->name, sizeof(g->spec.set));
	memcpy(g->spec.tag, tag, sizeof(g->spec.tag));
	g->spec.elems = nft_elems_new(r->set);
	hmap_insert(&r->groups, &g->node, hash);
	return g;
}

static bool read_value(const struct nlattr *attr, void *ret, size_t len)
{
	const struct nlattr *tb[NFTA_DATA_MAX + 1];

	if (!attr || nft_attrs_nested(attr, tb, NFTA_DATA_MAX) < 0 || !tb[NFTA_DATA_VALUE] ||
	    mnl_attr_get_payload_len(tb[NFTA_DATA_VALUE]) != len)
		return false;
	memcpy(ret, mnl_attr_get_payload(tb[NFTA_DATA_VALUE]), len);
	return true;
}

static bool read_verdict(const struct nlattr *attr, struct nft_elem *el)
{
	const struct nlattr *tb[NFTA_DATA_MAX + 1], *v[NFTA_VERDICT_MAX + 1];
	char chain[DP_NFT_NAME];
	int code;

	if (!attr || nft_attrs_nested(attr, tb, NFTA_DATA_MAX) < 0 ||
	    nft_attrs_nested(tb[NFTA_DATA_VERDICT], v, NFTA_VERDICT_MAX) < 0 ||
	    !v[NFTA_VERDICT_CODE])
		return false;
	code = (int)nft_attr_u32(v[NFTA_VERDICT_CODE]);
	if (code != NFT_JUMP && code != NFT_GOTO)
		nft_elem_verdict(el, code, NULL);
	else if (nft_attr_name(v[NFTA_VERDICT_CHAIN], chain, sizeof(chain)))
		nft_elem_verdict(el, code, chain);
	else
		return false;
	return true;
}

static int take_elem(struct reading *r, const struct nlattr *attr)
{
	const struct nlattr *tb[NFTA_SET_ELEM_MAX + 1];
	const struct nft_shape *s;
	char tag[DP_NFT_NAME];
	struct nft_elems *elems;
	struct nft_elem el;
	uint8_t key[64];

	if (nft_attrs_nested(attr, tb, NFTA_SET_ELEM_MAX) < 0)
		return -EBADMSG;
	read_tag(tb[NFTA_SET_ELEM_USERDATA], tag);
	elems = group_of(r, tag)->spec.elems;
	s = nft_elems_shape(elems);
	if (s->key_len > sizeof(key) || !read_value(tb[NFTA_SET_ELEM_KEY], key, s->key_len))
		return 0; /* a catch-all element, or of a type that we do not know */
	el = nft_elems_add(elems);
	memcpy(el.key, key, s->key_len);
	if (el.end && !read_value(tb[NFTA_SET_ELEM_KEY_END], el.end, s->key_len))
		memcpy(el.end, key, s->key_len);
	if (s->verdict)
		read_verdict(tb[NFTA_SET_ELEM_DATA], &el);
	else if (s->data_len)
		read_value(tb[NFTA_SET_ELEM_DATA], el.data, s->data_len);
	return 0;
}

static int elems_seen(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1];
	const struct nlattr *attr;
	struct reading *r = arg;
	int err = 0;

	if (!nlh) {
		forget_groups(r);
		return 0;
	}
	if (nft_attrs(nlh, tb, NFTA_SET_ELEM_LIST_MAX) < 0)
		return -EBADMSG;
	if (!tb[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	mnl_attr_for_each_nested(attr, tb[NFTA_SET_ELEM_LIST_ELEMENTS])
	{
		err = take_elem(r, attr);
		if (err < 0)
			break;
	}
	return err;
}

/* Ends every group and returns how many elements came twice. */
static size_t end_groups(struct reading *r)
{
	struct hmap_node *node;
	size_t twice = 0;

	hmap_for_each (node, &r->groups)
		twice += nft_elems_end(container_of(node, struct group, node)->spec.elems);
	return twice;
}

/*
 * A dump goes on in each piece after as many elements as it has told already. While the kernel
 * grows the hash table of a set (rhashtable, in the background) their order changes, and for each
 * one that is told twice another is not told at all. Growing takes milliseconds.
 */
static int read_set(struct nft *nft, struct reading *r)
{
	size_t twice = 0;
	int err;

	for (int try = 0; try < SHUFFLED_TRIES; try++) {
		err = nft_dump(nft, NFT_MSG_GETSETELEM, r->set->family, r->set->table, r->set->name,
			       elems_seen, r);
		if (err < 0)
			return err;
		twice = end_groups(r);
		if (!twice)
			return 0;
	}
	nft_resync(nft); /* what is missing is harmless until it is to be removed */
	return 0;
}

static int observe_set(struct dp *dp, struct reading *r)
{
	struct hmap_node *node;
	int err = read_set(nft_of(dp), r);

	if (err == -ENOENT)
		return 0; /* the set has gone meanwhile, and a notification tells so */
	if (err < 0)
		return err;
	hmap_for_each (node, &r->groups)
		dp_observed(dp, &dp_nft_elems_type, &container_of(node, struct group, node)->spec,
			    true);
	return 0;
}

static int elems_observe(struct dp *dp)
{
	struct nft *nft = nft_of(dp);
	struct reading r = { .table = nft_table(nft) };
	int err;

	hmap_init(&r.groups);
	err = nft_dump(nft, NFT_MSG_GETSET, NFPROTO_UNSPEC, NULL, NULL, set_seen, &r);
	for (size_t i = 0; err == 0 && i < r.n_sets; i++) {
		r.set = &r.sets[i];
		err = observe_set(dp, &r);
	}
	forget_groups(&r);
	hmap_fini(&r.groups);
	free(r.sets);
	return err;
}

const struct dp_type dp_nft_elems_type = {
	.name = "nft_elems",
	.size = sizeof(struct dp_nft_elems),
	.copy = elems_copy,
	.clear = elems_clear,
	.key = elems_key,
	.diff = elems_diff,
	.needs = elems_needs,
	.print = elems_print,
	.create = elems_create,
	.modify = elems_modify,
	.remove = elems_remove,
	.observe = elems_observe,
};
