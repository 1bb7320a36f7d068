/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration becomes. What is refused: test_za_refuse.c. */
#include "tests/unit/golden.h"
#include "tests/unit/za_config.h"
#include "zedagent/check.h"

static struct za_config *parse_ok(const void *data, size_t len)
{
	struct za_config *config = NULL;
	struct pbjson_error err = { "", "" };

	if (za_config_parse(data, len, &config, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	return config;
}

static void example_becomes(const char *name)
{
	_cleanup_(freep) char *path = xasprintf("docs/examples/%s.json", name);
	_cleanup_(freep) char *golden = xasprintf("za_%s", name);
	_cleanup_(freep) char *text = za_test_read(path);
	_cleanup_(za_config_freep) struct za_config *config = parse_ok(text, strlen(text));
	_cleanup_(freep) char *got = za_test_format(config);

	golden_text(golden, got);
}

static void the_rich_example_becomes_what_it_says(void **state)
{
	(void)state;
	example_becomes("rich");
}

static void the_minimal_example_becomes_what_it_says(void **state)
{
	(void)state;
	example_becomes("minimal");
}

static void binary_and_json_mean_the_same(void **state)
{
	_cleanup_(freep) char *text = za_test_read("docs/examples/rich.json");
	_cleanup_(za_config_freep) struct za_config *from_json = parse_ok(text, strlen(text));
	_cleanup_(freep) char *json = za_test_format(from_json), *binary = NULL;
	_cleanup_(freep) uint8_t *bytes = NULL;
	EVE(EdgeDevConfig) * eve;
	struct pbjson_error err = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(za_config_load(text, strlen(text), &eve, &err), 0);
	len = protobuf_c_message_get_packed_size(&eve->base);
	bytes = xcalloc(1, len);
	protobuf_c_message_pack(&eve->base, bytes);
	org__lfedge__eve__config__edge_dev_config__free_unpacked(eve, NULL);

	_cleanup_(za_config_freep) struct za_config *from_binary = parse_ok(bytes, len);

	binary = za_test_format(from_binary);
	assert_string_equal(json, binary);
}

/* Hand-made bytes: numbers and wire types of the EVE API, and fields that are not ours. */
static void binary_is_wire_compatible(void **state)
{
	static const char bytes[] = "\x0a\x29" /* 1 id */
				    "\x0a\x24"
				    "01234567-89ab-cdef-0123-456789abcdef" /* 1 uuid */
				    "\x12\x01"
				    "9" /* 2 version */
				    "\x32\x03"
				    "\x0a\x01x" /* 6 datastores: not ours */
				    "\x5a\x06"
				    "\x0a\x01k"
				    "\x12\x01v" /* 11 configItems */
				    "\x6a\x19" /* 13 deviceIoList */
				    "\x08\x01" /* 1 ptype = Ethernet */
				    "\x1a\x0e"
				    "\x0a\x06ifname"
				    "\x12\x04"
				    "eth7" /* 3 phyaddrs, a map */
				    "\x22\x05label" /* 4 logicallabel */
				    "\x62\x0d" /* 12 systemAdapterList */
				    "\x0a\x04port" /* 1 name */
				    "\x42\x05label" /* 8 lowerLayerName */
				    "\xc2\x02\x02"
				    "\x08\x64" /* 40 config_timestamp: 1 seconds = 100 */
				    "\xf8\x3f\x01"; /* 1023: unknown */
	_cleanup_(za_config_freep) struct za_config *config = parse_ok(bytes, sizeof(bytes) - 1);
	_cleanup_(freep) char *got = za_test_format(config);

	(void)state;
	assert_string_equal(got, "uuid=01234567-89ab-cdef-0123-456789abcdef version=9 "
				 "timestamp_ms=100000 ignored=configItems.k\n"
				 "GlobalConfig {\n  \"items\": {\n    \"k\": \"v\"\n  }\n}\n"
				 "DevicePortConfig {\n"
				 "  \"source\": \"zedagent\",\n"
				 "  \"timestampMs\": \"100000\",\n"
				 "  \"ports\": [\n"
				 "    {\n"
				 "      \"logicallabel\": \"port\",\n"
				 "      \"ifname\": \"eth7\"\n"
				 "    }\n"
				 "  ]\n"
				 "}\n");
}

/* EVE's parseconfig: PNAC. */
static void pnacs_go_to_their_adapters_with_the_ca_of_their_profile(void **state)
{
	static const char text[] =
		"{\"deviceIoList\":[{\"ptype\":1,\"logicallabel\":\"a\"},{\"ptype\":1,"
		"\"logicallabel\":"
		"\"b\"}],\"systemAdapterList\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
		"\"pnacs\":[{\"logicallabel\":\"a\",\"eapMethod\":\"EAP_METHOD_TLS\","
		"\"eapIdentity\":"
		"\"me\",\"certEnrollmentProfileName\":\"p\"},{\"logicallabel\":\"a\"},"
		"{\"logicallabel\":\"nowhere\"}],"
		"\"scepProfiles\":[{\"profileName\":\"q\",\"caCertPem\":[\"eg==\"]},"
		"{\"profileName\":\"p\",\"caCertPem\":[\"eA==\",\"eQ==\",\"\"]}]}";
	_cleanup_(za_config_freep) struct za_config *config = parse_ok(text, strlen(text));
	const Ew__PnacConfig *pnac = config->ports->ports[0]->pnac;

	(void)state;
	assert_non_null(pnac);
	assert_null(config->ports->ports[1]->pnac);
	assert_string_equal(pnac->identity, "me");
	assert_string_equal(pnac->profile, "p");
	assert_string_equal(pnac->ca_pem, "x\ny\n");
	assert_int_equal(pnac->eap_method, 1);
	assert_string_equal(config->ignored, "pnacs.1,pnacs.2,scepProfiles");
}

/* One instance: its gateway and range. */
static void range_is(const char *type, const char *ip, const char *gateway, const char *start,
		     const char *end)
{
	_cleanup_(freep) char *text = xasprintf(
		"{\"networkInstances\":[{\"uuidandversion\":{\"uuid\":"
		"\"01234567-89ab-cdef-0123-456789abcdef\"},\"instType\":2,\"ipType\":\"%s\","
		"\"ip\":{%s}}]}",
		type, ip);
	_cleanup_(za_config_freep) struct za_config *config = parse_ok(text, strlen(text));

	assert_string_equal(config->instances[0]->gateway, gateway);
	assert_string_equal(config->instances[0]->dhcp_start, start);
	assert_string_equal(config->instances[0]->dhcp_end, end);
}

/* EVE's parseconfig: IP specs. */
static void ipv4_ranges_get_the_defaults_of_eve(void **state)
{
	(void)state;
	range_is("IPV4", "\"subnet\":\"10.0.0.0/24\"", "10.0.0.1", "10.0.0.128", "10.0.0.254");
	range_is("IPV4", "\"subnet\":\"10.0.0.0/28\"", "10.0.0.1", "10.0.0.8", "10.0.0.14");
	range_is("IPV4", "\"subnet\":\"10.0.0.0/29\"", "10.0.0.1", "10.0.0.2", "10.0.0.6");
	range_is("IPV4", "\"subnet\":\"10.0.0.0/30\"", "10.0.0.1", "10.0.0.2", "10.0.0.2");
	range_is("IPV4", "\"subnet\":\"10.0.0.0/16\"", "10.0.0.1", "10.0.128.0", "10.0.128.255");
	range_is("IPV4", "\"subnet\":\"10.0.0.77/24\"", "10.0.0.1", "10.0.0.128", "10.0.0.254");
	range_is("IPV4", "\"subnet\":\"10.0.0.0/24\",\"dhcpRange\":{\"end\":\"10.0.0.99\"}",
		 "10.0.0.1", "10.0.0.2", "10.0.0.99");
	range_is("IPV4", "\"subnet\":\"10.0.0.0/24\",\"dhcpRange\":{\"start\":\"10.0.0.99\"}",
		 "10.0.0.1", "10.0.0.99", "10.0.0.254");
}

static void range_ends_on_special_addresses_move_by_one(void **state)
{
	(void)state;
	range_is("IPV4",
		 "\"subnet\":\"10.0.0.0/"
		 "24\",\"dhcpRange\":{\"start\":\"10.0.0.0\",\"end\":\"10.0.0.255\"}",
		 "10.0.0.1", "10.0.0.2", "10.0.0.254");
	range_is("IPV4",
		 "\"subnet\":\"10.0.0.0/24\",\"gateway\":\"10.0.0.254\",\"dhcpRange\":"
		 "{\"start\":\"10.0.0.1\",\"end\":\"10.0.0.255\"}",
		 "10.0.0.254", "10.0.0.1", "10.0.0.253");
	range_is("IPV4", "\"subnet\":\"10.0.0.0/24\",\"gateway\":\"10.0.0.128\"", "10.0.0.128",
		 "10.0.0.129", "10.0.0.254");
	range_is("IPV4",
		 "\"subnet\":\"10.0.0.0/"
		 "22\",\"dhcpRange\":{\"start\":\"10.0.0.9\",\"end\":\"10.0.3.9\"}",
		 "10.0.0.1", "10.0.0.9", "10.0.1.8");
}

static void ipv6_ranges_start_at_0x100(void **state)
{
	(void)state;
	range_is("IPV6", "\"subnet\":\"fd00::/64\"", "fd00::1", "fd00::100", "fd00::1ff");
	range_is("IPV6", "\"subnet\":\"fd00::/119\"", "fd00::1", "fd00::100", "fd00::1fe");
	range_is("IPV6", "\"subnet\":\"fd00::/120\"", "fd00::1", "fd00::80", "fd00::fe");
	range_is("IPV6", "\"subnet\":\"fd00::/126\"", "fd00::1", "fd00::2", "fd00::2");
	range_is("IPV6", "\"subnet\":\"fd00::/64\",\"gateway\":\"fd00::100\"", "fd00::100",
		 "fd00::101", "fd00::200");
}

static void dnsmasq_is_switched_off_by_an_item(void **state)
{
	const char *text = "{\"configItems\":[{\"key\":\"edgeway.dnsmasq\",\"value\":\"off\"}],"
			   "\"networkInstances\":[{\"uuidandversion\":{\"uuid\":"
			   "\"01234567-89ab-cdef-0123-456789abcdef\"},\"instType\":2,"
			   "\"ipType\":\"IPV4\",\"ip\":{\"subnet\":\"10.0.0.0/24\"}}]}";
	_cleanup_(za_config_freep) struct za_config *config = parse_ok(text, strlen(text));

	(void)state;
	assert_true(config->instances[0]->dnsmasq_off);
}

#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDm4pGcJZ2uXqT9n0m5JY1fVxkqk8yP2wQ3l7c0r9d1s"
#define RSA "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAwABAg=="

static void ssh_is_opened_by_public_keys_and_closed_by_none(void **state)
{
	static const char *const good[] = {
		"",
		"none",
		"None",
		ED25519,
		ED25519 " tech@example",
		"\n# the night shift\n" RSA " a b\n\n" ED25519 "\r\n",
		"command=\"say \\\"hello you\\\"\",no-pty " RSA,
	};
	static const char *const bad[] = {
		"yes",
		"ssh-ed25519",
		"ssh-ed25519 AAAA",
		"ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAAwABAg==", /* an RSA key */
		"ssh-new AAAAC3NzaC1lZDI1NTE5AAAAIDm4pGcJZ2uXqT9n0m5JY1fVxkqk8yP2wQ3l7c0r9d1s",
		ED25519 "\nnone",
		"command=\"never closed " RSA,
		"no-pty no-pty " RSA,
		"ssh-rsa \"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(za_is_ssh_keys(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(za_is_ssh_keys(bad[i]));
}

static void unknown_items_are_passed_on_and_named_once(void **state)
{
	const char *text = "{\"configItems\":[{\"key\":\"debug.enable.shh\",\"value\":\"x\"},"
			   "{\"key\":\"app.allow.vnc\",\"value\":\"true\"},"
			   "{\"key\":\"a \\\" b\",\"value\":\"\"}]}";
	_cleanup_(za_config_freep) struct za_config *config = parse_ok(text, strlen(text));

	(void)state;
	assert_string_equal(config->ignored, "configItems.debug.enable.shh,configItems.2");
	assert_int_equal(config->global->n_items, 3);
}

static void without_uplinks_every_addressed_port_is_for_management(void **state)
{
	const char *text =
		"{\"deviceIoList\":[{\"ptype\":1,\"logicallabel\":\"a\"},{\"ptype\":1,"
		"\"logicallabel\":\"b\"}],"
		"\"networks\":[{\"id\":\"01234567-89ab-cdef-0123-456789abcdef\",\"type\":\"V4\","
		"\"ip\":{\"dhcp\":\"Client\"}}],\"systemAdapterList\":[{\"name\":\"a\",\"cost\":3,"
		"\"networkUUID\":\"01234567-89ab-cdef-0123-456789abcdef\"},{\"name\":\"b\"}]}";
	_cleanup_(za_config_freep) struct za_config *config = parse_ok(text, strlen(text));

	(void)state;
	assert_true(config->ports->ports[0]->is_mgmt);
	assert_int_equal(config->ports->ports[0]->cost, 3);
	assert_false(config->ports->ports[1]->is_mgmt);
	assert_false(config->ports->ports[1]->is_l3);
}

/* The same external port by IPv4 and by IPv6 are two ports. */
static void port_maps_of_two_families_do_not_clash(void **state)
{
#define NI(n, type, net)                                                                           \
	"{\"uuidandversion\":{\"uuid\":\"01234567-89ab-cdef-0123-00000000000" n                    \
	"\"},\"instType\":2,"                                                                      \
	"\"port\":{\"name\":\"uplink\"},\"ipType\":\"" type "\",\"ip\":{\"subnet\":\"" net "\"}}"
#define APP(n)                                                                                     \
	"{\"uuidandversion\":{\"uuid\":\"01234567-89ab-cdef-0123-10000000000" n "\"},"             \
	"\"displayname\":\"app" n "\",\"interfaces\":[{\"networkId\":"                             \
	"\"01234567-89ab-cdef-0123-00000000000" n "\",\"acls\":[{\"matches\":["                    \
	"{\"type\":\"protocol\",\"value\":\"tcp\"},{\"type\":\"lport\",\"value\":\"80\"}],"        \
	"\"actions\":[{\"portmap\":true,\"appPort\":8080}]}]}]}"
	const char *text =
		"{\"deviceIoList\":[{\"ptype\":1,\"logicallabel\":\"a\"}],\"networks\":[{\"id\":"
		"\"01234567-89ab-cdef-0123-456789abcdef\",\"type\":\"V4\",\"ip\":{\"dhcp\":"
		"\"Client\"}}],\"systemAdapterList\":[{\"name\":\"a\",\"uplink\":true,"
		"\"networkUUID\":\"01234567-89ab-cdef-0123-456789abcdef\"}],"
		"\"networkInstances\":[" NI("1", "IPV4", "10.1.0.0/24") "," NI(
			"2", "IPV6", "fd00:1::/64") "],\"apps\":[" APP("1") "," APP("2") "]}";
	_cleanup_(za_config_freep) struct za_config *config = parse_ok(text, strlen(text));

	(void)state;
	assert_int_equal(config->n_apps, 2);
}

static void an_empty_object_is_a_configuration(void **state)
{
	_cleanup_(za_config_freep) struct za_config *config = parse_ok(" {}", 3);

	(void)state;
	assert_int_equal(config->n_instances + config->n_apps + config->ports->n_ports, 0);
	assert_string_equal(config->ports->source, "zedagent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pnacs_go_to_their_adapters_with_the_ca_of_their_profile),
		cmocka_unit_test(the_rich_example_becomes_what_it_says),
		cmocka_unit_test(the_minimal_example_becomes_what_it_says),
		cmocka_unit_test(binary_and_json_mean_the_same),
		cmocka_unit_test(binary_is_wire_compatible),
		cmocka_unit_test(ipv4_ranges_get_the_defaults_of_eve),
		cmocka_unit_test(range_ends_on_special_addresses_move_by_one),
		cmocka_unit_test(ipv6_ranges_start_at_0x100),
		cmocka_unit_test(dnsmasq_is_switched_off_by_an_item),
		cmocka_unit_test(ssh_is_opened_by_public_keys_and_closed_by_none),
		cmocka_unit_test(unknown_items_are_passed_on_and_named_once),
		cmocka_unit_test(without_uplinks_every_addressed_port_is_for_management),
		cmocka_unit_test(port_maps_of_two_families_do_not_clash),
		cmocka_unit_test(an_empty_object_is_a_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
