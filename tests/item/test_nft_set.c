/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include <cmocka.h>
#include <linux/netfilter.h>

#include "base/addr.h"
#include "dataplane/items/nft.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define T "edgeway-test"

static void world(struct dp_graph *g)
{
	dp_want(g, &dp_nft_table_type, &(struct dp_nft_table){ NFPROTO_INET, T });
}

static void conforms(const struct dp_nft_set *a, const struct dp_nft_set *b)
{
	item_conformance(
		&(struct item_story){ .type = &dp_nft_set_type, .world = world, .a = a, .b = b });
}

static void plain_set_conforms(void **state)
{
	(void)state;
	conforms(&(struct dp_nft_set){ .family = NFPROTO_INET,
				       .table = T,
				       .name = "s",
				       .key = { NFT_TYPE_IFNAME } },
		 &(struct dp_nft_set){ .family = NFPROTO_INET,
				       .table = T,
				       .name = "s",
				       .key = { NFT_TYPE_ETHER } });
}

static void concatenated_verdict_map_conforms(void **state)
{
	(void)state;
	conforms(&(struct dp_nft_set){ .family = NFPROTO_INET,
				       .table = T,
				       .name = "m",
				       .key = { NFT_TYPE_MARK, NFT_TYPE_IPV6, NFT_TYPE_PROTO,
						NFT_TYPE_PORT, NFT_TYPE_PORT },
				       .data = { NFT_TYPE_VERDICT } },
		 &(struct dp_nft_set){ .family = NFPROTO_INET,
				       .table = T,
				       .name = "m",
				       .key = { NFT_TYPE_MARK, NFT_TYPE_IPV6, NFT_TYPE_PROTO,
						NFT_TYPE_PORT, NFT_TYPE_PORT },
				       .data = { NFT_TYPE_VERDICT },
				       .interval = true });
}

static void map_to_address_and_port_conforms(void **state)
{
	(void)state;
	conforms(&(struct dp_nft_set){ .family = NFPROTO_INET,
				       .table = T,
				       .name = "p",
				       .key = { NFT_TYPE_IPV4, NFT_TYPE_PROTO, NFT_TYPE_PORT },
				       .data = { NFT_TYPE_IPV4, NFT_TYPE_PORT } },
		 &(struct dp_nft_set){ .family = NFPROTO_INET,
				       .table = T,
				       .name = "p",
				       .key = { NFT_TYPE_IPV4, NFT_TYPE_PROTO, NFT_TYPE_PORT },
				       .data = { NFT_TYPE_MARK } });
}

static void set_that_others_fill_conforms(void **state)
{
	(void)state;
	conforms(&(struct dp_nft_set){ .family = NFPROTO_INET,
				       .table = T,
				       .name = "h",
				       .key = { NFT_TYPE_IPV4 },
				       .dynamic = true },
		 &(struct dp_nft_set){ .family = NFPROTO_INET,
				       .table = T,
				       .name = "h",
				       .key = { NFT_TYPE_IPV6 },
				       .dynamic = true });
}

static uint64_t resyncs(struct node *n)
{
	struct dp_counts counts;

	dp_counts(node_dp(n), &counts);
	return counts.resyncs;
}

static void contents_of_others(const void *arg)
{
	const struct dp_nft_set set = { .family = NFPROTO_INET,
					.table = T,
					.name = "h",
					.key = { NFT_TYPE_IPV4 },
					.dynamic = true };
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("world");
	struct ipaddr addr = { 0 };
	uint64_t before;

	(void)arg;
	world(g);
	require(dp_submit(node_dp(n), g) == 0, "submit");
	require(ipaddr_parse("192.0.2.1", &addr) == 0, "address");
	require(dp_nft_set_has(node_dp(n), &set, &addr) == 0, "a set that is not there has it");
	node_apply(n, &dp_nft_set_type, &set);
	require(dp_nft_set_has(node_dp(n), &set, &addr) == 0, "an empty set has it");
	node_turn(n, 50);
	before = resyncs(n);
	sh("nft add element inet " T " h '{ 192.0.2.1 }'");
	node_turn(n, 200);
	require(resyncs(n) == before, "an element of others made us look at everything again");
	sh("nft get element inet " T " h '{ 192.0.2.1 }' >/dev/null");
	require(dp_nft_set_has(node_dp(n), &set, &addr) == 1, "the set does not have it");
	require(ipaddr_parse("192.0.2.2", &addr) == 0, "address");
	require(dp_nft_set_has(node_dp(n), &set, &addr) == 0, "the set has another one");
	node_free(n);
}

static void elements_of_a_set_that_others_fill_are_none_of_ours(void **state)
{
	(void)state;
	in_space(contents_of_others, NULL);
}

static void as_nft_sees_it(const void *arg)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("world");

	(void)arg;
	world(g);
	require(dp_submit(node_dp(n), g) == 0, "submit");
	node_apply(n, &dp_nft_set_type,
		   &(struct dp_nft_set){
			   .family = NFPROTO_INET,
			   .table = T,
			   .name = "m",
			   .key = { NFT_TYPE_MARK, NFT_TYPE_IPV4, NFT_TYPE_PROTO, NFT_TYPE_PORT },
			   .data = { NFT_TYPE_VERDICT },
			   .interval = true });
	sh("nft list map inet " T " m | "
	   "grep -q 'type mark . ipv4_addr . inet_proto . inet_service : verdict'");
	sh("nft list map inet " T " m | grep -q 'flags interval'");
	node_free(n);
}

static void nft_reads_its_types(void **state)
{
	(void)state;
	in_space(as_nft_sees_it, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_set_conforms),
		cmocka_unit_test(concatenated_verdict_map_conforms),
		cmocka_unit_test(map_to_address_and_port_conforms),
		cmocka_unit_test(set_that_others_fill_conforms),
		cmocka_unit_test(elements_of_a_set_that_others_fill_are_none_of_ours),
		cmocka_unit_test(nft_reads_its_types),
	};

	return cmocka_run_group_tests_name("nft_set", tests, NULL, NULL);
}
