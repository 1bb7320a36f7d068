/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "base/cleanup.h"
#include "dataplane/items/nft.h"
#include "dataplane/nft/elems.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define T "edgeway-test"

static const struct dp_nft_set macs = { .family = NFPROTO_INET,
					.table = T,
					.name = "macs",
					.key = { NFT_TYPE_IFNAME, NFT_TYPE_ETHER } };
static const struct dp_nft_set acl = { .family = NFPROTO_INET,
				       .table = T,
				       .name = "acl",
				       .key = { NFT_TYPE_MARK, NFT_TYPE_IPV4, NFT_TYPE_PROTO,
						NFT_TYPE_PORT, NFT_TYPE_PORT },
				       .data = { NFT_TYPE_VERDICT },
				       .interval = true };
static const struct dp_nft_set dnat = { .family = NFPROTO_INET,
					.table = T,
					.name = "dnat",
					.key = { NFT_TYPE_IPV6, NFT_TYPE_PROTO, NFT_TYPE_PORT },
					.data = { NFT_TYPE_IPV6, NFT_TYPE_PORT } };
static const struct dp_nft_set ports = { .family = NFPROTO_INET,
					 .table = T,
					 .name = "ports",
					 .key = { NFT_TYPE_PORT },
					 .data = { NFT_TYPE_MARK } };

static void world(struct dp_graph *g)
{
	dp_want(g, &dp_nft_table_type, &(struct dp_nft_table){ NFPROTO_INET, T });
	dp_want(g, &dp_nft_set_type, &macs);
	dp_want(g, &dp_nft_set_type, &acl);
	dp_want(g, &dp_nft_set_type, &dnat);
	dp_want(g, &dp_nft_set_type, &ports);
	dp_want(g, &dp_nft_chain_type,
		&(struct dp_nft_chain){ .family = NFPROTO_INET, .table = T, .name = "first" });
	dp_want(g, &dp_nft_chain_type,
		&(struct dp_nft_chain){ .family = NFPROTO_INET, .table = T, .name = "second" });
}

static struct dp_nft_elems spec_of(const struct dp_nft_set *set, struct nft_elems *elems)
{
	struct dp_nft_elems e = { .family = set->family, .tag = "app/1", .elems = elems };

	memcpy(e.table, set->table, sizeof(e.table));
	memcpy(e.set, set->name, sizeof(e.set));
	nft_elems_end(elems);
	return e;
}

static void conforms(const struct dp_nft_set *set, struct nft_elems *a, struct nft_elems *b)
{
	struct dp_nft_elems ea = spec_of(set, a), eb = spec_of(set, b);

	item_conformance(&(struct item_story){
		.type = &dp_nft_elems_type, .world = world, .a = &ea, .b = &eb });
	nft_elems_unref(a);
	nft_elems_unref(b);
}

/* ---- Elements of each kind ---- */

static struct nft_elems *mac_elems(unsigned int from, unsigned int to)
{
	struct nft_elems *e = nft_elems_new(&macs);
	struct ifname ifname = IFNAME("nbu1x1");

	for (unsigned int i = from; i < to; i++) {
		struct nft_elem el = nft_elems_add(e);
		struct mac mac = { { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } };

		nft_elem_ifname(&el, &ifname);
		nft_elem_mac(&el, &mac);
	}
	return e;
}

static void acl_elem(struct nft_elems *e, const char *prefix, uint16_t first, uint16_t last,
		     int code, const char *chain)
{
	struct nft_elem el = nft_elems_add(e);
	struct ipaddr end;
	struct prefix p;

	require(prefix_parse(prefix, &p) == 0, "prefix");
	end = prefix_last(&p);
	nft_elem_mark(&el, 0x401);
	nft_elem_addr_range(&el, &p.addr, &end);
	nft_elem_proto(&el, 6, 17);
	nft_elem_port(&el, 0, 65535);
	nft_elem_port(&el, first, last);
	nft_elem_verdict(&el, code, chain);
}

static struct nft_elems *dnat_elems(const char *target, unsigned int n)
{
	struct nft_elems *e = nft_elems_new(&dnat);
	struct ipaddr from, to;

	require(ipaddr_parse("2001:db8::1", &from) == 0 && ipaddr_parse(target, &to) == 0, "addr");
	for (unsigned int i = 0; i < n; i++) {
		struct nft_elem el = nft_elems_add(e);

		nft_elem_addr(&el, &from);
		nft_elem_proto(&el, 6, 6);
		nft_elem_port(&el, (uint16_t)(8000 + i), (uint16_t)(8000 + i));
		nft_elem_data_addr(&el, &to);
		nft_elem_data_port(&el, 80);
	}
	return e;
}

static struct nft_elems *port_elems(uint32_t mark)
{
	struct nft_elems *e = nft_elems_new(&ports);
	struct nft_elem el = nft_elems_add(e);

	nft_elem_port(&el, 443, 443);
	nft_elem_data_mark(&el, mark);
	return e;
}

static void set_elements_conform(void **state)
{
	(void)state;
	conforms(&macs, mac_elems(0, 3), mac_elems(2, 5));
}

/* More than fits into one message, which ends at 64 KiB. */
static void thousands_of_elements_conform(void **state)
{
	(void)state;
	conforms(&macs, mac_elems(0, 3000), mac_elems(1500, 4500));
}

static void ranges_with_verdicts_conform(void **state)
{
	struct nft_elems *a = nft_elems_new(&acl), *b = nft_elems_new(&acl);

	(void)state;
	acl_elem(a, "10.0.0.0/8", 80, 80, NFT_RETURN, NULL);
	acl_elem(a, "192.0.2.0/24", 1, 1024, NF_DROP, NULL);
	acl_elem(a, "192.0.2.7/32", 2000, 3000, NFT_JUMP, "second");
	acl_elem(a, "192.0.2.8/32", 2000, 3000, NFT_JUMP, "first");
	/* the same key jumps elsewhere; a range is replaced by ones that overlap with it */
	acl_elem(b, "10.0.0.0/9", 80, 80, NFT_RETURN, NULL);
	acl_elem(b, "10.128.0.0/9", 80, 90, NF_DROP, NULL);
	acl_elem(b, "192.0.2.0/24", 1, 1024, NFT_RETURN, NULL);
	acl_elem(b, "192.0.2.7/32", 2000, 3000, NFT_JUMP, "first");
	conforms(&acl, a, b);
}

static void addresses_with_ports_conform(void **state)
{
	(void)state;
	conforms(&dnat, dnat_elems("fd00::2", 1), dnat_elems("fd00::3", 2));
}

static void single_field_of_odd_length_conforms(void **state)
{
	(void)state;
	conforms(&ports, port_elems(0x01000000), port_elems(0x02000000));
}

/* ---- Beyond the story ---- */

static struct node *with_world(void)
{
	struct node *n = node_new();
	struct dp_graph *g = dp_graph_new("world");

	world(g);
	require(dp_submit(node_dp(n), g) == 0, "submit");
	node_settle(n);
	return n;
}

static void want_elems(struct node *n, const char *scope, const char *tag, struct nft_elems *elems)
{
	const struct dp_nft_set *set = nft_elems_shape(elems)->data_len ? &ports : &macs;
	struct dp_nft_elems e = spec_of(set, elems);
	struct dp_graph *g = dp_graph_new(scope);

	memset(e.tag, 0, sizeof(e.tag));
	strcpy(e.tag, tag);
	dp_want(g, &dp_nft_elems_type, &e);
	require(dp_submit(node_dp(n), g) == 0, "submit");
	nft_elems_unref(elems);
}

/* Two apps ask for the same key with different data: one of them fails, nobody else does. */
static void conflict(const void *arg)
{
	struct node *n = with_world();
	const char *why = NULL;

	(void)arg;
	want_elems(n, "one", "app/1", port_elems(0x01000000));
	want_elems(n, "two", "app/2", port_elems(0x02000000));
	want_elems(n, "three", "app/3", mac_elems(0, 5));
	node_wait_state(n, &dp_nft_elems_type, "inet/" T "/ports@app/2", DP_FAILED);
	dp_state(node_dp(n), &dp_nft_elems_type, "inet/" T "/ports@app/2", &why);
	node_wait_state(n, &dp_nft_elems_type, "inet/" T "/ports@app/1", DP_CREATED);
	node_wait_state(n, &dp_nft_elems_type, "inet/" T "/macs@app/3", DP_CREATED);
	require(dp_submit(node_dp(n), dp_graph_new("one")) == 0, "submit");
	node_wait_state(n, &dp_nft_elems_type, "inet/" T "/ports@app/2", DP_CREATED);
	sh("nft list map inet " T " ports | grep -q 'https comment \"app/2\" : 0x02000000\\|"
	   "443 comment \"app/2\" : 0x02000000'");
	node_free(n);
}

static void culprit_fails_alone(void **state)
{
	(void)state;
	in_space(conflict, NULL);
}

static void tags_side_by_side(const void *arg)
{
	struct node *n = with_world();

	(void)arg;
	want_elems(n, "one", "app/1", mac_elems(0, 50));
	want_elems(n, "two", "app/2", mac_elems(50, 100));
	node_settle(n);
	node_free(n);
	n = with_world(); /* a new run, in which app/1 is not wanted any more */
	want_elems(n, "two", "app/2", mac_elems(50, 100));
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("test $(nft list set inet " T " macs | grep -o app/1 | wc -l) = 0");
	sh("test $(nft list set inet " T " macs | grep -o app/2 | wc -l) = 50");
	sh("nft add element inet " T " macs '{ \"eth9\" . 2:0:0:0:0:99 }'"); /* of nobody */
	node_wait_state(n, &dp_nft_elems_type, "inet/" T "/macs@", DP_ABSENT);
	node_wait_sh(n, 5000, "! nft list set inet " T " macs | grep -q eth9");
	node_free(n);
}

static void tags_share_a_set_and_are_adopted_apart(void **state)
{
	(void)state;
	in_space(tags_side_by_side, NULL);
}

static void names_in_nft(const void *arg)
{
	const struct dp_nft_set names = {
		.family = NFPROTO_INET, .table = T, .name = "names", .key = { NFT_TYPE_IFNAME }
	};
	struct nft_elems *elems = nft_elems_new(&names);
	struct nft_elem el = nft_elems_add(elems);
	struct ifname ifname = IFNAME("bn1");
	struct dp_nft_elems spec;
	struct node *n = with_world();
	struct dp_graph *g = dp_graph_new("names");

	(void)arg;
	nft_elem_ifname(&el, &ifname);
	spec = spec_of(&names, elems);
	dp_want(g, &dp_nft_set_type, &names);
	dp_want(g, &dp_nft_elems_type, &spec);
	require(dp_submit(node_dp(n), g) == 0, "submit");
	nft_elems_unref(elems);
	node_settle(n);
	sh("nft list set inet " T " names | grep -qF '\"bn1\" comment \"app/1\"'");
	node_free(n);
}

static void nft_reads_names_and_tags(void **state)
{
	(void)state;
	in_space(names_in_nft, NULL);
}

static void small_change(const void *arg)
{
	struct node *n = with_world();

	(void)arg;
	want_elems(n, "one", "app/1", mac_elems(0, 2000));
	node_settle(n);
	sh("nft monitor > /run/events & echo $! > /run/monitor; "
	   "until grep -q . /run/events; do nft add table ip probe; nft delete table ip probe; "
	   "sleep 0.01; done");
	want_elems(n, "one", "app/1", mac_elems(0, 2001));
	node_settle(n);
	sh("until grep -q 'element.*07:d0' /run/events; do sleep 0.01; done; "
	   "kill $(cat /run/monitor); test $(grep -c element /run/events) = 1");
	node_free(n);
}

static void one_more_element_is_one_element_for_the_kernel(void **state)
{
	(void)state;
	in_space(small_change, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_elements_conform),
		cmocka_unit_test(thousands_of_elements_conform),
		cmocka_unit_test(ranges_with_verdicts_conform),
		cmocka_unit_test(addresses_with_ports_conform),
		cmocka_unit_test(single_field_of_odd_length_conforms),
		cmocka_unit_test(culprit_fails_alone),
		cmocka_unit_test(tags_share_a_set_and_are_adopted_apart),
		cmocka_unit_test(nft_reads_names_and_tags),
		cmocka_unit_test(one_more_element_is_one_element_for_the_kernel),
	};

	return cmocka_run_group_tests_name("nft_elems", tests, NULL, NULL);
}
