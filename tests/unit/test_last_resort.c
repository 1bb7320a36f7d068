/* SPDX-License-Identifier: Apache-2.0 */
/* EVE's last resort: which interfaces, and when. */
#include "tests/unit/golden.h"

#include "dataplane/items/link.h"
#include "dataplane/mark.h"
#include "nim/dpc/dpc_list.h"
#include "nim/dpc/last_resort.h"

#define ETH .ethernet = true

static struct dp_link link_of(const char *name)
{
	struct dp_link link = { ETH };

	strcpy(link.ifname.str, name);
	return link;
}

static void every_free_ethernet_is_a_management_port_by_dhcp(void **state)
{
	struct dp_link links[] = { link_of("eth10"), link_of("eth2"), link_of("enp3s0") };
	Ew__DpcEntry *entry = last_resort_entry(links, ARRAY_SIZE(links));
	struct strbuf out = STRBUF_INIT;

	(void)state;
	pbjson_format(&entry->base, PBJSON_PRETTY, &out);
	strbuf_addc(&out, '\n');
	golden_text("last_resort", out.str);
	strbuf_fini(&out);
	ew__dpc_entry__free_unpacked(entry, NULL);
}

static void what_is_not_a_free_ethernet_is_left_alone(void **state)
{
	static const char *const names[] = { "vif1.0", "nbu1x1",  "nbo1x1", "wlan0", "wlp3s0",
					     "wwan0",  "wwp0s20", "keth0",  "can0" };
	static const char *const kinds[] = { "bridge", "bond", "vlan",	  "vrf",
					     "dummy",  "tun",  "macvlan", "vxlan" };
	struct dp_link link = link_of("eth0"), veth = link_of("eth0"), lo = link_of("lo");

	(void)state;
	assert_true(last_resort_takes(&link, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		link = link_of(names[i]);
		assert_false(last_resort_takes(&link, NULL));
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		link = link_of("eth0");
		strcpy(link.kind, kinds[i]);
		assert_false(last_resort_takes(&link, NULL));
	}
	lo.ethernet = false;
	assert_false(last_resort_takes(&lo, NULL));
	strcpy(veth.kind, "veth");
	assert_true(last_resort_takes(&veth, NULL));
	for (size_t i = 0; i < 3; i++) {
		static const char *const daemons[] = { "nim", "zedrouter", "domainmgr" };

		veth.group = dp_mark(daemons[i])->link_group;
		assert_false(last_resort_takes(&veth, NULL));
	}
	assert_null(last_resort_entry(&lo, 1));
}

static void a_port_of_a_bond_of_ours_counts_and_of_a_foreign_one_does_not(void **state)
{
	struct dp_link links[] = { link_of("eth0"), link_of("eth1"), link_of("lag"),
				   link_of("bond7") };
	Ew__DpcEntry *entry;

	(void)state;
	links[2].ifindex = 12;
	links[3].ifindex = 13;
	strcpy(links[2].kind, "bond");
	strcpy(links[3].kind, "bond");
	links[2].group = dp_mark("nim")->link_group;
	links[0].master = 12;
	links[1].master = 13;
	entry = last_resort_entry(links, ARRAY_SIZE(links));
	assert_int_equal(entry->config->n_ports, 1);
	assert_string_equal(entry->config->ports[0]->ifname, "eth0");
	ew__dpc_entry__free_unpacked(entry, NULL);
}

static void more_interfaces_than_ports_are_cut_off(void **state)
{
	struct dp_link links[80];
	Ew__DpcEntry *entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		links[i] = (struct dp_link){ ETH };
		snprintf(links[i].ifname.str, sizeof(links[i].ifname.str), "eth%zu", i);
	}
	entry = last_resort_entry(links, ARRAY_SIZE(links));
	assert_int_equal(entry->config->n_ports, 64);
	ew__dpc_entry__free_unpacked(entry, NULL);
}

/* ---- When ---- */

enum { NOTHING, USELESS, USABLE, WORKS };

static Ew__DpcEntry *entry_of(const char *key, Ew__DpcSource source, int kind)
{
	Ew__DevicePortConfig config = EW__DEVICE_PORT_CONFIG__INIT;
	Ew__PortConfig port = EW__PORT_CONFIG__INIT;
	Ew__DpcEntry *entry;

	port.logicallabel = port.ifname = (char *)"eth0";
	port.is_mgmt = port.is_l3 = kind >= USABLE;
	port.dhcp = EW__DHCP_MODE__DHCP_CLIENT;
	config.ports = (Ew__PortConfig *[]){ &port };
	config.n_ports = 1;
	entry = dpc_entry_new(key, source, 1, "", &config);
	if (kind == WORKS)
		entry->last_succeeded_ms = 2;
	return entry;
}

static bool wanted(int other, bool stands, bool known, bool enabled, bool due)
{
	const struct last_resort_state state = { .known = known, .enabled = enabled, .due = due };
	struct dpc_list list = { 0 };
	bool r;

	if (other != NOTHING)
		dpc_list_put(&list, entry_of("zedagent", EW__DPC_SOURCE__DPC_CONTROLLER, other));
	if (stands)
		dpc_list_put(&list,
			     entry_of("lastresort", EW__DPC_SOURCE__DPC_LAST_RESORT, USABLE));
	r = last_resort_wanted(&list, &state);
	dpc_list_fini(&list);
	return r;
}

/* EVE: DpcAvailTimeLimit. EVE: Bootstrap: last resort off. */
static void it_is_wanted_when_switched_on_or_when_nothing_else_is_expected(void **state)
{
	static const struct {
		int other;
		bool stands, known, enabled, due, wanted;
	} rows[] = {
		{ USABLE, false, true, true, false, true }, /* switched on */
		{ WORKS, true, true, false, true, false }, /* switched off */
		{ NOTHING, false, true, false, false, false }, /* one is expected */
		{ NOTHING, false, true, false, true, true }, /* none is */
		{ NOTHING, false, false, false, true, true }, /* not even items */
		{ NOTHING, true, true, false, false, true }, /* stays over a restart */
		{ USELESS, false, true, false, true, false }, /* it was asked for, as in EVE */
		{ USELESS, true, true, false, true, true }, /* until there is one that works */
		{ USABLE, true, true, false, true, true },
		{ WORKS, true, false, false, true, true }, /* until it is known to be off */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(wanted(rows[i].other, rows[i].stands, rows[i].known,
					rows[i].enabled, rows[i].due),
				 rows[i].wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_free_ethernet_is_a_management_port_by_dhcp),
		cmocka_unit_test(what_is_not_a_free_ethernet_is_left_alone),
		cmocka_unit_test(a_port_of_a_bond_of_ours_counts_and_of_a_foreign_one_does_not),
		cmocka_unit_test(more_interfaces_than_ports_are_cut_off),
		cmocka_unit_test(it_is_wanted_when_switched_on_or_when_nothing_else_is_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
