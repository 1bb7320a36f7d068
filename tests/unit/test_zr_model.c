/* SPDX-License-Identifier: Apache-2.0 */
/* zedrouter's model: instances, apps and ports in any order; numbers, addresses, errors. */
#include "tests/unit/zr_world.h"

static const char ni_a[] = "{'uuid':'" NI_A "','displayname':'a','type':'NI_LOCAL','activate':true,"
			   "'port_label':'uplink','subnet':'10.1.0.0/24','gateway':'10.1.0.1',"
			   "'dhcp_start':'10.1.0.128','dhcp_end':'10.1.0.130'}";
static const char app_1[] =
	"{'uuid':'" APP_1 "','displayname':'one','activate':true,'adapters':[{'name':'eth0',"
	"'network_instance':'" NI_A "'}]}";
static const char app_2[] =
	"{'uuid':'" APP_2 "','displayname':'two','activate':true,'adapters':[{'name':'eth0',"
	"'network_instance':'" NI_A "'}]}";
static const char two_ports[] =
	"{'ports':["
	"{'logicallabel':'wan-a','ifname':'eth0','labels':['all','uplink'],'usable4':true,"
	" 'mtu':1500,'gateway4':'192.0.2.1','addresses':['192.0.2.7/24'],'mark':16777216},"
	"{'logicallabel':'wan-b','ifname':'eth1','labels':['all','uplink'],'usable4':true,"
	" 'cost':10,'mtu':1400,'gateway4':'198.51.100.1','addresses':['198.51.100.7/24']}]}";

static const char *addr_of(const struct zr_vif *vif)
{
	static char text[INET6_ADDRSTRLEN];

	return ipaddr_is_set(&vif->addr) ? ipaddr_str(&vif->addr, text) : "";
}

static void app_may_come_before_its_instance(void **state)
{
	struct zr_world *w = *state;

	zr_app(w, APP_1, app_1);
	assert_string_equal(zr_vif_of(w, APP_1, 0)->error, "network instance not found");
	assert_false(zr_vif_works(zr_vif_of(w, APP_1, 0)));
	zr_ni(w, NI_A, ni_a);
	assert_string_equal(zr_vif_of(w, APP_1, 0)->error, "");
	assert_true(zr_vif_works(zr_vif_of(w, APP_1, 0)));
	assert_string_equal(addr_of(zr_vif_of(w, APP_1, 0)), "10.1.0.128");
	zr_ni(w, NI_A, NULL);
	assert_string_equal(zr_vif_of(w, APP_1, 0)->error, "network instance not found");
}

static void names_and_macs_follow_the_numbers(void **state)
{
	struct zr_world *w = *state;
	struct strbuf mac = STRBUF_INIT;

	zr_ni(w, NI_A, ni_a);
	zr_app(w, APP_2, app_2);
	zr_app(w, APP_1, app_1);
	assert_string_equal(zr_model_ni(&w->model, NI_A)->bridge.str, "bn1");
	assert_string_equal(zr_vif_of(w, APP_2, 0)->ifname.str, "nbu1x1");
	assert_string_equal(zr_vif_of(w, APP_1, 0)->ifname.str, "nbu1x2");
	mac_format(&zr_vif_of(w, APP_1, 0)->mac, &mac);
	assert_string_equal(strbuf_str(&mac), "02:16:3e:00:02:01");
	strbuf_fini(&mac);
}

static void address_stays_when_the_config_is_sent_again(void **state)
{
	struct zr_world *w = *state;

	zr_ni(w, NI_A, ni_a);
	zr_app(w, APP_1, app_1);
	zr_app(w, APP_2, app_2);
	assert_string_equal(addr_of(zr_vif_of(w, APP_2, 0)), "10.1.0.129");
	zr_app(w, APP_1, NULL);
	zr_app(w, APP_2, app_2);
	zr_ni(w, NI_A, ni_a);
	assert_string_equal(addr_of(zr_vif_of(w, APP_2, 0)), "10.1.0.129");
	zr_app(w, APP_1, app_1);
	assert_string_equal(addr_of(zr_vif_of(w, APP_1, 0)), "10.1.0.128");
}

static void a_port_over_its_quota_is_not_for_apps(void **state)
{
	static const char over[] =
		"{'ports':["
		"{'logicallabel':'wan-a','labels':['uplink'],'usable4':true,'over_quota':true},"
		"{'logicallabel':'wan-b','labels':['uplink'],'usable4':true,'cost':10}]}";
	static const char both_over[] =
		"{'ports':["
		"{'logicallabel':'wan-a','labels':['uplink'],'usable4':true,'over_quota':true},"
		"{'logicallabel':'wan-b','labels':['uplink'],'usable4':true,'over_quota':true}]}";
	struct zr_world *w = *state;

	zr_ni(w, NI_A, ni_a);
	zr_ports(w, two_ports);
	assert_int_equal(zr_model_ni(&w->model, NI_A)->selected, 0);
	zr_model_ni(&w->model, NI_A)->dirty = false;
	zr_ports(w, over);
	assert_int_equal(zr_model_ni(&w->model, NI_A)->selected, 1);
	assert_true(zr_model_ni(&w->model, NI_A)->dirty);
	assert_false(zr_port_serves(&w->model.ports.port[0], "uplink")); /* nor for port maps */
	zr_ports(w, both_over);
	assert_int_equal(zr_model_ni(&w->model, NI_A)->selected, -1);
	zr_ports(w, two_ports);
	assert_int_equal(zr_model_ni(&w->model, NI_A)->selected, 0);
}

static void full_range_is_an_error_until_somebody_leaves(void **state)
{
	struct zr_world *w = *state;
	char uuid[40], json[300];

	zr_ni(w, NI_A, ni_a);
	for (unsigned int i = 0; i < 4; i++) {
		snprintf(uuid, sizeof(uuid), "app-%u", i);
		snprintf(json, sizeof(json),
			 "{'activate':true,'adapters':[{'network_instance':'%s'}]}", NI_A);
		zr_app(w, uuid, json);
	}
	assert_string_equal(zr_vif_of(w, "app-3", 0)->error, "no free IP addresses in DHCP range");
	zr_app(w, "app-1", NULL);
	zr_app(w, "app-3", json);
	assert_string_equal(addr_of(zr_vif_of(w, "app-3", 0)), "10.1.0.129");
}

static void who_waits_for_an_address_gets_it_when_somebody_leaves(void **state)
{
	struct zr_world *w = *state;
	char uuid[40], json[300];
	const struct zr_vif *waiting;

	zr_ni(w, NI_A, ni_a);
	for (unsigned int i = 0; i < 4; i++) {
		snprintf(uuid, sizeof(uuid), "app-%u", i);
		snprintf(json, sizeof(json),
			 "{'activate':true,'adapters':[{'network_instance':'%s'}]}", NI_A);
		zr_app(w, uuid, json);
	}
	waiting = zr_vif_of(w, "app-3", 0);
	assert_string_equal(waiting->error, "no free IP addresses in DHCP range");
	waiting->app->dirty = waiting->ni->dirty = false;
	zr_app(w, "app-1", json); /* sent again: it keeps what it has */
	assert_string_equal(addr_of(zr_vif_of(w, "app-1", 0)), "10.1.0.129");
	assert_false(waiting->app->dirty);
	zr_app(w, "app-1", NULL);
	assert_string_equal(addr_of(waiting), "10.1.0.129");
	assert_string_equal(waiting->error, "");
	assert_true(waiting->number && waiting->app->dirty && waiting->ni->dirty);
}

static void apps_may_swap_their_static_addresses(void **state)
{
	static const char at[] = "{'activate':true,'adapters':[{'network_instance':'" NI_A
				 "','address':'10.1.0.7'}]}";
	static const char behind[] = "{'activate':true,'adapters':[{'network_instance':'" NI_A
				     "','address':'10.1.0.8'}]}";
	struct zr_world *w = *state;

	zr_ni(w, NI_A, ni_a);
	zr_app(w, APP_1, at);
	zr_app(w, APP_2, behind);
	zr_app(w, APP_1, behind);
	assert_string_equal(zr_vif_of(w, APP_1, 0)->error, "static address is taken");
	zr_app(w, APP_2, at);
	assert_string_equal(addr_of(zr_vif_of(w, APP_1, 0)), "10.1.0.8");
	assert_string_equal(addr_of(zr_vif_of(w, APP_2, 0)), "10.1.0.7");
}

static void static_address_has_to_fit(void **state)
{
	struct zr_world *w = *state;
	static const struct {
		const char *addr, *error;
	} cases[] = {
		{ "10.1.0.77", "" },
		{ "10.2.0.77", "static address is not in the subnet" },
		{ "10.1.0.1", "static address is the gateway's" },
		{ "10.1.0.128", "static address is taken" },
	};

	zr_ni(w, NI_A, ni_a);
	zr_app(w, APP_1, app_1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char json[300];

		snprintf(json, sizeof(json),
			 "{'activate':true,'adapters':[{'network_instance':'%s','address':'%s'}]}",
			 NI_A, cases[i].addr);
		zr_app(w, APP_2, json);
		assert_string_equal(zr_vif_of(w, APP_2, 0)->error, cases[i].error);
	}
}

/* "0 1 | 2": ports in use, then the standby */
static const char *pick(const struct zr_ports *p, const char *label, int family, int current,
			bool sharing)
{
	struct zr_uplink u = { .family = (uint8_t)family, .sharing = sharing };
	static char text[64];
	size_t n = 0;

	snprintf(u.label, sizeof(u.label), "%s", label);
	zr_uplink_pick(p, current, &u);
	text[0] = '\0';
	for (unsigned int i = 0; i < u.count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%u", i ? " " : "",
				      i == u.in_use ? "| " : "", u.port[i]);
	return text;
}

static void cheapest_usable_port_with_the_label_is_chosen(void **state)
{
	struct zr_world *w = *state;
	struct zr_ports *p = &w->model.ports;

	zr_ports(w, two_ports);
	assert_string_equal(pick(p, "uplink", AF_INET, -1, false), "0 | 1");
	assert_string_equal(pick(p, "uplink", AF_INET, 1, false), "0 | 1");
	assert_string_equal(pick(p, "uplink", AF_INET6, -1, false), "");
	assert_string_equal(pick(p, "wan-b", AF_INET, -1, false), "1");
	assert_string_equal(pick(p, "", AF_INET, -1, false), "");
	assert_string_equal(pick(p, "nobody", AF_INET, -1, false), "");
	p->port[1].cost = 0;
	assert_string_equal(pick(p, "uplink", AF_INET, 1, false), "1 | 0");
	assert_string_equal(pick(p, "uplink", AF_INET, -1, false), "0 | 1");
	p->port[0].usable4 = false;
	assert_string_equal(pick(p, "uplink", AF_INET, 0, false), "1");
}

static void a_held_port_is_behind_the_others_of_its_label(void **state)
{
	struct zr_world *w = *state;
	struct zr_ports *p = &w->model.ports;

	zr_ports(w, two_ports);
	p->port[0].held4 = true;
	assert_string_equal(pick(p, "uplink", AF_INET, 0, false), "1 | 0");
	p->port[0].cost = p->port[1].cost;
	assert_string_equal(pick(p, "uplink", AF_INET, 0, true), "1 | 0");
	p->port[1].usable4 = false;
	assert_string_equal(pick(p, "uplink", AF_INET, 1, false), "0");
}

/* As in EVE: uplink and freeuplink lead to the controller; other labels may be of private networks. */
static void a_port_that_reaches_nobody_is_behind_the_others_for_uplink_only(void **state)
{
	struct zr_world *w = *state;
	struct zr_ports *p = &w->model.ports;

	zr_ports(w, two_ports);
	p->port[0].behind4 = true;
	p->port[1].held4 = true; /* held is better than that */
	assert_string_equal(pick(p, "uplink", AF_INET, 0, false), "1 | 0");
	assert_string_equal(pick(p, "all", AF_INET, 1, false), "0 | 1");
	assert_string_equal(pick(p, "wan-a", AF_INET, 0, false), "0");
	p->port[0].cost = p->port[1].cost;
	p->port[1].held4 = false;
	assert_string_equal(pick(p, "uplink", AF_INET, 0, true), "1 | 0");
	p->port[1].behind4 = true;
	assert_string_equal(pick(p, "uplink", AF_INET, 0, true), "0 1");
	p->port[1].usable4 = false;
	assert_string_equal(pick(p, "uplink", AF_INET, 1, false), "0");
}

static void only_ports_of_equal_cost_share(void **state)
{
	static const uint8_t costs[] = { 10, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0 };
	struct zr_ports *p = xcalloc(1, sizeof(*p));

	(void)state;
	for (; p->count < ARRAY_SIZE(costs); p->count++) {
		struct zr_port *port = &p->port[p->count];

		*port = (struct zr_port){ .usable4 = true, .cost = costs[p->count], .nlabels = 1 };
		strcpy(port->labels[0], "uplink");
	}
	p->count = 4;
	assert_string_equal(pick(p, "uplink", AF_INET, -1, true), "1 2 | 3");
	assert_string_equal(pick(p, "uplink", AF_INET, 2, true), "2 1 | 3");
	assert_string_equal(pick(p, "uplink", AF_INET, -1, false), "1 | 2");
	p->port[2].over_quota = true;
	assert_string_equal(pick(p, "uplink", AF_INET, 2, true), "1 | 3");
	p->port[1].usable4 = p->port[3].usable4 = false;
	assert_string_equal(pick(p, "uplink", AF_INET, 1, true), "0");
	p->port[1].usable4 = true;
	p->count = ARRAY_SIZE(costs); /* more than a group holds: the last place is the standby's */
	assert_string_equal(pick(p, "uplink", AF_INET, -1, true), "1 4 5 6 7 8 9 | 10");
	free(p);
}

static void those_who_name_one_label_follow_one_uplink(void **state)
{
	struct zr_world *w = *state;
	const struct zr_uplink *u;
	struct zr_ni *a, *b;

	zr_ports(w, two_ports);
	zr_ni(w, NI_A, ni_a);
	zr_ni(w, NI_B, ni_a);
	a = zr_model_ni(&w->model, NI_A);
	b = zr_model_ni(&w->model, NI_B);
	u = a->uplink;
	assert_non_null(u);
	assert_ptr_equal(b->uplink, u);
	assert_int_equal(u->users, 2);
	zr_ni(w, NI_A, NULL);
	zr_uplinks_purge(&w->model);
	assert_int_equal(u->users, 1);
	assert_int_equal(numbers_find(w->model.uplink_numbers, "uplink/-uplink"), u->number);
	zr_ni(w, NI_B, ni_a); /* the same again: nothing of it may change in between */
	zr_uplinks_purge(&w->model);
	assert_ptr_equal(zr_model_ni(&w->model, NI_B)->uplink, u);
	zr_ni(w, NI_B, NULL);
	zr_uplinks_purge(&w->model);
	assert_int_equal(numbers_find(w->model.uplink_numbers, "uplink/-uplink"), 0);
}

static void ports_of_a_static_route_concern_the_instance_too(void **state)
{
	struct zr_world *w = *state;
	struct zr_ni *ni;

	zr_ports(w, two_ports);
	zr_ni(w, NI_A,
	      "{'type':'NI_LOCAL','activate':true,'port_label':'wan-a','subnet':'10.1.0.0/24',"
	      "'gateway':'10.1.0.1','dhcp_start':'10.1.0.2','dhcp_end':'10.1.0.9',"
	      "'static_routes':[{'destination':'10.9.0.0/16','port_label':'wan-b'}]}");
	ni = zr_model_ni(&w->model, NI_A);
	ni->dirty = false;
	zr_ports(w, "{'ports':[{'logicallabel':'wan-a','labels':['uplink'],'usable4':true,"
		    "'mtu':1400}]}");
	assert_true(ni->dirty);
	assert_int_equal(ni->routes[0].uplink->in_use, 0);
}

static void port_change_touches_only_instances_that_may_use_it(void **state)
{
	struct zr_world *w = *state;
	struct zr_ni *a, *b;

	zr_ni(w, NI_A, ni_a);
	zr_ni(w, NI_B,
	      "{'type':'NI_LOCAL','activate':true,'subnet':'10.2.0.0/24',"
	      "'gateway':'10.2.0.1','dhcp_start':'10.2.0.2','dhcp_end':'10.2.0.9'}");
	a = zr_model_ni(&w->model, NI_A);
	b = zr_model_ni(&w->model, NI_B);
	a->dirty = b->dirty = false;
	zr_ports(w, two_ports);
	assert_true(a->dirty);
	assert_false(b->dirty);
	assert_int_equal(a->selected, 0);
	assert_int_equal(zr_ni_mtu(&w->model, a), 1400);
	assert_int_equal(zr_ni_mtu(&w->model, b), 1500);
	a->dirty = false;
	zr_ports(w, two_ports);
	assert_false(a->dirty);
}

/* 500 of them would not be made again for a cable. */
static void fail_over_makes_the_way_of_an_instance_again_and_no_more(void **state)
{
	static const char b_only[] =
		"{'ports':["
		"{'logicallabel':'wan-a','ifname':'eth0','labels':['all','uplink'],"
		" 'mtu':1500,'gateway4':'192.0.2.1','addresses':['192.0.2.7/24'],'mark':16777216},"
		"{'logicallabel':'wan-b','ifname':'eth1','labels':['all','uplink'],'usable4':true,"
		" 'cost':10,'mtu':1400,'gateway4':'198.51.100.1','addresses':['198.51.100.7/"
		"24']}]}";
	struct zr_world *w = *state;
	struct zr_ni *ni;
	struct zr_app *app;

	zr_ports(w, two_ports);
	zr_ni(w, NI_A, ni_a);
	zr_app(w, APP_1,
	       "{'activate':true,'adapters':[{'network_instance':'" NI_A "','acl':["
	       "{'id':1,'action':'ACL_PORTMAP','protocol':6,'lport_first':80,'lport_last':80,"
	       "'target_port':80}]}]}");
	ni = zr_model_ni(&w->model, NI_A);
	app = zr_model_app(&w->model, APP_1);
	ni->dirty = ni->way_dirty = ni->untold = app->dirty = false;
	zr_ports(w, b_only);
	assert_int_equal(ni->selected, 1);
	assert_false(ni->dirty || app->dirty);
	assert_true(ni->way_dirty && ni->untold);
}

#define GOOD                                                                                       \
	"{'type':'NI_LOCAL','subnet':'10.1.0.0/24','gateway':'10.1.0.1',"                          \
	"'dhcp_start':'10.1.0.2','dhcp_end':'10.1.0.9'"

static void bad_instances_say_why(void **state)
{
	struct zr_world *w = *state;
	static const struct {
		const char *json, *error;
	} cases[] = {
		{ "{'type':'NI_SWITCH'}", "only local network instances are supported" },
		{ "{'type':'NI_LOCAL','subnet':'x'}", "bad subnet: x" },
		{ "{'type':'NI_LOCAL','subnet':'10.0.0.0/24','gateway':'10.1.0.1'}",
		  "gateway is not in the subnet: 10.1.0.1" },
		{ "{'type':'NI_LOCAL','error':'said so'}", "said so" },
		{ GOOD ",'static_routes':[{'destination':'10.8.0.0/16','port_label':'a'},"
		       "{'destination':'10.8.1.0/16','port_label':'b'}]}",
		  "two static routes to one network: 10.8.1.0/16" },
		{ GOOD ",'static_routes':[{'destination':'10.1.0.0/24','gateway':'10.1.0.9'}]}",
		  "static route to the own subnet: 10.1.0.0/24" },
	};

	zr_app(w, APP_1, app_1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		zr_ni(w, NI_A, cases[i].json);
		assert_string_equal(zr_model_ni(&w->model, NI_A)->error, cases[i].error);
		assert_string_equal(zr_vif_of(w, APP_1, 0)->error, "network instance has an error");
	}
}

#define NEAR(addr) "{'ports':[{'logicallabel':'wan','addresses':['2001:db8::7/64','" addr "']}]}"

static void a_port_in_its_subnet_goes_before_an_instance(void **state)
{
	static const char json[] =
		"{'type':'NI_LOCAL','activate':true,'subnet':'10.1.0.0/24','gateway':'10.1.0.1',"
		"'dhcp_start':'10.1.0.2','dhcp_end':'10.1.0.9'}";
	static const char *const why =
		"subnet 10.1.0.0/24 overlaps that of port wan: 10.1.0.200/16";
	struct zr_world *w = *state;
	struct zr_app *app;
	struct zr_ni *ni;

	zr_ports(w, NEAR("10.2.0.7/16"));
	zr_ni(w, NI_A, json);
	zr_app(w, APP_1, app_1);
	ni = zr_model_ni(&w->model, NI_A);
	app = zr_model_app(&w->model, APP_1);
	assert_true(zr_ni_works(ni));
	ni->dirty = app->dirty = false;
	zr_ports(w, NEAR("10.1.0.200/16"));
	assert_string_equal(ni->conflict, why);
	assert_true(ni->dirty && app->dirty && !zr_ni_works(ni));
	assert_false(zr_vif_works(zr_vif_of(w, APP_1, 0)));
	zr_ni(w, NI_A, json);
	assert_string_equal(ni->conflict, why);
	ni->dirty = app->dirty = false;
	zr_ports(w, NEAR("10.1.0.200/16"));
	assert_false(ni->dirty || app->dirty);
	zr_ports(w, NEAR("10.2.0.7/16"));
	assert_true(ni->dirty && app->dirty && zr_vif_works(zr_vif_of(w, APP_1, 0)));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, zr_setup, zr_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(app_may_come_before_its_instance),
		TEST(names_and_macs_follow_the_numbers),
		TEST(address_stays_when_the_config_is_sent_again),
		TEST(a_port_over_its_quota_is_not_for_apps),
		TEST(full_range_is_an_error_until_somebody_leaves),
		TEST(who_waits_for_an_address_gets_it_when_somebody_leaves),
		TEST(apps_may_swap_their_static_addresses),
		TEST(static_address_has_to_fit),
		TEST(cheapest_usable_port_with_the_label_is_chosen),
		TEST(a_held_port_is_behind_the_others_of_its_label),
		TEST(a_port_that_reaches_nobody_is_behind_the_others_for_uplink_only),
		TEST(only_ports_of_equal_cost_share),
		TEST(those_who_name_one_label_follow_one_uplink),
		TEST(ports_of_a_static_route_concern_the_instance_too),
		TEST(port_change_touches_only_instances_that_may_use_it),
		TEST(fail_over_makes_the_way_of_an_instance_again_and_no_more),
		TEST(bad_instances_say_why),
		TEST(a_port_in_its_subnet_goes_before_an_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
