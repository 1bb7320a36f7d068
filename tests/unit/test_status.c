/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway status shows of messages given, without daemons and without a terminal. */
#include <stdio.h>

#include "api/topics.h"
#include "cmd/edgeway/status_view.h"
#include "tests/unit/golden.h"

static const struct status_daemon all_tell[] = { { "nim", STATUS_TELLS },
						 { "zedrouter", STATUS_TELLS },
						 { NULL, STATUS_ABSENT } };

static void add(struct status *s, const struct ps_topic *topic, const char *key,
		const ProtobufCMessage *msg)
{
	uint8_t data[2048];

	assert_true(protobuf_c_message_get_packed_size(msg) <= sizeof(data));
	status_add(s, topic, key, data, protobuf_c_message_pack(msg, data));
}

static void add_config(struct status *s, const char *error)
{
	Ew__ConfigStatus c = EW__CONFIG_STATUS__INIT;

	c.source = (char *)"/var/lib/edgeway/config.json";
	c.version = (char *)"7";
	c.error = (char *)error;
	c.error_pointer = (char *)(error[0] ? "/networks/0/ip" : "");
	add(s, &ps_topic_config_status, "global", &c.base);
}

static void add_ports(struct status *s)
{
	char *two[] = { (char *)"192.168.1.198/24", (char *)"2001:db8:1::143/128" };
	Ew__PortStatus a = EW__PORT_STATUS__INIT, b = EW__PORT_STATUS__INIT;
	Ew__DeviceNetworkStatus d = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__DnsServer server = EW__DNS_SERVER__INIT, own = EW__DNS_SERVER__INIT;
	Ew__DnsStatus dns = EW__DNS_STATUS__INIT;

	a.logicallabel = (char *)"uplink-a";
	a.ifname = (char *)"eth0";
	a.addresses = two;
	a.n_addresses = 2;
	a.gateway4 = (char *)"192.168.1.1";
	a.gateway6 = (char *)"fe80::1";
	b.logicallabel = (char *)"uplink-b";
	b.ifname = (char *)"eth1";
	b.cost = 10;
	b.error = (char *)"no carrier";
	d.ports = (Ew__PortStatus *[]){ &a, &b };
	d.n_ports = 2;
	d.default_port4 = d.default_port6 = a.logicallabel;
	server.address = (char *)"192.168.1.1";
	server.port = a.logicallabel;
	own.address = (char *)"10.9.9.9";
	own.port = b.logicallabel;
	own.domain = (char *)"plant.example";
	own.domain_only = true;
	dns.address = (char *)"127.0.0.1";
	dns.servers = (Ew__DnsServer *[]){ &server, &own };
	dns.n_servers = 2;
	d.dns = &dns;
	add(s, &ps_topic_device_network_status, "global", &d.base);
}

static void add_meter(struct status *s, const char *label, Ew__MeterState state)
{
	Ew__PortMeterStatus m = EW__PORT_METER_STATUS__INIT;
	Ew__MeterCount month = EW__METER_COUNT__INIT;

	m.logicallabel = (char *)label;
	m.state = state;
	m.percent = 85;
	m.month = &month;
	month.end_s = 1796083200;
	add(s, &ps_topic_port_meter_status, label, &m.base);
}

static void add_instance(struct status *s, const char *name, Ew__NetworkInstanceState state)
{
	char *uplinks[] = { (char *)"uplink-a", (char *)"uplink-b" };
	Ew__NetworkInstanceStatus ni = EW__NETWORK_INSTANCE_STATUS__INIT;

	ni.displayname = (char *)name;
	ni.state = state;
	ni.bridge = (char *)"bn1";
	ni.bridge_address = (char *)"10.1.0.1/24";
	ni.port_label = (char *)"uplink";
	ni.selected_port = (char *)"uplink-a";
	if (strcmp(name, "shop") == 0) {
		ni.uplinks = uplinks;
		ni.n_uplinks = 2;
		ni.standby = (char *)"lte";
	}
	add(s, &ps_topic_network_instance_status, name, &ni.base);
}

static void add_app(struct status *s, const char *name, Ew__DomainState state, const char *error)
{
	char *address = (char *)"10.1.0.128/24";
	Ew__AppNetworkStatus net = EW__APP_NETWORK_STATUS__INIT;
	Ew__VifStatus vif = EW__VIF_STATUS__INIT;
	Ew__DomainStatus app = EW__DOMAIN_STATUS__INIT;

	app.uuid = net.uuid = app.displayname = (char *)name;
	app.netns = (char *)"shop";
	app.state = state;
	app.error = (char *)error;
	vif.ifname = (char *)"nbu1x1";
	vif.addresses = &address;
	vif.n_addresses = 1;
	net.vifs = (Ew__VifStatus *[]){ &vif };
	net.n_vifs = 1;
	add(s, &ps_topic_domain_status, name, &app.base);
	add(s, &ps_topic_app_network_status, name, &net.base);
}

/* A node with everything, told in the wrong order. */
static void fill(struct status *s)
{
	add_app(s, "till", EW__DOMAIN_STATE__DOMAIN_RUNNING, "");
	add_app(s, "camera", EW__DOMAIN_STATE__DOMAIN_ERROR, "network instance not found");
	add_app(s, "oven", EW__DOMAIN_STATE__DOMAIN_WAITING, "");
	add_instance(s, "shop", EW__NETWORK_INSTANCE_STATE__NI_STATE_ONLINE);
	add_instance(s, "office", EW__NETWORK_INSTANCE_STATE__NI_STATE_INIT);
	add_ports(s);
	add_config(s, "expected an address");
}

static char *shown(struct status *s, const struct status_look *look, unsigned int *ret_bad)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (look)
		*ret_bad = status_print(s, look, out);
	else
		status_print_json(s, out);
	fclose(out);
	status_fini(s);
	return text;
}

static void expect(const char *golden, const struct status_look *look)
{
	_cleanup_(freep) char *text = NULL;
	struct status s = { .daemons = all_tell };
	unsigned int bad = 3;

	fill(&s);
	text = shown(&s, look, &bad);
	assert_int_equal(bad, 3); /* configuration, port, app */
	golden_text(golden, text);
}

static void lines_go_from_the_ground_up_by_name(void **state)
{
	(void)state;
	expect("status_plain", &(struct status_look){ 0 });
}

static void colours_mark_the_verdict_only(void **state)
{
	(void)state;
	expect("status_color", &(struct status_look){ .color = true });
}

static void narrow_terminal_gets_the_rest_of_a_line_below_it(void **state)
{
	(void)state;
	expect("status_narrow", &(struct status_look){ .width = 72 });
}

static void terminal_too_narrow_for_columns_gets_whole_lines(void **state)
{
	(void)state;
	expect("status_plain", &(struct status_look){ .width = 50 });
}

static void json_has_every_value_and_daemon(void **state)
{
	(void)state;
	expect("status_json", NULL);
}

static void daemons_that_tell_nothing_come_first(void **state)
{
	static const struct status_daemon daemons[] = { { "nim", STATUS_WAITING },
							{ "zedrouter", STATUS_SILENT },
							{ "domainmgr", STATUS_ABSENT },
							{ "zedagent", STATUS_TELLS },
							{ NULL, STATUS_ABSENT } };
	struct status s = { .daemons = daemons };
	_cleanup_(freep) char *text = NULL;
	unsigned int bad = 0;

	(void)state;
	add_config(&s, "");
	text = shown(&s, &(struct status_look){ 0 }, &bad);
	assert_int_equal(bad, 2);
	golden_text("status_daemons", text);
}

static void names_are_aligned_by_characters_and_cannot_speak_to_the_terminal(void **state)
{
	struct status s = { .daemons = all_tell };
	_cleanup_(freep) char *text = NULL;
	unsigned int bad = 0;

	(void)state;
	add_instance(&s, "B\303\244ckerei S\303\274d, Halle 1",
		     EW__NETWORK_INSTANCE_STATE__NI_STATE_ONLINE);
	add_instance(&s, "\033[2Jgone\302\23331m\23332m",
		     EW__NETWORK_INSTANCE_STATE__NI_STATE_ONLINE);
	text = shown(&s, &(struct status_look){ 0 }, &bad);
	assert_null(strchr(text, '\033'));
	golden_text("status_names", text);
}

static void a_port_near_or_over_its_quota_is_warned_of(void **state)
{
	struct status s = { .daemons = all_tell };
	_cleanup_(freep) char *text = NULL;
	unsigned int bad = 0;

	(void)state;
	add_meter(&s, "uplink-a", EW__METER_STATE__METER_STATE_NEAR);
	add_meter(&s, "uplink-b", EW__METER_STATE__METER_STATE_OVER);
	add_meter(&s, "gone", EW__METER_STATE__METER_STATE_OVER);
	add_ports(&s);
	text = shown(&s, &(struct status_look){ 0 }, &bad);
	assert_int_equal(bad, 1); /* the one without a carrier */
	golden_text("status_quota", text);
}

static void a_port_that_is_back_and_flows_that_leave_are_shown(void **state)
{
	Ew__PortStatus a = EW__PORT_STATUS__INIT, b = EW__PORT_STATUS__INIT;
	Ew__DeviceNetworkStatus d = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__NetworkInstanceStatus ni = EW__NETWORK_INSTANCE_STATUS__INIT;
	Ew__UpstreamStatus far = EW__UPSTREAM_STATUS__INIT;
	char *draining = (char *)"uplink-b";
	struct status s = { .daemons = all_tell };
	_cleanup_(freep) char *text = NULL;
	unsigned int bad = 0;

	(void)state;
	a.logicallabel = (char *)"uplink-a";
	b.logicallabel = (char *)"uplink-b";
	a.ifname = b.ifname = (char *)"eth0";
	a.held4 = true;
	a.held_until_ms = 1796083200000;
	far.held_until_ms = 1796083201000;
	b.upstream6 = &far;
	d.ports = (Ew__PortStatus *[]){ &a, &b };
	d.n_ports = 2;
	add(&s, &ps_topic_device_network_status, "global", &d.base);
	ni.displayname = (char *)"shop";
	ni.bridge = (char *)"bn1";
	ni.bridge_address = (char *)"10.1.0.1/24";
	ni.selected_port = (char *)"uplink-a";
	ni.state = EW__NETWORK_INSTANCE_STATE__NI_STATE_ONLINE;
	ni.draining = &draining;
	ni.n_draining = 1;
	add(&s, &ps_topic_network_instance_status, "shop", &ni.base);
	text = shown(&s, &(struct status_look){ 0 }, &bad);
	assert_int_equal(bad, 0);
	assert_string_equal(
		text,
		"wait port       uplink-a         eth0     cost 0    is back, others are preferred "
		"until 2026-12-01T00:00:00Z\n"
		"wait port       uplink-b         eth0     cost 0    is back, others are preferred "
		"until 2026-12-01T00:00:01Z\n"
		"ok   instance   shop             bn1      10.1.0.1/24 uplink uplink-a "
		"(flows leave uplink-b), 0 interfaces\n");
}

static void a_port_that_is_back_is_warned_of_all_the_same(void **state)
{
	Ew__AddressConflict conflict = EW__ADDRESS_CONFLICT__INIT, *conflicts = &conflict;
	Ew__DeviceNetworkStatus d = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__PortStatus a = EW__PORT_STATUS__INIT, *ports = &a;
	struct status s = { .daemons = all_tell };
	_cleanup_(freep) char *text = NULL;
	unsigned int bad = 0;

	(void)state;
	a.logicallabel = (char *)"uplink-a";
	a.ifname = (char *)"eth0";
	conflict.address = (char *)"192.0.2.2";
	a.conflicts = &conflicts;
	a.n_conflicts = 1;
	a.held4 = true;
	a.held_until_ms = 1796083200000;
	d.ports = &ports;
	d.n_ports = 1;
	add(&s, &ps_topic_device_network_status, "global", &d.base);
	text = shown(&s, &(struct status_look){ 0 }, &bad);
	assert_string_equal(text,
			    "warn port       uplink-a         eth0     cost 0    192.0.2.2 is also "
			    "used by another "
			    "host is back, others are preferred until 2026-12-01T00:00:00Z\n");
}

static void firewall_shows_only_when_something_is_wrong_with_it(void **state)
{
	Ew__DeviceNetworkStatus d = EW__DEVICE_NETWORK_STATUS__INIT;
	struct status s = { .daemons = all_tell };
	_cleanup_(freep) char *text = NULL;
	unsigned int bad = 0;

	(void)state;
	d.firewall_error = (char *)"nft_chain inet/edgeway-nim/input: no such file";
	add(&s, &ps_topic_device_network_status, "global", &d.base);
	text = shown(&s, &(struct status_look){ 0 }, &bad);
	assert_int_equal(bad, 1);
	assert_string_equal(text, "BAD  firewall   ports            "
				  "nft_chain inet/edgeway-nim/input: no such file\n");
}

static void what_overrides_the_controller_and_what_is_refused_is_shown(void **state)
{
	Ew__DeviceNetworkStatus d = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__DpcRefusal refusal = EW__DPC_REFUSAL__INIT;
	Ew__LpsRefusal local = EW__LPS_REFUSAL__INIT;
	Ew__LpsStatus lps = EW__LPS_STATUS__INIT;
	struct status s = { .daemons = all_tell };
	_cleanup_(freep) char *text = NULL;
	unsigned int bad = 0;

	(void)state;
	refusal.file = (char *)"b.json";
	refusal.pointer = (char *)"/Ports/0/Cost";
	refusal.why = (char *)"expected 0 to 255";
	d.dpc_key = (char *)"shop";
	d.dpc_source = EW__DPC_SOURCE__DPC_OVERRIDE;
	d.dpc_refusals = (Ew__DpcRefusal *[]){ &refusal };
	d.n_dpc_refusals = 1;
	local.logicallabel = (char *)"uplink-a";
	local.why = (char *)"bad DNS server: x";
	lps.version = (char *)"7";
	lps.error = (char *)"its test failed: no address";
	lps.refusals = (Ew__LpsRefusal *[]){ &local };
	lps.n_refusals = 1;
	d.lps = &lps;
	add(&s, &ps_topic_device_network_status, "global", &d.base);
	text = shown(&s, &(struct status_look){ 0 }, &bad);
	assert_int_equal(bad, 1); /* a local wish in vain takes nothing away */
	golden_text("status_dpc", text);
}

static void a_stick_says_when_it_may_be_pulled(void **state)
{
	static const struct {
		Ew__UsbStickState state;
		const char *result, *error, *line;
		unsigned int bad;
	} rows[] = {
		{ EW__USB_STICK_STATE__USB_WRITING, "", "",
		  "wait usb        sda1             "
		  "is written to: do not pull it\n",
		  0 },
		{ EW__USB_STICK_STATE__USB_DONE, "written", "",
		  "ok   usb        sda1             written\n", 0 },
		{ EW__USB_STICK_STATE__USB_DONE, "", "mounting it as FAT: Invalid argument",
		  "BAD  usb        sda1             mounting it as FAT: Invalid argument\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		Ew__UsbStickStatus stick = EW__USB_STICK_STATUS__INIT;
		struct status s = { .daemons = all_tell };
		_cleanup_(freep) char *text = NULL;
		unsigned int bad = 0;

		stick.device = (char *)"sda1";
		stick.state = rows[i].state;
		stick.result = (char *)rows[i].result;
		stick.error = (char *)rows[i].error;
		add(&s, &ps_topic_usb_stick_status, "sda1", &stick.base);
		text = shown(&s, &(struct status_look){ 0 }, &bad);
		assert_string_equal(text, rows[i].line);
		assert_int_equal(bad, rows[i].bad);
	}
}

static void value_of_another_version_is_left_out(void **state)
{
	struct status s = { .daemons = all_tell };
	_cleanup_(freep) char *text = NULL;
	unsigned int bad = 0;

	(void)state;
	status_add(&s, &ps_topic_config_status, "global", "\xff\xff", 2);
	text = shown(&s, &(struct status_look){ 0 }, &bad);
	assert_string_equal(text, "");
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_go_from_the_ground_up_by_name),
		cmocka_unit_test(colours_mark_the_verdict_only),
		cmocka_unit_test(narrow_terminal_gets_the_rest_of_a_line_below_it),
		cmocka_unit_test(terminal_too_narrow_for_columns_gets_whole_lines),
		cmocka_unit_test(json_has_every_value_and_daemon),
		cmocka_unit_test(daemons_that_tell_nothing_come_first),
		cmocka_unit_test(names_are_aligned_by_characters_and_cannot_speak_to_the_terminal),
		cmocka_unit_test(a_port_near_or_over_its_quota_is_warned_of),
		cmocka_unit_test(a_port_that_is_back_and_flows_that_leave_are_shown),
		cmocka_unit_test(a_port_that_is_back_is_warned_of_all_the_same),
		cmocka_unit_test(firewall_shows_only_when_something_is_wrong_with_it),
		cmocka_unit_test(a_stick_says_when_it_may_be_pulled),
		cmocka_unit_test(what_overrides_the_controller_and_what_is_refused_is_shown),
		cmocka_unit_test(value_of_another_version_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
