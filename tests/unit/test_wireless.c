/* SPDX-License-Identifier: Apache-2.0 */
/* What daemons of radios are told and say, and what nim makes of it, without a bus and a kernel. */
#include "tests/unit/golden.h"

#include "base/arena.h"
#include "base/pbjson.h"
#include "config.pb-c.h"
#include "dataplane/lease.h"
#include "nim/addressing.h"
#include "nim/cards.h"
#include "nim/conn/conn_local.h"
#include "nim/conn/conn_record.h"
#include "nim/conn/conn_spare.h"
#include "nim/dpc/verify_facts.h"
#include "nim/intent.h"
#include "nim/status.h"
#include "nim/wireless/wireless.h"
#include "nim/wireless/wireless_told.h"
#include "status.pb-c.h"

/* ---- A node: eth0, a modem, a Wi-Fi adapter ---- */

struct world {
	Ew__DevicePortConfig msg;
	Ew__PortConfig ports[3], *list[3];
	Ew__CellularConfig cellular;
	Ew__CellularAccessPoint ap, *aps[1];
	Ew__WirelessCredentials credentials;
	Ew__ProxyConfig proxy;
	Ew__ProxyServer http;
	Ew__WifiConfig wifi;
	Ew__WifiNetwork network, *networks[1];
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
	struct nim_told_by by;
	struct arena arena;
	/* what the modem's daemon says */
	Ew__WwanStatus said;
	Ew__WwanNetworkStatus modem, *modems[1];
	Ew__WwanModule module;
	Ew__WwanIp ip;
	char *addresses[6], *servers[3];
	struct nim_wwan wwan;
	struct nim_air air;
	struct dp_lease lease;
};

enum { ETH, LTE, WIFI };

static void init_port(Ew__PortConfig *port, const char *label, const char *ifname, uint32_t cost)
{
	ew__port_config__init(port);
	port->logicallabel = (char *)label;
	port->ifname = (char *)ifname;
	port->is_mgmt = port->is_l3 = true;
	port->dhcp = EW__DHCP_MODE__DHCP_CLIENT;
	port->cost = cost;
}

static void init_cellular(struct world *w)
{
	ew__cellular_config__init(&w->cellular);
	ew__cellular_access_point__init(&w->ap);
	ew__wireless_credentials__init(&w->credentials);
	w->credentials.user = (char *)"me";
	w->credentials.password = (char *)"secret";
	w->ap.activated = true;
	w->ap.credentials = &w->credentials;
	w->aps[0] = &w->ap;
	w->cellular.access_points = w->aps;
	w->cellular.n_access_points = 1;
	w->ports[LTE].wireless = EW__WIRELESS_TYPE__WIRELESS_CELLULAR;
	w->ports[LTE].cellular = &w->cellular;
}

static void init_wifi(struct world *w)
{
	ew__wifi_config__init(&w->wifi);
	ew__wifi_network__init(&w->network);
	w->network.ssid = (char *)"shop";
	w->networks[0] = &w->network;
	w->wifi.networks = w->networks;
	w->wifi.n_networks = 1;
	w->ports[WIFI].wireless = EW__WIRELESS_TYPE__WIRELESS_WIFI;
	w->ports[WIFI].wifi = &w->wifi;
}

static void init_said(struct world *w)
{
	ew__wwan_status__init(&w->said);
	ew__wwan_network_status__init(&w->modem);
	ew__wwan_module__init(&w->module);
	ew__wwan_ip__init(&w->ip);
	w->modems[0] = &w->modem;
	w->said.networks = w->modems;
	w->said.n_networks = 1;
	w->modem.logicallabel = (char *)"lte";
	w->modem.ifname = (char *)"wwan0";
	w->modem.module = &w->module;
	w->module.mode = EW__MODEM_MODE__MODEM_CONNECTED;
	w->modem.ip = &w->ip;
	w->ip.addresses = w->addresses;
	w->ip.dns_servers = w->servers;
	w->addresses[w->ip.n_addresses++] = (char *)"10.64.3.6/30";
	w->addresses[w->ip.n_addresses++] = (char *)"2001:db8:64::6/64";
	w->servers[w->ip.n_dns_servers++] = (char *)"10.64.0.53";
	w->servers[w->ip.n_dns_servers++] = (char *)"2001:db8::53";
	w->ip.gateway4 = (char *)"10.64.3.5";
	w->ip.mtu = 1430;
	w->wwan.said = &w->said;
}

static void load(struct world *w)
{
	nim_config_load(&w->config, &w->msg);
	for (unsigned int i = 0; i < w->config.nports; i++)
		w->config.ports[i].number = (uint8_t)(i + 1);
	nim_facts_follow(&w->facts, &w->config);
	for (unsigned int i = 0; i < w->config.nports; i++) {
		w->facts.ifaces[i].ifindex = i + 2;
		w->facts.ifaces[i].up = w->facts.ifaces[i].carrier = true;
		w->facts.ifaces[i].mtu_bytes = 1500;
	}
	nim_view(&w->config, &w->facts, &w->view);
}

static void tell(struct world *w)
{
	w->wwan.told = nim_wwan_config(&w->config, &w->view, &w->by, &w->arena);
}

static void echo(struct world *w)
{
	w->said.dpc_key = w->wwan.told->dpc_key;
	w->said.dpc_time_ms = w->wwan.told->dpc_time_ms;
	w->said.revision = w->wwan.told->revision;
}

static void look(struct world *w)
{
	nim_wireless_look_wwan(&w->config.ports[LTE], &w->wwan, &w->air);
}

static int setup(void **state)
{
	struct world *w = *state = xcalloc(1, sizeof(*w));

	ew__device_port_config__init(&w->msg);
	init_port(&w->ports[ETH], "uplink-a", "eth0", 0);
	init_port(&w->ports[LTE], "lte", "", 10);
	init_port(&w->ports[WIFI], "wifi", "wlan0", 5);
	init_cellular(w);
	init_wifi(w);
	for (unsigned int i = 0; i < 3; i++)
		w->list[i] = &w->ports[i];
	w->msg.ports = w->list;
	w->msg.n_ports = 3;
	w->by = (struct nim_told_by){ .dpc_key = "zedagent", .dpc_time_ms = 1795219200000 };
	init_said(w);
	load(w);
	w->config.ports[LTE].ifname = IFNAME("wwan0");
	w->facts.ifaces[LTE].ifname = IFNAME("wwan0");
	tell(w);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	arena_fini(&w->arena);
	free(w);
	return 0;
}

/* ---- What they are told ---- */

static void daemons_are_told_all_but_the_passwords_of_proxies(void **state)
{
	struct world *w = *state;
	struct strbuf out = STRBUF_INIT;

	ew__proxy_config__init(&w->proxy);
	ew__proxy_server__init(&w->http);
	w->http.host = (char *)"192.0.2.7";
	w->http.port = 3128;
	w->http.user = w->http.password = (char *)"hidden";
	w->proxy.http = &w->http;
	w->ports[LTE].proxy = &w->proxy;
	w->ports[LTE].usb_address = (char *)"2:1.3";
	w->ports[LTE].mtu = 1400;
	w->by.radio_silence = true;
	w->by.radio_requested_ms = 7;
	load(w);
	tell(w);
	pbjson_format(&w->wwan.told->base, PBJSON_PRETTY, &out);
	strbuf_addc(&out, '\n');
	pbjson_format(&nim_wlan_config(&w->config, &w->by, &w->arena)->base, PBJSON_PRETTY, &out);
	assert_null(strstr(strbuf_str(&out), "hidden"));
	golden_text("wireless_told", strbuf_str(&out));
	strbuf_fini(&out);
}

static void another_wish_has_another_revision_and_the_same_has_the_same(void **state)
{
	struct world *w = *state;
	uint32_t was = w->wwan.told->revision;

	w->by.dpc_time_ms++;
	w->by.radio_silence = true;
	tell(w);
	assert_int_equal(w->wwan.told->revision, was);
	w->by.seed = 1;
	tell(w);
	assert_int_not_equal(w->wwan.told->revision, was); /* nobody can compute it without */
	w->by.seed = 0;
	w->ap.apn = (char *)"other";
	tell(w);
	assert_int_not_equal(w->wwan.told->revision, was);
}

static void ports_that_are_wrong_are_not_told_of(void **state)
{
	struct world *w = *state;

	w->ap.activated = false;
	w->network.ssid = (char *)"";
	load(w);
	tell(w);
	assert_int_equal(w->wwan.told->n_networks, 0);
	assert_int_equal(nim_wlan_config(&w->config, &w->by, &w->arena)->n_ports, 0);
}

/* ---- What they say ---- */

static void a_configuration_is_pending_until_its_key_time_and_revision_are_echoed(void **state)
{
	struct world *w = *state;

	look(w);
	assert_true(w->air.pending);
	echo(w);
	look(w);
	assert_false(w->air.pending);
	w->said.revision++;
	look(w);
	assert_true(w->air.pending);
	echo(w);
	w->said.dpc_time_ms++;
	look(w);
	assert_true(w->air.pending);
	w->wwan.said = NULL;
	look(w);
	assert_true(w->air.pending);
	assert_string_equal(w->air.error,
			    "cellular: the daemon of modems (wwan) has not answered yet");
}

static void what_keeps_a_modem_is_told_and_what_its_daemon_said_last_counts(void **state)
{
	static const struct {
		Ew__ModemMode mode;
		const char *error;
	} modes[] = {
		{ EW__MODEM_MODE__MODEM_UNSPECIFIED, "" },
		{ EW__MODEM_MODE__MODEM_ONLINE, "cellular: not connected" },
		{ EW__MODEM_MODE__MODEM_CONNECTED, "" },
		{ EW__MODEM_MODE__MODEM_RADIO_OFF, "cellular: its radio is off" },
		{ EW__MODEM_MODE__MODEM_OFFLINE, "cellular: the modem is offline" },
		{ EW__MODEM_MODE__MODEM_UNRECOGNIZED,
		  "cellular: the modem is in a state that is not known" },
		{ 77, "cellular: the modem is in a state that is not known" },
	};
	struct world *w = *state;

	echo(w);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		w->module.mode = modes[i].mode;
		look(w);
		assert_string_equal(w->air.error, modes[i].error);
	}
	w->modem.config_error = (char *)"modem not found";
	look(w);
	assert_string_equal(w->air.error, "cellular: modem not found");
	w->modem.config_error = (char *)"";
	w->module.mode = EW__MODEM_MODE__MODEM_CONNECTED;
	w->wwan.left = true;
	look(w);
	assert_true(w->air.stale);
	assert_string_equal(w->air.error, "");
	assert_int_equal(w->air.naddrs, 2);
	w->said.n_networks = 0;
	look(w);
	assert_string_equal(w->air.error,
			    "cellular: the daemon of modems (wwan) says nothing of it");
	w->said.error = (char *)"ModemManager does not run";
	look(w);
	assert_string_equal(w->air.error, "cellular: ModemManager does not run");
}

static void addresses_of_another_interface_or_that_are_none_are_not_taken(void **state)
{
	static const char *const bad[] = { "10.64.3.6/0", "127.0.0.1/8",  "fe80::1/64",
					   "nonsense",	  "224.0.0.1/24", "" };
	struct world *w = *state;

	echo(w);
	w->modem.ifname = (char *)"wwan1";
	look(w);
	assert_string_equal(w->air.error, "cellular: the interface of the modem is wwan1");
	assert_int_equal(w->air.naddrs, 0);
	w->modem.ifname = (char *)"wwan0";
	w->ip.n_addresses = 1;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		w->addresses[0] = (char *)bad[i];
		look(w);
		assert_int_equal(w->air.naddrs, 0);
		assert_false(nim_wireless_lease(&w->air, AF_INET, &w->lease));
	}
	w->config.ports[LTE].ipv6 = false;
	w->addresses[0] = (char *)"2001:db8::1/64";
	look(w);
	assert_int_equal(w->air.naddrs, 0);
	w->config.ports[LTE].ipv6 = true;
	w->ip.n_addresses = 6; /* more than count */
	for (unsigned int i = 0; i < 6; i++)
		w->addresses[i] = (char *)"10.64.3.6/30";
	look(w);
	assert_int_equal(w->air.naddrs, NIM_BEARER_ADDRS);
}

static void expect_gateway(struct world *w, int family, const char *want)
{
	char text[INET6_ADDRSTRLEN];

	look(w);
	assert_true(nim_wireless_lease(&w->air, family, &w->lease));
	assert_string_equal(ipaddr_str(&w->lease.router[0], text), want);
}

static void a_link_without_a_gateway_leads_to_its_other_end(void **state)
{
	struct world *w = *state;

	expect_gateway(w, AF_INET, "10.64.3.5");
	assert_int_equal(w->lease.mtu_bytes, 1430);
	assert_int_equal(w->lease.dnss, 1);
	expect_gateway(w, AF_INET6, "2001:db8:64::7");
	assert_int_equal(w->lease.mtu_bytes, 0); /* that of the link */
	w->ip.gateway4 = (char *)"";
	expect_gateway(w, AF_INET, "10.64.3.5"); /* .7 is the subnet's broadcast address */
	w->addresses[0] = (char *)"10.64.3.6/32";
	expect_gateway(w, AF_INET, "10.64.3.7");
	w->addresses[0] = (char *)"10.64.3.7/31";
	expect_gateway(w, AF_INET, "10.64.3.6");
	w->addresses[0] = (char *)"10.64.3.1/30";
	expect_gateway(w, AF_INET, "10.64.3.2"); /* .0 is the subnet, .3 its broadcast address */
	w->addresses[0] = (char *)"10.64.3.6/30";
	w->ip.gateway4 = (char *)"10.64.3.6"; /* its own */
	expect_gateway(w, AF_INET, "10.64.3.5");
	w->ip.gateway4 = (char *)"0.0.0.0";
	expect_gateway(w, AF_INET, "10.64.3.5");
	w->addresses[1] = (char *)"2001:db8:64::1/64";
	expect_gateway(w, AF_INET6, "2001:db8:64::3"); /* the first is of all routers there */
	w->ip.gateway6 = (char *)"fe80::1";
	expect_gateway(w, AF_INET6, "fe80::1");
	w->addresses[0] = w->addresses[1];
	w->ip.n_addresses = 1;
	expect_gateway(w, AF_INET6, "fe80::1");
	assert_int_equal(w->lease.mtu_bytes, 1430);
	w->ip.mtu = 70000;
	expect_gateway(w, AF_INET6, "fe80::1");
	assert_int_equal(w->lease.mtu_bytes, 0);
}

static void wifi_works_when_the_kernel_says_so(void **state)
{
	struct world *w = *state;
	Ew__WlanStatus said = EW__WLAN_STATUS__INIT;
	Ew__WlanPortStatus wifi = EW__WLAN_PORT_STATUS__INIT, *list = &wifi;
	struct nim_wlan wlan = { .told = nim_wlan_config(&w->config, &w->by, &w->arena) };
	const struct nim_port *port = &w->config.ports[WIFI];

	nim_wireless_look_wlan(port, &wlan, true, &w->air);
	assert_string_equal(w->air.error, "");
	nim_wireless_look_wlan(port, &wlan, false, &w->air);
	assert_string_equal(w->air.error, "Wi-Fi: the daemon of Wi-Fi (wlan) has not answered yet");
	wlan.said = &said;
	said.dpc_key = wlan.told->dpc_key;
	said.dpc_time_ms = wlan.told->dpc_time_ms;
	said.revision = wlan.told->revision;
	nim_wireless_look_wlan(port, &wlan, false, &w->air);
	assert_false(w->air.pending);
	assert_string_equal(w->air.error, "Wi-Fi: the daemon of Wi-Fi (wlan) says nothing of it");
	said.ports = &list;
	said.n_ports = 1;
	wifi.logicallabel = (char *)"wifi";
	wifi.state = EW__WLAN_STATE__WLAN_SCANNING;
	nim_wireless_look_wlan(port, &wlan, false, &w->air);
	assert_string_equal(w->air.error, "Wi-Fi: looks for a network");
	wifi.error = (char *)"wrong key";
	nim_wireless_look_wlan(port, &wlan, false, &w->air);
	assert_string_equal(w->air.error, "Wi-Fi: wrong key");
	nim_wireless_look_wlan(port, &wlan, true, &w->air);
	assert_string_equal(w->air.error, "");
}

/* ---- What follows ---- */

static void connect_modem(struct world *w)
{
	struct nim_iface *iface = &w->facts.ifaces[LTE];

	echo(w);
	look(w);
	iface->wireless = &w->air;
	iface->metered = true;
	for (unsigned int i = 0; i < w->air.naddrs; i++)
		nim_iface_add_addr(iface, &w->air.addrs[i]);
	if (nim_wireless_lease(&w->air, AF_INET, &w->lease))
		nim_iface_set_lease(iface, AF_INET, &w->lease);
	if (nim_wireless_lease(&w->air, AF_INET6, &w->lease))
		nim_iface_set_lease(iface, AF_INET6, &w->lease);
	nim_view(&w->config, &w->facts, &w->view);
}

/* EVE: dpcreconciler, wireless. */
static void a_modem_has_the_addresses_of_its_bearer_and_wifi_a_dhcp_client(void **state)
{
	struct world *w = *state;
	struct strbuf out = STRBUF_INIT;

	connect_modem(w);
	assert_true(w->view.ports[LTE].usable4 && w->view.ports[LTE].usable6);
	golden_graph(nim_intent_port(&w->config, &w->facts, &w->view, LTE), &out);
	golden_graph(nim_intent_port(&w->config, &w->facts, &w->view, WIFI), &out);
	golden_graph(nim_intent_node(&w->config, &w->view), &out);
	golden_text("wireless_graphs", strbuf_str(&out));
	strbuf_fini(&out);
}

static const Ew__PortStatus *status_of(struct world *w, unsigned int port)
{
	return nim_status(&w->config, &w->facts, &w->view, &w->arena)->ports[port];
}

static void status_has_the_modem_and_what_keeps_it(void **state)
{
	struct world *w = *state;
	Ew__WwanProvider other = EW__WWAN_PROVIDER__INIT, *others = &other;
	const Ew__PortStatus *s;

	w->modem.visible_providers = &others;
	w->modem.n_visible_providers = 1;
	connect_modem(w);
	s = status_of(w, LTE);
	assert_string_equal(s->error, "");
	assert_int_equal(s->wireless->type, EW__WIRELESS_TYPE__WIRELESS_CELLULAR);
	assert_int_equal(s->wireless->cellular->n_visible_providers, 0);
	assert_null(status_of(w, ETH)->wireless);
	w->modem.config_error = (char *)"modem not found";
	w->facts.ifaces[LTE].ifindex = 0;
	connect_modem(w);
	assert_string_equal(status_of(w, LTE)->error, "cellular: modem not found");
	w->facts.ifaces[LTE].radio_silent = true;
	assert_string_equal(status_of(w, LTE)->error, "radio silence");
}

static void a_modem_that_is_not_connected_is_not_tested(void **state)
{
	struct world *w = *state;
	struct conn_result result;

	w->modem.config_error = (char *)"registration denied";
	connect_modem(w);
	conn_local(&w->config.ports[LTE], &w->facts.ifaces[LTE], &w->view.ports[LTE], &result);
	assert_int_equal(result.outcome, CONN_FAILED);
	assert_int_equal(result.stage, CONN_STAGE_LINK);
	assert_string_equal(result.why, "cellular: registration denied");
	w->said.revision++;
	look(w);
	conn_local(&w->config.ports[LTE], &w->facts.ifaces[LTE], &w->view.ports[LTE], &result);
	assert_int_equal(result.outcome, CONN_NOT_READY); /* it may follow yet */
	/* Its own probe proves nothing against what works. */
	w->modem.config_error = (char *)"";
	w->modem.probe_error = (char *)"no answer from 8.8.8.8";
	connect_modem(w);
	conn_local(&w->config.ports[LTE], &w->facts.ifaces[LTE], &w->view.ports[LTE], &result);
	assert_int_equal(result.outcome, CONN_OK);
}

static void verification_waits_for_modems_that_have_not_taken_the_configuration(void **state)
{
	struct world *w = *state;
	const struct conn_ports on = { .config = &w->config, .facts = &w->facts, .view = &w->view };
	struct nim_cards cards = { .n = 0 };
	struct dpcv_facts facts;
	uint32_t before;

	look(w);
	w->facts.ifaces[LTE].wireless = &w->air;
	verify_facts(&on, &cards, false, &facts);
	assert_true(facts.modem_pending);
	before = verify_digest(&on, false);
	connect_modem(w);
	verify_facts(&on, &cards, false, &facts);
	assert_false(facts.modem_pending);
	assert_int_not_equal(verify_digest(&on, false), before);
	/* Absent: its daemon first, then as an interface that is missing. */
	w->ports[LTE].usb_address = (char *)"2:1.3";
	nim_config_load_on(&w->config, &w->msg, &cards);
	w->said.revision++;
	look(w);
	verify_facts(&on, &cards, false, &facts);
	assert_true(facts.modem_pending);
	assert_false(facts.card_pending);
	assert_int_equal(facts.missing, 1);
	/* Of apps only: nobody waits. */
	w->config.ports[LTE].is_mgmt = false;
	verify_facts(&on, &cards, false, &facts);
	assert_false(facts.modem_pending);
	assert_int_equal(facts.missing, 0);
}

/* ---- Tests that cost ---- */

#define HOUR INT64_C(3600000)

static const struct conn_record *record_of(const char *label, void *arg)
{
	struct conn_record *records = arg;

	return &records[strcmp(label, "lte") == 0];
}

static void a_modem_that_passed_lately_is_not_tested_for_times_sake(void **state)
{
	struct conn_record records[2] = { { .success_ms = 7, .reached = { .target = "a" } },
					  { .success_ms = 7, .reached = { .target = "a" } } };
	struct world *w = *state;
	struct conn_ports on = {
		.config = &w->config, .facts = &w->facts, .view = &w->view, .spare = true
	};

	connect_modem(w);
	records[0].last.outcome = records[1].last.outcome = CONN_OK;
	w->view.ports[ETH].usable4 = true;
	w->config.ports[WIFI].is_mgmt = false;
	assert_true(conn_is_spared(&on, LTE, 7 + HOUR - 1, record_of, records));
	assert_false(conn_is_spared(&on, LTE, 7 + HOUR, record_of, records)); /* too long ago */
	assert_false(conn_is_spared(&on, LTE, 6, record_of, records)); /* the clock was set */
	assert_false(conn_is_spared(&on, ETH, 8, record_of, records)); /* it costs nothing */
	on.spare = false;
	assert_false(conn_is_spared(&on, LTE, 8, record_of, records)); /* something happened */
	on.spare = true;
	records[0].last.outcome = CONN_FAILED; /* nobody is known to be better */
	assert_false(conn_is_spared(&on, LTE, 8, record_of, records));
	records[0].last.outcome = CONN_OK;
	records[0].reached.target[0] = '\0';
	assert_false(conn_is_spared(&on, LTE, 8, record_of, records));
	records[0].reached.target[0] = 'a';
	w->view.ports[ETH].usable4 = false;
	assert_false(conn_is_spared(&on, LTE, 8, record_of, records));
	w->view.ports[ETH].usable4 = true;
	records[1].last.outcome = CONN_FAILED;
	assert_false(conn_is_spared(&on, LTE, 8, record_of, records));
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(daemons_are_told_all_but_the_passwords_of_proxies),
		WORLD_TEST(another_wish_has_another_revision_and_the_same_has_the_same),
		WORLD_TEST(ports_that_are_wrong_are_not_told_of),
		WORLD_TEST(a_configuration_is_pending_until_its_key_time_and_revision_are_echoed),
		WORLD_TEST(what_keeps_a_modem_is_told_and_what_its_daemon_said_last_counts),
		WORLD_TEST(addresses_of_another_interface_or_that_are_none_are_not_taken),
		WORLD_TEST(a_link_without_a_gateway_leads_to_its_other_end),
		WORLD_TEST(wifi_works_when_the_kernel_says_so),
		WORLD_TEST(a_modem_has_the_addresses_of_its_bearer_and_wifi_a_dhcp_client),
		WORLD_TEST(status_has_the_modem_and_what_keeps_it),
		WORLD_TEST(a_modem_that_is_not_connected_is_not_tested),
		WORLD_TEST(a_modem_that_passed_lately_is_not_tested_for_times_sake),
		WORLD_TEST(verification_waits_for_modems_that_have_not_taken_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
