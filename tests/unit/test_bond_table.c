/* SPDX-License-Identifier: Apache-2.0 */
/* Bonds as the kernel tells of them, to what is told of them. */
#include "tests/unit/golden.h"

#include <string.h>

#include "base/arena.h"
#include "base/pbjson.h"
#include "cmd/edgeway/bond_view.h"
#include "nim/bond/bond_table.h"
#include "status.pb-c.h"

#define ACTOR_AND_PARTNER 0x3d /* in step, collecting, distributing */

static const char proc[] = "Ethernet Channel Bonding Driver: v6.1\n"
			   "\n"
			   "802.3ad info\n"
			   "LACP rate: fast\n"
			   "\n"
			   "Slave Interface: eth1\n"
			   "MII Status: up\n"
			   "Actor Churn State: none\n"
			   "Partner Churn State: churned\n"
			   "Actor Churned Count: 0\n"
			   "Partner Churned Count: 2\n"
			   "\n"
			   "Slave Interface: eth10\n"
			   "Actor Churn State: monitoring\n"
			   "Partner Churn State: monitoring\n"
			   "Actor Churned Count: 7\n"
			   "Partner Churned Count: 0";

struct world {
	struct nim_bond_table table;
	struct bond_state bond;
	struct bond_member_state member[2];
};

static bool put(struct world *w)
{
	struct bond_member_state member;
	struct bond_state bond;
	bool changed = nim_bond_put(&w->table, &w->bond, &bond);

	for (int i = 0; i < 2; i++)
		changed = nim_bond_put_member(&w->table, &w->member[i], &member) || changed;
	return changed;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->bond = (struct bond_state){
		.settings = { .ifname = IFNAME("lag"), .mode = DP_BOND_8023AD, .miimon_ms = 100 },
		.ifindex = 7,
		.lacp = { .aggregator = 1, .ports = 2, .actor_key = 9, .partner_key = 15 },
	};
	w->bond.lacp.partner.byte[5] = 1;
	w->member[0] = (struct bond_member_state){ .ifname = IFNAME("eth1"), .ifindex = 3 };
	w->member[1] = (struct bond_member_state){ .ifname = IFNAME("eth10"), .ifindex = 2 };
	for (int i = 0; i < 2; i++) {
		w->member[i].master = 7;
		w->member[i].aggregator = 1;
		w->member[i].active = true;
		w->member[i].actor_state = w->member[i].partner_state = ACTOR_AND_PARTNER;
	}
	assert_true(put(w));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	nim_bond_table_fini(&w->table);
	free(w);
	return 0;
}

static void only_news_are_changes(void **state)
{
	struct bond_member_state was = { .ifindex = 0 };
	struct world *w = *state;

	assert_false(put(w));
	w->member[1].mii = BOND_MII_DOWN;
	assert_true(put(w));
	assert_false(put(w));
	w->bond.settings.arp_targets[3].s_addr = 5;
	assert_true(put(w));
	assert_false(nim_bond_remove(&w->table, 99, &was));
	assert_true(nim_bond_remove(&w->table, 2, &was));
	assert_int_equal(was.master, 7);
	assert_int_equal(was.mii, BOND_MII_DOWN);
	assert_true(nim_bond_remove(&w->table, 7, &was));
	assert_null(nim_bond_find(&w->table, 7));
}

static void it_settles_when_all_that_work_are_in_step(void **state)
{
	struct world *w = *state;

	assert_false(nim_bond_unsettled(&w->table, nim_bond_find(&w->table, 7)));
	w->member[0].aggregator = 2;
	put(w);
	assert_true(nim_bond_unsettled(&w->table, nim_bond_find(&w->table, 7)));
	w->member[0].mii = BOND_MII_DOWN; /* … which need not come */
	put(w);
	assert_false(nim_bond_unsettled(&w->table, nim_bond_find(&w->table, 7)));
	w->member[1].partner_state = 0x45;
	put(w);
	assert_true(nim_bond_unsettled(&w->table, nim_bond_find(&w->table, 7)));
	w->bond.settings.mode = DP_BOND_TLB;
	put(w);
	assert_false(nim_bond_unsettled(&w->table, nim_bond_find(&w->table, 7)));
}

/* EVE's netmonitor: bonding parser. */
static void churn_is_read_by_member(void **state)
{
	struct world *w = *state;
	const struct nim_bond_member *one = w->table.members[0], *ten = w->table.members[1];

	assert_true(nim_bond_read_churn(&w->table, proc));
	assert_false(nim_bond_read_churn(&w->table, proc));
	assert_int_equal(one->actor.state, NIM_CHURN_NONE);
	assert_int_equal(one->partner.state, NIM_CHURN_CHURNED);
	assert_int_equal(one->partner.count, 2);
	assert_int_equal(ten->actor.state, NIM_CHURN_MONITORING);
	assert_int_equal(ten->actor.count, 7);
	assert_false(nim_bond_read_churn(&w->table, ""));
	assert_false(
		nim_bond_read_churn(&w->table, "Slave Interface: eth2\nActor Churned Count: 9"));
	assert_true(
		nim_bond_read_churn(&w->table, "Slave Interface: eth1\nActor Churned Count: 9"));
}

static void no_more_members_than_there_are_ports(void **state)
{
	struct bond_member_state was, m = { .master = 7 };
	struct world *w = *state;

	for (m.ifindex = 100; m.ifindex < 100 + 2 * NIM_BOND_MEMBERS; m.ifindex++)
		nim_bond_put_member(&w->table, &m, &was);
	assert_int_equal(w->table.nmembers, NIM_BOND_MEMBERS);
}

static void print(const char *name, const char *text, void *arg)
{
	strbuf_addf(arg, "%-8s %s\n", name, text);
}

static void show(const struct world *w, struct nim_config *config, struct strbuf *out)
{
	Ew__DeviceNetworkStatus status = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__PortStatus port = EW__PORT_STATUS__INIT;
	struct arena arena = { 0 };

	port.ifindex = 7;
	status.ports = (Ew__PortStatus *[]){ &port };
	status.n_ports = 1;
	nim_bond_table_status(&w->table, config, &status, &arena);
	assert_non_null(port.bond);
	pbjson_format(&port.bond->base, PBJSON_PRETTY, out);
	strbuf_addc(out, '\n');
	bond_view(port.bond, print, out);
	arena_fini(&arena);
}

/* EVE's netmonitor: bonding parser. */
static void status_is_as_drawn(void **state)
{
	_cleanup_(freep) struct nim_config *config = xcalloc(1, sizeof(*config));
	struct strbuf out = STRBUF_INIT;
	struct world *w = *state;

	config->nports = 2;
	config->ports[0] = (struct nim_port){ .label = "lag",
					      .ifname = IFNAME("lag"),
					      .lower = NIM_LOWER_BOND };
	config->ports[1] = (struct nim_port){ .label = "left", .ifname = IFNAME("eth1") };
	nim_bond_read_churn(&w->table, proc);
	show(w, config, &out);
	w->bond.settings = (struct dp_bond){ .ifname = IFNAME("lag"),
					     .mode = DP_BOND_ACTIVE_BACKUP,
					     .arp_interval_ms = 200,
					     .arp_targets = { { htonl(0x0a000001) } } };
	w->bond.active = 3;
	w->bond.arp_missed_max = 2;
	w->member[1].active = false;
	w->member[1].mii = BOND_MII_DOWN;
	w->member[1].link_failures = 4;
	put(w);
	show(w, config, &out);
	golden_text("bond_status", out.str);
	strbuf_fini(&out);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_news_are_changes),   TEST(it_settles_when_all_that_work_are_in_step),
		TEST(churn_is_read_by_member), TEST(no_more_members_than_there_are_ports),
		TEST(status_is_as_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
