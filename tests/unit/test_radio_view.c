/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway ports NAME says of a wireless port, and what to do about it. */
#include "tests/unit/golden.h"

#include "cmd/edgeway/ports_model.h"
#include "cmd/edgeway/ports_radio.h"

#define UNKNOWN 0x7fffffff

struct world {
	Ew__PortStatus port;
	Ew__WirelessStatus wireless;
	Ew__WwanNetworkStatus modem;
	Ew__WwanModule module;
	Ew__WwanSim sim, second, *sims[2];
	Ew__WwanProvider provider;
	Ew__WwanBearer bearer, *bearers[1];
	Ew__WwanIp ip;
	Ew__CellularTechnology technologies[2];
	Ew__WlanPortStatus wifi;
	Ew__WwanMetrics wwan;
	Ew__WlanMetrics wlan;
	struct port_facts facts;
	struct strbuf out;
};

static void init_modem(struct world *w)
{
	ew__wwan_network_status__init(&w->modem);
	ew__wwan_module__init(&w->module);
	ew__wwan_sim__init(&w->sim);
	ew__wwan_sim__init(&w->second);
	ew__wwan_provider__init(&w->provider);
	ew__wwan_bearer__init(&w->bearer);
	ew__wwan_ip__init(&w->ip);
	w->module.model = (char *)"EM7565";
	w->module.manufacturer = (char *)"Sierra Wireless";
	w->module.revision = (char *)"SWI9X50C_01.14";
	w->module.imei = (char *)"352099001761481";
	w->module.control_protocol = (char *)"qmi";
	w->module.mode = EW__MODEM_MODE__MODEM_CONNECTED;
	w->modem.module = &w->module;
	w->modem.connected_ms = 1795219200000;
	w->sim.slot = 1;
	w->sim.slot_activated = true;
	w->sim.iccid = (char *)"8949000000000000001";
	w->sim.imsi = (char *)"310260000000001";
	w->sim.state = (char *)"present";
	w->second.slot = 2;
	w->second.embedded = true;
	w->second.state = (char *)"inactive";
	w->sims[0] = &w->sim;
	w->sims[1] = &w->second;
	w->modem.sims = w->sims;
	w->modem.n_sims = 2;
	w->provider.description = (char *)"Example Telecom";
	w->provider.plmn = (char *)"310-260";
	w->provider.roaming = true;
	w->modem.provider = &w->provider;
	w->technologies[0] = EW__CELLULAR_TECHNOLOGY__CELLULAR_LTE;
	w->technologies[1] = 77;
	w->modem.technologies = w->technologies;
	w->modem.n_technologies = 2;
	w->bearer.apn = (char *)"iot.example";
	w->bearer.type = 2;
	w->bearer.connected = true;
	w->bearers[0] = &w->bearer;
	w->modem.bearers = w->bearers;
	w->modem.n_bearers = 1;
	w->modem.ip = &w->ip;
}

static int setup(void **state)
{
	struct world *w = *state = xcalloc(1, sizeof(*w));

	ew__port_status__init(&w->port);
	ew__wireless_status__init(&w->wireless);
	init_modem(w);
	ew__wlan_port_status__init(&w->wifi);
	ew__wwan_metrics__init(&w->wwan);
	ew__wlan_metrics__init(&w->wlan);
	w->wwan.rssi_dbm = -71;
	w->wwan.rsrp_dbm = -98;
	w->wwan.rsrq_db = -11;
	w->wwan.snr_db = 0;
	w->wifi.ssid = (char *)"shop";
	w->wifi.bssid = (char *)"02:00:00:00:00:01";
	w->wifi.frequency_mhz = 2412;
	w->wifi.state = EW__WLAN_STATE__WLAN_CONNECTED;
	w->wifi.connected_ms = 1795219200000;
	w->wlan.rssi_dbm = -60;
	w->wlan.rx_kbit = w->wlan.tx_kbit = 54000;
	w->port.logicallabel = (char *)"air";
	w->port.wireless = &w->wireless;
	w->wireless.type = EW__WIRELESS_TYPE__WIRELESS_CELLULAR;
	w->wireless.cellular = &w->modem;
	w->facts.p = &w->port;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	strbuf_fini(&w->out);
	free(w);
	return 0;
}

static void be_wifi(struct world *w)
{
	w->wireless.type = EW__WIRELESS_TYPE__WIRELESS_WIFI;
	w->wireless.cellular = NULL;
	w->wireless.wifi = &w->wifi;
}

static void add_line(const char *name, const char *text, void *arg)
{
	strbuf_addf(arg, "%-10s%s\n", name, text);
}

static void add_hint(const char *hint, void *arg)
{
	strbuf_addf(arg, "%s\n", hint);
}

static void page_has_modem_cards_provider_and_signal(void **state)
{
	struct world *w = *state;

	w->facts.wwan = &w->wwan;
	port_radio(&w->facts, add_line, &w->out);
	strbuf_add(&w->out, "----\n");
	w->wwan.snr_db = w->wwan.rsrq_db = w->wwan.rsrp_dbm = UNKNOWN;
	w->modem.probe_error = (char *)"no answer from 8.8.8.8";
	w->bearer.connected = false;
	w->bearer.error = (char *)"service not subscribed";
	w->module.mode = 77;
	w->wireless.stale = true;
	port_radio(&w->facts, add_line, &w->out);
	strbuf_add(&w->out, "----\n");
	be_wifi(w);
	w->facts.wlan = &w->wlan;
	w->wireless.stale = false;
	w->wireless.pending = true;
	port_radio(&w->facts, add_line, &w->out);
	assert_null(strstr(strbuf_str(&w->out), w->sim.imsi));
	golden_text("port_radio", strbuf_str(&w->out));
}

static void a_port_with_a_cable_has_no_radio(void **state)
{
	struct world *w = *state;

	w->port.wireless = NULL;
	port_radio(&w->facts, add_line, &w->out);
	assert_false(port_radio_hints(&w->facts, add_hint, &w->out));
	assert_int_equal(w->out.len, 0);
}

static void expect(struct world *w, bool whole, const char *start)
{
	strbuf_reset(&w->out);
	assert_int_equal(port_radio_hints(&w->facts, add_hint, &w->out), whole);
	if (!*start)
		assert_int_equal(w->out.len, 0);
	assert_memory_equal(strbuf_str(&w->out), start, strlen(start));
}

static void hints_name_the_commonest_faults_of_modems(void **state)
{
	struct world *w = *state;

	expect(w, false, "");
	w->modem.probe_error = (char *)"no answer";
	w->port.usable4 = true;
	expect(w, false, "connected, and the modem's probe gets no answer");
	w->port.usable4 = false;
	w->modem.ip = NULL;
	expect(w, true, "the modem gets no connection");
	w->provider.forbidden = true;
	expect(w, true, "the network refuses the SIM card");
	w->modem.config_error = (char *)"modem not found";
	expect(w, true, "the modem is not there");
	w->sim.state = (char *)"absent";
	expect(w, true, "there is no SIM card");
	w->wireless.cellular = NULL;
	expect(w, true, "nobody has told of the modem");
	w->port.error = (char *)"radio silence";
	expect(w, true, "all radios are to be off");
}

static void hints_name_the_commonest_faults_of_wifi(void **state)
{
	struct world *w = *state;

	be_wifi(w);
	w->port.carrier = true;
	expect(w, false, "");
	w->port.carrier = false;
	w->wifi.state = EW__WLAN_STATE__WLAN_SCANNING;
	expect(w, true, "no network that it may join is in reach");
	w->wifi.error = (char *)"wrong key";
	expect(w, true, "the network does not let it in");
	w->wireless.wifi = NULL;
	expect(w, true, "nobody has told of the adapter");
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(page_has_modem_cards_provider_and_signal),
		WORLD_TEST(a_port_with_a_cable_has_no_radio),
		WORLD_TEST(hints_name_the_commonest_faults_of_modems),
		WORLD_TEST(hints_name_the_commonest_faults_of_wifi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
