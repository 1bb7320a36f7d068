/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway ports makes of messages, leases and a graph, without daemons and without a terminal. */
#include <errno.h>
#include <stdio.h>

#include "api/topics.h"
#include "cmd/edgeway/ports_view.h"
#include "tests/unit/golden.h"

#define NOW_S 1795219200 /* 2026-11-21 */
#define BOOT_S 1000

static const char graph[] =
	"{\"items\":["
	"{\"type\":\"link\",\"key\":\"eth1\",\"scopes\":[\"port/uplink-b\"],\"state\":\"foreign\"},"
	"{\"type\":\"dhcpcd\",\"key\":\"eth1\",\"scopes\":[\"port/"
	"uplink-b\"],\"state\":\"created\"},"
	"{\"type\":\"route\",\"key\":\"4/502/0.0.0.0/0/0\",\"scopes\":[\"port/uplink-b\"],"
	"\"state\":\"failed\",\"why\":\"no route to \\u001b[2Jhost\"},"
	"{\"type\":\"linkset\",\"key\":\"eth7\",\"scopes\":[\"port/lab\"],\"state\":\"waiting\","
	"\"why\":\"needs link eth7\"},"
	"{\"type\":\"link\",\"key\":\"eth9\",\"scopes\":[\"ni/x\"],\"state\":\"waiting\"}]}";

struct world {
	struct status rows;
	struct ports ports;
};

static void add(struct world *w, const struct ps_topic *topic, const char *key,
		const ProtobufCMessage *msg)
{
	uint8_t data[2048];

	assert_true(protobuf_c_message_get_packed_size(msg) <= sizeof(data));
	status_add(&w->rows, topic, key, data, protobuf_c_message_pack(msg, data));
}

static Ew__PortStatus port(const char *label, const char *ifname, uint32_t ifindex)
{
	Ew__PortStatus p = EW__PORT_STATUS__INIT;

	p.logicallabel = (char *)label;
	p.ifname = (char *)ifname;
	p.ifindex = ifindex;
	p.is_l3 = true;
	p.dhcp = EW__DHCP_MODE__DHCP_CLIENT;
	return p;
}

/* With everything, and an address that the neighbour has, too. */
static Ew__PortStatus good_port(void)
{
	static char *addresses[] = { (char *)"192.168.1.198/24", (char *)"2001:db8:1::143/128",
				     (char *)"2001:db8:1:0:a7:a8ff:fe4b:b3f5/64",
				     (char *)"10.9.9.9/32" };
	static char *dns[] = { (char *)"192.168.1.1", (char *)"2001:db8:1::1" };
	static char *ntp[] = { (char *)"192.168.1.1" };
	static char *labels[] = { (char *)"all", (char *)"uplink" };
	static Ew__AddressConflict conflict = EW__ADDRESS_CONFLICT__INIT;
	static Ew__AddressConflict *conflicts[] = { &conflict };
	static char *domains[] = { (char *)"plant.example" };
	static Ew__UpstreamStatus four = EW__UPSTREAM_STATUS__INIT, six = EW__UPSTREAM_STATUS__INIT;
	Ew__PortStatus p = port("uplink-a", "eth0", 2);

	p.is_mgmt = p.up = p.carrier = p.usable4 = p.usable6 = true;
	p.mtu = 1500;
	p.mac = (char *)"02:a7:a8:4b:b3:f5";
	p.addresses = addresses;
	p.n_addresses = ARRAY_SIZE(addresses);
	p.dns_servers = dns;
	p.n_dns_servers = ARRAY_SIZE(dns);
	p.ntp_servers = ntp;
	p.n_ntp_servers = ARRAY_SIZE(ntp);
	p.labels = labels;
	p.n_labels = ARRAY_SIZE(labels);
	conflict.address = (char *)"2001:db8:1::9";
	p.conflicts = conflicts;
	p.n_conflicts = ARRAY_SIZE(conflicts);
	p.domain = domains[0];
	p.search_domains = domains;
	p.n_search_domains = ARRAY_SIZE(domains);
	p.gateway4 = (char *)"192.168.1.1";
	p.gateway6 = (char *)"fe80::1";
	p.gateway_state4 = EW__GATEWAY_STATE__GATEWAY_ANSWERS;
	p.gateway_state6 = EW__GATEWAY_STATE__GATEWAY_SILENT;
	p.heartbeat_ms = 200;
	p.heartbeat_patience_ms = 600;
	p.losses = 2;
	p.held4 = true;
	p.held_until_ms = 1795219203000;
	four.state = EW__UPSTREAM_STATE__UPSTREAM_FAILED;
	four.since_ms = 1795219200000;
	four.target = (char *)"198.51.100.80:443";
	four.interval_ms = 2500;
	four.questions = 41;
	four.answers = 38;
	four.rtt_us = 23456;
	four.failures = 1;
	p.upstream4 = &four;
	six.state = EW__UPSTREAM_STATE__UPSTREAM_ANSWERS;
	six.target = (char *)"[2001:db8:80::80]:443";
	six.held_until_ms = 1795219203000;
	p.upstream6 = &six;
	p.behind4 = p.behind6 = true;
	p.table = 501;
	p.mark = 1u << 24;
	p.config_source = EW__DPC_SOURCE__DPC_CONTROLLER;
	p.config_submitted_ms = 1795219200000;
	p.local_changes = true;
	p.lps_config_error = (char *)"refused: bad DNS server: x";
	return p;
}

static void add_ports(struct world *w)
{
	static char *twice[] = { (char *)"10.9.9.9/24" };
	Ew__DeviceNetworkStatus d = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__PortStatus a = good_port(), b = port("uplink-b", "eth1", 3), c = port("lab", "eth7", 0),
		       fixed = port("fixed", "eth2", 4);

	b.cost = 10;
	b.up = b.carrier = true;
	b.error = (char *)"no address";
	c.error = (char *)"interface not found";
	c.ip_versions = EW__IP_VERSIONS__IP_V4_ONLY;
	fixed.dhcp = EW__DHCP_MODE__DHCP_STATIC;
	fixed.addresses = twice;
	fixed.n_addresses = 1;
	fixed.up = true;
	fixed.error = (char *)"no carrier";
	d.ports = (Ew__PortStatus *[]){ &a, &b, &c, &fixed };
	d.n_ports = 4;
	d.default_port4 = d.default_port6 = a.logicallabel;
	add(w, &ps_topic_device_network_status, "global", &d.base);
}

static void add_instance(struct world *w, const char *name, const char *label, const char *selected)
{
	Ew__NetworkInstanceStatus ni = EW__NETWORK_INSTANCE_STATUS__INIT;

	ni.uuid = ni.displayname = (char *)name;
	ni.port_label = (char *)label;
	ni.selected_port = (char *)selected;
	add(w, &ps_topic_network_instance_status, name, &ni.base);
}

static void add_meter(struct world *w)
{
	Ew__PortMeterStatus m = EW__PORT_METER_STATUS__INIT;
	Ew__MeterCount month = EW__METER_COUNT__INIT;

	m.logicallabel = (char *)"uplink-a";
	m.state = EW__METER_STATE__METER_STATE_NEAR;
	month.rx_bytes = 4870000000;
	month.end_s = 1796083200;
	m.month = &month;
	m.quota_bytes = 5000000000;
	m.percent = 97;
	add(w, &ps_topic_port_meter_status, "uplink-a", &m.base);
}

static struct dp_lease lease(const char *address, uint32_t left_s)
{
	struct dp_lease l = { .reason = "BOUND", .addrs = 1 };

	assert_int_equal(prefix_parse(address, &l.addr[0]), 0);
	l.expires_s = left_s ? BOOT_S + left_s : 0;
	return l;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct port_facts *a;

	add_ports(w);
	add_instance(w, "shop", "uplink", "uplink-a");
	add_instance(w, "office", "all", "uplink-b");
	add_instance(w, "island", "", "");
	add_meter(w);
	ports_init(&w->ports, &w->rows);
	w->ports.boot_s = BOOT_S;
	w->ports.unix_s = NOW_S;
	a = &w->ports.list[0];
	a->lease[PORT_DHCP4] = lease("192.168.1.198/24", 3600);
	a->lease[PORT_DHCP6] = lease("2001:db8:1::143/128", 7200);
	a->lease[PORT_RA] = lease("2001:db8:1:0:a7:a8ff:fe4b:b3f5/64", 0);
	assert_int_equal(ports_add_graph(&w->ports, graph, strlen(graph)), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	ports_fini(&w->ports);
	status_fini(&w->rows);
	free(w);
	return 0;
}

static void table_is(void **state, const char *golden, unsigned int width)
{
	const struct world *w = *state;
	_cleanup_(freep) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(ports_print(&w->ports, &(struct status_look){ .width = width }, out), 3);
	fclose(out);
	golden_text(golden, text);
}

static void table_has_a_row_for_each_port(void **state)
{
	table_is(state, "ports_table", 0);
	table_is(state, "ports_table", 400);
}

static void narrow_terminal_gets_the_lists_below(void **state)
{
	table_is(state, "ports_narrow", 72);
}

static void page_is(void **state, const char *golden, const char *name, unsigned int width)
{
	const struct world *w = *state;
	const struct port_facts *one = ports_find(&w->ports, name);
	_cleanup_(freep) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_non_null(one);
	ports_print_one(&w->ports, one, &(struct status_look){ .width = width }, out);
	fclose(out);
	assert_null(strchr(text, '\033'));
	golden_text(golden, text);
}

static void page_tells_all_about_a_port_and_who_has_its_addresses_too(void **state)
{
	page_is(state, "port_good", "uplink-a", 0);
	page_is(state, "port_narrow", "eth0", 60);
}

static void page_tells_what_to_do_without_a_dhcp_answer(void **state)
{
	page_is(state, "port_no_dhcp", "uplink-b", 0);
}

static void page_tells_what_to_do_without_the_interface(void **state)
{
	page_is(state, "port_missing", "eth7", 0);
}

static void missing_vlan_or_bond_is_not_looked_for_among_the_cards(void **state)
{
	static const char vlan[] =
		"{\"items\":[{\"type\":\"vlan\",\"key\":\"eth7\",\"scopes\":[\"port/lab\"],"
		"\"state\":\"waiting\",\"why\":\"needs link eth6\"}]}";
	struct world *w = *state;

	assert_int_equal(ports_add_graph(&w->ports, vlan, strlen(vlan)), 0);
	page_is(state, "port_vlan", "lab", 0);
}

static void page_tells_what_to_do_without_a_carrier(void **state)
{
	page_is(state, "port_no_carrier", "fixed", 0);
}

static void label_goes_before_the_name_of_another_ports_interface(void **state)
{
	const struct world *w = *state;

	assert_null(ports_find(&w->ports, "eth9"));
	w->ports.list[1].p->logicallabel[0] = '\0'; /* "" is no name to find it by … */
	assert_ptr_equal(ports_find(&w->ports, "eth1"), &w->ports.list[1]);
	w->ports.list[0].p->ifname[0] = '\0';
	strcpy(w->ports.list[0].p->logicallabel, "eth1");
	assert_ptr_equal(ports_find(&w->ports, "eth1"), &w->ports.list[0]);
}

static void json_has_all_of_it(void **state)
{
	const struct world *w = *state;
	_cleanup_(freep) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	ports_print_json(&w->ports, NULL, out);
	ports_print_json(&w->ports, &w->ports.list[2], out);
	fclose(out);
	golden_text("ports_json", text);
}

static void graph_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = { "", "[]", "{", "{\"items\":5}", "error: busy" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ports_add_graph(&w->ports, bad[i], strlen(bad[i])), -EINVAL);
}

static void nothing_told_is_an_empty_table(void **state)
{
	struct status rows = { 0 };
	_cleanup_(freep) char *text = NULL;
	struct ports none;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	ports_init(&none, &rows);
	assert_int_equal(ports_print(&none, &(struct status_look){ 0 }, out), 0);
	fclose(out);
	ports_fini(&none);
	assert_string_equal(text, "");
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(table_has_a_row_for_each_port),
		with_world(narrow_terminal_gets_the_lists_below),
		with_world(page_tells_all_about_a_port_and_who_has_its_addresses_too),
		with_world(page_tells_what_to_do_without_a_dhcp_answer),
		with_world(page_tells_what_to_do_without_the_interface),
		with_world(missing_vlan_or_bond_is_not_looked_for_among_the_cards),
		with_world(page_tells_what_to_do_without_a_carrier),
		with_world(label_goes_before_the_name_of_another_ports_interface),
		with_world(json_has_all_of_it),
		with_world(graph_that_is_none_is_refused),
		cmocka_unit_test(nothing_told_is_an_empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
