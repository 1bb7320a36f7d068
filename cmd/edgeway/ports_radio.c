/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/ports_radio.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "cmd/edgeway/ports_model.h"

#define UNKNOWN 0x7fffffff /* of a strength, as in EVE */

struct radio {
	const struct port_facts *port;
	void (*tell)(const char *name, const char *text, void *arg);
	void *arg;
};

static void line(const struct radio *r, const char *name, struct strbuf *text)
{
	if (text->len)
		r->tell(name, strbuf_str(text), r->arg);
	strbuf_fini(text);
	*text = (struct strbuf)STRBUF_INIT;
}

/* With a comma before all but the first. */
static void add(struct strbuf *out, const char *before, const char *word)
{
	if (*word)
		strbuf_addf(out, "%s%s%s", out->len ? ", " : "", before, word);
}

static void add_since(int64_t ms, struct strbuf *out)
{
	if (!ms)
		return;
	strbuf_addf(out, "%sconnected since ", out->len ? ", " : "");
	rfc3339_format(ms / 1000, 0, out);
}

static void add_strength(struct strbuf *out, const char *name, int32_t value, const char *unit)
{
	if (value != UNKNOWN)
		strbuf_addf(out, "%s%s%d %s", out->len ? ", " : "", name, value, unit);
}

/* ---- Cellular ---- */

static const char *mode_name(const Ew__WwanModule *module)
{
	static const char *const names[] = { "",	  "online",  "connected",
					     "radio off", "offline", "in an unknown state" };

	return (size_t)module->mode < ARRAY_SIZE(names) ? names[module->mode] : "";
}

static void modem_line(const struct radio *r, const Ew__WwanNetworkStatus *modem)
{
	struct strbuf text = STRBUF_INIT;

	if (modem->module) {
		add(&text, "",
		    modem->module->model[0] ? modem->module->model : modem->module->name);
		add(&text, "", modem->module->manufacturer);
		add(&text, "firmware ", modem->module->revision);
		add(&text, "IMEI ", modem->module->imei);
		add(&text, "", modem->module->control_protocol);
		add(&text, "", modem->connected_ms ? "" : mode_name(modem->module));
	}
	add_since(modem->connected_ms, &text);
	line(r, "modem", &text);
}

static void sim_lines(const struct radio *r, const Ew__WwanNetworkStatus *modem)
{
	for (size_t i = 0; i < modem->n_sims; i++) {
		const Ew__WwanSim *sim = modem->sims[i];
		struct strbuf text = STRBUF_INIT;

		strbuf_addf(&text, "slot %u%s", sim->slot, sim->slot_activated ? " in use" : "");
		add(&text, "", sim->state);
		add(&text, "", sim->embedded ? "embedded" : "");
		add(&text, "ICCID ", sim->iccid);
		line(r, "SIM", &text);
	}
}

static void provider_line(const struct radio *r, const Ew__WwanNetworkStatus *modem)
{
	static const char *const technologies[] = { "", "GSM", "UMTS", "LTE", "5G NR" };
	const Ew__WwanProvider *provider = modem->provider;
	struct strbuf text = STRBUF_INIT;

	if (provider) {
		add(&text, "", provider->description);
		add(&text, "", provider->plmn);
		add(&text, "", provider->roaming ? "roaming" : "");
		add(&text, "", provider->forbidden ? "forbidden" : "");
	}
	for (size_t i = 0; i < modem->n_technologies; i++)
		if ((size_t)modem->technologies[i] < ARRAY_SIZE(technologies))
			add(&text, "", technologies[modem->technologies[i]]);
	line(r, "provider", &text);
}

static void bearer_lines(const struct radio *r, const Ew__WwanNetworkStatus *modem)
{
	static const char *const types[] = { "", "attach", "default", "dedicated" };

	for (size_t i = 0; i < modem->n_bearers; i++) {
		const Ew__WwanBearer *bearer = modem->bearers[i];
		struct strbuf text = STRBUF_INIT;

		add(&text, "", bearer->type < ARRAY_SIZE(types) ? types[bearer->type] : "");
		add(&text, "access point ", bearer->apn);
		add(&text, "", bearer->connected ? "connected" : "not connected");
		add(&text, "", bearer->error);
		line(r, "bearer", &text);
	}
}

static void wwan_signal_line(const struct radio *r, const Ew__WwanMetrics *m)
{
	struct strbuf text = STRBUF_INIT;

	if (!m)
		return;
	add_strength(&text, "", m->rssi_dbm, "dBm");
	add_strength(&text, "RSRP ", m->rsrp_dbm, "dBm");
	add_strength(&text, "RSRQ ", m->rsrq_db, "dB");
	add_strength(&text, "SNR ", m->snr_db, "dB");
	line(r, "signal", &text);
}

static void cellular_lines(const struct radio *r, const Ew__WwanNetworkStatus *modem)
{
	struct strbuf text = STRBUF_INIT;

	modem_line(r, modem);
	sim_lines(r, modem);
	provider_line(r, modem);
	bearer_lines(r, modem);
	wwan_signal_line(r, r->port->wwan);
	add(&text, "", modem->probe_error);
	line(r, "probe", &text);
}

/* ---- Wi-Fi ---- */

static const char *state_name(Ew__WlanState state)
{
	static const char *const names[] = { "",	 "off", "in no network", "looks for it",
					     "joins it", "" };

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "";
}

static void wifi_lines(const struct radio *r, const Ew__WlanPortStatus *wifi)
{
	const Ew__WlanMetrics *m = r->port->wlan;
	struct strbuf text = STRBUF_INIT;

	add(&text, "", wifi->ssid);
	add(&text, "", state_name(wifi->state));
	add(&text, "", wifi->bssid);
	if (wifi->frequency_mhz)
		strbuf_addf(&text, ", %u MHz", wifi->frequency_mhz);
	add_since(wifi->connected_ms, &text);
	line(r, "Wi-Fi", &text);
	if (!m)
		return;
	add_strength(&text, "", m->rssi_dbm, "dBm");
	if (m->rx_kbit || m->tx_kbit)
		strbuf_addf(&text, "%s%u Mbit/s in, %u out", text.len ? ", " : "",
			    m->rx_kbit / 1000, m->tx_kbit / 1000);
	line(r, "signal", &text);
}

/* ---- Both ---- */

static const char *daemon_of(const Ew__WirelessStatus *w)
{
	return w->type == EW__WIRELESS_TYPE__WIRELESS_CELLULAR ? "wwan" : "wlan";
}

void port_radio(const struct port_facts *port,
		void (*tell)(const char *name, const char *text, void *arg), void *arg)
{
	const struct radio r = { port, tell, arg };
	const Ew__WirelessStatus *w = port->p->wireless;
	struct strbuf text = STRBUF_INIT;

	if (!w)
		return;
	if (w->cellular)
		cellular_lines(&r, w->cellular);
	if (w->wifi)
		wifi_lines(&r, w->wifi);
	if (w->stale)
		strbuf_addf(&text, "%s has left: this is what it said last", daemon_of(w));
	else if (w->pending)
		strbuf_addf(&text, "%s has not applied the configuration yet", daemon_of(w));
	line(&r, "radio", &text);
}

static bool has_sim(const Ew__WwanNetworkStatus *modem)
{
	for (size_t i = 0; i < modem->n_sims; i++)
		if (modem->sims[i]->slot_activated && strcmp(modem->sims[i]->state, "absent") != 0)
			return true;
	return !modem->n_sims; /* not told */
}

static const char *modem_hint(const Ew__WirelessStatus *w)
{
	const Ew__WwanNetworkStatus *modem = w->cellular;

	if (!modem)
		return "nobody has told of the modem: does the daemon wwan run? Its log says what "
		       "it looks for";
	if (!has_sim(modem))
		return "there is no SIM card in the slot in use: insert one, or name another slot "
		       "in the configuration";
	if (strcmp(modem->config_error, "modem not found") == 0)
		return "the modem is not there: is it plugged in and powered (\"mmcli -L\", "
		       "\"dmesg\")? Its USB or PCI address in the configuration may be another "
		       "one";
	if (modem->provider && modem->provider->forbidden)
		return "the network refuses the SIM card: is it activated, may it roam?";
	if (modem->config_error[0] || !modem->ip)
		return "the modem gets no connection: is the name of the access point right, do "
		       "user and password fit, is the signal strong enough? Its antenna may be "
		       "loose";
	if (modem->probe_error[0])
		return "connected, and the modem's probe gets no answer: is there volume left "
		       "in the contract? A private network needs a probe of its own in the "
		       "configuration";
	return NULL;
}

static const char *wifi_hint(const Ew__PortStatus *p)
{
	const Ew__WlanPortStatus *wifi = p->wireless->wifi;

	if (p->carrier)
		return NULL;
	if (!wifi)
		return "nobody has told of the adapter: does the daemon wlan run? Its log says "
		       "what it looks for";
	if (wifi->state == EW__WLAN_STATE__WLAN_CONNECTING || wifi->error[0])
		return "the network does not let it in: is the key the right one, is it for the "
		       "network's kind of security?";
	return "no network that it may join is in reach: is the SSID written as the access point "
	       "says it, is the antenna connected?";
}

bool port_radio_hints(const struct port_facts *port, void (*tell)(const char *hint, void *arg),
		      void *arg)
{
	const Ew__PortStatus *p = port->p;
	const char *what;

	if (!p->wireless)
		return false;
	if (strcmp(p->error, "radio silence") == 0)
		what = "all radios are to be off: \"edgeway radio silence off\" ends it";
	else if (p->wireless->type == EW__WIRELESS_TYPE__WIRELESS_CELLULAR)
		what = modem_hint(p->wireless);
	else
		what = wifi_hint(p);
	if (what)
		tell(what, arg);
	return what && !p->usable4 && !p->usable6;
}
