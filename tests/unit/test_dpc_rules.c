/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of EVE's DevicePortConfig JSON, sentence by sentence: how Go reads a document, what
 * its fields mean, what is done with a file.
 */
#include "tests/unit/golden.h"

#include <errno.h>

#include "base/arena.h"
#include "config.pb-c.h"
#include "dpc.pb-c.h"
#include "nim/dpc/dpc_json.h"
#include "nim/dpc/dpc_ports.h"
#include "nim/dpc/dpc_read.h"

struct row {
	const char *text, *read; /* read NULL: refused, */
	const char *pointer, *why; /* there and so */
};

static void check_row(const struct row *row)
{
	struct pbjson_error err = { "", "" };
	struct strbuf out = STRBUF_INIT;
	Dpc__Config *dpc = NULL;
	int r = dpc_json_parse(row->text, strlen(row->text), &dpc, &err);

	if (!row->read) {
		assert_int_equal(r, -EINVAL);
		assert_string_equal(err.pointer, row->pointer);
		if (row->why)
			assert_string_equal(err.why, row->why);
		return;
	}
	if (r < 0)
		fail_msg("%s: %s in %s", err.pointer, err.why, row->text);
	pbjson_format(&dpc->base, 0, &out);
	assert_string_equal(strbuf_str(&out), row->read);
	strbuf_fini(&out);
	dpc__config__free_unpacked(dpc, NULL);
}

#define CHECK(...)                                                                                 \
	do {                                                                                       \
		static const struct row rows[] = { __VA_ARGS__ };                                  \
                                                                                                   \
		(void)state;                                                                       \
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)                                      \
			check_row(&rows[i]);                                                       \
	} while (0)

#define PORT(fields) "{\"Ports\":[{" fields "}]}"
#define IS(text_)                                                                                  \
	{                                                                                          \
		.text = text_, .read = text_                                                       \
	}
#define READ(text_, read_)                                                                         \
	{                                                                                          \
		.text = text_, .read = read_                                                       \
	}
#define BAD(text_, pointer_, why_)                                                                 \
	{                                                                                          \
		.text = text_, .pointer = pointer_, .why = why_                                    \
	}

/* ---- How Go reads a document ---- */

static void keys_match_in_any_case(void **state)
{
	CHECK(READ("{\"KEY\":\"a\",\"ports\":[{\"IFNAME\":\"e\",\"dhcp\":4,\"vlan\":{\"id\":7}}]}",
		   "{\"Key\":\"a\",\"Ports\":[{\"IfName\":\"e\",\"Dhcp\":4,\"VLAN\":{\"ID\":7}}]}"),

	      READ(PORT("\"I\xc5\xbfMgmt\":true,\"Networ\xe2\x84\xaaProxyEnable\":true"),
		   PORT("\"IsMgmt\":true,\"NetworkProxyEnable\":true")));
}

static void unknown_keys_are_passed_over(void **state)
{
	CHECK(READ("{\"Comment\":{\"Ports\":[1]},\"Key\":\"a\",\"Keys\":1,\"\":0}",
		   "{\"Key\":\"a\"}"),
	      READ(PORT("\"IfName\":\"e\",\"DhcpConfig\":{\"Dhcp\":\"no\"}"),
		   PORT("\"IfName\":\"e\"")));
}

static void embedded_structs_are_flat(void **state)
{
	/* DhcpConfig, ProxyConfig, L2LinkConfig, TestResults are not named */
	CHECK(IS(PORT("\"IfName\":\"e\",\"Dhcp\":1,\"AddrSubnet\":\"192.0.2.2/24\","
		      "\"Exceptions\":\"x\",\"L2Type\":1,\"VLAN\":{\"ParentPort\":\"p\",\"ID\":5},"
		      "\"LastError\":\"y\"")));
}

static void times_are_rfc_3339_and_gos_zero_is_none(void **state)
{
	CHECK(IS("{\"TimePriority\":\"2026-03-04T05:06:07.123456789Z\"}"),
	      READ("{\"TimePriority\":\"2026-03-04T07:06:07+02:00\"}",
		   "{\"TimePriority\":\"2026-03-04T05:06:07Z\"}"),
	      READ("{\"LastFailed\":\"0001-01-01T00:00:00Z\",\"Key\":\"a\"}", "{\"Key\":\"a\"}"),
	      BAD("{\"LastFailed\":\"\"}", "/LastFailed", NULL),
	      BAD("{\"LastFailed\":\"2026-03-04 05:06:07\"}", "/LastFailed", NULL),
	      BAD("{\"LastFailed\":\"2026-02-30T05:06:07Z\"}", "/LastFailed", NULL),
	      BAD(PORT("\"LastSucceeded\":0"), "/Ports/0/LastSucceeded", NULL));
}

static void enums_are_numbers(void **state)
{
	CHECK(BAD(PORT("\"Dhcp\":\"4\""), "/Ports/0/Dhcp", "expected an integer"),
	      BAD(PORT("\"Type\":4.5"), "/Ports/0/Type", "expected an integer"),
	      BAD(PORT("\"Type\":4e0"), "/Ports/0/Type", "expected an integer"),
	      BAD(PORT("\"Bond\":{\"Mode\":\"active-backup\"}"), "/Ports/0/Bond/Mode",
		  "expected an integer"),
	      BAD(PORT("\"WirelessCfg\":{\"WType\":true}"), "/Ports/0/WirelessCfg/WType",
		  "expected an integer"));
}

static void addresses_are_strings_and_empty_is_none(void **state)
{
	CHECK(READ(PORT("\"Gateway\":\"\",\"DNSServers\":[]"), "{\"Ports\":[{}]}"),
	      IS(PORT("\"Gateway\":\"0.0.0.0\",\"DNSServers\":[\"2001:db8::1\",\"::ffff:192.0.2."
		      "1\"]")),
	      BAD(PORT("\"Gateway\":\"fe80::1%eth0\""), "/Ports/0/Gateway", NULL),
	      BAD(PORT("\"Gateway\":\"192.0.2.010\""), "/Ports/0/Gateway", NULL),
	      BAD(PORT("\"Gateway\":\" 192.0.2.1\""), "/Ports/0/Gateway", NULL),
	      BAD(PORT("\"Gateway\":\"192.0.2.1/24\""), "/Ports/0/Gateway", NULL),
	      BAD(PORT("\"Bond\":{\"ARPMonitor\":{\"IPTargets\":[\"x\"]}}"),
		  "/Ports/0/Bond/ARPMonitor/IPTargets/0", "\"x\" is no IP address"));
}

static void bytes_are_padded_base64(void **state)
{
	CHECK(READ(PORT("\"ProxyCertPEM\":[\"AA\\r\\nEC\",\"\"]"),
		   PORT("\"ProxyCertPEM\":[\"AAEC\",\"\"]")),
	      BAD(PORT("\"ProxyCertPEM\":[\"AAE\"]"), "/Ports/0/ProxyCertPEM/0", NULL),
	      BAD(PORT("\"ProxyCertPEM\":[\"AA-_\"]"), "/Ports/0/ProxyCertPEM/0", NULL),
	      BAD(PORT("\"ProxyCertPEM\":[\"A A=\"]"), "/Ports/0/ProxyCertPEM/0", NULL),
	      BAD(PORT("\"ProxyCertPEM\":\"AAEC\""), "/Ports/0/ProxyCertPEM", "expected an array"));
}

static void a_wrong_type_refuses_the_whole_file(void **state)
{
	CHECK(BAD("{\"Key\":\"a\",\"Ports\":[{},{\"IfName\":5}]}", "/Ports/1/IfName",
		  "expected a string"),
	      BAD(PORT("\"IsL3Port\":\"true\""), "/Ports/0/IsL3Port", "expected true or false"),
	      BAD(PORT("\"VLAN\":[]"), "/Ports/0/VLAN", "expected an object"),
	      BAD(PORT("\"SharedLabels\":[1]"), "/Ports/0/SharedLabels/0", "expected a string"),
	      BAD("null", "", "expected an object"), BAD("\"\"", "", "expected an object"));
}

static void null_is_not_given(void **state)
{
	CHECK(READ("{\"Key\":null,\"Ports\":[{\"Cost\":null,\"VLAN\":null,\"DNSServers\":null,"
		   "\"LastFailed\":null,\"NetworkUUID\":null}]}",
		   "{\"Ports\":[{}]}"));
}

static void the_last_spelling_counts_and_all_must_be_right(void **state)
{
	CHECK(READ("{\"Key\":\"a\",\"KEY\":\"b\",\"key\":null}", "{\"Key\":\"b\"}"),
	      READ("{\"Ports\":[{\"Cost\":1},{}],\"PORTS\":[{\"MTU\":1400}]}",
		   "{\"Ports\":[{\"MTU\":1400}]}"),
	      /* objects are filled in one after the other */
	      READ(PORT("\"VLAN\":{\"ID\":5},\"vlan\":{\"ParentPort\":\"p\"}"),
		   PORT("\"VLAN\":{\"ParentPort\":\"p\",\"ID\":5}")),
	      BAD(PORT("\"Cost\":256,\"cost\":1"), "/Ports/0/Cost", "expected 0 to 255"),
	      BAD(PORT("\"DNSServers\":[\"x\"],\"dnsservers\":[]"), "/Ports/0/DNSServers/0", NULL));
}

/* ---- Traps ---- */

static void empty_times_and_uuids_refuse_the_file(void **state)
{
	CHECK(BAD("{\"TimePriority\":\"\"}", "/TimePriority",
		  "expected a time like \"2026-03-04T05:06:07Z\""),
	      BAD(PORT("\"NetworkUUID\":\"\""), "/Ports/0/NetworkUUID", "\"\" is no UUID"));
}

static void a_cost_above_255_refuses_the_file(void **state)
{
	CHECK(IS(PORT("\"Cost\":255")),
	      BAD(PORT("\"Cost\":256"), "/Ports/0/Cost", "expected 0 to 255"),
	      BAD(PORT("\"Cost\":-1"), "/Ports/0/Cost", "expected 0 to 255"));
}

static void both_spellings_of_the_trap_keys_are_taken(void **state)
{
	CHECK(READ(PORT("\"NtpServer\":\"a.example\""), PORT("\"NTPServers\":[\"a.example\"]")),
	      READ(PORT("\"ntpserver\":\"a.example\",\"NTPServers\":[\"b.example\"]"),
		   PORT("\"NTPServers\":[\"b.example\",\"a.example\"]")),
	      READ(PORT("\"NtpServer\":\"\""), "{\"Ports\":[{}]}"),
	      READ(PORT("\"pubsub-large-ProxyCertPEM\":[\"AAEC\"]"),
		   PORT("\"ProxyCertPEM\":[\"AAEC\"]")),
	      READ(PORT("\"Pubsub-Large-proxycertpem\":[\"AAEC\"]"),
		   PORT("\"ProxyCertPEM\":[\"AAEC\"]")),
	      IS(PORT("\"ProxyCertPEM\":[\"AAEC\"]")),
	      READ(PORT("\"PNAC\":{\"pubsub-large-ProxyCertPEM\":[\"AAEC\"]}"),
		   PORT("\"PNAC\":{\"ProxyCertPEM\":[\"AAEC\"]}")),
	      READ(PORT("\"WirelessCfg\":{\"Wifi\":[{\"pubsub-large-CipherData\":\"AAEC\"}]}"),
		   PORT("\"WirelessCfg\":{\"Wifi\":[{\"CipherData\":\"AAEC\"}]}")));
}

static void cellular_of_before_its_second_version_is_read(void **state)
{
	CHECK(IS(PORT("\"WirelessCfg\":{\"WType\":1,\"Cellular\":[{\"APN\":\"a\",\"ProbeAddr\":"
		      "\"p\","
		      "\"DisableProbe\":true,\"LocationTracking\":true}]}")),
	      IS(PORT("\"WirelessCfg\":{\"WType\":1,\"CellularV2\":{\"AccessPoints\":[{\"SIMSlot\":"
		      "1,"
		      "\"Activated\":true,\"APN\":\"iot.example\",\"IPType\":\"ipv4\","
		      "\"PreferredRATs\":[\"lte\"]}],\"Probe\":{\"UserDefinedProbe\":{\"Method\":2,"
		      "\"ProbeHost\":\"198.51.100.9\",\"ProbePort\":443}}}}")));
}

/* ---- What the fields mean ---- */

static Ew__DevicePortConfig *ports_of(const char *text, struct arena *arena)
{
	struct pbjson_error err = { "", "" };
	Ew__DevicePortConfig *config = NULL;
	Dpc__Config *dpc = NULL;

	assert_int_equal(dpc_json_parse(text, strlen(text), &dpc, &err), 0);
	assert_int_equal(dpc_ports(dpc, arena, &config, &err), 0);
	dpc__config__free_unpacked(dpc, NULL);
	return config;
}

static void empty_labels_are_the_name_of_the_interface(void **state)
{
	struct arena arena = { 0 };
	Ew__DevicePortConfig *config =
		ports_of("{\"Ports\":[{\"IfName\":\"eth0\"},{\"Logicallabel\":\"lan\"}]}", &arena);

	(void)state;
	assert_string_equal(config->ports[0]->logicallabel, "eth0");
	assert_string_equal(config->ports[0]->phylabel, "eth0");
	assert_string_equal(config->ports[1]->ifname, "lan");
	arena_fini(&arena);
}

static void without_any_l3_port_all_are(void **state)
{
	struct arena arena = { 0 };
	Ew__DevicePortConfig *old =
		ports_of("{\"Ports\":[{\"IfName\":\"a\"},{\"IfName\":\"b\"}]}", &arena);
	Ew__DevicePortConfig *now = ports_of("{\"Ports\":[{\"IfName\":\"a\",\"IsL3Port\":true},"
					     "{\"IfName\":\"b\"}]}",
					     &arena);

	(void)state;
	assert_true(old->ports[0]->is_l3 && old->ports[1]->is_l3);
	assert_true(now->ports[0]->is_l3 && !now->ports[1]->is_l3);
	arena_fini(&arena);
}

static void in_version_0_without_any_management_port_all_are(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_true(ports_of("{\"Ports\":[{\"IfName\":\"a\"}]}", &arena)->ports[0]->is_mgmt);
	assert_false(ports_of("{\"Version\":1,\"Ports\":[{\"IfName\":\"a\"}]}", &arena)
			     ->ports[0]
			     ->is_mgmt);
	arena_fini(&arena);
}

static bool is_usable(const char *port)
{
	_cleanup_(freep) char *text = xasprintf(
		"{\"Version\":1,\"Ports\":[{\"IfName\":\"e\",\"IsMgmt\":true,%s}]}", port);
	struct arena arena = { 0 };
	bool usable = dpc_is_usable(ports_of(text, &arena));

	arena_fini(&arena);
	return usable;
}

static void a_management_port_without_addresses_is_not_usable(void **state)
{
	(void)state;
	assert_true(is_usable("\"Dhcp\":4"));
	assert_true(is_usable("\"Dhcp\":1,\"AddrSubnet\":\"192.0.2.2/24\""));
	assert_false(is_usable("\"Dhcp\":2"));
	assert_false(is_usable("\"Dhcp\":0"));
	assert_false(is_usable("\"Dhcp\":3")); /* deprecated */
	assert_false(is_usable("\"Dhcp\":1")); /* static without an address */
	assert_false(is_usable("\"Dhcp\":4,\"Type\":9")); /* the API's dual stack, not this one's */
	assert_false(is_usable("\"Dhcp\":4,\"InvalidConfig\":true"));
}

static void gateway_0_0_0_0_is_no_default_route(void **state)
{
	struct arena arena = { 0 };
	Ew__DevicePortConfig *config =
		ports_of(PORT("\"IfName\":\"e\",\"Gateway\":\"0.0.0.0\""), &arena);

	(void)state;
	assert_true(config->ports[0]->no_default_route);
	assert_int_equal(config->ports[0]->n_gateways, 0);
	arena_fini(&arena);
}

static void the_json_counts_cellular_1_and_wifi_2(void **state)
{
	struct arena arena = { 0 };
	Ew__DevicePortConfig *config =
		ports_of("{\"Ports\":[{\"IfName\":\"a\",\"WirelessCfg\":{\"WType\":1}},"
			 "{\"IfName\":\"b\",\"WirelessCfg\":{\"WType\":2}}]}",
			 &arena);

	(void)state;
	assert_int_equal(config->ports[0]->wireless, EW__WIRELESS_TYPE__WIRELESS_CELLULAR);
	assert_int_equal(config->ports[1]->wireless, EW__WIRELESS_TYPE__WIRELESS_WIFI);
	arena_fini(&arena);
}

/* ---- What is done with a file ---- */

static void check_entry(const char *text, const char *key, int64_t time_ms)
{
	const struct dpc_origin origin = { .source = EW__DPC_SOURCE__DPC_OVERRIDE,
					   .key = "stem",
					   .own_key = true,
					   .time_ms = DPC_TIME_DEFAULT_MS,
					   .file = "stem.json" };
	struct pbjson_error err = { "", "" };
	struct arena arena = { 0 };
	Ew__DpcEntry *entry = NULL;
	int r = dpc_read(text, strlen(text), &origin, &arena, &entry, &err);

	if (key) {
		assert_int_equal(r, 0);
		assert_string_equal(entry->key, key);
		assert_int_equal(entry->time_priority_ms, time_ms);
		ew__dpc_entry__free_unpacked(entry, NULL);
	} else {
		assert_int_equal(r, -EINVAL);
		assert_string_equal(err.pointer, "/Key");
	}
	arena_fini(&arena);
}

static void a_missing_key_is_the_name_of_the_file_a_missing_time_1980(void **state)
{
	(void)state;
	check_entry("{}", "stem", 315532800000);
	check_entry("{\"Key\":\"\",\"TimePriority\":\"0001-01-01T00:00:00Z\"}", "stem",
		    315532800000);
	check_entry("{\"Key\":\"own\",\"TimePriority\":\"2026-03-04T05:06:07.5Z\"}", "own",
		    1772600767500);
	check_entry("{\"TimePriority\":\"1970-01-01T00:00:00Z\"}", "stem", 0);
}

static void keys_of_other_sources_are_not_taken(void **state)
{
	(void)state;
	check_entry("{\"Key\":\"zedagent\"}", NULL, 0);
	check_entry("{\"Key\":\"manual\"}", NULL, 0);
	check_entry("{\"Key\":\"lastresort\"}", NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_match_in_any_case),
		cmocka_unit_test(unknown_keys_are_passed_over),
		cmocka_unit_test(embedded_structs_are_flat),
		cmocka_unit_test(times_are_rfc_3339_and_gos_zero_is_none),
		cmocka_unit_test(enums_are_numbers),
		cmocka_unit_test(addresses_are_strings_and_empty_is_none),
		cmocka_unit_test(bytes_are_padded_base64),
		cmocka_unit_test(a_wrong_type_refuses_the_whole_file),
		cmocka_unit_test(null_is_not_given),
		cmocka_unit_test(the_last_spelling_counts_and_all_must_be_right),
		cmocka_unit_test(empty_times_and_uuids_refuse_the_file),
		cmocka_unit_test(a_cost_above_255_refuses_the_file),
		cmocka_unit_test(both_spellings_of_the_trap_keys_are_taken),
		cmocka_unit_test(cellular_of_before_its_second_version_is_read),
		cmocka_unit_test(empty_labels_are_the_name_of_the_interface),
		cmocka_unit_test(without_any_l3_port_all_are),
		cmocka_unit_test(in_version_0_without_any_management_port_all_are),
		cmocka_unit_test(a_management_port_without_addresses_is_not_usable),
		cmocka_unit_test(gateway_0_0_0_0_is_no_default_route),
		cmocka_unit_test(the_json_counts_cellular_1_and_wifi_2),
		cmocka_unit_test(a_missing_key_is_the_name_of_the_file_a_missing_time_1980),
		cmocka_unit_test(keys_of_other_sources_are_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
