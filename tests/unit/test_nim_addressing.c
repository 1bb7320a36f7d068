/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration and DHCP have to say of one port, merged or exclusively the
 * configuration's. The names after EVE's dpcmanager tests.
 */
#include "tests/unit/golden.h"

#include "base/arena.h"
#include "base/pbjson.h"
#include "config.pb-c.h"
#include "dataplane/lease.h"
#include "nim/addressing.h"
#include "nim/dns/dns.h"
#include "nim/intent.h"
#include "nim/ntp/ntp.h"
#include "nim/status.h"
#include "status.pb-c.h"
#include "tests/unit/addresses.h"

struct world {
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
	struct arena arena;
	const Ew__PortStatus *status; /* of the first port */
};

static void lease4(struct world *w)
{
	struct dp_lease lease = { .reason = "BOUND", .addrs = 1, .routers = 1, .dnss = 1 };

	lease.addr[0] = prefix("192.168.1.100/24");
	lease.router[0] = address("192.168.1.1");
	lease.dns[0] = address("192.168.1.1");
	lease.ntps = 1;
	lease.ntp[0] = address("192.168.1.9");
	strcpy(lease.domain, "given.example");
	strcpy(lease.search, "given.example lab.example");
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, &lease);
}

static void look(struct world *w)
{
	nim_view(&w->config, &w->facts, &w->view);
	w->status = nim_status(&w->config, &w->facts, &w->view, &w->arena)->ports[0];
}

/* One port, with more of its configuration; the lease and its address are there. */
static void port_by(struct world *w, const char *dhcp, const char *more)
{
	_cleanup_(freep) char *json = xasprintf(
		"{'ports':[{'logicallabel':'wan','ifname':'eth0','is_mgmt':true,'is_l3':true,"
		"'dhcp':'DHCP_%s'%s}]}",
		dhcp, more);
	struct nim_iface *iface = &w->facts.ifaces[0];
	ProtobufCMessage *msg = NULL;
	struct pbjson_error err;
	struct prefix p, out;

	for (char *c = json; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (pbjson_parse(&ew__device_port_config__descriptor, json, strlen(json), &msg, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	nim_config_load(&w->config, (const Ew__DevicePortConfig *)msg);
	protobuf_c_message_free_unpacked(msg, NULL);
	w->config.ports[0].number = 1;
	nim_facts_follow(&w->facts, &w->config);
	iface->ifindex = 2;
	iface->mtu_bytes = 1500;
	iface->up = iface->carrier = true;
	p = prefix("192.168.1.100/24");
	nim_iface_sort_addr(iface, &w->config.ports[0], &p, &out);
	lease4(w);
	look(w);
}

static void port(struct world *w, const char *more)
{
	port_by(w, "CLIENT", more);
}

static void has(char *const *list, size_t n, const char *want)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		strbuf_addf(&text, "%s%s", i ? " " : "", list[i]);
	assert_string_equal(strbuf_str(&text), want);
}

static char *graph(struct world *w)
{
	struct strbuf out = STRBUF_INIT;

	golden_graph(nim_intent_port(&w->config, &w->facts, &w->view, 0), &out);
	return strbuf_take(&out);
}

/* ---- Mixing rules ---- */

/* EVE: OverrideDhcpGateway. */
static void override_dhcp_gateway_replaces_and_excludes(void **state)
{
	struct world *w = *state;

	port(w, "");
	assert_string_equal(w->status->gateway4, "192.168.1.1");
	port(w, ",'gateways':['192.168.1.254']");
	assert_string_equal(w->status->gateway4, "192.168.1.254");
	port(w, ",'ignore_dhcp_gateways':true");
	assert_string_equal(w->status->gateway4, "");
	assert_false(w->status->usable4);
	assert_string_equal(w->status->error, ""); /* it is as configured */
	port(w, ",'ignore_dhcp_gateways':true,'gateways':['192.168.1.253']");
	assert_string_equal(w->status->gateway4, "192.168.1.253");
	assert_true(w->status->usable4);
}

static void ignored_gateways_are_those_of_routers_too(void **state)
{
	struct world *w = *state;
	struct prefix p = prefix("2001:db8::5/64"), out;

	port(w, ",'ignore_dhcp_gateways':true");
	nim_iface_sort_addr(&w->facts.ifaces[0], &w->config.ports[0], &p, &out);
	w->facts.ifaces[0].ra_gateway = address("fe80::1");
	look(w);
	assert_false(w->status->usable6);
	w->config.ports[0].ignore.gateways = false;
	look(w);
	assert_true(w->status->usable6);
}

/* EVE: OverrideDhcpIPs. */
static void override_dhcp_ips_merge_and_exclude(void **state)
{
	struct world *w = *state;
	struct prefix own = prefix("192.168.1.10/24"), out;
	_cleanup_(freep) char *merged = NULL, *alone = NULL;

	port(w, ",'addresses':['192.168.1.10/24']");
	nim_iface_sort_addr(&w->facts.ifaces[0], &w->config.ports[0], &own, &out);
	look(w);
	has(w->status->addresses, w->status->n_addresses, "192.168.1.100/24 192.168.1.10/24");
	merged = graph(w);
	assert_non_null(strstr(merged, "192.168.1.100"));

	port(w, ",'addresses':['192.168.1.10/24'],'ignore_dhcp_addresses':true"); /* sorted anew */
	has(w->status->addresses, w->status->n_addresses, "192.168.1.10/24");
	has(w->status->ignored_addresses, w->status->n_ignored_addresses, "192.168.1.100/24");
	assert_true(w->status->usable4);
	alone = graph(w);
	assert_null(strstr(alone, "192.168.1.100"));
	assert_non_null(strstr(alone, "192.168.1.10/24")); /* the address */
	assert_non_null(strstr(alone, "192.168.1.10/32")); /* its rule */

	nim_iface_remove_addr(&w->facts.ifaces[0], &own);
	look(w);
	assert_false(w->status->usable4);
	assert_string_equal(w->status->error, "no address");
}

/* EVE: OverrideDhcpDNS. */
static void override_dhcp_dns_merges_and_excludes(void **state)
{
	struct world *w = *state;

	port(w, ",'dns_servers':['9.9.9.9']");
	has(w->status->dns_servers, w->status->n_dns_servers, "9.9.9.9 192.168.1.1");
	has(w->status->search_domains, w->status->n_search_domains, "given.example lab.example");
	assert_string_equal(w->status->domain, "given.example");
	port(w, ",'domain':'plant.example'"); /* replaces */
	has(w->status->search_domains, w->status->n_search_domains, "plant.example");
	port(w, ",'dns_servers':['9.9.9.9'],'ignore_dhcp_dns':true");
	has(w->status->dns_servers, w->status->n_dns_servers, "9.9.9.9");
	has(w->status->search_domains, w->status->n_search_domains, "");
}

/* EVE: OverrideDhcpNTP. */
static void override_dhcp_ntp_merges_and_excludes(void **state)
{
	struct world *w = *state;

	port(w, ",'ntp_servers':['time.example','192.168.1.9']"); /* once each */
	has(w->status->ntp_servers, w->status->n_ntp_servers, "time.example 192.168.1.9");
	port(w, ",'ntp_servers':['time.example']");
	has(w->status->ntp_servers, w->status->n_ntp_servers, "time.example 192.168.1.9");
	port(w, ",'ntp_servers':['time.example'],'ignore_dhcp_ntp':true");
	has(w->status->ntp_servers, w->status->n_ntp_servers, "time.example");
}

static void ntp_servers_of_all_management_ports_are_lines_for_chrony(void **state)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT, none = STRBUF_INIT;
	struct world *w = *state;

	port(w, ",'ntp_servers':['time.example','2001:db8::123','Time.example','x\\nserver evil',"
		"'-k','']");
	nim_ntp_sources(&w->config, &w->facts, &text);
	assert_string_equal(strbuf_str(&text),
			    "# Edgeway's nim wrote this: the NTP servers of its ports.\n"
			    "pool time.example iburst\n"
			    "server 2001:db8::123 iburst\n"
			    "pool -k iburst\n"
			    "server 192.168.1.9 iburst\n");
	w->config.ports[0].is_mgmt = false;
	nim_ntp_sources(&w->config, &w->facts, &none);
	assert_string_equal(strbuf_str(&none), "");
}

static void nothing_is_ignored_where_no_client_runs(void **state)
{
	struct world *w = *state;

	port(w, ",'ignore_dhcp_addresses':true,'ignore_dhcp_gateways':true");
	assert_true(w->config.ports[0].ignore.addresses);
	port_by(w, "STATIC", ",'addresses':['192.168.1.10/24'],'ignore_dhcp_addresses':true");
	assert_false(w->config.ports[0].ignore.addresses);
}

/* ---- Validation ---- */

static void impossible_addresses_are_errors_of_the_port(void **state)
{
	static const struct {
		const char *config, *error;
	} bad[] = {
		{ ",'addresses':['127.0.0.5/8']", "no address for a port: 127.0.0.5" },
		{ ",'addresses':['224.0.0.5/24']", "no address for a port: 224.0.0.5" },
		{ ",'addresses':['10.0.0.5/7']", "no address for a port: 10.0.0.5" },
		{ ",'addresses':['ff02::5/64']", "no address for a port: ff02::5" },
		{ ",'addresses':['::1/128']", "no address for a port: ::1" },
		{ ",'ip_versions':'IP_V4_ONLY','addresses':['2001:db8::1/64']",
		  "address of an IP version that the port is not to have: 2001:db8::1" },
		{ ",'ip_versions':'IP_V6_ONLY','gateways':['192.0.2.1']",
		  "gateway of an IP version that the port is not to have: 192.0.2.1" },
		{ ",'addresses':['192.0.2.1/24'],'gateways':['192.0.2.1']",
		  "the gateway is the port's own address: 192.0.2.1" },
		{ ",'gateways':['239.1.1.1']", "bad gateway: 239.1.1.1" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		port(w, bad[i].config);
		assert_string_equal(w->config.ports[0].error, bad[i].error);
		assert_string_equal(w->status->error, bad[i].error);
	}
	port(w, ",'addresses':['192.0.2.1/31'],'gateways':['198.51.100.1']"); /* on-link */
	assert_string_equal(w->config.ports[0].error, "");
}

static void bad_leases_are_refused(void **state)
{
	static const char *const bad[] = { "0.0.0.1/24",	 "127.0.0.1/8", "224.0.0.1/24",
					   "255.255.255.255/32", "10.0.0.1/0",	"128.0.0.1/1" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct dp_lease lease = { .addrs = 1, .routers = 1, .dnss = 1 };
		struct prefix p = prefix(bad[i]), good = prefix("192.168.1.100/24"), out;

		port(w, "");
		nim_iface_remove_addr(&w->facts.ifaces[0], &good);
		nim_iface_sort_addr(&w->facts.ifaces[0], &w->config.ports[0], &p, &out);
		lease.addr[0] = p;
		lease.router[0] = lease.dns[0] = address("192.168.1.1");
		assert_true(nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, &lease));
		look(w);
		assert_false(w->status->usable4);
		assert_int_equal(w->status->n_addresses + w->status->n_dns_servers, 0);
		assert_non_null(strstr(w->status->error, "DHCP lease refused: "));
		nim_iface_remove_addr(&w->facts.ifaces[0], &p);
	}
}

static void routes_of_a_lease_are_in_the_table_of_the_port_alone(void **state)
{
	struct dp_lease lease = { .addrs = 1, .routes = 4 };
	_cleanup_(freep) char *text = NULL, *without = NULL;
	struct world *w = *state;

	port(w, "");
	lease.addr[0] = prefix("192.168.1.100/24");
	lease.route[0].dst = prefix("10.77.5.5/16");
	lease.route[0].gateway = address("192.168.1.7");
	lease.route[1].dst = prefix("10.78.0.0/16"); /* on-link */
	lease.route[2].dst = prefix("127.0.0.0/8");
	lease.route[3].dst = prefix("10.79.0.0/16");
	lease.route[3].gateway = address("224.0.0.1");
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, &lease);
	look(w);
	text = graph(w);
	assert_non_null(
		strstr(text, "route 4/501/10.77.0.0/16/100 unicast via=192.168.1.7 dev=eth0"));
	assert_non_null(strstr(text, "route 4/501/10.78.0.0/16/100 unicast dev=eth0"));
	assert_null(strstr(text, "127.0.0.0"));
	assert_null(strstr(text, "10.79"));
	w->config.ports[0].ignore.gateways = true;
	without = graph(w);
	assert_null(strstr(without, "10.77"));
}

static void only_a_router_that_can_be_one_is_the_gateway(void **state)
{
	struct dp_lease lease = { .addrs = 1, .routers = 4 };
	struct world *w = *state;

	port(w, "");
	lease.addr[0] = prefix("192.168.1.100/24");
	lease.router[0] = address("192.168.1.100"); /* itself */
	lease.router[1] = address("255.255.255.255");
	lease.router[2] = address("127.0.0.1");
	lease.router[3] = address("10.9.9.9");
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, &lease);
	look(w);
	assert_string_equal(w->status->gateway4, "10.9.9.9");
}

/* ---- IP versions ---- */

/* EVE's dpcreconciler: dhcpcd arguments. */
static void dhcp_ipv4_only_and_ipv6_only_ask_for_one(void **state)
{
	_cleanup_(freep) char *four = NULL, *six = NULL, *both = NULL;
	struct world *w = *state;

	port(w, ",'ip_versions':'IP_V4_ONLY'");
	four = graph(w);
	assert_non_null(strstr(four, "dhcpcd eth0 ipv4 vendor"));
	assert_null(strstr(four, "accept_ra"));
	port(w, ",'ip_versions':'IP_V6_ONLY'");
	six = graph(w);
	assert_non_null(strstr(six, "dhcpcd eth0 ipv6 vendor"));
	assert_null(strstr(six, "arp_ignore"));
	port(w, "");
	both = graph(w);
	assert_non_null(strstr(both, "dhcpcd eth0 ipv4+ipv6 vendor"));
}

/* EVE's dpcreconciler: dhcpcd arguments. */
static void vendor_class_is_said_unless_switched_off(void **state)
{
	_cleanup_(freep) char *on = NULL, *off = NULL;
	Ew__GlobalConfig__ItemsEntry item = EW__GLOBAL_CONFIG__ITEMS_ENTRY__INIT;
	Ew__GlobalConfig__ItemsEntry *items[] = { &item };
	Ew__GlobalConfig msg = EW__GLOBAL_CONFIG__INIT;
	struct nim_switches switches = { 0 };
	struct world *w = *state;

	port(w, "");
	on = graph(w);
	assert_non_null(strstr(on, "vendor_class=LFEDGE-EVE"));
	w->config.no_vendor_class = true;
	off = graph(w);
	assert_null(strstr(off, "vendor_class"));

	item.key = (char *)"dhcp.enable.vendorclassid";
	msg.items = items;
	msg.n_items = 1;
	nim_switches_load(&switches, NULL); /* the defaults */
	item.value = (char *)"";
	nim_switches_load(&switches, &msg); /* others have defaults that are not 0 */
	assert_false(switches.no_vendor_class);
	item.value = (char *)"false";
	assert_true(nim_switches_load(&switches, &msg) && switches.no_vendor_class);
	item.value = (char *)"True";
	assert_true(nim_switches_load(&switches, &msg) && !switches.no_vendor_class);
	nim_switches_fini(&switches);
}

/* ---- MTU ---- */

static void tell_mtu(struct world *w, int family, uint16_t mtu)
{
	struct dp_lease lease = { .mtu_bytes = mtu };

	nim_iface_set_lease(&w->facts.ifaces[0], family, &lease);
}

static void mtu_of_a_lease_counts_within_bounds_and_where_none_is_configured(void **state)
{
	struct world *w = *state;

	port(w, "");
	assert_int_equal(nim_port_mtu(&w->config, &w->facts, 0), 1500);
	tell_mtu(w, AF_INET, 1400);
	assert_int_equal(nim_port_mtu(&w->config, &w->facts, 0), 1400);
	tell_mtu(w, AF_INET, 1279); /* the kernel would take IPv6 away */
	assert_int_equal(nim_port_mtu(&w->config, &w->facts, 0), 1500);
	tell_mtu(w, AF_INET, 9000);
	assert_int_equal(nim_port_mtu(&w->config, &w->facts, 0), 1500);
	tell_mtu(w, AF_INET, 0);
	assert_int_equal(nim_port_mtu(&w->config, &w->facts, 0), 1500); /* back */
	port(w, ",'ip_versions':'IP_V4_ONLY'");
	tell_mtu(w, AF_INET, 576);
	assert_int_equal(nim_port_mtu(&w->config, &w->facts, 0), 576);
	port(w, ",'mtu':1450");
	tell_mtu(w, AF_INET, 1400);
	assert_int_equal(nim_port_mtu(&w->config, &w->facts, 0), 1450);
}

static void mtu_of_a_router_is_that_of_ipv6_alone(void **state)
{
	_cleanup_(freep) char *text = NULL;
	struct world *w = *state;

	port(w, "");
	tell_mtu(w, AF_INET6, 1400);
	assert_int_equal(nim_port_mtu(&w->config, &w->facts, 0), 1500);
	assert_int_equal(nim_port_mtu6(&w->config.ports[0], &w->facts.ifaces[0]), 1400);
	text = graph(w);
	assert_non_null(strstr(text, "ipv6/conf/eth0/mtu"));
	tell_mtu(w, AF_INET6, 1000);
	assert_int_equal(nim_port_mtu6(&w->config.ports[0], &w->facts.ifaces[0]), 0);
	tell_mtu(w, AF_INET6, 9000);
	assert_int_equal(nim_port_mtu6(&w->config.ports[0], &w->facts.ifaces[0]), 0);
}

/* ---- Search lists ---- */

static void long_search_list_is_cut_between_names(void **state)
{
	struct dp_lease lease = { 0 };
	struct world *w = *state;

	port(w, "");
	for (int i = 0; i < 40; i++)
		snprintf(lease.search + 12 * i, 13, "n%02d.example ", i);
	lease.search[12 * 40 - 1] = '\0';
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, &lease);
	look(w);
	has(w->status->search_domains, w->status->n_search_domains,
	    "n00.example n01.example n02.example n03.example n04.example n05.example");
	memset(lease.search, 'a', sizeof(lease.search) - 1);
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, &lease);
	look(w);
	assert_int_equal(w->status->n_search_domains, 0);
}

/* One that there is no room for, or NULL. */
static const char *sort(struct world *w, const char *text)
{
	static char left_out[INET6_ADDRSTRLEN];
	struct prefix p = prefix(text), out;

	if (nim_iface_sort_addr(&w->facts.ifaces[0], &w->config.ports[0], &p, &out))
		return NULL;
	return ipaddr_str(&out.addr, left_out);
}

static void prefixes_without_end_take_no_others_room(void **state)
{
	struct world *w = *state;
	struct nim_iface *iface = &w->facts.ifaces[0];
	struct nim_port *port = &w->config.ports[0];
	char text[64];

	w->config.nports = 1;
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "2001:db8:%x::1/64", i);
		assert_int_equal(!sort(w, text), i < NIM_ADDRS_LEARNED);
	}
	assert_int_equal(iface->naddrs, NIM_ADDRS_LEARNED);
	assert_null(sort(w, "2001:db8:0::1/64")); /* known */
	for (unsigned int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "10.0.%u.1/24", i);
		assert_int_equal(!sort(w, text), i < NIM_ADDRS - NIM_ADDRS_LEARNED);
	}
	assert_int_equal(iface->naddrs, NIM_ADDRS);
	assert_int_equal(prefix_parse("192.0.2.2/24", &port->addrs[port->naddrs++]), 0);
	assert_int_equal(prefix_parse("2001:db8:ffff::2/64", &port->addrs[port->naddrs++]), 0);
	assert_string_equal(sort(w, "192.0.2.2/24"), "10.0.3.1"); /* it is configured */
	assert_string_equal(sort(w, "2001:db8:ffff::2/64"), "10.0.2.1");
	assert_int_equal(iface->naddrs, NIM_ADDRS);
	assert_string_equal(sort(w, "10.0.9.1/24"), "10.0.9.1");
}

static int setup(void **state)
{
	*state = xcalloc(1, sizeof(struct world));
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	arena_fini(&w->arena);
	free(w);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(override_dhcp_gateway_replaces_and_excludes),
		TEST(ignored_gateways_are_those_of_routers_too),
		TEST(override_dhcp_ips_merge_and_exclude),
		TEST(override_dhcp_dns_merges_and_excludes),
		TEST(override_dhcp_ntp_merges_and_excludes),
		TEST(ntp_servers_of_all_management_ports_are_lines_for_chrony),
		TEST(nothing_is_ignored_where_no_client_runs),
		TEST(impossible_addresses_are_errors_of_the_port),
		TEST(bad_leases_are_refused),
		TEST(routes_of_a_lease_are_in_the_table_of_the_port_alone),
		TEST(only_a_router_that_can_be_one_is_the_gateway),
		TEST(dhcp_ipv4_only_and_ipv6_only_ask_for_one),
		TEST(vendor_class_is_said_unless_switched_off),
		TEST(mtu_of_a_lease_counts_within_bounds_and_where_none_is_configured),
		TEST(mtu_of_a_router_is_that_of_ipv6_alone),
		TEST(long_search_list_is_cut_between_names),
		TEST(prefixes_without_end_take_no_others_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
