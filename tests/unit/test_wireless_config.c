/* SPDX-License-Identifier: Apache-2.0 */
/* What wireless ports ask for, from files and from the controller, through to what nim makes of it. */
#include "tests/unit/golden.h"

#include "base/arena.h"
#include "config.pb-c.h"
#include "dpc.pb-c.h"
#include "nim/cards.h"
#include "nim/config.h"
#include "nim/dpc/beside.h"
#include "nim/dpc/dpc_json.h"
#include "nim/dpc/dpc_ports.h"
#include "nim/wireless/wireless_config.h"
#include "tests/unit/za_change.h"

#define SECRET "correct horse battery"

/* JSON with ' for ". */
static char *quoted(const char *json)
{
	char *text = xstrdup(json);

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	return text;
}

/* ---- Files ---- */

struct file {
	struct arena arena;
	Ew__DevicePortConfig *msg;
	struct nim_config config;
};

static struct file *file_of(const char *json)
{
	_cleanup_(freep) char *text = quoted(json);
	struct file *file = xcalloc(1, sizeof(*file));
	struct pbjson_error err = { "", "" };
	Dpc__Config *dpc = NULL;

	if (dpc_json_parse(text, strlen(text), &dpc, &err) < 0 ||
	    dpc_ports(dpc, &file->arena, &file->msg, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	dpc__config__free_unpacked(dpc, NULL);
	nim_config_load(&file->config, file->msg);
	return file;
}

static void file_free(struct file *file)
{
	arena_fini(&file->arena);
	free(file);
}

static void expect_error(const char *wireless, const char *error)
{
	_cleanup_(freep) char *json =
		xasprintf("{'Version':1,'Ports':[{'IfName':'w0','Logicallabel':'air','IsMgmt':true,"
			  "'IsL3Port':true,'Dhcp':4,'WirelessCfg':%s}]}",
			  wireless);
	struct file *file = file_of(json);

	assert_string_equal(file->config.ports[0].error, error);
	assert_null(strstr(file->config.ports[0].error, SECRET));
	file_free(file);
}

#define WIFI(fields) "{'WType':2,'Wifi':[{" fields "}]}"
#define CELL(fields) "{'WType':1,'CellularV2':{'AccessPoints':[{'Activated':true," fields "}]}}"
#define PROBE(fields)                                                                              \
	"{'WType':1,'CellularV2':{'AccessPoints':[{'Activated':true}],'Probe':{"                   \
	"'UserDefinedProbe':{" fields "}}}}"

static void wifi_that_can_be_joined_has_no_error(void **state)
{
	(void)state;
	expect_error(WIFI("'SSID':'shop'"), "");
	expect_error(WIFI("'SSID':'shop','KeyScheme':1,'Password':'" SECRET "'"), "");
	expect_error(WIFI("'SSID':'shop','KeyScheme':1,'Password':'"
			  "65fa6332bdc7bc9fcbd8ebba8548bed434afdf2f34532d56f0a8871148fa9823'"),
		     "");
	expect_error(WIFI("'SSID':'shop','KeyScheme':2,'Identity':'me','Password':'" SECRET "'"),
		     "");
	/* As in EVE: what is in clear counts when the encrypted cannot be read. */
	expect_error(WIFI("'SSID':'s','KeyScheme':1,'IsCipher':true,'Password':'" SECRET "'"), "");
}

static void wifi_that_cannot_be_joined_says_why_and_tells_no_key(void **state)
{
	(void)state;
	expect_error("{'WType':2}", "Wi-Fi: no network to join");
	expect_error(WIFI("'SSID':''"), "Wi-Fi: no SSID of 1 to 32 bytes: ");
	expect_error(WIFI("'SSID':'123456789012345678901234567890123'"),
		     "Wi-Fi: no SSID of 1 to 32 bytes: 123456789012345678901234567890123");
	expect_error(WIFI("'SSID':'a\\nb'"), "Wi-Fi: a control character in the SSID");
	expect_error(WIFI("'SSID':'s','KeyScheme':3"), "Wi-Fi: unknown key scheme: s");
	expect_error(WIFI("'SSID':'s','KeyScheme':1,'Password':'horse'"),
		     "Wi-Fi: the key is neither 64 hex digits nor a passphrase of 8 to 63 "
		     "characters: s");
	expect_error(WIFI("'SSID':'s','KeyScheme':1,'Password':'" SECRET "\\n'"),
		     "Wi-Fi: the key is neither 64 hex digits nor a passphrase of 8 to 63 "
		     "characters: s");
	expect_error(WIFI("'SSID':'s','KeyScheme':2,'Password':'" SECRET "'"),
		     "Wi-Fi: EAP without identity or password: s");
	expect_error(WIFI("'SSID':'s','KeyScheme':2,'Identity':'a\\n','Password':'" SECRET "'"),
		     "Wi-Fi: identity or password too long, or no plain text: s");
	expect_error(WIFI("'SSID':'s','KeyScheme':1,'IsCipher':true"),
		     "Wi-Fi: encrypted credentials cannot be read");
	expect_error("{'WType':3}", "WType is none of 0, 1, 2");
}

static void modems_that_can_be_connected_have_no_error(void **state)
{
	(void)state;
	expect_error(CELL("'APN':'iot.example','IPType':'ipv4v6','AuthProtocol':'pap-and-chap',"
			  "'CleartextCredentials':{'Username':'u','Password':'" SECRET "'},"
			  "'PreferredPLMNs':['310-260','26201'],'PreferredRATs':['5gnr','lte']"),
		     "");
	expect_error(CELL("'APN':''"), ""); /* "internet" */
	expect_error(PROBE("'Method':1,'ProbeHost':'2001:db8::9'"), "");
	expect_error(PROBE("'Method':2,'ProbeHost':'198.51.100.9','ProbePort':443"), "");
	expect_error("{'WType':1,'Cellular':[{'APN':'old.example','ProbeAddr':'198.51.100.8'}]}",
		     "");
}

static void modems_that_cannot_be_connected_say_why_and_tell_no_password(void **state)
{
	(void)state;
	expect_error("{'WType':1}", "cellular: no access point");
	expect_error("{'WType':1,'CellularV2':{'AccessPoints':[{'APN':'a'}]}}",
		     "cellular: no access point is activated");
	expect_error(CELL("'APN':'a b'"), "cellular: no name of an access point: a b");
	expect_error(CELL("'AttachAPN':'a\\u0022'"), "cellular: no name of an access point: a\"");
	expect_error(CELL("'IPType':'both'"), "cellular: an IP type is none of ipv4, ipv6, ipv4v6");
	expect_error(CELL("'AuthProtocol':'eap'"),
		     "cellular: an authentication is none of pap, chap, pap-and-chap");
	expect_error(CELL("'PreferredRATs':['6g']"),
		     "cellular: a technology is none of gsm, umts, lte, 5gnr");
	expect_error(CELL("'PreferredRATs':['']"), "cellular: unknown radio technology of: ");
	expect_error(CELL("'PreferredPLMNs':['310-2']"),
		     "cellular: no network like 310-260: 310-2");
	expect_error(CELL("'CleartextCredentials':{'Password':'" SECRET "\\r'}"),
		     "cellular: the password is too long, or no plain text");
	expect_error(CELL("'EncryptedCredentials':{'IsCipher':true}"),
		     "cellular: encrypted credentials cannot be read");
	expect_error(PROBE("'Method':1,'ProbeHost':'name.example'"),
		     "cellular: no address to probe: name.example");
	expect_error(PROBE("'Method':2,'ProbeHost':'198.51.100.9'"),
		     "cellular: no TCP port to probe: 0");
	expect_error(PROBE("'Method':3,'ProbeHost':'198.51.100.9'"),
		     "cellular: unknown way to probe: 198.51.100.9");
}

static void the_first_activated_access_point_counts(void **state)
{
	struct file *file = file_of("{'Version':1,'Ports':[{'Logicallabel':'lte','WirelessCfg':{'"
				    "WType':1,'CellularV2':{"
				    "'AccessPoints':[{'SIMSlot':1,'APN':'one'},{'SIMSlot':2,'APN':'"
				    "two','Activated':true},"
				    "{'SIMSlot':3,'APN':'three','Activated':true}]}}}]}");

	(void)state;
	assert_string_equal(file->config.ports[0].error, "");
	assert_string_equal(file->config.ports[0].access_point->apn, "two");
	assert_string_equal(file->config.ports[0].ifname.str, ""); /* its daemon tells */
	file_free(file);
}

static void what_stands_on_radio_or_is_made_of_it_is_refused(void **state)
{
	struct file *file = file_of(
		"{'Version':1,'Ports':[{'IfName':'w0','Logicallabel':'air','WirelessCfg':" WIFI(
			"'SSID':'s'") "},"
				      "{'IfName':'v0','L2Type':1,'VLAN':{'ParentPort':'air','ID':5}"
				      "},"
				      "{'IfName':'b1','L2Type':2,'Bond':{'AggregatedPorts':['air'],"
				      "'Mode':2}},"
				      "{'IfName':'v1','L2Type':1,'VLAN':{'ParentPort':'b1','ID':5},"
				      "'WirelessCfg':" WIFI(
					      "'SSID':'s'") "},"
							    "{'IfName':'w1','PNAC':{'Enabled':true,"
							    "'EAPMethod':1,"
							    "'CertEnrollmentProfileName':'p'},'"
							    "WirelessCfg':" WIFI(
								    "'SSID':'s'") "}]}");
	const struct nim_port *ports = file->config.ports;

	(void)state;
	assert_string_equal(ports[1].error, "the parent is wireless: air");
	assert_string_equal(ports[2].error, "a member is wireless: air");
	assert_string_equal(ports[3].error, "a VLAN or bond is not wireless: v1");
	assert_string_equal(ports[4].error, "802.1X is for ports with a cable: w1");
	file_free(file);
}

/* ---- The controller's ---- */

static void print_eve(const char *adapter, const char *where, const char *value, struct strbuf *out)
{
	_cleanup_(freep) char *rich = za_test_read("docs/examples/rich.json");
	_cleanup_(za_config_freep) struct za_config *config = NULL;
	_cleanup_(freep) char *json = quoted(value), *text = NULL;
	struct nim_config *nim = xcalloc(1, sizeof(*nim));
	json_t *root = json_loads(rich, 0, NULL);
	struct pbjson_error err;

	if (adapter)
		za_test_change(root, "/deviceIoList/4", adapter);
	za_test_change(root, where, json);
	text = json_dumps(root, 0);
	json_decref(root);
	if (za_config_parse(text, strlen(text), &config, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	nim_config_load(nim, config->ports);
	strbuf_addf(out, "==== %s = %s\n", where, value);
	for (size_t i = 0; i < config->ports->n_ports; i++) {
		const Ew__PortConfig *port = config->ports->ports[i];

		if (!port->wireless)
			continue;
		strbuf_addf(out, "%s error=\"%s\"\n", port->logicallabel, nim->ports[i].error);
		if (port->cellular)
			pbjson_format(&port->cellular->base, PBJSON_PRETTY | PBJSON_STARS, out);
		if (port->wifi)
			pbjson_format(&port->wifi->base, PBJSON_PRETTY | PBJSON_STARS, out);
		strbuf_addc(out, '\n');
	}
	free(nim);
}

#define NETWORK "/networks/4/wireless"
#define CIPHER "{'cipherContextId':'c','cipherData':'AAAA'}"

static void the_controllers_networks_are_mapped(void **state)
{
	static const struct {
		const char *where, *value;
	} changes[] = {
		{ NETWORK,
		  "{'type':'Cellular','cellularCfg':[{'accessPoints':[{'simSlot':1,'apn':'one'},"
		  "{'simSlot':2,'apn':'two','authProtocol':'CELLULAR_AUTH_PROTOCOL_PAP_AND_CHAP',"
		  "'preferredPlmns':['310-260'],'forbidRoaming':true,'attachApn':'attach',"
		  "'attachIpType':'CELLULAR_IP_TYPE_IPV6'}],'activatedSimSlot':2,"
		  "'locationTracking':true,'probe':{'disable':true}}]}" },
		{ NETWORK, "{'type':'Cellular','cellularCfg':[{'APN':'old','probe':{"
			   "'probeAddress':'198.51.100.8'}}]}" },
		{ NETWORK, "{'type':'Cellular','cellularCfg':[{'accessPoints':[{'simSlot':1}]}]}" },
		{ NETWORK, "{'type':'Cellular'}" },
		{ NETWORK, "{'type':'Cellular','cellularCfg':[{},{}]}" },
		{ NETWORK,
		  "{'type':'Cellular','cellularCfg':[{'accessPoints':[{'cipherData':" CIPHER
		  "}]}]}" },
		{ NETWORK, "{'type':'WiFi'}" },
		{ NETWORK, "{}" },
	};
	static const char adapter[] = "{\"ptype\":\"PhyIoNetWLAN\",\"logicallabel\":\"lte\","
				      "\"phyaddrs\":{\"ifname\":\"wlan0\"}}";
	static const char wifi[] = "{'type':'WiFi','wifiCfg':[{'wifiSSID':'shop','keyScheme':"
				   "'WPAPSK','password':'" SECRET "','priority':3},"
				   "{'wifiSSID':'office','keyScheme':'WPAEAP','identity':'me',"
				   "'password':'" SECRET "'}]}";
	struct strbuf out = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		print_eve(NULL, changes[i].where, changes[i].value, &out);
	print_eve(adapter, NETWORK, wifi, &out);
	print_eve(adapter, NETWORK, "{'type':'Cellular'}", &out);
	golden_text("wireless_config", strbuf_str(&out));
	strbuf_fini(&out);
}

/* ---- Where a modem is ---- */

static void a_modem_is_where_its_address_its_name_or_its_daemon_says(void **state)
{
	struct file *file =
		file_of("{'Version':1,'Ports':[{'Logicallabel':'lte','WirelessCfg':" CELL(
			"'APN':'a'") "},"
				     "{'Logicallabel':'usb','USBAddr':'2:1.3','WirelessCfg':" CELL(
					     "'APN':'a'") "},"
							  "{'IfName':'wwan7','Logicallabel':'named'"
							  ",'WirelessCfg':" CELL(
								  "'APN':'a'") "}]}");
	const struct nim_card card = { .ifname = IFNAME("wwan3"), .ifindex = 3, .usb = "2:1.3" };
	const struct nim_modem told = { .label = "lte", .ifname = IFNAME("wwan0") };
	const struct nim_port *ports = file->config.ports;
	struct nim_cards cards = { .n = 0 };

	(void)state;
	nim_config_load_on(&file->config, file->msg, &cards);
	assert_string_equal(ports[0].error, "the modem has no interface yet: lte");
	assert_string_equal(ports[1].error, "no interface has the address: 2:1.3");
	assert_true(nim_port_is_on_air(&ports[0]) && nim_port_is_on_air(&ports[1]));
	assert_string_equal(ports[2].ifname.str, "wwan7");

	assert_true(nim_cards_set_modems(&cards, &told, 1));
	assert_false(nim_cards_set_modems(&cards, &told, 1));
	nim_cards_put(&cards, &card);
	assert_true(nim_cards_moved(&cards, &file->config));
	nim_config_load_on(&file->config, file->msg, &cards);
	assert_string_equal(ports[0].ifname.str, "wwan0");
	assert_string_equal(ports[1].ifname.str, "wwan3");
	assert_string_equal(ports[0].error, "");
	assert_string_equal(ports[1].error, "");
	nim_cards_fini(&cards);
	file_free(file);
}

/* Whatever its daemon says: eth0 stays whose it is, and the modem's port is the one that is wrong. */
static void what_a_daemon_tells_takes_no_other_ports_interface(void **state)
{
	struct file *file =
		file_of("{'Version':1,'Ports':[{'Logicallabel':'lte','WirelessCfg':" CELL(
			"'APN':'a'") "},"
				     "{'IfName':'eth0','Logicallabel':'uplink'},"
				     "{'Logicallabel':'lte2','WirelessCfg':" CELL(
					     "'APN':'a'") "}]}");
	struct nim_modem told[] = { { .label = "lte", .ifname = IFNAME("eth0") },
				    { .label = "lte2", .ifname = IFNAME("wwan1") } };
	const struct nim_port *ports = file->config.ports;
	struct nim_cards cards = { .n = 0 };

	(void)state;
	nim_cards_set_modems(&cards, told, 2);
	nim_config_load_on(&file->config, file->msg, &cards);
	assert_string_equal(ports[0].error, "the modem's interface is another port's: eth0");
	assert_string_equal(ports[0].ifname.str, "");
	assert_string_equal(ports[1].error, "");
	assert_string_equal(ports[1].ifname.str, "eth0");
	assert_string_equal(ports[2].ifname.str, "wwan1");
	assert_true(nim_port_is_on_air(&ports[0])); /* else its daemon takes back what it said */
	assert_false(nim_cards_moved(&cards, &file->config));

	told[0].ifname = IFNAME("wwan1"); /* of two that are told the first has it */
	nim_cards_set_modems(&cards, told, 2);
	assert_true(nim_cards_moved(&cards, &file->config));
	nim_config_load_on(&file->config, file->msg, &cards);
	assert_string_equal(ports[0].ifname.str, "wwan1");
	assert_string_equal(ports[2].error, "the modem's interface is another port's: wwan1");
	nim_cards_fini(&cards);
	file_free(file);
}

static void a_port_that_is_wrong_is_not_told_to_its_daemon(void **state)
{
	struct file *file =
		file_of("{'Version':1,'Ports':[{'Logicallabel':'lte','MTU':5,'WirelessCfg':" CELL(
			"'APN':'a'") "}]}");
	struct nim_cards cards = { .n = 0 };

	(void)state;
	nim_config_load_on(&file->config, file->msg, &cards);
	assert_string_equal(file->config.ports[0].error, "MTU is not 0 or in 1280..65535: 5");
	assert_false(nim_port_is_on_air(&file->config.ports[0]));
	file_free(file);
}

/* ---- Beside ---- */

static void fits(const char *working, const char *candidate, const char *want)
{
	struct file *w = file_of(working), *c = file_of(candidate);
	struct nim_cards cards = { .n = 0 };
	char why[NIM_WHY] = "";

	nim_config_load_on(&w->config, w->msg, &cards);
	nim_config_load_on(&c->config, c->msg, &cards);
	assert_int_equal(nim_beside_fits(&w->config, &c->config, why), !*want);
	assert_string_equal(why, want);
	file_free(w);
	file_free(c);
}

#define ETH(subnet)                                                                                \
	"{'IfName':'eth0','IsMgmt':true,'IsL3Port':true,'Dhcp':1,'AddrSubnet':'" subnet "'}"
#define LTE(ifname, apn, dhcp)                                                                     \
	"{" ifname "'Logicallabel':'lte','IsMgmt':true,'IsL3Port':true,'Dhcp':" dhcp               \
	",'WirelessCfg':" CELL("'APN':'" apn "'") "}"
#define BOTH(a, b) "{'Version':1,'Ports':[" a "," b "]}"
#define NAMED "'IfName':'wwan0',"

static void a_radio_follows_one_configuration(void **state)
{
	const char *one = BOTH(ETH("192.0.2.2/24"), LTE(NAMED, "a", "4"));

	(void)state;
	fits(one, BOTH(ETH("192.0.2.3/24"), LTE(NAMED, "a", "4")), "");
	fits(one, BOTH(ETH("192.0.2.3/24"), LTE(NAMED, "b", "4")),
	     "wwan0: its radio can follow one of the two only");
	fits(one, BOTH(ETH("192.0.2.3/24"), LTE(NAMED, "a", "0")),
	     "wwan0: whether its addresses are those of the modem would change");
	fits("{'Version':1,'Ports':[" ETH("192.0.2.2/24") "]}", one,
	     "wwan0: its radio follows what is in force");
	/* One that is not plugged in is in nobody's way. */
	fits(BOTH(ETH("192.0.2.2/24"), LTE("", "a", "4")),
	     BOTH(ETH("192.0.2.3/24"), LTE("", "a", "4")), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wifi_that_can_be_joined_has_no_error),
		cmocka_unit_test(wifi_that_cannot_be_joined_says_why_and_tells_no_key),
		cmocka_unit_test(modems_that_can_be_connected_have_no_error),
		cmocka_unit_test(modems_that_cannot_be_connected_say_why_and_tell_no_password),
		cmocka_unit_test(the_first_activated_access_point_counts),
		cmocka_unit_test(what_stands_on_radio_or_is_made_of_it_is_refused),
		cmocka_unit_test(the_controllers_networks_are_mapped),
		cmocka_unit_test(a_modem_is_where_its_address_its_name_or_its_daemon_says),
		cmocka_unit_test(what_a_daemon_tells_takes_no_other_ports_interface),
		cmocka_unit_test(a_port_that_is_wrong_is_not_told_to_its_daemon),
		cmocka_unit_test(a_radio_follows_one_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
