/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway diag makes of messages, and the number nim's state goes by. */
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "cmd/edgeway/diag_view.h"
#include "nim/led.h"
#include "tests/unit/golden.h"

struct world {
	struct status rows;
	struct ports ports;
	Ew__ConfigStatus config;
	Ew__DevicePortConfigList dpcs;
};

static Ew__PortTest port_test(Ew__TestOutcome outcome, Ew__TestStage stage, const char *text)
{
	Ew__PortTest t = EW__PORT_TEST__INIT;

	t.outcome = outcome;
	t.stage = stage;
	if (outcome == EW__TEST_OUTCOME__TEST_OK)
		t.target = (char *)text;
	else
		t.error = (char *)text;
	t.latency_ms = 23;
	return t;
}

static Ew__PortStatus port(const char *label, const char *ifname, Ew__PortTest *test)
{
	static char *addresses[] = { (char *)"192.0.2.9/24" };
	Ew__PortStatus p = EW__PORT_STATUS__INIT;

	p.logicallabel = (char *)label;
	p.ifname = (char *)ifname;
	p.ifindex = 2;
	p.is_l3 = p.is_mgmt = p.up = p.carrier = true;
	p.addresses = addresses;
	p.n_addresses = 1;
	p.dhcp = EW__DHCP_MODE__DHCP_STATIC;
	p.gateway4 = (char *)"192.0.2.1";
	p.test = test;
	return p;
}

static void begin(struct world *w, Ew__DeviceNetworkStatus *device)
{
	uint8_t data[2048];

	*w = (struct world){ 0 };
	assert_true(protobuf_c_message_get_packed_size(&device->base) <= sizeof(data));
	status_add(&w->rows, &ps_topic_device_network_status, "global", data,
		   protobuf_c_message_pack(&device->base, data));
	ports_init(&w->ports, &w->rows);
}

static void end(struct world *w)
{
	ports_fini(&w->ports);
	status_fini(&w->rows);
}

static bool page_is(const struct diag *diag, const char *golden, unsigned int width)
{
	_cleanup_(freep) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool well;

	assert_non_null(out);
	well = diag_print(diag, &(struct status_look){ .width = width }, out);
	fclose(out);
	golden_text(golden, text);
	return well;
}

static void page_of_a_node_that_works(void **state)
{
	Ew__DeviceNetworkStatus device = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__DnsStatus dns = EW__DNS_STATUS__INIT;
	Ew__DnsServer server = EW__DNS_SERVER__INIT;
	Ew__PortTest ok = port_test(EW__TEST_OUTCOME__TEST_OK, EW__TEST_STAGE__TEST_STAGE_DONE,
				    "https://controller.example/api/v2/edgedevice/ping");
	Ew__PortStatus a = port("uplink-a", "eth0", &ok);
	Ew__ConfigStatus config = EW__CONFIG_STATUS__INIT;
	Ew__DevicePortConfigList dpcs = EW__DEVICE_PORT_CONFIG_LIST__INIT;
	Ew__DpcEntry entry = EW__DPC_ENTRY__INIT;
	struct world w;

	(void)state;
	device.ports = (Ew__PortStatus *[]){ &a };
	device.n_ports = 1;
	device.default_port4 = (char *)"uplink-a";
	server.address = (char *)"192.0.2.53";
	server.port = (char *)"uplink-a";
	dns.servers = (Ew__DnsServer *[]){ &server };
	dns.n_servers = 1;
	device.dns = &dns;
	device.led = nim_led(&device);
	assert_int_equal(device.led, 3);
	config.version = (char *)"7";
	config.source = (char *)"/etc/edgeway/config.json";
	entry.key = dpcs.current = (char *)"zedagent";
	entry.source = EW__DPC_SOURCE__DPC_CONTROLLER;
	entry.time_priority_ms = 1795219200000;
	dpcs.entries = (Ew__DpcEntry *[]){ &entry };
	dpcs.n_entries = 1;
	begin(&w, &device);
	assert_true(page_is(&(struct diag){ &w.ports, &config, &dpcs }, "diag_well", 0));
	end(&w);
}

static void page_of_a_node_that_does_not(void **state)
{
	Ew__DeviceNetworkStatus device = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__PortTest dns = port_test(EW__TEST_OUTCOME__TEST_FAILED, EW__TEST_STAGE__TEST_STAGE_DNS,
				     "192.0.2.53 does not answer");
	Ew__PortStatus a = port("uplink-a", "eth0", &dns), b = port("lte", "wwan0", NULL);
	Ew__ConfigStatus config = EW__CONFIG_STATUS__INIT;
	Ew__DevicePortConfigList dpcs = EW__DEVICE_PORT_CONFIG_LIST__INIT;
	Ew__DpcEntry field = EW__DPC_ENTRY__INIT, other = EW__DPC_ENTRY__INIT;
	Ew__DpcRefusal refusal = EW__DPC_REFUSAL__INIT;
	Ew__LpsRefusal local = EW__LPS_REFUSAL__INIT;
	Ew__LpsStatus lps = EW__LPS_STATUS__INIT;
	struct world w;

	(void)state;
	b.ifindex = 0;
	b.n_addresses = 0;
	b.carrier = false;
	b.cost = 10;
	b.error = (char *)"interface not found";
	device.ports = (Ew__PortStatus *[]){ &a, &b };
	device.n_ports = 2;
	refusal.file = (char *)"usb.json";
	refusal.pointer = (char *)"/Ports/0/Cost";
	refusal.why = (char *)"expected 0 to 255";
	device.dpc_refusals = (Ew__DpcRefusal *[]){ &refusal };
	device.n_dpc_refusals = 1;
	local.logicallabel = (char *)"lte";
	local.why = (char *)"wireless: wired, and the port is cellular";
	lps.error = (char *)"its test failed: no address";
	lps.refusals = (Ew__LpsRefusal *[]){ &local };
	lps.n_refusals = 1;
	device.lps = &lps;
	device.led = nim_led(&device);
	assert_int_equal(device.led, 2);
	config.error = (char *)"no such network";
	config.error_pointer = (char *)"/systemAdapterList/0";
	field.key = dpcs.current = (char *)"field";
	field.source = EW__DPC_SOURCE__DPC_OVERRIDE;
	field.file = (char *)"field.json";
	other.key = (char *)"zedagent";
	other.source = EW__DPC_SOURCE__DPC_CONTROLLER;
	other.error = (char *)"no management port that gets an address";
	dpcs.entries = (Ew__DpcEntry *[]){ &other, &field };
	dpcs.n_entries = 2;
	begin(&w, &device);
	assert_false(page_is(&(struct diag){ &w.ports, &config, &dpcs }, "diag_bad", 0));
	assert_false(page_is(&(struct diag){ &w.ports, &config, &dpcs }, "diag_narrow", 64));
	end(&w);
}

static void page_of_a_node_without_anything(void **state)
{
	Ew__DeviceNetworkStatus device = EW__DEVICE_NETWORK_STATUS__INIT;
	struct world w;

	(void)state;
	device.led = nim_led(&device);
	assert_int_equal(device.led, 1);
	begin(&w, &device);
	assert_false(page_is(&(struct diag){ .ports = &w.ports }, "diag_nothing", 0));
	end(&w);
}

static enum nim_led led_of(Ew__PortStatus *first, Ew__PortStatus *second)
{
	Ew__DeviceNetworkStatus device = EW__DEVICE_NETWORK_STATUS__INIT;

	device.ports = (Ew__PortStatus *[]){ first, second };
	device.n_ports = 2;
	return nim_led(&device);
}

static void number_tells_of_a_bootstrap_file_while_nothing_far_has_answered(void **state)
{
	Ew__DeviceNetworkStatus device = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__DpcRefusal refusal = EW__DPC_REFUSAL__INIT;
	Ew__PortTest ok = port_test(EW__TEST_OUTCOME__TEST_OK, EW__TEST_STAGE__TEST_STAGE_DONE,
				    "https://controller.example/");
	Ew__PortStatus a = port("a", "eth0", NULL);

	(void)state;
	refusal.file = (char *)(uintptr_t) "bootstrap-config.pb";
	device.dpc_refusals = (Ew__DpcRefusal *[]){ &refusal };
	device.n_dpc_refusals = 1;
	assert_int_equal(nim_led(&device), NIM_LED_NO_ADDRESS);
	device.ports = (Ew__PortStatus *[]){ &a };
	device.n_ports = 1;
	assert_int_equal(nim_led(&device), NIM_LED_BAD_BOOTSTRAP);
	refusal.file = (char *)(uintptr_t) "override.json";
	assert_int_equal(nim_led(&device), NIM_LED_CONNECTING);
	refusal.file = (char *)(uintptr_t) "bootstrap-config.pb";
	a.test = &ok;
	assert_int_equal(nim_led(&device), NIM_LED_CONNECTED);
}

static void number_is_that_of_the_best_management_port(void **state)
{
	Ew__PortTest ok = port_test(EW__TEST_OUTCOME__TEST_OK, EW__TEST_STAGE__TEST_STAGE_DONE,
				    "https://controller.example/");
	Ew__PortTest near =
		port_test(EW__TEST_OUTCOME__TEST_OK, EW__TEST_STAGE__TEST_STAGE_DONE, "");
	Ew__PortTest tls =
		port_test(EW__TEST_OUTCOME__TEST_REMOTE, EW__TEST_STAGE__TEST_STAGE_TLS, "expired");
	Ew__PortStatus a = port("a", "eth0", NULL), b = port("b", "eth1", &near);

	(void)state;
	assert_int_equal(led_of(&a, &b), NIM_LED_CONNECTING); /* near is not far enough */
	a.test = &tls;
	assert_int_equal(led_of(&a, &b), NIM_LED_BAD_CERTIFICATE);
	assert_int_equal(led_of(&b, &a), NIM_LED_BAD_CERTIFICATE);
	b.test = &ok;
	assert_int_equal(led_of(&a, &b), NIM_LED_CONNECTED);
	b.is_mgmt = false; /* apps have it, the node does not */
	assert_int_equal(led_of(&a, &b), NIM_LED_BAD_CERTIFICATE);
	a.n_addresses = 0;
	assert_int_equal(led_of(&a, &b), NIM_LED_NO_ADDRESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_of_a_node_that_works),
		cmocka_unit_test(page_of_a_node_that_does_not),
		cmocka_unit_test(page_of_a_node_without_anything),
		cmocka_unit_test(number_tells_of_a_bootstrap_file_while_nothing_far_has_answered),
		cmocka_unit_test(number_is_that_of_the_best_management_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
