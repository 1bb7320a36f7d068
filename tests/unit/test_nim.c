/* SPDX-License-Identifier: Apache-2.0 */
/* nim's pure halves: config and facts in, view, graphs and status out. */
#include "tests/unit/golden.h"

#include "base/arena.h"
#include "base/pbjson.h"
#include "config.pb-c.h"
#include "dataplane/lease.h"
#include "nim/intent.h"
#include "nim/status.h"
#include "status.pb-c.h"
#include "tests/unit/addresses.h"

/* Two uplinks and a VLAN: eth0 by DHCP, eth1 static and dearer, eth1.10 for apps only. */
static const char config_json[] =
	"{'source':'zedagent','ports':["
	" {'logicallabel':'wan-a','ifname':'eth0','is_mgmt':true,'is_l3':true,'dhcp':'DHCP_CLIENT'}"
	","
	" {'logicallabel':'wan-b','ifname':'eth1','is_mgmt':true,'is_l3':true,'cost':10,'mtu':1400,"
	"  'dhcp':'DHCP_STATIC','addresses':['192.0.2.2/24','192.0.2.3/24','2001:db8::2/64'],"
	"  'gateways':['192.0.2.1','2001:db8::1'],'dns_servers':['192.0.2.53'],"
	"  'shared_labels':['factory']},"
	" {'logicallabel':'cam','ifname':'eth1.10','is_l3':true,'dhcp':'DHCP_STATIC',"
	"  'ip_versions':'IP_V4_ONLY','addresses':['10.10.0.1/24'],"
	"  'vlan':{'parent':'wan-b','vid':10}}]}";

struct world {
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
};

static Ew__DevicePortConfig *parse(const char *json)
{
	_cleanup_(freep) char *text = xstrdup(json);
	struct pbjson_error err;
	ProtobufCMessage *msg = NULL;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (pbjson_parse(&ew__device_port_config__descriptor, text, strlen(text), &msg, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	return (Ew__DevicePortConfig *)msg;
}

static void load(struct world *w, const char *json)
{
	Ew__DevicePortConfig *msg = parse(json);

	nim_config_load(&w->config, msg);
	for (unsigned int i = 0; i < w->config.nports; i++)
		w->config.ports[i].number = (uint8_t)(i + 1);
	nim_facts_follow(&w->facts, &w->config);
	ew__device_port_config__free_unpacked(msg, NULL);
}

static void add_address(struct nim_iface *iface, const char *s)
{
	struct prefix p = prefix(s);

	nim_iface_add_addr(iface, &p);
}

static void bring_up(struct world *w)
{
	struct dp_lease lease = { .routers = 1, .dnss = 1, .domain = "example.net" };

	lease.router[0] = address("198.51.100.1");
	lease.dns[0] = address("198.51.100.53");
	for (unsigned int i = 0; i < w->config.nports; i++) {
		w->facts.ifaces[i].ifindex = i + 2;
		w->facts.ifaces[i].up = w->facts.ifaces[i].carrier = true;
	}
	add_address(&w->facts.ifaces[0], "198.51.100.7/24");
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, &lease);
	add_address(&w->facts.ifaces[1], "192.0.2.2/24");
	add_address(&w->facts.ifaces[1], "192.0.2.3/24");
	add_address(&w->facts.ifaces[1], "2001:db8::2/64");
	add_address(&w->facts.ifaces[2], "10.10.0.1/24");
	nim_view(&w->config, &w->facts, &w->view);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	load(w, config_json);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* EVE's portprober: single and multiple routes. */
static void lowest_cost_port_that_works_is_the_default(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_int_equal(w->view.default4, 0);
	assert_int_equal(w->view.default6, 1);
	w->facts.ifaces[0].carrier = false;
	nim_view(&w->config, &w->facts, &w->view);
	assert_int_equal(w->view.default4, 1);
	w->facts.ifaces[1].up = false;
	nim_view(&w->config, &w->facts, &w->view);
	assert_int_equal(w->view.default4, -1);
	assert_int_equal(w->view.default6, -1);
}

static void management_comes_before_cheaper_app_ports(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_int_equal(w->view.ports[2].rank, 2);
	w->config.ports[0].is_mgmt = w->config.ports[1].is_mgmt = false;
	nim_view(&w->config, &w->facts, &w->view);
	assert_int_equal(w->view.ports[0].rank, 0);
	assert_int_equal(w->view.ports[2].rank, 1);
	assert_int_equal(w->view.ports[1].rank, 2);
}

static void port_without_address_or_gateway_is_not_usable(void **state)
{
	struct world *w = *state;
	struct prefix p = prefix("198.51.100.7/24");

	bring_up(w);
	assert_true(w->view.ports[0].usable4);
	assert_false(w->view.ports[0].usable6);
	assert_false(w->view.ports[2].usable4);
	nim_iface_remove_addr(&w->facts.ifaces[0], &p);
	nim_view(&w->config, &w->facts, &w->view);
	assert_false(w->view.ports[0].usable4);
	add_address(&w->facts.ifaces[0], "198.51.100.7/24");
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, NULL);
	nim_view(&w->config, &w->facts, &w->view);
	assert_false(w->view.ports[0].usable4);
}

/* dev: NULL if no default route has that metric. */
static void assert_default_route(const char *graph, unsigned int metric, const char *dev)
{
	_cleanup_(freep) char *start = xasprintf("route 4/254/0.0.0.0/0/%u ", metric);
	const char *line = strstr(graph, start);
	_cleanup_(freep) char *end = xasprintf(" dev=%s onlink\n", dev ?: "");

	if (!dev) {
		assert_null(line);
		return;
	}
	assert_non_null(line);
	assert_memory_equal(strchr(line, '\n') + 1 - strlen(end), end, strlen(end));
}

/* By usage first, then by cost; each port has a metric of its own. */
static void RouteMetrics(void **state)
{
	struct world *w = *state;
	struct strbuf out = STRBUF_INIT;

	load(w, "{'ports':["
		"{'logicallabel':'apps','ifname':'eth0','is_l3':true,"
		" 'dhcp':'DHCP_STATIC','addresses':['10.0.0.2/24'],'gateways':['10.0.0.1']},"
		"{'logicallabel':'dear','ifname':'eth1','is_mgmt':true,'is_l3':true,'cost':200,"
		" 'dhcp':'DHCP_STATIC','addresses':['10.0.1.2/24'],'gateways':['10.0.1.1']},"
		"{'logicallabel':'cheap','ifname':'eth2','is_mgmt':true,'is_l3':true,'cost':3,"
		" 'dhcp':'DHCP_STATIC','addresses':['10.0.2.2/24'],'gateways':['10.0.2.1']},"
		"{'logicallabel':'as-dear','ifname':'eth3','is_mgmt':true,'is_l3':true,'cost':200,"
		" 'dhcp':'DHCP_STATIC','addresses':['10.0.3.2/24'],'gateways':['10.0.3.1']},"
		"{'logicallabel':'inside','ifname':'eth4','is_mgmt':true,'is_l3':true,"
		" 'dhcp':'DHCP_STATIC','addresses':['10.0.4.2/24']}]}");
	for (unsigned int i = 0; i < w->config.nports; i++) {
		_cleanup_(freep) char *mine = xasprintf("10.0.%u.2/24", i);

		w->facts.ifaces[i].ifindex = i + 2;
		w->facts.ifaces[i].up = w->facts.ifaces[i].carrier = true;
		add_address(&w->facts.ifaces[i], mine);
	}
	nim_view(&w->config, &w->facts, &w->view);
	golden_graph(nim_intent_node(&w->config, &w->view), &out);
	assert_default_route(out.str, 5000, NULL); /* inside has no gateway */
	assert_default_route(out.str, 5001, "eth2");
	assert_default_route(out.str, 5002, "eth1");
	assert_default_route(out.str, 5003, "eth3");
	assert_default_route(out.str, 10004, "eth0");
	strbuf_fini(&out);
}

static void no_default_route_port_carries_none(void **state)
{
	struct world *w = *state;

	w->config.ports[1].no_default_route = true;
	bring_up(w);
	assert_false(w->view.ports[1].usable4);
	assert_false(ipaddr_is_set(&w->view.ports[1].gateway4));
}

static void router_advertisement_is_the_last_source_of_a_gateway(void **state)
{
	struct world *w = *state;
	struct dp_lease lease = { .routers = 1 };

	add_address(&w->facts.ifaces[0], "2001:db8:a::5/64");
	w->facts.ifaces[0].ra_gateway = address("fe80::1");
	bring_up(w);
	assert_true(w->view.ports[0].usable6);
	assert_int_equal(w->view.default6, 0);
	lease.router[0] = address("fe80::2");
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET6, &lease);
	nim_view(&w->config, &w->facts, &w->view);
	assert_true(ipaddr_equal(&w->view.ports[0].gateway6, &lease.router[0]));
}

static void facts_follow_ports_that_move(void **state)
{
	struct world *w = *state;
	struct nim_port first;

	bring_up(w);
	first = w->config.ports[0];
	w->config.ports[0] = w->config.ports[1];
	w->config.ports[1] = first;
	nim_facts_follow(&w->facts, &w->config);
	assert_string_equal(w->facts.ifaces[1].ifname.str, "eth0");
	assert_int_equal(w->facts.ifaces[1].naddrs, 1);
	assert_int_equal(w->facts.ifaces[0].naddrs, 3);
}

static void address_facts_are_a_set(void **state)
{
	struct world *w = *state;
	struct nim_iface *iface = &w->facts.ifaces[0];
	struct prefix p = prefix("10.0.0.1/24");

	for (int i = 0; i < 2 * NIM_ADDRS; i++) {
		char s[32];

		snprintf(s, sizeof(s), "10.0.0.%d/24", i + 1);
		add_address(iface, s);
		add_address(iface, s);
	}
	assert_int_equal(iface->naddrs, NIM_ADDRS);
	nim_iface_remove_addr(iface, &p);
	nim_iface_remove_addr(iface, &p);
	assert_int_equal(iface->naddrs, NIM_ADDRS - 1);
}

static void bad_ports_keep_their_error(void **state)
{
	struct world *w = *state;

	load(w, "{'ports':["
		" {'logicallabel':'a','ifname':'eth0','addresses':['10.0.0.1/33']},"
		" {'logicallabel':'b','ifname':'name-that-is-too-long'},"
		" {'logicallabel':'c','ifname':'c.1','vlan':{'parent':'nobody','vid':1}},"
		" {'logicallabel':'d','ifname':'d.0','vlan':{'parent':'a','vid':4095}},"
		" {'logicallabel':'e','ifname':'eth5'},{'logicallabel':'e','ifname':'eth6'},"
		" {'logicallabel':'f','ifname':'eth7'},{'logicallabel':'g','ifname':'eth7'},"
		" {'logicallabel':'h','ifname':'eth8','error':'said so'}]}");
	assert_string_equal(w->config.ports[0].error, "bad address: 10.0.0.1/33");
	assert_string_equal(w->config.ports[1].error, "bad interface name: name-that-is-too-long");
	assert_string_equal(w->config.ports[2].error, "lower layer not found: nobody");
	assert_string_equal(w->config.ports[3].error, "VLAN id is not in 1..4094: 4095");
	assert_string_equal(w->config.ports[4].error, "label used twice: e");
	assert_string_equal(w->config.ports[5].error, "label used twice: e");
	assert_string_equal(w->config.ports[6].error, "interface used twice: eth7");
	assert_string_equal(w->config.ports[8].error, "said so");
	nim_view(&w->config, &w->facts, &w->view);
	for (unsigned int i = 0; i < w->config.nports; i++) {
		struct strbuf out = STRBUF_INIT;

		golden_graph(nim_intent_port(&w->config, &w->facts, &w->view, i), &out);
		assert_null(strstr(strbuf_str(&out), "linkset"));
		strbuf_fini(&out);
	}
}

/* EVE's dpcreconciler: one Ethernet. */
static void graphs_are_as_drawn(void **state)
{
	struct world *w = *state;
	struct strbuf out = STRBUF_INIT;

	bring_up(w);
	for (unsigned int i = 0; i < w->config.nports; i++)
		golden_graph(nim_intent_port(&w->config, &w->facts, &w->view, i), &out);
	golden_graph(nim_intent_node(&w->config, &w->view), &out);
	golden_text("nim_graphs", strbuf_str(&out));
	strbuf_fini(&out);
}

/* EVE's dpcreconciler: VLAN and bond ordering. */
static void bond_has_its_members(void **state)
{
	struct world *w = *state;
	struct strbuf out = STRBUF_INIT;

	load(w, "{'ports':[{'logicallabel':'m0','ifname':'eth0'},"
		"{'logicallabel':'m1','ifname':'eth1'},"
		"{'logicallabel':'lag','ifname':'bond1','is_l3':true,'dhcp':'DHCP_CLIENT',"
		" 'bond':{'members':['m0','m1'],'mode':'BOND_802_3AD','lacp_fast':true,'mii':true}}"
		"]}");
	nim_view(&w->config, &w->facts, &w->view);
	golden_graph(nim_intent_port(&w->config, &w->facts, &w->view, 2), &out);
	golden_text("nim_bond", strbuf_str(&out));
	strbuf_fini(&out);
}

/* EVE's dpcreconciler: empty args. */
static void no_ports_want_nothing(void **state)
{
	struct world *w = *state;
	struct strbuf out = STRBUF_INIT;

	nim_config_load(&w->config, NULL);
	nim_view(&w->config, &w->facts, &w->view);
	golden_graph(nim_intent_node(&w->config, &w->view), &out);
	assert_null(strstr(strbuf_str(&out), "sysctl"));
	strbuf_fini(&out);
}

static void status_says_what_is_wrong(void **state)
{
	struct world *w = *state;
	struct arena arena = { 0 };
	Ew__DeviceNetworkStatus *s;

	nim_view(&w->config, &w->facts, &w->view);
	s = nim_status(&w->config, &w->facts, &w->view, &arena);
	assert_string_equal(s->ports[0]->error, "interface not found");
	assert_string_equal(s->default_port4, "");
	bring_up(w);
	w->facts.ifaces[2].carrier = false;
	snprintf(w->facts.ifaces[1].problem, sizeof(w->facts.ifaces[1].problem), "route: no");
	nim_view(&w->config, &w->facts, &w->view);
	s = nim_status(&w->config, &w->facts, &w->view, &arena);
	assert_string_equal(s->ports[0]->error, "");
	assert_string_equal(s->ports[1]->error, "route: no");
	assert_string_equal(s->ports[2]->error, "no carrier");
	assert_string_equal(s->default_port4, "wan-a");
	arena_fini(&arena);
}

/* Management goes on: addresses, routes and the default route are as they were. */
static void a_port_over_its_quota_carries_no_flows_of_apps(void **state)
{
	struct world *w = *state;
	struct strbuf before = STRBUF_INIT, over = STRBUF_INIT;
	struct arena arena = { 0 };

	bring_up(w);
	golden_graph(nim_intent_port(&w->config, &w->facts, &w->view, 1), &before);
	assert_non_null(strstr(strbuf_str(&before), "fwmark"));
	w->facts.ifaces[1].over_quota = true;
	nim_view(&w->config, &w->facts, &w->view);
	assert_true(w->view.ports[1].usable4 && w->view.ports[1].usable6);
	golden_graph(nim_intent_port(&w->config, &w->facts, &w->view, 1), &over);
	assert_null(strstr(strbuf_str(&over), "fwmark"));
	assert_non_null(strstr(strbuf_str(&over), "route 4/502/0.0.0.0/0/0"));
	assert_true(nim_status(&w->config, &w->facts, &w->view, &arena)->ports[1]->over_quota);
	strbuf_fini(&before);
	strbuf_fini(&over);
	arena_fini(&arena);
}

static bool downloads_by(const struct world *w, unsigned int port)
{
	struct arena arena = { 0 };
	bool may = nim_status(&w->config, &w->facts, &w->view, &arena)->ports[port]->for_downloads;

	arena_fini(&arena);
	return may;
}

static void dear_ports_and_those_of_apps_are_not_for_downloads(void **state)
{
	Ew__GlobalConfig__ItemsEntry item = EW__GLOBAL_CONFIG__ITEMS_ENTRY__INIT;
	Ew__GlobalConfig__ItemsEntry *list[] = { &item };
	Ew__GlobalConfig msg = EW__GLOBAL_CONFIG__INIT;
	struct nim_switches switches = { 0 };
	struct world *w = *state;

	item.key = (char *)"network.download.max.cost";
	item.value = (char *)"10";
	msg.items = list;
	msg.n_items = 1;
	nim_switches_load(&switches, NULL);
	assert_int_equal(switches.download_max_cost, 0);
	assert_true(nim_switches_load(&switches, &msg));
	assert_int_equal(switches.download_max_cost, 10);
	assert_false(nim_switches_load(&switches, &msg));
	bring_up(w);
	nim_view(&w->config, &w->facts, &w->view);
	assert_true(downloads_by(w, 0));
	assert_false(downloads_by(w, 1)); /* costs 10 */
	w->config.download_max_cost = 9;
	assert_false(downloads_by(w, 1));
	w->config.download_max_cost = 10;
	assert_true(downloads_by(w, 1));
	assert_false(downloads_by(w, 2)); /* for apps only */
	w->facts.ifaces[1].carrier = false;
	nim_view(&w->config, &w->facts, &w->view);
	assert_false(downloads_by(w, 1));
}

static void status_is_as_drawn(void **state)
{
	struct world *w = *state;
	struct arena arena = { 0 };
	struct strbuf out = STRBUF_INIT;

	bring_up(w);
	pbjson_format(&nim_status(&w->config, &w->facts, &w->view, &arena)->base, PBJSON_PRETTY,
		      &out);
	strbuf_addc(&out, '\n');
	golden_text("nim_status", strbuf_str(&out));
	strbuf_fini(&out);
	arena_fini(&arena);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lowest_cost_port_that_works_is_the_default),
		TEST(management_comes_before_cheaper_app_ports),
		TEST(port_without_address_or_gateway_is_not_usable),
		TEST(RouteMetrics),
		TEST(no_default_route_port_carries_none),
		TEST(router_advertisement_is_the_last_source_of_a_gateway),
		TEST(facts_follow_ports_that_move),
		TEST(address_facts_are_a_set),
		TEST(bad_ports_keep_their_error),
		TEST(graphs_are_as_drawn),
		TEST(bond_has_its_members),
		TEST(no_ports_want_nothing),
		TEST(status_says_what_is_wrong),
		TEST(a_port_over_its_quota_carries_no_flows_of_apps),
		TEST(dear_ports_and_those_of_apps_are_not_for_downloads),
		TEST(status_is_as_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
