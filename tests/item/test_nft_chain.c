/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "dataplane/items/nft.h"
#include "dataplane/nft/rule.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define T "edgeway-test"

static void world(struct dp_graph *g)
{
	dp_want(g, &dp_nft_table_type, &(struct dp_nft_table){ NFPROTO_INET, T });
	dp_want(g, &dp_nft_set_type,
		&(struct dp_nft_set){ .family = NFPROTO_INET,
				      .table = T,
				      .name = "m",
				      .key = { NFT_TYPE_MARK, NFT_TYPE_IPV4, NFT_TYPE_PORT },
				      .data = { NFT_TYPE_VERDICT } });
	dp_want(g, &dp_nft_set_type,
		&(struct dp_nft_set){ .family = NFPROTO_INET,
				      .table = T,
				      .name = "marks",
				      .key = { NFT_TYPE_IFNAME },
				      .data = { NFT_TYPE_MARK } });
	dp_want(g, &dp_nft_set_type,
		&(struct dp_nft_set){ .family = NFPROTO_INET,
				      .table = T,
				      .name = "dnat6",
				      .key = { NFT_TYPE_IPV6, NFT_TYPE_PROTO, NFT_TYPE_PORT },
				      .data = { NFT_TYPE_IPV6, NFT_TYPE_PORT } });
	dp_want(g, &dp_nft_chain_type,
		&(struct dp_nft_chain){ .family = NFPROTO_INET, .table = T, .name = "target" });
}

/* A rule of nearly every kind that there is in a filter chain. */
static struct nft_rules *many_rules(void)
{
	struct nft_rules *r = nft_rules_new(NFPROTO_INET);
	struct prefix p;

	nft_rule(r);
	nft_eq_name(r, NFT_F_IIFNAME, "bn1");
	nft_any(r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_ESTABLISHED | NFT_STATE_RELATED));
	nft_none(r, NFT_MASKED(NFT_F_CT_MARK, 0x800000));
	nft_verdict(r, NF_ACCEPT, NULL);
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_NFPROTO), NFPROTO_IPV4);
	nft_vmap(r,
		 NFT_KEY({ NFT_F_MARK, 0xffffff }, { NFT_F_CT_IP_DADDR, 0 }, { NFT_F_CT_DPORT, 0 }),
		 "m");
	nft_rule(r);
	nft_set_from_map(r, NFT_F_CT_MARK, NFT_KEY({ NFT_F_OIFNAME, 0 }), "marks");
	nft_rule(r);
	prefix_parse("2001:db8::/32", &p);
	nft_ne_prefix(r, NFT_F_IP6_DADDR, &p);
	nft_eq(r, NFT_PLAIN(NFT_F_L4PROTO), IPPROTO_UDP);
	nft_eq(r, NFT_PLAIN(NFT_F_TH_DPORT), 53);
	nft_limit(r, true, 10, 1, 5);
	nft_counter(r);
	nft_verdict(r, NF_DROP, NULL);
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_L4PROTO), IPPROTO_TCP);
	nft_eq(r, NFT_MASKED(NFT_F_TCP_FLAGS, 0x06), 0x02);
	nft_clamp_mss(r);
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_L4PROTO), IPPROTO_TCP);
	nft_reject_tcp(r);
	nft_rule(r);
	nft_set_bits(r, NFT_F_CT_MARK, 0xff000000, 0x800001);
	nft_copy_mark(r, NFT_F_MARK, NFT_F_CT_MARK, 0xff000000);
	nft_verdict(r, NFT_GOTO, "target");
	nft_rules_end(r);
	return r;
}

static struct nft_rules *one_rule(void)
{
	struct nft_rules *r = nft_rules_new(NFPROTO_INET);

	nft_rule(r);
	nft_counter(r);
	nft_verdict(r, NFT_JUMP, "target");
	nft_rules_end(r);
	return r;
}

static struct nft_rules *nat_rules(bool more)
{
	struct nft_rules *r = nft_rules_new(NFPROTO_INET);

	nft_rule(r);
	nft_dnat(r, NFPROTO_IPV6,
		 NFT_KEY({ NFT_F_IP6_DADDR, 0 }, { NFT_F_L4PROTO, 0 }, { NFT_F_TH_DPORT, 0 }),
		 "dnat6");
	if (more) {
		nft_rule(r);
		nft_verdict(r, NFT_RETURN, NULL);
	}
	nft_rules_end(r);
	return r;
}

static struct dp_nft_chain forward(struct nft_rules *rules, uint8_t policy)
{
	return (struct dp_nft_chain){
		.family = NFPROTO_INET,
		.table = T,
		.name = "forward",
		.hook = { "filter", NF_INET_FORWARD, policy, 0 },
		.rules = rules,
	};
}

static void conforms(const struct dp_nft_chain *a, const struct dp_nft_chain *b)
{
	struct dp_nft_chain ca, cb; /* as an engine holds them: with the hash filled in */

	dp_nft_chain_type.copy(&ca, a);
	dp_nft_chain_type.copy(&cb, b);
	item_conformance(&(struct item_story){
		.type = &dp_nft_chain_type, .world = world, .a = &ca, .b = &cb });
	dp_nft_chain_type.clear(&ca);
	dp_nft_chain_type.clear(&cb);
}

static void base_chain_conforms(void **state)
{
	struct nft_rules *many = many_rules(), *one = one_rule();
	struct dp_nft_chain a = forward(many, NF_DROP), b = forward(one, NF_ACCEPT);

	(void)state;
	conforms(&a, &b);
	b = a;
	b.hook.priority = -150; /* recreated */
	conforms(&a, &b);
	nft_rules_unref(many);
	nft_rules_unref(one);
}

static void nat_chain_conforms(void **state)
{
	struct nft_rules *a = nat_rules(false), *b = nat_rules(true);
	struct dp_nft_chain chain = { .family = NFPROTO_INET,
				      .table = T,
				      .name = "dnat",
				      .hook = { "nat", NF_INET_PRE_ROUTING, NF_ACCEPT, -100 },
				      .rules = a };
	struct dp_nft_chain other = chain;

	(void)state;
	other.rules = b;
	conforms(&chain, &other);
	nft_rules_unref(a);
	nft_rules_unref(b);
}

static void plain_chain_conforms(void **state)
{
	struct nft_rules *one = one_rule();
	struct dp_nft_chain a = { .family = NFPROTO_INET, .table = T, .name = "c" }, b = a;

	(void)state;
	b.rules = one;
	conforms(&a, &b);
	nft_rules_unref(one);
}

/* ---- Beyond the story ---- */

static struct node *with_forward_chain(void)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("world");
	struct nft_rules *many = many_rules();
	struct dp_nft_chain chain = forward(many, NF_DROP);

	world(g);
	require(dp_submit(node_dp(n), g) == 0, "submit");
	node_apply(n, &dp_nft_chain_type, &chain);
	nft_rules_unref(many);
	return n;
}

static uint64_t repairs(struct node *n)
{
	struct dp_counts counts;

	dp_counts(node_dp(n), &counts);
	return counts.repaired;
}

static bool repaired(struct node *n, void *arg)
{
	return repairs(n) > *(uint64_t *)arg && dp_idle(node_dp(n));
}

static void meddle(struct node *n, const char *command)
{
	uint64_t before = repairs(n);

	sh("nft -a list table inet " T " | grep -v counter > /run/before");
	sh("%s", command);
	node_wait(n, 1000, repaired, &before, command);
	/* the handles are new */
	sh("nft list table inet " T " > /run/after; "
	   "sed 's/ # handle.*//' /run/before | grep -v counter > /run/b; "
	   "grep -v counter /run/after > /run/a; diff /run/b /run/a");
}

static void meddling(const void *arg)
{
	struct node *n = with_forward_chain();

	(void)arg;
	meddle(n, "nft insert rule inet " T " forward accept");
	meddle(n, "nft add rule inet " T " forward accept");
	meddle(n, "nft flush chain inet " T " forward");
	meddle(n, "nft delete rule inet " T " forward handle "
		  "$(nft -a list chain inet " T " forward | sed -n 's/.*goto.*handle //p')");
	meddle(n, "nft chain inet " T " forward '{ policy accept; }'");
	meddle(n, "nft delete table inet " T);
	meddle(n, "nft flush ruleset");
	node_free(n);
}

static void foreign_hands_are_undone_within_a_second(void **state)
{
	(void)state;
	in_space(meddling, NULL);
}

static void text_in_nft(const void *arg)
{
	struct node *n = with_forward_chain();

	(void)arg;
	sh("nft list chain inet " T " forward > /run/chain");
	sh("grep -qF 'type filter hook forward priority filter; policy drop;' /run/chain");
	sh("grep -qF 'iifname \"bn1\" ct state established,related ct mark & 0x00800000 == "
	   "0x00000000 accept' /run/chain");
	sh("grep -qF 'meta nfproto ipv4 meta mark & 0x00ffffff . ct original ip daddr . "
	   "ct original proto-dst vmap @m' /run/chain || "
	   "grep -qF 'ct original ip daddr . ct original proto-dst vmap @m' /run/chain");
	sh("grep -qF 'ct mark set oifname map @marks' /run/chain");
	sh("grep -qF 'ip6 daddr != 2001:db8::/32 udp dport 53 limit rate over 10/second' "
	   "/run/chain");
	sh("grep -qF 'tcp option maxseg size set rt mtu' /run/chain");
	sh("grep -qF 'meta l4proto tcp reject with tcp reset' /run/chain");
	sh("grep -qF 'goto target' /run/chain");
	node_free(n);
}

static void nft_reads_the_rules_as_they_were_meant(void **state)
{
	(void)state;
	in_space(text_in_nft, NULL);
}

static void counting(const void *arg)
{
	const struct dp_nft_count untouched = { 7, 7 };
	struct dp_nft_count counts[3] = { untouched, untouched, untouched };
	struct nft_rules *r = nft_rules_new(NFPROTO_INET);
	struct dp_nft_chain chain = { .family = NFPROTO_INET,
				      .table = T,
				      .name = "in",
				      .hook = { "filter", NF_INET_LOCAL_IN, NF_ACCEPT, 0 },
				      .rules = r };
	struct node *n = with_forward_chain();

	(void)arg;
	nft_rule(r);
	nft_any(r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_NEW));
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_L4PROTO), IPPROTO_UDP);
	nft_counter(r);
	nft_rules_end(r);
	node_apply(n, &dp_nft_chain_type, &chain);
	sh("ip link set lo up; bash -c 'printf 12345 >/dev/udp/127.0.0.1/9'");
	require(dp_nft_chain_counts(node_dp(n), NFPROTO_INET, "in", counts, 2) == 0, "read");
	require(counts[1].packets == 1 && counts[1].bytes == 33, "%d packets, %d bytes",
		(int)counts[1].packets, (int)counts[1].bytes);
	require(memcmp(&counts[0], &untouched, sizeof(untouched)) == 0, "no counter");
	require(memcmp(&counts[2], &untouched, sizeof(untouched)) == 0, "not asked for");
	require(dp_nft_chain_counts(node_dp(n), NFPROTO_INET, "none", counts, 2) == -ENOENT,
		"of no chain");
	nft_rules_unref(r);
	node_free(n);
}

static void counters_are_read_by_rule(void **state)
{
	(void)state;
	in_space(counting, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_chain_conforms),
		cmocka_unit_test(nat_chain_conforms),
		cmocka_unit_test(plain_chain_conforms),
		cmocka_unit_test(foreign_hands_are_undone_within_a_second),
		cmocka_unit_test(counters_are_read_by_rule),
		cmocka_unit_test(nft_reads_the_rules_as_they_were_meant),
	};

	return cmocka_run_group_tests_name("nft_chain", tests, NULL, NULL);
}
