/* SPDX-License-Identifier: Apache-2.0 */
/* Whom nim's forwarder asks for which names, and the graph that makes it run. */
#include "tests/unit/golden.h"

#include "base/arena.h"
#include "base/pbjson.h"
#include "dataplane/lease.h"
#include "dnsrelay/conf.h"
#include "nim/addressing.h"
#include "nim/dns/dns.h"
#include "status.pb-c.h"
#include "tests/unit/addresses.h"

/* a: by DHCP, free. b: static, dearer, with a domain. c: for apps only. */
struct world {
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
};

static void add_port(struct world *w, const char *label, const char *ifname, uint8_t cost)
{
	unsigned int i = w->config.nports++;
	struct nim_port *port = &w->config.ports[i];

	snprintf(port->label, sizeof(port->label), "%s", label);
	assert_int_equal(ifname_parse(ifname, &port->ifname), 0);
	port->number = (uint8_t)(i + 1);
	port->cost = cost;
	port->is_l3 = port->ipv4 = port->ipv6 = true;
	port->dhcp = NIM_DHCP_STATIC;
	w->facts.ifaces[i].ifname = port->ifname;
	w->facts.ifaces[i].ifindex = i + 2;
	w->facts.ifaces[i].up = w->facts.ifaces[i].carrier = true;
}

static void give(struct world *w, unsigned int port, const char *prefix, const char *gateway)
{
	struct prefix p;

	assert_int_equal(prefix_parse(prefix, &p), 0);
	nim_iface_add_addr(&w->facts.ifaces[port], &p);
	if (p.addr.family == AF_INET)
		w->config.ports[port].gateway4 = address(gateway);
	else
		w->config.ports[port].gateway6 = address(gateway);
}

static int setup(void **state)
{
	struct dp_lease lease = { .dnss = 2, .domain = "given.example" };
	struct world *w = xcalloc(1, sizeof(*w));

	*state = w;
	add_port(w, "a", "eth0", 0);
	add_port(w, "b", "eth1", 10);
	add_port(w, "c", "eth2", 0);
	w->config.ports[0].is_mgmt = w->config.ports[1].is_mgmt = true;
	give(w, 0, "192.0.2.2/24", "192.0.2.1");
	give(w, 1, "198.51.100.2/24", "198.51.100.1");
	give(w, 1, "2001:db8::2/64", "fe80::1");
	give(w, 2, "10.0.0.2/24", "10.0.0.1");
	lease.dns[0] = address("192.0.2.53");
	lease.dns[1] = address("192.0.2.54");
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, &lease);
	w->config.ports[1].dns[0] = address("198.51.100.53");
	w->config.ports[1].dns[1] = address("2001:db8::53");
	w->config.ports[1].ndns = 2;
	w->config.ports[2].dns[0] = address("10.0.0.53");
	w->config.ports[2].ndns = 1;
	strcpy(w->config.ports[1].domain, "plant.example");
	strcpy(w->config.ports[2].domain, "apps.example");
	nim_view(&w->config, &w->facts, &w->view);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void print_graph(const struct nim_dns_conf *conf, const struct world *w, struct strbuf *out)
{
	_cleanup_(strbuf_fini) struct strbuf servers = STRBUF_INIT;

	nim_dns_servers(&w->config, &w->facts, &w->view, &servers);
	golden_graph(nim_intent_dns(conf, &w->config, &w->facts, &servers), out);
}

static void assert_servers(struct world *w, const char *want)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	_cleanup_(freep) struct dns_conf *conf = xcalloc(1, sizeof(*conf));

	nim_view(&w->config, &w->facts, &w->view);
	nim_dns_servers(&w->config, &w->facts, &w->view, &text);
	assert_string_equal(strbuf_str(&text), want);
	assert_int_equal(dns_conf_parse(strbuf_str(&text), conf), 0); /* the relay reads it */
}

static void management_ports_that_work_have_their_say(void **state)
{
	assert_servers(*state, "domain given.example\n"
			       "domain plant.example\n"
			       "server 192.0.2.53 eth0 0\n"
			       "server 192.0.2.53 eth0 0 given.example\n"
			       "server 192.0.2.54 eth0 0\n"
			       "server 192.0.2.54 eth0 0 given.example\n"
			       "server 198.51.100.53 eth1 10\n"
			       "server 198.51.100.53 eth1 10 plant.example\n"
			       "server 2001:db8::53 eth1 10\n"
			       "server 2001:db8::53 eth1 10 plant.example\n");
}

static void domain_of_the_config_stays_private_when_its_port_is_away(void **state)
{
	struct world *w = *state;

	w->facts.ifaces[0].carrier = w->facts.ifaces[1].carrier = false;
	assert_servers(w, "domain plant.example\n");
}

static void server_beside_a_port_without_gateway_knows_its_domain(void **state)
{
	struct world *w = *state;

	w->facts.ifaces[0].carrier = false;
	w->config.ports[1].no_default_route = true;
	assert_servers(w, "domain plant.example\n"
			  "server 198.51.100.53 eth1 10 plant.example\n"
			  "server 2001:db8::53 eth1 10 plant.example\n");
}

static void servers_of_a_family_go_with_its_gateway(void **state)
{
	struct world *w = *state;

	w->facts.ifaces[0].carrier = false;
	memset(&w->config.ports[1].gateway6, 0, sizeof(w->config.ports[1].gateway6));
	w->config.ports[1].dns[1] = address("2001:db8:1::53");
	w->config.ports[1].domain[0] = '\0';
	assert_servers(w, "server 198.51.100.53 eth1 10\n");
}

static void hostile_domain_is_none(void **state)
{
	struct world *w = *state;

	strcpy(w->facts.ifaces[0].lease4.domain, "x\nserver 6.6.6.6");
	w->config.ports[1].is_mgmt = false;
	assert_servers(w, "server 192.0.2.53 eth0 0\nserver 192.0.2.54 eth0 0\n");
}

static void search_list_of_a_lease_is_routed_like_its_domain(void **state)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	struct world *w = *state;

	strcpy(w->facts.ifaces[0].lease4.search, "given.example lab.example bad..example");
	w->config.ports[1].is_mgmt = false;
	assert_servers(w, "domain given.example\n"
			  "domain lab.example\n"
			  "server 192.0.2.53 eth0 0\n"
			  "server 192.0.2.53 eth0 0 given.example\n"
			  "server 192.0.2.53 eth0 0 lab.example\n"
			  "server 192.0.2.54 eth0 0\n"
			  "server 192.0.2.54 eth0 0 given.example\n"
			  "server 192.0.2.54 eth0 0 lab.example\n");
	nim_dns_resolv_conf(&w->config, &w->facts, &text);
	assert_non_null(strstr(strbuf_str(&text), "search given.example lab.example\n"));
}

/* The forwarder must not fall silent because of what DHCP servers say. */
static void no_search_lists_are_too_many_for_the_relay(void **state)
{
	_cleanup_(freep) struct dns_conf *conf = xcalloc(1, sizeof(*conf));
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	struct world *w = *state;

	for (unsigned int i = 3; i < 40; i++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "eth%u", i);
		add_port(w, name, name, 1);
		w->config.ports[i].is_mgmt = true;
		w->config.ports[i].ndns = 1;
		w->config.ports[i].dns[0] = address("192.0.2.60");
		give(w, i, "203.0.113.2/24", "203.0.113.1");
		snprintf(w->facts.ifaces[i].lease4.search, NIM_SEARCH,
			 "a%u.example b%u.example c%u.example d%u.example e%u.example", i, i, i, i,
			 i);
	}
	nim_view(&w->config, &w->facts, &w->view);
	nim_dns_servers(&w->config, &w->facts, &w->view, &text);
	assert_int_equal(dns_conf_parse(strbuf_str(&text), conf), 0);
	assert_int_equal(conf->ndomains, DNS_DOMAINS);
	for (unsigned int i = 1; i < conf->ndomains; i++) /* each has somebody to ask */
		assert_true(dns_conf_next_tier(conf, i, -1) >= 0);
}

/* EVE: DNSFunctionality. Seven servers over four ports, two of them exclusively their own. */
static void seven_servers_over_four_ports_each_have_their_place(void **state)
{
	struct dp_lease lease = { .dnss = 2 };
	struct world *w = *state;

	add_port(w, "d", "eth3", 5);
	w->config.ports[2].is_mgmt = w->config.ports[3].is_mgmt = true;
	w->config.ports[2].cost = 20;
	w->config.ports[2].domain[0] = w->config.ports[1].domain[0] = '\0';
	give(w, 3, "203.0.113.2/24", "203.0.113.1");
	w->config.ports[3].dns[0] = address("203.0.113.53");
	w->config.ports[3].dns[1] = address("203.0.113.54");
	w->config.ports[3].ndns = 2;
	w->config.ports[3].ignore.dns = true;
	lease.dns[0] = address("203.0.113.66"); /* does not count */
	lease.dns[1] = address("203.0.113.67");
	nim_iface_set_lease(&w->facts.ifaces[3], AF_INET, &lease);
	strcpy(w->facts.ifaces[0].lease4.domain, "");
	assert_servers(w, "server 192.0.2.53 eth0 0\n"
			  "server 192.0.2.54 eth0 0\n"
			  "server 198.51.100.53 eth1 10\n"
			  "server 2001:db8::53 eth1 10\n"
			  "server 10.0.0.53 eth2 20\n"
			  "server 203.0.113.53 eth3 5\n"
			  "server 203.0.113.54 eth3 5\n");
}

static void too_long_a_domain_is_not_cut_into_another(void **state)
{
	char domains[NIM_PORT_DOMAINS][NIM_LABEL];
	struct dp_lease lease = { 0 };
	struct world *w = *state;

	memset(lease.domain, 'a', NIM_LABEL);
	nim_iface_set_lease(&w->facts.ifaces[0], AF_INET, &lease);
	assert_int_equal(nim_port_domains(&w->config.ports[0], &w->facts.ifaces[0], domains), 0);
}

static void server_told_twice_is_asked_once(void **state)
{
	struct ipaddr servers[NIM_PORT_DNS];
	struct world *w = *state;

	w->config.ports[0].dns[0] = address("192.0.2.54");
	w->config.ports[0].ndns = 1;
	assert_int_equal(nim_port_dns(&w->config.ports[0], &w->facts.ifaces[0], servers), 2);
}

static void ports_for_apps_alone_need_no_forwarder(void **state)
{
	const struct nim_dns_conf conf = { .run_dir = "/run", .owner = "nim", .relay = "/r" };
	struct strbuf out = STRBUF_INIT;
	struct arena arena = { 0 };
	struct world *w = *state;

	w->config.ports[0].is_mgmt = false;
	strcpy(w->config.ports[1].error, "bad");
	assert_false(nim_dns_wanted(&w->config));
	print_graph(&conf, w, &out);
	assert_string_equal(strbuf_str(&out), "");
	assert_null(nim_dns_status(&conf, &w->config, &w->facts, &w->view, "", &arena));
	strbuf_fini(&out);
	arena_fini(&arena);
}

static void graph_and_status_are_as_drawn(void **state)
{
	const struct nim_dns_conf conf = { .run_dir = "/run/edgeway",
					   .owner = "nim",
					   .relay = "/libexec/dns-relay",
					   .resolv_conf = "/etc/resolv.conf" };
	struct strbuf out = STRBUF_INIT;
	struct arena arena = { 0 };
	struct world *w = *state;

	print_graph(&conf, w, &out);
	nim_dns_resolv_conf(&w->config, &w->facts, &out);
	pbjson_format(&nim_dns_status(&conf, &w->config, &w->facts, &w->view, "no", &arena)->base,
		      PBJSON_PRETTY, &out);
	strbuf_addc(&out, '\n');
	golden_text("nim_dns", strbuf_str(&out));
	strbuf_fini(&out);
	arena_fini(&arena);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(management_ports_that_work_have_their_say),
		TEST(domain_of_the_config_stays_private_when_its_port_is_away),
		TEST(server_beside_a_port_without_gateway_knows_its_domain),
		TEST(servers_of_a_family_go_with_its_gateway),
		TEST(hostile_domain_is_none),
		TEST(seven_servers_over_four_ports_each_have_their_place),
		TEST(search_list_of_a_lease_is_routed_like_its_domain),
		TEST(no_search_lists_are_too_many_for_the_relay),
		TEST(too_long_a_domain_is_not_cut_into_another),
		TEST(server_told_twice_is_asked_once),
		TEST(ports_for_apps_alone_need_no_forwarder),
		TEST(graph_and_status_are_as_drawn),
	};

	return cmocka_run_group_tests_name("nim_dns", tests, NULL, NULL);
}
