/* SPDX-License-Identifier: Apache-2.0 */
/* nftables: each trial is one transaction that makes a table with what is tried in it. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/flowtable.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_bridge.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/caps_try.h"
#include "dataplane/nl/nlsock.h"

#define TABLE "t"
#define CHAIN "c"

struct transaction {
	struct trial *t;
	uint8_t family;
	char buf[4096] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct mnl_nlmsg_batch *batch;
};

static struct nlmsghdr *begin(struct transaction *x, uint16_t type)
{
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(x->batch), type, x->family,
				     NLM_F_CREATE | NLM_F_ACK, ++x->t->seq);
}

/* nft add table FAMILY t */
static void start(struct transaction *x, struct trial *t, uint8_t family)
{
	struct nftnl_table *table = nftnl_table_alloc();

	x->t = t;
	x->family = family;
	x->batch = mnl_nlmsg_batch_start(x->buf, sizeof(x->buf));
	nftnl_batch_begin(mnl_nlmsg_batch_current(x->batch), ++t->seq);
	mnl_nlmsg_batch_next(x->batch);
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, TABLE);
	nftnl_table_nlmsg_build_payload(begin(x, NFT_MSG_NEWTABLE), table);
	mnl_nlmsg_batch_next(x->batch);
	nftnl_table_free(table);
}

/* nft add chain FAMILY t c { type TYPE hook HOOK priority 0; } */
static void add_chain(struct transaction *x, const char *type, uint32_t hook)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, CHAIN);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, type);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, 0);
	nftnl_chain_nlmsg_build_payload(begin(x, NFT_MSG_NEWCHAIN), chain);
	mnl_nlmsg_batch_next(x->batch);
	nftnl_chain_free(chain);
}

/* nft add rule FAMILY t c FIRST [SECOND]; takes both */
static void add_rule(struct transaction *x, struct nftnl_expr *first, struct nftnl_expr *second)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, CHAIN);
	nftnl_rule_add_expr(rule, first);
	if (second)
		nftnl_rule_add_expr(rule, second);
	nftnl_rule_nlmsg_build_payload(begin(x, NFT_MSG_NEWRULE), rule);
	mnl_nlmsg_batch_next(x->batch);
	nftnl_rule_free(rule);
}

/* The kernel answers before send() returns; the first error is the answer. */
static int read_answers(int fd)
{
	char buf[4096] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	const struct nlmsghdr *msg;
	struct nlsock_ack ack;
	ssize_t n;
	int left, err = 0;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		msg = (const struct nlmsghdr *)buf;
		for (left = n; mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left))
			if (msg->nlmsg_type == NLMSG_ERROR && nlsock_parse_ack(msg, &ack) && !err)
				err = ack.err;
	}
	return n < 0 && errno != EAGAIN ? -errno : err;
}

static int commit(struct transaction *x)
{
	int r = x->t->nft;

	nftnl_batch_end(mnl_nlmsg_batch_current(x->batch), ++x->t->seq);
	mnl_nlmsg_batch_next(x->batch);
	if (r >= 0)
		r = nlsock_send(x->t->nft, mnl_nlmsg_batch_head(x->batch),
				mnl_nlmsg_batch_size(x->batch));
	mnl_nlmsg_batch_stop(x->batch);
	return r < 0 ? r : read_answers(x->t->nft);
}

/* nft delete table FAMILY t; the next trial starts from nothing */
static int end(struct transaction *x)
{
	struct nftnl_table *table;
	struct transaction undo;
	int r = commit(x);

	if (r < 0)
		return r;
	start(&undo, x->t, x->family);
	table = nftnl_table_alloc();
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, TABLE);
	nftnl_table_nlmsg_build_payload(begin(&undo, NFT_MSG_DELTABLE), table);
	mnl_nlmsg_batch_next(undo.batch);
	nftnl_table_free(table);
	return commit(&undo);
}

static int try_chain(struct trial *t, uint8_t family, const char *type, uint32_t hook,
		     struct nftnl_expr *first, struct nftnl_expr *second)
{
	struct transaction x;

	start(&x, t, family);
	add_chain(&x, type, hook);
	if (first)
		add_rule(&x, first, second);
	return end(&x);
}

static struct nftnl_expr *ct(uint32_t key, uint32_t attr, uint32_t reg)
{
	struct nftnl_expr *e = nftnl_expr_alloc("ct");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, attr, reg);
	return e;
}

int try_nft_inet(struct trial *t)
{
	return try_chain(t, NFPROTO_INET, "filter", NF_INET_FORWARD, NULL, NULL);
}

int try_nft_bridge(struct trial *t)
{
	return try_chain(t, NFPROTO_BRIDGE, "filter", NF_BR_PRE_ROUTING, NULL, NULL);
}

/* masquerade */
int try_nft_masquerade(struct trial *t)
{
	return try_chain(t, NFPROTO_INET, "nat", NF_INET_POST_ROUTING, nftnl_expr_alloc("masq"),
			 NULL);
}

/* ct mark set ct mark */
int try_nft_ct_mark(struct trial *t)
{
	return try_chain(t, NFPROTO_INET, "filter", NF_INET_FORWARD,
			 ct(NFT_CT_MARK, NFTNL_EXPR_CT_DREG, NFT_REG_1),
			 ct(NFT_CT_MARK, NFTNL_EXPR_CT_SREG, NFT_REG_1));
}

/* reject with tcp reset */
int try_nft_reject(struct trial *t)
{
	struct nftnl_expr *reject = nftnl_expr_alloc("reject");

	nftnl_expr_set_u32(reject, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_TCP_RST);
	return try_chain(t, NFPROTO_INET, "filter", NF_INET_LOCAL_IN, reject, NULL);
}

/* ct state */
int try_nft_ct_bridge(struct trial *t)
{
	return try_chain(t, NFPROTO_BRIDGE, "filter", NF_BR_FORWARD,
			 ct(NFT_CT_STATE, NFTNL_EXPR_CT_DREG, NFT_REG_1), NULL);
}

/* log group 7 */
int try_nft_log(struct trial *t)
{
	struct nftnl_expr *log = nftnl_expr_alloc("log");

	nftnl_expr_set_u16(log, NFTNL_EXPR_LOG_GROUP, 7);
	return try_chain(t, NFPROTO_INET, "filter", NF_INET_FORWARD, log, NULL);
}

/* nft add flowtable inet t f { hook ingress priority 0; devices = { lo }; } */
int try_nft_flowtable(struct trial *t)
{
	struct nftnl_flowtable *flowtable = nftnl_flowtable_alloc();
	const char *devices[] = { "lo", NULL };
	struct transaction x;

	start(&x, t, NFPROTO_INET);
	nftnl_flowtable_set_str(flowtable, NFTNL_FLOWTABLE_TABLE, TABLE);
	nftnl_flowtable_set_str(flowtable, NFTNL_FLOWTABLE_NAME, "f");
	nftnl_flowtable_set_u32(flowtable, NFTNL_FLOWTABLE_HOOKNUM, NF_NETDEV_INGRESS);
	nftnl_flowtable_set_u32(flowtable, NFTNL_FLOWTABLE_PRIO, 0);
	nftnl_flowtable_set_array(flowtable, NFTNL_FLOWTABLE_DEVICES, devices);
	nftnl_flowtable_nlmsg_build_payload(begin(&x, NFT_MSG_NEWFLOWTABLE), flowtable);
	mnl_nlmsg_batch_next(x.batch);
	nftnl_flowtable_free(flowtable);
	return end(&x);
}
