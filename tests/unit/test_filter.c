/* SPDX-License-Identifier: Apache-2.0 */
/* The wish for nftables against golden text; what packets make of it is in tests/item. */
#include <netinet/in.h>

#include "tests/unit/addresses.h"
#include "tests/unit/golden.h"
#include "zedrouter/acl.h"
#include "zedrouter/filter.h"

#define TABLE "edgeway-test"

static void assert_golden(struct dp_graph *g, const char *name)
{
	_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;

	golden_graph(g, &out);
	golden_text(name, strbuf_str(&out));
}

static void base_has_all_chains_and_sets(void **state)
{
	struct dp_graph *g = dp_graph_new("zr/filter");

	(void)state;
	zr_filter_base(g, TABLE);
	assert_golden(g, "filter_base");
}

static void instance_is_elements_only(void **state)
{
	const struct zr_filter_uplink uplinks[] = {
		{ .ifname = IFNAME("eth0"), .mark = 0x01000000 },
		{ .ifname = IFNAME("eth1") },
	};
	const uint32_t vifs[] = { 1, 3 };
	struct dp_graph *g = dp_graph_new("ni/1");

	(void)state;
	zr_filter_instance(g, TABLE,
			   &(struct zr_filter_instance){
				   .number = 1,
				   .bridge = IFNAME("bn1"),
				   .vrf = IFNAME("vrf1"),
				   .gateways = { address("10.1.0.1"), address("fd00:1::1") },
				   .uplinks = uplinks,
				   .n_uplinks = 2,
				   .vifs = vifs,
				   .n_vifs = 2 });
	zr_filter_instance(g, TABLE, /* air-gapped */
			   &(struct zr_filter_instance){ .number = 2,
							 .bridge = IFNAME("bn2"),
							 .gateways = { address("10.2.0.1") } });
	assert_golden(g, "filter_instance");
}

static void vif_is_elements_and_the_chains_of_its_limits(void **state)
{
	const struct zr_ace aces[] = {
		{ .remote = prefix("192.0.2.7"), .protocol = 6, .fport = { 443, 443 } },
		{ .remote = prefix("10.0.0.0/8"), .action = ZR_DROP, .direction = ZR_EGRESS },
		{ .protocol = 17,
		  .action = ZR_LIMIT,
		  .limit_rate = 10,
		  .limit_unit_s = 1,
		  .limit_burst = 20 },
		{ .action = ZR_PORTMAP,
		  .protocol = 6,
		  .lport = { 2222, 2223 },
		  .target_port = 22,
		  .adapter = "lan" },
	};
	const struct ipaddr addrs[] = { address("10.1.0.2"), address("fd00:1::2") };
	const struct ipaddr out0[] = { address("198.51.100.5") },
			    out1[] = { address("203.0.113.5"), address("2001:db8::5") };
	const char *const labels[] = { "uplink", "lan" };
	const struct zr_filter_port ports[] = {
		{ .ifname = IFNAME("eth0"), .addrs = out0, .n_addrs = 1 },
		{ .ifname = IFNAME("eth1"),
		  .addrs = out1,
		  .n_addrs = 2,
		  .labels = labels,
		  .n_labels = 2 },
	};
	struct dp_graph *g = dp_graph_new("app/1");
	_cleanup_(zr_acl_freep) struct zr_acl *acl = NULL;

	(void)state;
	assert_int_equal(zr_acl_compile(aces, ARRAY_SIZE(aces), NULL, 0, NULL, &acl), 0);
	zr_filter_vif(g, TABLE,
		      &(struct zr_filter_vif){ .ifname = IFNAME("nbu1x1"),
					       .bridge = IFNAME("bn1"),
					       .instance = 1,
					       .number = 1,
					       .mac = { { 2, 0x16, 0x3e, 0, 0, 1 } },
					       .addrs = addrs,
					       .n_addrs = 2,
					       .acl = acl,
					       .ports = ports,
					       .n_ports = 2 });
	assert_golden(g, "filter_vif");
}

static void vif_without_list_has_an_identity_only(void **state)
{
	const struct ipaddr a = address("10.1.0.2");
	struct dp_graph *g = dp_graph_new("app/1");

	(void)state;
	zr_filter_vif(g, TABLE,
		      &(struct zr_filter_vif){ .ifname = IFNAME("nbu1x1"),
					       .bridge = IFNAME("bn1"),
					       .instance = 4095,
					       .number = 1023,
					       .mac = { { 2, 0x16, 0x3e, 0, 0, 1 } },
					       .addrs = &a,
					       .n_addrs = 1 });
	assert_golden(g, "filter_vif_shut");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_has_all_chains_and_sets),
		cmocka_unit_test(instance_is_elements_only),
		cmocka_unit_test(vif_is_elements_and_the_chains_of_its_limits),
		cmocka_unit_test(vif_without_list_has_an_identity_only),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
