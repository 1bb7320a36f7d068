/* SPDX-License-Identifier: Apache-2.0 */
/* Falling back only where it changes the layer that failed. */
#include "tests/unit/dpc_sim.h"

#include "base/cleanup.h"
#include "nim/dpc/dpc_layers.h"

/* EVE: fallback where the outside is at fault. */
static void no_fallback_when_it_does_not_change_the_failing_layer(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	put(s, entry_on("override", OVERRIDE, 10, "eth0", 20));
	TRUTH(s,
	      { .key = "zedagent", .outcome = CONN_FAILED, .stage = CONN_STAGE_LINK, HAS_ADDRESS });
	put(s, entry_on("zedagent", CONTROLLER, 20, "eth0", 30)); /* the same card, no cable */
	pass_time(s, 5 * D + 1);
	EXPECT(s, "zedagent", FAIL);
}

static void fallback_when_another_interface_is_used(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	put(s, entry_on("override", OVERRIDE, 10, "eth1", 20));
	TRUTH(s,
	      { .key = "zedagent", .outcome = CONN_FAILED, .stage = CONN_STAGE_LINK, HAS_ADDRESS });
	put(s, entry_on("zedagent", CONTROLLER, 20, "eth0", 20));
	EXPECT(s, "zedagent", IPDNS_WAIT);
	pass_time(s, 5 * D + 1);
	EXPECT(s, "override", SUCCESS);
}

static Ew__DpcEntry *with_result(Ew__DpcEntry *e, enum conn_stage stage)
{
	Ew__DpcPortResult *r = xcalloc(1, sizeof(*r));

	ew__dpc_port_result__init(r);
	r->logicallabel = xstrdup(e->config->ports[0]->logicallabel);
	r->stage = stage;
	r->why = xstrdup("");
	e->results = xcalloc(1, sizeof(Ew__DpcPortResult *));
	e->results[0] = r;
	e->n_results = 1;
	return e;
}

static void each_layer_counts_up_to_the_one_that_failed(void **state)
{
	Ew__ProxyConfig proxy = EW__PROXY_CONFIG__INIT;

	(void)state;
	for (int stage = CONN_STAGE_LINK; stage <= CONN_STAGE_HTTP; stage++) {
		Ew__DpcEntry *failed =
			with_result(entry("a", CONTROLLER, 1, 1), (enum conn_stage)stage);
		Ew__DpcEntry *other = entry("b", CONTROLLER, 1, 1);
		Ew__PortConfig *port = other->config->ports[0];
		char *text = (char *)"192.0.2.1";

		port->cost = 9;
		assert_false(dpc_changes_failure(failed, other->config));
		assert_true(dpc_same_connectivity(failed->config, other->config));
		port->n_dns_servers = 1;
		port->dns_servers = &text;
		assert_int_equal(dpc_changes_failure(failed, other->config),
				 stage >= CONN_STAGE_DNS);
		assert_false(dpc_same_connectivity(failed->config, other->config));
		port->dns_servers = NULL;
		port->n_dns_servers = 0;
		port->proxy = &proxy;
		assert_int_equal(dpc_changes_failure(failed, other->config),
				 stage >= CONN_STAGE_DNS);
		port->proxy = NULL;
		port->no_default_route = true;
		assert_int_equal(dpc_changes_failure(failed, other->config),
				 stage >= CONN_STAGE_GATEWAY);
		port->dhcp = EW__DHCP_MODE__DHCP_CLIENT;
		assert_int_equal(dpc_changes_failure(failed, other->config),
				 stage >= CONN_STAGE_ADDRESS);
		free(port->ifname);
		port->ifname = xstrdup("eth7");
		assert_true(dpc_changes_failure(failed, other->config));
		ew__dpc_entry__free_unpacked(failed, NULL);
		ew__dpc_entry__free_unpacked(other, NULL);
	}
}

/* A VLAN port of label "v" on parent "p", which is a card or, with a mode, a bond. */
static Ew__DpcEntry *vlan_entry(uint32_t vid, uint32_t bond_mode)
{
	Ew__DevicePortConfig config = EW__DEVICE_PORT_CONFIG__INIT;
	Ew__PortConfig ports[3] = { EW__PORT_CONFIG__INIT, EW__PORT_CONFIG__INIT,
				    EW__PORT_CONFIG__INIT };
	char *members[] = { (char *)"m" };
	Ew__VlanConfig vlan = EW__VLAN_CONFIG__INIT;
	Ew__BondConfig bond = EW__BOND_CONFIG__INIT;

	vlan.parent = (char *)"p";
	vlan.vid = vid;
	bond.mode = bond_mode;
	ports[0].logicallabel = ports[0].ifname = (char *)"v";
	ports[0].is_mgmt = true;
	ports[0].dhcp = EW__DHCP_MODE__DHCP_CLIENT;
	ports[0].lower_case = EW__PORT_CONFIG__LOWER_VLAN;
	ports[0].vlan = &vlan;
	ports[1].logicallabel = ports[1].ifname = (char *)"p";
	if (bond_mode) {
		ports[1].lower_case = EW__PORT_CONFIG__LOWER_BOND;
		ports[1].bond = &bond;
		bond.members = members;
		bond.n_members = 1;
	}
	ports[2].logicallabel = ports[2].ifname = members[0];
	config.ports = (Ew__PortConfig *[]){ &ports[0], &ports[1], &ports[2] };
	config.n_ports = 3;
	return dpc_entry_new("v", CONTROLLER, 1, "", &config);
}

static void VlansAndBonds(void **state)
{
	static const struct {
		uint32_t vid, mode;
		bool changes;
	} rows[] = { { 30, 0, false }, { 31, 0, true }, { 30, 1, true } };
	Ew__DpcEntry *failed = with_result(vlan_entry(30, 0), CONN_STAGE_ADDRESS);

	(void)state; /* what a port stands on is part of its link */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		Ew__DpcEntry *other = vlan_entry(rows[i].vid, rows[i].mode);

		assert_int_equal(dpc_changes_failure(failed, other->config), rows[i].changes);
		ew__dpc_entry__free_unpacked(other, NULL);
	}
	ew__dpc_entry__free_unpacked(failed, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST(no_fallback_when_it_does_not_change_the_failing_layer),
		SIM_TEST(fallback_when_another_interface_is_used),
		cmocka_unit_test(each_layer_counts_up_to_the_one_that_failed),
		cmocka_unit_test(VlansAndBonds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
