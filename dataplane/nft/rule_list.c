/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nft/rule_list.h"

#include <assert.h>
#include <libmnl/libmnl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hmap.h"

#define PAYLOAD_MAX 8192 /* of one rule; the longest of ours is about 700 bytes */

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

void rules_use(struct nft_rules *r, const char *name, bool set)
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
