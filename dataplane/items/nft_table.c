/* SPDX-License-Identifier: Apache-2.0 */
/* nft add table FAMILY NAME */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/items/nft.h"
#include "dataplane/nft/nft.h"

const char *nft_family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_ARP:
		return "arp";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_NETDEV:
		return "netdev";
	}
	return "?";
}

static void table_key(const void *spec, struct strbuf *out)
{
	const struct dp_nft_table *t = spec;

	strbuf_add(out, nft_family_name(t->family));
	strbuf_addc(out, '/');
	strbuf_add(out, t->name);
}

static enum dp_change table_diff(const void *have, const void *want)
{
	(void)have;
	(void)want;
	return DP_SAME; /* there is nothing to it but its key */
}

static void table_print(const void *spec, struct strbuf *out)
{
	(void)spec;
	(void)out;
}

static int table_send(struct dp_op *op, uint16_t type, uint16_t flags, const void *spec)
{
	const struct dp_nft_table *t = spec;
	struct nlmsghdr *nlh = nft_msg(op, type, flags, t->family, NFT_ROOM);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, t->name);
	return -EINPROGRESS;
}

/* nft add table inet NAME */
static int table_create(struct dp_op *op, const void *want)
{
	return table_send(op, NFT_MSG_NEWTABLE, NLM_F_CREATE, want);
}

/* nft delete table inet NAME */
static int table_remove(struct dp_op *op, const void *have)
{
	int r = table_send(op, NFT_MSG_DELTABLE, 0, have);

	nft_absent_is_fine(op);
	return r;
}

struct reading {
	struct dp *dp;
	bool any; /* of ours */
};

static int table_seen(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[NFTA_TABLE_MAX + 1];
	struct dp_nft_table t = { 0 };
	struct reading *r = arg;

	if (!nlh || nft_attrs(nlh, tb, NFTA_TABLE_MAX) < 0 ||
	    !nft_attr_name(tb[NFTA_TABLE_NAME], t.name, sizeof(t.name)))
		return 0;
	t.family = nft_family(nlh);
	if (strcmp(t.name, nft_table(nft_of(r->dp))) == 0) {
		r->any = true;
		dp_observed(r->dp, &dp_nft_table_type, &t, true);
	}
	return 0;
}

static int table_observe(struct dp *dp)
{
	struct nft *nft = nft_of(dp);
	struct reading r = { .dp = dp };
	int err;

	do /* again when it may have changed before we listened */
		err = nft_dump(nft, NFT_MSG_GETTABLE, NFPROTO_UNSPEC, NULL, NULL, table_seen, &r);
	while (err == 0 && r.any && nft_listen(nft));
	return err;
}

const struct dp_type dp_nft_table_type = {
	.name = "nft_table",
	.size = sizeof(struct dp_nft_table),
	.key = table_key,
	.diff = table_diff,
	.print = table_print,
	.create = table_create,
	.remove = table_remove,
	.observe = table_observe,
};
