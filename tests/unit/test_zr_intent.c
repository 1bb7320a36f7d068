/* SPDX-License-Identifier: Apache-2.0 */
/* zedrouter's graphs, DHCP files and statuses against golden text. */
#include "tests/unit/zr_world.h"

#include "base/arena.h"
#include "zedrouter/acl.h"
#include "zedrouter/dnsmasq.h"

static const struct zr_intent_conf conf = { .table = "edgeway-zedrouter",
					    .run_dir = "/run/edgeway",
					    .owner = "zedrouter" };

#define TWO_PORTS(cost)                                                                            \
	"{'ports':[{'logicallabel':'wan','ifname':'eth0','labels':['all','uplink'],"               \
	"'is_mgmt':true,'usable4':true,'usable6':true,'mtu':1500,'mark':16777216,"                 \
	"'gateway4':'192.0.2.1','gateway6':'fe80::1',"                                             \
	"'addresses':['192.0.2.7/24','2001:db8::7/64']},"                                          \
	"{'logicallabel':'two','ifname':'eth1','labels':['all','uplink'],'cost':" cost             \
	",'usable4':true,'usable6':true,'mark':33554432,"                                          \
	"'gateway4':'198.51.100.1','gateway6':'fe80::2',"                                          \
	"'addresses':['198.51.100.7/24','2001:db8:2::7/64']}]}"

static void make_world(struct zr_world *w)
{
	zr_ports(w, "{'ports':[{'logicallabel':'wan','ifname':'eth0','labels':['all','uplink'],"
		    "'is_mgmt':true,'usable4':true,'usable6':true,'mtu':1500,'mark':16777216,"
		    "'gateway4':'192.0.2.1','gateway6':'fe80::1',"
		    "'addresses':['192.0.2.7/24','2001:db8::7/64'],"
		    "'dns_servers':['192.0.2.53','2001:db8::53'],'ntp_servers':['192.0.2.123']}]}");
	zr_ni(w, NI_A,
	      "{'displayname':'four','type':'NI_LOCAL','activate':true,"
	      "'port_label':'uplink','subnet':'10.1.0.0/24','gateway':'10.1.0.1',"
	      "'dhcp_start':'10.1.0.128','dhcp_end':'10.1.0.254','domain':'plant.example',"
	      "'propagate_connected_routes':true,"
	      "'static_dns':[{'name':'nas','addresses':['10.1.0.9']}],"
	      "'static_routes':[{'destination':'10.9.0.0/16','gateway':'10.1.0.130'},"
	      "{'destination':'10.8.0.0/16','port_label':'wan'}]}");
	zr_ni(w, NI_B,
	      "{'displayname':'six','type':'NI_LOCAL','activate':true,"
	      "'port_label':'uplink','subnet':'fd00:1::/64','gateway':'fd00:1::1',"
	      "'dhcp_start':'fd00:1::100','dhcp_end':'fd00:1::1ff'}");
	zr_app(w, APP_1,
	       "{'displayname':'My app','activate':true,'adapters':["
	       "{'name':'eth0','network_instance':'" NI_A "','acl':["
	       " {'id':1,'remote':'192.0.2.80','protocol':6,'fport_first':80,'fport_last':80},"
	       " {'id':2,'action':'ACL_PORTMAP','protocol':6,'lport_first':8080,"
	       "  'lport_last':8080,'target_port':80}]},"
	       "{'name':'eth1','network_instance':'" NI_B "','mac':'02:00:00:00:00:05',"
	       " 'acl':[{'id':3}]}]}");
}

/* Its own graph, then that of its way out, as the daemon makes them. */
static void draw_ni(struct zr_world *w, const char *uuid, struct strbuf *out)
{
	struct zr_ni *ni = zr_model_ni(&w->model, uuid);

	golden_graph(zr_intent_ni(&conf, &w->model, ni, &ni->stamps), out);
	golden_graph(zr_intent_way(&conf, &w->model, ni), out);
}

static void instance_graphs_are_as_drawn(void **state)
{
	struct zr_world *w = *state;
	struct strbuf out = STRBUF_INIT;

	make_world(w);
	draw_ni(w, NI_A, &out);
	strbuf_addc(&out, '\n');
	draw_ni(w, NI_B, &out);
	golden_text("zr_instances", strbuf_str(&out));
	strbuf_fini(&out);
}

static void draw_uplinks(struct zr_world *w, struct strbuf *out)
{
	golden_graph(zr_intent_uplinks(&w->model), out);
	strbuf_add(out, "\ninto the subnets:\n");
	golden_graph(zr_intent_links(&w->model), out);
}

static void uplinks_are_as_drawn(void **state)
{
	struct zr_world *w = *state;
	struct strbuf out = STRBUF_INIT;

	make_world(w);
	draw_uplinks(w, &out);
	strbuf_add(&out, "\na second port, dearer:\n");
	zr_ports(w, TWO_PORTS("10"));
	draw_uplinks(w, &out);
	strbuf_add(&out, "\nof the same cost, and one instance spreads its flows:\n");
	zr_ports(w, TWO_PORTS("0"));
	zr_ni(w, NI_B,
	      "{'displayname':'six','type':'NI_LOCAL','activate':true,'share_equal_cost':true,"
	      "'port_label':'uplink','subnet':'fd00:1::/64','gateway':'fd00:1::1',"
	      "'dhcp_start':'fd00:1::100','dhcp_end':'fd00:1::1ff'}");
	draw_uplinks(w, &out);
	strbuf_add(&out, "\nroutes of that instance:\n");
	draw_ni(w, NI_B, &out);
	golden_text("zr_uplinks", strbuf_str(&out));
	strbuf_fini(&out);
}

static void vrf_replaces_the_interface_rule(void **state)
{
	struct zr_world *w = *state;
	struct strbuf out = STRBUF_INIT;

	make_world(w);
	w->model.vrf = true;
	draw_ni(w, NI_A, &out);
	assert_non_null(strstr(strbuf_str(&out), "vrf vrf1 "));
	assert_null(strstr(strbuf_str(&out), "iif=bn1"));
	strbuf_fini(&out);
}

/* Without it no server could bind an address that is local only inside a VRF. */
static void vrfs_let_servers_bind_their_addresses(void **state)
{
	struct zr_world *w = *state;
	struct strbuf out = STRBUF_INIT;

	make_world(w);
	golden_graph(zr_intent_node(&conf, &w->model), &out);
	assert_null(strstr(strbuf_str(&out), "ip_nonlocal_bind"));
	strbuf_reset(&out);
	w->model.vrf = true;
	golden_graph(zr_intent_node(&conf, &w->model), &out);
	assert_non_null(strstr(strbuf_str(&out), "net/ipv4/ip_nonlocal_bind value=\"1\""));
	assert_non_null(strstr(strbuf_str(&out), "net/ipv6/ip_nonlocal_bind value=\"1\""));
	strbuf_fini(&out);
}

static void draw_rules(const struct zr_world *w, const struct zr_vif *vif, struct strbuf *why,
		       struct strbuf *out)
{
	_cleanup_(zr_acl_freep) struct zr_acl *acl =
		zr_vif_works(vif) ? zr_vif_acl(vif, why) : NULL;

	golden_graph(zr_intent_vif_rules(&conf, &w->model, vif, acl), out);
}

static void app_interfaces_are_as_drawn(void **state)
{
	struct zr_world *w = *state;
	struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;

	make_world(w);
	for (unsigned int i = 0; i < 2; i++) {
		const struct zr_vif *vif = zr_vif_of(w, APP_1, i);

		draw_rules(w, vif, &why, &out);
		golden_graph(zr_intent_vif_port(vif), &out);
		strbuf_addc(&out, '\n');
	}
	assert_string_equal(strbuf_str(&why), "");
	golden_text("zr_vifs", strbuf_str(&out));
	strbuf_fini(&out);
	strbuf_fini(&why);
}

static void server_files_are_as_drawn(void **state)
{
	struct zr_world *w = *state;
	const struct zr_dnsmasq_paths paths = { "/h", "/d", "/o", "/s" };
	static const char *const uuids[] = { NI_A, NI_B };
	struct strbuf out = STRBUF_INIT;

	make_world(w);
	for (size_t i = 0; i < ARRAY_SIZE(uuids); i++) {
		const struct zr_ni *ni = zr_model_ni(&w->model, uuids[i]);

		zr_dnsmasq_conf(&w->model, ni, &paths, conf.table, &out);
		strbuf_add(&out, "---- hosts\n");
		zr_dnsmasq_hosts(ni, &out);
		strbuf_add(&out, "---- dhcp-hosts\n");
		zr_dnsmasq_dhcp_hosts(ni, &out);
		strbuf_add(&out, "---- options\n");
		zr_dnsmasq_options(&w->model, ni, &out);
		strbuf_add(&out, "---- servers\n");
		zr_dnsmasq_servers(&w->model.ports, ni->uplink, &out);
		strbuf_add(&out, "----\n");
	}
	golden_text("zr_dnsmasq", strbuf_str(&out));
	strbuf_fini(&out);
}

/* The server of the instance has their sets, the rules of the app ask them. */
static void hosts_of_access_lists_are_as_drawn(void **state)
{
	struct zr_world *w = *state;
	const struct zr_dnsmasq_paths paths = { "/h", "/d", "/o", "/s" };
	_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;
	const struct zr_ni *ni;

	make_world(w);
	zr_ni(w, NI_A,
	      "{'displayname':'four','type':'NI_LOCAL','activate':true,'port_label':'uplink',"
	      "'subnet':'10.1.0.0/24','gateway':'10.1.0.1','dhcp_start':'10.1.0.128',"
	      "'dhcp_end':'10.1.0.254',"
	      "'static_dns':[{'name':'nas.plant.example','addresses':['10.1.0.9']}]}");
	zr_app(w, APP_1,
	       "{'displayname':'My app','activate':true,'adapters':["
	       "{'name':'eth0','network_instance':'" NI_A "','acl':["
	       " {'id':1,'host':'bad.web.example','action':'ACL_DROP'},"
	       " {'id':2,'host':'Web.example','protocol':6,'fport_first':80,'fport_last':81},"
	       " {'id':3,'remote':'198.51.100.0/24','action':'ACL_DROP'},"
	       " {'id':4,'host':'plant.example','remote':'10.0.0.0/8','direction':'ACL_EGRESS'},"
	       " {'id':5,'host':'my-app'},"
	       " {'id':6,'host':'web.example','protocol':17,'action':'ACL_LIMIT',"
	       "  'limit_rate':10,'limit_unit_s':1,'limit_burst':20}]}]}");
	ni = zr_model_ni(&w->model, NI_A);
	zr_dnsmasq_conf(&w->model, ni, &paths, conf.table, &out);
	draw_ni(w, NI_A, &out);
	draw_rules(w, zr_vif_of(w, APP_1, 0), &why, &out);
	assert_string_equal(strbuf_str(&why), "");
	golden_text("zr_hosts", strbuf_str(&out));
}

static void hosts_without_a_server_open_nothing(void **state)
{
	struct zr_world *w = *state;
	_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;

	make_world(w);
	zr_ni(w, NI_A,
	      "{'displayname':'four','type':'NI_LOCAL','activate':true,'port_label':'uplink',"
	      "'subnet':'10.1.0.0/24','gateway':'10.1.0.1','dhcp_start':'10.1.0.128',"
	      "'dhcp_end':'10.1.0.254','dnsmasq_off':true}");
	zr_app(w, APP_1,
	       "{'displayname':'My app','activate':true,'adapters':[{'name':'eth0',"
	       "'network_instance':'" NI_A "','acl':[{'id':1,'host':'web.example'}]}]}");
	draw_rules(w, zr_vif_of(w, APP_1, 0), &why, &out);
	assert_string_equal(strbuf_str(&why),
			    "ACL entry 1: host match needs the DNS server of the instance");
	assert_null(strstr(strbuf_str(&out), "host4_"));
	assert_null(strstr(strbuf_str(&out), "acl4"));
}

static void inactive_or_wrong_instance_wants_nothing(void **state)
{
	struct zr_world *w = *state;
	struct strbuf out = STRBUF_INIT;
	struct zr_ni *ni;

	make_world(w);
	ni = zr_model_ni(&w->model, NI_A);
	ni->activate = false;
	draw_ni(w, NI_A, &out);
	draw_rules(w, zr_vif_of(w, APP_1, 0), NULL, &out);
	golden_graph(zr_intent_vif_port(zr_vif_of(w, APP_1, 0)), &out);
	ni->activate = true;
	snprintf(ni->error, sizeof(ni->error), "broken");
	draw_ni(w, NI_A, &out);
	assert_string_equal(strbuf_str(&out), "");
	strbuf_fini(&out);
}

static void air_gapped_instance_has_no_way_out(void **state)
{
	struct zr_world *w = *state;
	struct strbuf out = STRBUF_INIT;

	make_world(w);
	zr_ni(w, NI_B,
	      "{'type':'NI_LOCAL','activate':true,'subnet':'10.2.0.0/24',"
	      "'gateway':'10.2.0.1','dhcp_start':'10.2.0.2','dhcp_end':'10.2.0.9'}");
	draw_ni(w, NI_B, &out);
	assert_null(strstr(strbuf_str(&out), "192.0.2.1"));
	assert_non_null(strstr(strbuf_str(&out), "unreachable"));
	strbuf_fini(&out);
}

/* An instance cannot have two routes to one place: the configured one counts. */
static void static_route_goes_before_that_into_the_network_of_a_port(void **state)
{
	struct zr_world *w = *state;
	struct strbuf out = STRBUF_INIT;

	make_world(w);
	zr_ni(w, NI_B,
	      "{'type':'NI_LOCAL','activate':true,'port_label':'uplink','subnet':'10.2.0.0/24',"
	      "'gateway':'10.2.0.1','dhcp_start':'10.2.0.2','dhcp_end':'10.2.0.9',"
	      "'static_routes':[{'destination':'192.0.2.0/24','gateway':'192.0.2.9'}]}");
	draw_ni(w, NI_B, &out);
	assert_non_null(strstr(strbuf_str(&out), "192.0.2.0/24/0 unicast via=192.0.2.9 dev=eth0"));
	strbuf_reset(&out);
	zr_ni(w, NI_B,
	      "{'type':'NI_LOCAL','activate':true,'port_label':'uplink','subnet':'10.2.0.0/24',"
	      "'gateway':'10.2.0.1','dhcp_start':'10.2.0.2','dhcp_end':'10.2.0.9',"
	      "'static_routes':[{'destination':'192.0.2.0/24','gateway':'10.2.0.7'}]}");
	draw_ni(w, NI_B, &out);
	assert_non_null(strstr(strbuf_str(&out), "192.0.2.0/24/0 unicast via=10.2.0.7 dev=bn2"));
	assert_null(strstr(strstr(strbuf_str(&out), "192.0.2.0/24/0") + 1, "192.0.2.0/24/0"));
	strbuf_fini(&out);
}

static void statuses_are_as_drawn(void **state)
{
	struct zr_world *w = *state;
	struct zr_vif_state states[2] = { { .ready = true }, { .problem = "brport: no" } };
	struct strbuf out = STRBUF_INIT;
	struct arena a = { 0 };

	make_world(w);
	pbjson_format(&zr_ni_status(&w->model, zr_model_ni(&w->model, NI_A), "", false, &a)->base,
		      PBJSON_PRETTY, &out);
	strbuf_addc(&out, '\n');
	pbjson_format(&zr_app_status(&w->model, zr_model_app(&w->model, APP_1), states, &a)->base,
		      PBJSON_PRETTY, &out);
	strbuf_addc(&out, '\n');
	golden_text("zr_statuses", strbuf_str(&out));
	strbuf_fini(&out);
	arena_fini(&a);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, zr_setup, zr_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(instance_graphs_are_as_drawn),
		TEST(uplinks_are_as_drawn),
		TEST(vrf_replaces_the_interface_rule),
		TEST(vrfs_let_servers_bind_their_addresses),
		TEST(app_interfaces_are_as_drawn),
		TEST(server_files_are_as_drawn),
		TEST(hosts_of_access_lists_are_as_drawn),
		TEST(hosts_without_a_server_open_nothing),
		TEST(inactive_or_wrong_instance_wants_nothing),
		TEST(air_gapped_instance_has_no_way_out),
		TEST(static_route_goes_before_that_into_the_network_of_a_port),
		TEST(statuses_are_as_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
