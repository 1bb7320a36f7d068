/* SPDX-License-Identifier: Apache-2.0 */
/* EVE's DevicePortConfig files: what is read, what is refused and where, what becomes of ports. */
#include "tests/unit/golden.h"

#include <errno.h>

#include "base/arena.h"
#include "config.pb-c.h"
#include "dpc.pb-c.h"
#include "nim/config.h"
#include "nim/dpc/dpc_json.h"
#include "nim/dpc/dpc_ports.h"
#include "tests/unit/za_mutate.h"

#define CORPUS "tests/fuzz/corpus/fuzz_dpc/"

static const char *const files[] = { "static", "bond-vlan", "bond-arp",	     "wireless",
				     "legacy", "emitted",   "invalid-ports", "pnac" };

static char *read_corpus(const char *name)
{
	_cleanup_(freep) char *path = xasprintf(CORPUS "%s.json", name);
	char *text = NULL;
	size_t len;

	assert_int_equal(file_read(path, DPC_JSON_MAX, &text, &len), 0);
	return text;
}

static Dpc__Config *parse(const char *text)
{
	struct pbjson_error err = { "", "" };
	Dpc__Config *dpc = NULL;

	if (dpc_json_parse(text, strlen(text), &dpc, &err) < 0)
		fail_msg("%s: %s in %s", err.pointer, err.why, text);
	return dpc;
}

static void golden_dpc(const Dpc__Config *dpc, struct strbuf *out)
{
	struct pbjson_error err = { "", "" };
	Ew__DevicePortConfig *config = NULL;
	struct arena arena = { 0 };

	pbjson_format(&dpc->base, PBJSON_PRETTY, out);
	assert_int_equal(dpc_ports(dpc, &arena, &config, &err), 0);
	strbuf_addf(out, "\nusable: %d\n", dpc_is_usable(config));
	pbjson_format(&config->base, PBJSON_PRETTY, out);
	strbuf_addc(out, '\n');
	arena_fini(&arena);
}

static void expect_port(const char *more, size_t addresses, size_t gateways, const char *error)
{
	_cleanup_(freep) char *text =
		xasprintf("{\"Ports\":[{\"IfName\":\"eth0\",\"Dhcp\":1,%s}]}", more);
	Dpc__Config *dpc = parse(text);
	struct pbjson_error err = { "", "" };
	Ew__DevicePortConfig *config = NULL;
	struct arena arena = { 0 };

	assert_int_equal(dpc_ports(dpc, &arena, &config, &err), 0);
	assert_int_equal(config->ports[0]->n_addresses, addresses);
	assert_int_equal(config->ports[0]->n_gateways, gateways);
	assert_string_equal(config->ports[0]->error, error);
	arena_fini(&arena);
	dpc__config__free_unpacked(dpc, NULL);
}

static void further_addresses_and_gateways_are_ours(void **state)
{
	(void)state;
	expect_port("\"AddrSubnet\":\"192.0.2.2/24\",\"Gateway\":\"192.0.2.1\","
		    "\"MoreAddrSubnets\":[\"192.0.2.3/24\",\"2001:db8::2/64\"],"
		    "\"MoreGateways\":[\"2001:db8::1\"]",
		    3, 2, "");
	expect_port("\"MoreAddrSubnets\":[\"2001:db8::2/64\"]", 1, 0, "");
	expect_port("\"MoreAddrSubnets\":[\"2001:db8::2\"]", 0, 0,
		    "MoreAddrSubnets \"2001:db8::2\" is no address with prefix length");
	expect_port("\"AddrSubnet\":\"192.0.2.2/24\",\"Gateway\":\"192.0.2.1\","
		    "\"MoreGateways\":[\"192.0.2.9\"]",
		    1, 2, "two gateways of one IP version: 192.0.2.1 and 192.0.2.9");
	expect_port("\"IsL3Port\":true", 0, 0, "static without AddrSubnet");
}

static void files_are_read_as_eve_reads_them(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_(freep) char *text = read_corpus(files[i]);
		Dpc__Config *dpc = parse(text);

		strbuf_addf(&out, "==== %s.json\n", files[i]);
		golden_dpc(dpc, &out);
		dpc__config__free_unpacked(dpc, NULL);
	}
	golden_text("dpc_files", out.str);
	strbuf_fini(&out);
}

static void a_refusal_names_place_and_reason(void **state)
{
	static const struct {
		const char *text, *pointer, *why;
	} rows[] = {
		{ "", "", "line 1, column 0: unexpected token near end of file" },
		{ "[]", "", "expected an object" },
		{ "{\"Ports\":", "", "line 1, column 9: unexpected token near end of file" },
		{ "{\"Ports\":[]}x", "", "line 1, column 13: end of file expected near 'x'" },
		{ "{\"Version\":\"1\"}", "/Version", "expected an integer" },
		{ "{\"version\":1.0}", "/version", "expected an integer" },
		{ "{\"Version\":-1}", "/Version", "expected 0 to 4294967295" },
		{ "{\"State\":256}", "/State", "expected 0 to 255" },
		{ "{\"Key\":7}", "/Key", "expected a string" },
		{ "{\"TimePriority\":\"\"}", "/TimePriority",
		  "expected a time like \"2026-03-04T05:06:07Z\"" },
		{ "{\"TimePriority\":1700000000}", "/TimePriority",
		  "expected a time like \"2026-03-04T05:06:07Z\"" },
		{ "{\"Ports\":{}}", "/Ports", "expected an array" },
		{ "{\"Ports\":[1]}", "/Ports/0", "expected an object" },
		{ "{\"Ports\":[{},{\"Cost\":256}]}", "/Ports/1/Cost", "expected 0 to 255" },
		{ "{\"Ports\":[{\"MTU\":65536}]}", "/Ports/0/MTU", "expected 0 to 65535" },
		{ "{\"Ports\":[{\"dhcp\":\"client\"}]}", "/Ports/0/dhcp", "expected an integer" },
		{ "{\"Ports\":[{\"IsMgmt\":1}]}", "/Ports/0/IsMgmt", "expected true or false" },
		{ "{\"Ports\":[{\"NetworkUUID\":\"\"}]}", "/Ports/0/NetworkUUID",
		  "\"\" is no UUID" },
		{ "{\"Ports\":[{\"NetworkUUID\":\"6ba7b810-9dad-11d1-80b4-00c04fd430c\"}]}",
		  "/Ports/0/NetworkUUID", "\"6ba7b810-9dad-11d1-80b4-00c04fd430c\" is no UUID" },
		{ "{\"Ports\":[{\"Gateway\":\"192.0.2\"}]}", "/Ports/0/Gateway",
		  "\"192.0.2\" is no IP address" },
		{ "{\"Ports\":[{\"DNSServers\":[\"192.0.2.1\",\"dns\"]}]}", "/Ports/0/DNSServers/1",
		  "\"dns\" is no IP address" },
		{ "{\"Ports\":[{\"DNSServers\":\"192.0.2.1\"}]}", "/Ports/0/DNSServers",
		  "expected an array" },
		{ "{\"Ports\":[{\"NtpServer\":1}]}", "/Ports/0/NtpServer", "expected a string" },
		{ "{\"Ports\":[{\"pubsub-large-ProxyCertPEM\":[\"LS0\"]}]}",
		  "/Ports/0/pubsub-large-ProxyCertPEM/0", "expected padded base64" },
		{ "{\"Ports\":[{\"ProxyCertPEM\":[\"L=S0\"]}]}", "/Ports/0/ProxyCertPEM/0",
		  "expected padded base64" },
		{ "{\"Ports\":[{\"Proxies\":[{\"type\":300}]}]}", "/Ports/0/Proxies/0/type",
		  "expected 0 to 255" },
		{ "{\"Ports\":[{\"VLAN\":{\"id\":-3}}]}", "/Ports/0/VLAN/id",
		  "expected 0 to 65535" },
		{ "{\"Ports\":[{\"WirelessCfg\":{\"Wifi\":[{\"Priority\":2147483648}]}}]}",
		  "/Ports/0/WirelessCfg/Wifi/0/Priority", "expected -2147483648 to 2147483647" },
		{ "{\"Ports\":[{\"ConfigSource\":{\"SubmittedAt\":\"now\"}}]}",
		  "/Ports/0/ConfigSource/SubmittedAt",
		  "expected a time like \"2026-03-04T05:06:07Z\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pbjson_error err = { "", "" };
		Dpc__Config *dpc = NULL;

		assert_int_equal(dpc_json_parse(rows[i].text, strlen(rows[i].text), &dpc, &err),
				 -EINVAL);
		assert_null(dpc);
		assert_string_equal(err.pointer, rows[i].pointer);
		assert_string_equal(err.why, rows[i].why);
	}
}

static void a_file_beyond_16_kib_is_refused(void **state)
{
	static char text[DPC_JSON_MAX + 1];
	struct pbjson_error err = { "", "" };
	Dpc__Config *dpc = NULL;

	(void)state;
	memset(text, ' ', sizeof(text));
	text[0] = '{';
	text[1] = '}';
	assert_int_equal(dpc_json_parse(text, DPC_JSON_MAX + 1, &dpc, &err), -E2BIG);
	assert_string_equal(err.why, "larger than 16384 bytes");
	assert_int_equal(dpc_json_parse(text, DPC_JSON_MAX, &dpc, &err), 0);
	dpc__config__free_unpacked(dpc, NULL);
}

static void the_last_spelling_of_a_key_wins(void **state)
{
	Dpc__Config *dpc = parse("{\"Key\":\"a\",\"KEY\":\"b\",\"Ports\":[{}],\"ports\":[{},{}],"
				 "\"LastError\":\"x\",\"lasterror\":null}");

	(void)state;
	assert_string_equal(dpc->key, "b");
	assert_int_equal(dpc->n_ports, 2);
	dpc__config__free_unpacked(dpc, NULL);
}

static void null_is_not_given_and_null_elements_are_empty(void **state)
{
	Dpc__Config *dpc = parse("{\"Version\":null,\"Ports\":[null,{\"SharedLabels\":[null],"
				 "\"DNSServers\":[null,\"\"],\"ProxyCertPEM\":[null]}]}");

	(void)state;
	assert_int_equal(dpc->n_ports, 2);
	assert_string_equal(dpc->ports[0]->ifname, "");
	assert_string_equal(dpc->ports[1]->sharedlabels[0], "");
	assert_int_equal(dpc->ports[1]->proxycertpem[0].len, 0);
	dpc__config__free_unpacked(dpc, NULL);
}

static void uuids_are_taken_in_every_form_of_go(void **state)
{
	static const char *const forms[] = {
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		"6BA7B8109DAD11D180B400C04FD430C8",
		"{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
		"urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_(freep) char *text =
			xasprintf("{\"Ports\":[{\"NetworkUUID\":\"%s\"}]}", forms[i]);

		dpc__config__free_unpacked(parse(text), NULL);
	}
}

static void more_ports_than_fit_are_refused(void **state)
{
	struct pbjson_error err = { "", "" };
	struct strbuf text = STRBUF_INIT;
	Ew__DevicePortConfig *config = NULL;
	struct arena arena = { 0 };
	Dpc__Config *dpc;

	(void)state;
	strbuf_add(&text, "{\"Ports\":[{}");
	for (int i = 0; i < NIM_PORTS; i++)
		strbuf_add(&text, ",{}");
	strbuf_add(&text, "]}");
	dpc = parse(text.str);
	assert_int_equal(dpc_ports(dpc, &arena, &config, &err), -EINVAL);
	assert_string_equal(err.pointer, "/Ports");
	assert_string_equal(err.why, "more than 64 ports");
	assert_null(config);
	dpc__config__free_unpacked(dpc, NULL);
	arena_fini(&arena);
	strbuf_fini(&text);
}

static bool survives(const struct strbuf *text)
{
	static struct nim_config loaded;
	struct pbjson_error err = { "", "" };
	Ew__DevicePortConfig *config = NULL;
	struct arena arena = { 0 };
	Dpc__Config *dpc = NULL;
	int r = dpc_json_parse(text->str, text->len, &dpc, &err);

	if (r == 0)
		r = dpc_ports(dpc, &arena, &config, &err);
	if (r == 0)
		nim_config_load(&loaded, config);
	else /* with its place: in the text if it is no JSON, in the tree if it is */
		assert_true(err.why[0] && (err.pointer[0] == '/' || strstr(err.why, "line ")));
	if (dpc)
		dpc__config__free_unpacked(dpc, NULL);
	arena_fini(&arena);
	return r == 0;
}

static void ten_thousand_mutated_files_are_read_or_refused(void **state)
{
	char *texts[ARRAY_SIZE(files)];
	struct strbuf text = STRBUF_INIT;
	size_t good = 0, all = 10000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		texts[i] = read_corpus(files[i]);
	for (size_t n = 0; n < all; n++) {
		za_mutate_json(texts[n % ARRAY_SIZE(files)], n, &text);
		good += survives(&text);
	}
	assert_in_range(good, all / 10, all * 9 / 10); /* the mutations are worth something */
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		free(texts[i]);
	strbuf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(further_addresses_and_gateways_are_ours),
		cmocka_unit_test(files_are_read_as_eve_reads_them),
		cmocka_unit_test(a_refusal_names_place_and_reason),
		cmocka_unit_test(a_file_beyond_16_kib_is_refused),
		cmocka_unit_test(the_last_spelling_of_a_key_wins),
		cmocka_unit_test(null_is_not_given_and_null_elements_are_empty),
		cmocka_unit_test(uuids_are_taken_in_every_form_of_go),
		cmocka_unit_test(more_ports_than_fit_are_refused),
		cmocka_unit_test(ten_thousand_mutated_files_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
