/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain and all its rules. What rules a chain in the kernel has is told by the user data of
 * each: hash of all rules of the chain, this one's number, and how many there are. A rule that
 * is missing, moved or put there by another hand thus shows.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/items/nft.h"
#include "dataplane/nft/nft.h"
#include "dataplane/nft/rule.h"

#define UDATA_STAMP 0xe0 /* type of ours among nft's; its own count up from 0, it skips others */
#define HASH_DAMAGED UINT64_MAX /* the rules in the kernel are not what any stamp says */

struct stamp { /* user data of a rule: type, length, value */
	uint8_t type, len;
	uint8_t hash[8]; /* bytes of a uint64_t: only this machine reads it */
	uint16_t index, count;
} __attribute__((__packed__));

static const char *const hooks[] = { "prerouting", "input", "forward", "output", "postrouting" };

static int chain_copy(void *dst, const void *src)
{
	const struct dp_nft_chain *s = src;
	struct dp_nft_chain *d = dst;

	*d = *s;
	d->rules = nft_rules_ref(s->rules);
	if (d->rules) {
		d->hash = nft_rules_hash(d->rules);
		d->count = nft_rules_count(d->rules);
		if (!d->count)
			d->hash = 0; /* as observed: no rule, no stamp */
	}
	return 0;
}

static void chain_clear(void *spec)
{
	struct dp_nft_chain *c = spec;

	c->rules = nft_rules_unref(c->rules);
}

static void chain_key(const void *spec, struct strbuf *out)
{
	const struct dp_nft_chain *c = spec;

	strbuf_add(out, nft_family_name(c->family));
	strbuf_addc(out, '/');
	strbuf_add(out, c->table);
	strbuf_addc(out, '/');
	strbuf_add(out, c->name);
}

static enum dp_change chain_diff(const void *have, const void *want)
{
	const struct dp_nft_chain *h = have, *w = want;

	if (memcmp(h->hook.type, w->hook.type, sizeof(h->hook.type)) != 0 ||
	    h->hook.hook != w->hook.hook || h->hook.priority != w->hook.priority)
		return DP_RECREATE;
	if (h->hook.policy != w->hook.policy || h->hash != w->hash || h->count != w->count)
		return DP_MODIFY;
	return DP_SAME;
}

struct uses {
	struct dp_deps *deps;
	const struct dp_nft_chain *chain;
};

static void need_used(const char *name, bool set, void *arg)
{
	_cleanup_(strbuf_fini) struct strbuf key = STRBUF_INIT;
	const struct uses *u = arg;

	strbuf_addf(&key, "%s/%s/%s", nft_family_name(u->chain->family), u->chain->table, name);
	dp_need(u->deps, set ? &dp_nft_set_type : &dp_nft_chain_type, key.str, 0, NULL);
}

static void chain_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_nft_chain *c = want;
	_cleanup_(strbuf_fini) struct strbuf key = STRBUF_INIT;
	struct uses uses = { deps, c };

	strbuf_addf(&key, "%s/%s", nft_family_name(c->family), c->table);
	dp_need(deps, &dp_nft_table_type, key.str, DP_FALLS_WITH, NULL);
	nft_rules_uses(c->rules, need_used, &uses);
}

static void chain_print(const void *spec, struct strbuf *out)
{
	const struct dp_nft_chain *c = spec;

	if (c->hook.type[0])
		strbuf_addf(out, "type=%s hook=%s priority=%d policy=%s ", c->hook.type,
			    c->hook.hook < ARRAY_SIZE(hooks) ? hooks[c->hook.hook] : "?",
			    c->hook.priority, c->hook.policy == NF_DROP ? "drop" : "accept");
	strbuf_addf(out, "rules=%u", c->count);
	if (c->hash == HASH_DAMAGED)
		strbuf_add(out, " damaged");
	for (unsigned int i = 0; i < nft_rules_count(c->rules); i++)
		strbuf_addf(out, "%s%s", i ? "; " : " { ", nft_rules_text(c->rules, i));
	if (nft_rules_count(c->rules))
		strbuf_add(out, " }");
}

/* ---- Writing ---- */

/* nft add chain FAMILY TABLE NAME { type T hook H priority P; policy V; } */
static void put_chain(struct dp_op *op, const struct dp_nft_chain *c)
{
	struct nlmsghdr *nlh = nft_msg(op, NFT_MSG_NEWCHAIN, NLM_F_CREATE, c->family, NFT_ROOM);
	struct nlattr *hook;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, c->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, c->name);
	if (!c->hook.type[0])
		return;
	hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(c->hook.hook));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl((uint32_t)c->hook.priority));
	mnl_attr_nest_end(nlh, hook);
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(c->hook.policy));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, c->hook.type);
}

/* nft flush chain FAMILY TABLE NAME */
static void put_flush(struct dp_op *op, const struct dp_nft_chain *c)
{
	struct nlmsghdr *nlh = nft_msg(op, NFT_MSG_DELRULE, 0, c->family, NFT_ROOM);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, c->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, c->name);
}

/* nft add rule FAMILY TABLE NAME … */
static void put_rule(struct dp_op *op, const struct dp_nft_chain *c, unsigned int i)
{
	struct stamp stamp = { .type = UDATA_STAMP,
			       .len = sizeof(stamp) - 2,
			       .index = (uint16_t)i,
			       .count = c->count };
	struct nlmsghdr *nlh;
	const void *payload;
	size_t len;

	payload = nft_rules_payload(c->rules, i, &len);
	nlh = nft_msg(op, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, c->family, NFT_ROOM + len);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, c->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, c->name);
	memcpy(mnl_nlmsg_get_payload_tail(nlh), payload, len);
	nlh->nlmsg_len += (uint32_t)len;
	memcpy(stamp.hash, &c->hash, sizeof(stamp.hash));
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, sizeof(stamp), &stamp);
}

/* All in one transaction: a packet meets the old rules or the new ones. */
static int chain_create(struct dp_op *op, const void *want)
{
	const struct dp_nft_chain *c = want;

	put_chain(op, c);
	put_flush(op, c);
	for (unsigned int i = 0; i < nft_rules_count(c->rules); i++)
		put_rule(op, c, i);
	return -EINPROGRESS;
}

static int chain_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return chain_create(op, want);
}

/* nft delete chain FAMILY TABLE NAME, rules and all */
static int chain_remove(struct dp_op *op, const void *have)
{
	const struct dp_nft_chain *c = have;
	struct nlmsghdr *nlh = nft_msg(op, NFT_MSG_DELCHAIN, 0, c->family, NFT_ROOM);

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, c->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, c->name);
	nft_absent_is_fine(op);
	return -EINPROGRESS;
}

/* ---- Reading ---- */

struct seen {
	struct dp_nft_chain spec; /* count: rules seen so far */
	uint16_t count; /* that the stamps promise */
};

struct reading {
	const char *table;
	uint8_t family; /* whose rules are being read */
	struct seen *chains;
	size_t n, last; /* last: the chain of the rule before, most often that of this one too */
};

static int chain_seen(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[NFTA_CHAIN_MAX + 1], *hook[NFTA_HOOK_MAX + 1];
	struct dp_nft_chain c = { 0 };
	struct reading *r = arg;

	if (!nlh) {
		r->n = 0;
		return 0;
	}
	if (nft_attrs(nlh, tb, NFTA_CHAIN_MAX) < 0 ||
	    !nft_attr_name(tb[NFTA_CHAIN_TABLE], c.table, sizeof(c.table)) ||
	    !nft_attr_name(tb[NFTA_CHAIN_NAME], c.name, sizeof(c.name)) ||
	    strcmp(c.table, r->table) != 0)
		return 0;
	c.family = nft_family(nlh);
	if (tb[NFTA_CHAIN_HOOK] &&
	    nft_attrs_nested(tb[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_MAX) == 0) {
		c.hook.hook = (uint8_t)nft_attr_u32(hook[NFTA_HOOK_HOOKNUM]);
		c.hook.priority = (int32_t)nft_attr_u32(hook[NFTA_HOOK_PRIORITY]);
		c.hook.policy = (uint8_t)nft_attr_u32(tb[NFTA_CHAIN_POLICY]);
		nft_attr_name(tb[NFTA_CHAIN_TYPE], c.hook.type, sizeof(c.hook.type));
	}
	r->chains = xrealloc(r->chains, r->n + 1, sizeof(*r->chains));
	r->chains[r->n++] = (struct seen){ .spec = c };
	return 0;
}

static struct seen *find_seen(struct reading *r, uint8_t family, const char *name)
{
	for (size_t k = 0; k < r->n; k++) {
		size_t i = (r->last + k) % r->n;

		if (r->chains[i].spec.family == family &&
		    strcmp(r->chains[i].spec.name, name) == 0) {
			r->last = i;
			return &r->chains[i];
		}
	}
	return NULL;
}

static bool read_stamp(const struct nlattr *attr, struct stamp *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(*ret))
		return false;
	memcpy(ret, mnl_attr_get_payload(attr), sizeof(*ret));
	return ret->type == UDATA_STAMP;
}

static int rule_seen(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[NFTA_RULE_MAX + 1];
	char name[DP_NFT_NAME], table[DP_NFT_NAME];
	struct reading *r = arg;
	struct stamp stamp;
	struct seen *c;
	uint64_t hash;

	for (size_t i = 0; !nlh && i < r->n; i++)
		if (r->chains[i].spec.family == r->family)
			r->chains[i].spec.hash = r->chains[i].spec.count = r->chains[i].count = 0;
	if (!nlh || nft_attrs(nlh, tb, NFTA_RULE_MAX) < 0 ||
	    !nft_attr_name(tb[NFTA_RULE_TABLE], table, sizeof(table)) ||
	    !nft_attr_name(tb[NFTA_RULE_CHAIN], name, sizeof(name)) || strcmp(table, r->table) != 0)
		return 0;
	c = find_seen(r, nft_family(nlh), name);
	if (!c)
		return 0;
	if (!read_stamp(tb[NFTA_RULE_USERDATA], &stamp) || stamp.index != c->spec.count) {
		c->spec.hash = HASH_DAMAGED;
	} else if (c->spec.hash != HASH_DAMAGED) {
		memcpy(&hash, stamp.hash, sizeof(hash));
		if (c->spec.count == 0) {
			c->spec.hash = hash;
			c->count = stamp.count;
		} else if (hash != c->spec.hash || stamp.count != c->count) {
			c->spec.hash = HASH_DAMAGED;
		}
	}
	c->spec.count++;
	return 0;
}

/* Family by family: asked for a table by name, the kernel stops after the first of that name. */
static int read_rules(struct nft *nft, struct reading *r)
{
	bool read[NFPROTO_NUMPROTO] = { false };
	int err = 0;

	for (size_t i = 0; err == 0 && i < r->n; i++) {
		r->family = r->chains[i].spec.family;
		if (r->family >= NFPROTO_NUMPROTO || read[r->family])
			continue;
		read[r->family] = true;
		err = nft_dump(nft, NFT_MSG_GETRULE, r->family, r->table, NULL, rule_seen, r);
	}
	return err;
}

static int chain_observe(struct dp *dp)
{
	struct nft *nft = nft_of(dp);
	struct reading r = { .table = nft_table(nft) };
	int err = nft_dump(nft, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NULL, NULL, chain_seen, &r);

	if (err == 0)
		err = read_rules(nft, &r);
	for (size_t i = 0; err == 0 && i < r.n; i++) {
		if (r.chains[i].spec.count != r.chains[i].count)
			r.chains[i].spec.hash = HASH_DAMAGED;
		dp_observed(dp, &dp_nft_chain_type, &r.chains[i].spec, true);
	}
	free(r.chains);
	return err;
}

/* ---- Counters ---- */

struct counting {
	struct dp_nft_count *ret;
	unsigned int n;
	bool seen; /* the kernel does not tell an empty chain from none */
};

/* One expression of a rule. */
static int read_counter(const struct nlattr *expr, void *arg)
{
	const struct nlattr *tb[NFTA_EXPR_MAX + 1], *counter[NFTA_COUNTER_MAX + 1];
	struct dp_nft_count *ret = arg;

	if (nft_attrs_nested(expr, tb, NFTA_EXPR_MAX) < 0 || !tb[NFTA_EXPR_NAME] ||
	    mnl_attr_get_payload_len(tb[NFTA_EXPR_NAME]) != sizeof("counter") ||
	    memcmp(mnl_attr_get_payload(tb[NFTA_EXPR_NAME]), "counter", sizeof("counter")) != 0 ||
	    !tb[NFTA_EXPR_DATA] ||
	    nft_attrs_nested(tb[NFTA_EXPR_DATA], counter, NFTA_COUNTER_MAX) < 0)
		return MNL_CB_OK;
	ret->packets = nft_attr_u64(counter[NFTA_COUNTER_PACKETS]);
	ret->bytes = nft_attr_u64(counter[NFTA_COUNTER_BYTES]);
	return MNL_CB_OK;
}

static int rule_counted(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[NFTA_RULE_MAX + 1];
	struct counting *c = arg;
	struct stamp stamp;

	if (!nlh || nft_attrs(nlh, tb, NFTA_RULE_MAX) < 0 || !tb[NFTA_RULE_EXPRESSIONS] ||
	    !read_stamp(tb[NFTA_RULE_USERDATA], &stamp) || stamp.index >= c->n)
		return 0;
	c->seen = true;
	return mnl_attr_parse_nested(tb[NFTA_RULE_EXPRESSIONS], read_counter,
				     &c->ret[stamp.index]) < 0
		       ? -EBADMSG
		       : 0;
}

int dp_nft_chain_counts(struct dp *dp, uint8_t family, const char *chain, struct dp_nft_count *ret,
			unsigned int n)
{
	struct counting c = { .ret = ret, .n = n };
	struct nft *nft = nft_of(dp);
	int r = nft_dump(nft, NFT_MSG_GETRULE, family, nft_table(nft), chain, rule_counted, &c);

	return r == 0 && !c.seen ? -ENOENT : r;
}

const struct dp_type dp_nft_chain_type = {
	.name = "nft_chain",
	.size = sizeof(struct dp_nft_chain),
	.copy = chain_copy,
	.clear = chain_clear,
	.key = chain_key,
	.diff = chain_diff,
	.needs = chain_needs,
	.print = chain_print,
	.create = chain_create,
	.modify = chain_modify,
	.remove = chain_remove,
	.observe = chain_observe,
};
