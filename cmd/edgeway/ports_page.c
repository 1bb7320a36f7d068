/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway ports NAME: all about one port. */
#include <inttypes.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "cmd/edgeway/bond_view.h"
#include "cmd/edgeway/lines.h"
#include "cmd/edgeway/meter_view.h"
#include "cmd/edgeway/ports_health.h"
#include "cmd/edgeway/ports_radio.h"
#include "cmd/edgeway/ports_view.h"
#include "cmd/edgeway/status_view.h"
#include "cmd/edgeway/test_view.h"
#include "nim/pnac/wpa_text.h"

struct page {
	const struct ports *ports;
	const struct port_facts *port;
	unsigned int width;
	FILE *out;
};

/* Frees what is in text. Nothing when there is none. */
static void line(const struct page *page, const char *name, struct strbuf *text)
{
	lines_add(name, text, page->width, page->out);
}

static void line_text(const struct page *page, const char *name, const char *value)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_add(&text, value);
	line(page, name, &text);
}

static void line_list(const struct page *page, const char *name, char **items, size_t n)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		strbuf_addf(&text, "%s%s", i ? ", " : "", items[i]);
	line(page, name, &text);
}

static void interface_lines(const struct page *page)
{
	const Ew__PortStatus *p = page->port->p;
	struct strbuf text = STRBUF_INIT;

	strbuf_add(&text, p->ifname);
	if (p->pci_address[0] || p->usb_address[0])
		strbuf_addf(&text, ", %s %s", p->pci_address[0] ? "PCI" : "USB",
			    p->pci_address[0] ? p->pci_address : p->usb_address);
	if (p->ifindex)
		strbuf_addf(&text, ", index %u, %s, %s", p->ifindex, p->up ? "up" : "down",
			    p->carrier ? "carrier" : "no carrier");
	else
		strbuf_add(&text, ", missing");
	line(page, "interface", &text);
	if (!p->ifindex)
		return;
	line_text(page, "MAC", p->mac);
	strbuf_addf(&text, "%u", p->mtu);
	line(page, "MTU", &text);
}

static void use_lines(const struct page *page)
{
	const struct port_facts *port = page->port;
	const Ew__PortStatus *p = port->p;
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s, cost %u",
		    !p->is_l3	 ? "layer 2 only"
		    : p->is_mgmt ? "management and apps"
				 : "apps",
		    p->cost);
	line(page, "use", &text);
	line_list(page, "labels", p->labels, p->n_labels);
	strbuf_addf(&text, "IPv4 %s%s, IPv6 %s%s", p->usable4 ? "yes" : "no",
		    port->default4 ? " (default)" : "", p->usable6 ? "yes" : "no",
		    port->default6 ? " (default)" : "");
	line(page, "carries", &text);
	port_recovery(p, &text);
	line(page, "recovery", &text);
	if (p->table) {
		strbuf_addf(&text, "table %u, mark 0x%08x", p->table, p->mark);
		line(page, "routing", &text);
	}
}

/* Nothing of the local profile server, where it has no part. */
static void source_lines(const struct page *page)
{
	const Ew__PortStatus *p = page->port->p;
	struct strbuf text = STRBUF_INIT;

	if (p->config_source != EW__DPC_SOURCE__DPC_UNKNOWN)
		strbuf_add(&text, cli_dpc_source(p->config_source));
	if (p->config_submitted_ms) {
		strbuf_add(&text, ", ");
		rfc3339_format(p->config_submitted_ms / 1000, 0, &text);
	}
	if (p->local_changes)
		strbuf_add(&text, "; a local profile server may change it");
	line(page, "asked by", &text);
	line_text(page, "local wish", p->lps_config_error);
}

static void other_line(const char *name, const char *text, void *arg)
{
	line_text(arg, name, text);
}

static void add_end(const struct ports *ports, const struct dp_lease *lease, struct strbuf *out)
{
	int64_t end = lease ? ports_lease_end(ports, lease) : 0;

	if (!end)
		return;
	strbuf_add(out, " until ");
	rfc3339_format(end, 0, out);
}

static void address_lines(const struct page *page)
{
	static const char *const by[] = { "none wanted", "static", "DHCP client" };
	static const char *const versions[] = { "", ", IPv4 only", ", IPv6 only" };
	const Ew__PortStatus *p = page->port->p;
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s%s", (size_t)p->dhcp < ARRAY_SIZE(by) ? by[p->dhcp] : "?",
		    (size_t)p->ip_versions < ARRAY_SIZE(versions) ? versions[p->ip_versions] : "");
	line(page, "addressing", &text);
	for (size_t i = 0; i < p->n_addresses; i++) {
		const struct dp_lease *lease;

		strbuf_addf(&text, "%s by %s", p->addresses[i],
			    port_address_source(page->port, p->addresses[i], &lease));
		add_end(page->ports, lease, &text);
		line(page, i ? "" : "addresses", &text);
	}
	line_list(page, "not used", p->ignored_addresses, p->n_ignored_addresses);
	port_gateways(p, &text);
	line(page, "gateways", &text);
	port_heartbeat(p, &text);
	line(page, "heartbeat", &text);
	port_upstream(p->upstream4, &text);
	line(page, "beyond", &text);
	port_upstream(p->upstream6, &text);
	line(page, "beyond", &text);
	line_list(page, "DNS servers", p->dns_servers, p->n_dns_servers);
	line_list(page, "NTP servers", p->ntp_servers, p->n_ntp_servers);
	line_list(page, "domain", p->search_domains, p->n_search_domains);
}

static void instance_line(const struct page *page)
{
	const struct status *rows = page->ports->rows;
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < rows->n; i++) {
		const Ew__NetworkInstanceStatus *ni = (const void *)rows->rows[i].msg;
		enum port_use use;

		if (rows->rows[i].topic != &ps_topic_network_instance_status)
			continue;
		use = port_used_by(page->port, ni);
		if (use != PORT_NOT_USED)
			strbuf_addf(&text, "%s%s%s", text.len ? ", " : "", ni->displayname,
				    use == PORT_USED ? "" : " (may use it)");
	}
	line(page, "instances", &text);
}

static void add_time(const char *before, int64_t ms, struct strbuf *out)
{
	if (!ms)
		return;
	strbuf_add(out, before);
	rfc3339_format(ms / 1000, 0, out);
}

static void pnac_line(const struct page *page)
{
	const Ew__PnacStatus *pnac = page->port->p->pnac;
	const Ew__PnacMetrics *eapol = page->port->eapol;
	struct strbuf text = STRBUF_INIT;

	if (!pnac)
		return;
	strbuf_addf(&text, "%s%s%s", pnac_state_name((enum pnac_state)pnac->state),
		    pnac->identity[0] ? " as " : "", pnac->identity);
	add_time(" since ", pnac->last_auth_ms, &text);
	add_time(", certificate until ", pnac->cert_until_s * 1000, &text);
	strbuf_addf(&text, ", profile %s", pnac->profile);
	line(page, "802.1X", &text);
	if (eapol)
		strbuf_addf(&text,
			    "%" PRIu64 " frames in, %" PRIu64 " out; %" PRIu64 " starts, %" PRIu64
			    " requests, %" PRIu64 " responses, %" PRIu64 " damaged",
			    eapol->frames_rx, eapol->frames_tx, eapol->start_frames_tx,
			    eapol->req_id_frames_rx + eapol->req_frames_rx, eapol->resp_frames_tx,
			    eapol->invalid_frames_rx + eapol->length_error_frames_rx);
	line(page, "EAPOL", &text);
}

static void proxy_line(const struct page *page)
{
	const Ew__PortStatus *p = page->port->p;
	struct strbuf text = STRBUF_INIT;

	if (p->http_proxy[0])
		strbuf_addf(&text, "http by %s", p->http_proxy);
	if (p->https_proxy[0])
		strbuf_addf(&text, "%shttps by %s", text.len ? ", " : "", p->https_proxy);
	if (p->socks_proxy[0])
		strbuf_addf(&text, "%sall else by %s", text.len ? ", " : "", p->socks_proxy);
	if (p->proxy_exceptions[0])
		strbuf_addf(&text, ", except %s", p->proxy_exceptions);
	line(page, "proxies", &text);
}

static const char *pac_origin_name(const Ew__PacStatus *pac)
{
	switch (pac->origin) {
	case EW__PAC_ORIGIN__PAC_INLINE:
		return "inline";
	case EW__PAC_ORIGIN__PAC_URL:
		return pac->url[0] ? "" : "none so far";
	case EW__PAC_ORIGIN__PAC_DHCP:
		return " (DHCP option 252)";
	case EW__PAC_ORIGIN__PAC_DNS:
		return pac->url[0] ? " (by DNS)" : "none so far";
	case _EW__PAC_ORIGIN_IS_INT_SIZE:
		break;
	}
	return "";
}

static void pac_line(const struct page *page)
{
	const Ew__PacStatus *pac = page->port->p->pac;
	struct strbuf text = STRBUF_INIT;

	if (!pac)
		return;
	strbuf_addf(&text, "%s%s", pac->url, pac_origin_name(pac));
	if (pac->bytes)
		strbuf_addf(&text, ", %u bytes", pac->bytes);
	add_time(", fetched ", pac->fetched_ms, &text);
	if (pac->error[0])
		strbuf_addf(&text, ": %s", pac->error);
	line(page, "PAC file", &text);
}

static void service_lines(const struct page *page)
{
	const Ew__PortMeterStatus *m = page->port->meter;
	struct strbuf text = STRBUF_INIT;

	if (m) {
		char bytes[METER_BYTES];

		strbuf_addf(
			&text, "%s this month",
			meter_bytes(m->month ? m->month->rx_bytes + m->month->tx_bytes : 0, bytes));
		line(page, "metering", &text);
	}
	if (m && m->quota_bytes) {
		char bytes[METER_BYTES];

		strbuf_addf(&text, "%s,", meter_bytes(m->quota_bytes, bytes));
		if (!meter_warn(m, &text))
			strbuf_addf(&text, " %u %% used", m->percent);
		line(page, "quota", &text);
	}
	proxy_line(page);
	pac_line(page);
	pnac_line(page);
	line_text(page, "firewall",
		  page->ports->device->firewall_error[0] ? page->ports->device->firewall_error
							 : "in place");
}

static void test_lines(const struct page *page)
{
	const Ew__PortTest *t = page->port->p->test;
	struct strbuf text = STRBUF_INIT;

	if (!t)
		return;
	test_sentence(t, &text);
	line(page, "test", &text);
	line_text(page, "", t->warning);
	strbuf_addf(&text, "%llu passed", (unsigned long long)t->successes);
	add_time(", last ", t->success_ms, &text);
	strbuf_addf(&text, "; %llu failed", (unsigned long long)t->failures);
	add_time(", last ", t->failure_ms, &text);
	if (t->latency_avg_ms)
		strbuf_addf(&text, "; %u ms at least, %u ms on average", t->latency_min_ms,
			    t->latency_avg_ms);
	line(page, "tests", &text);
}

static void hint_line(const char *hint, void *arg)
{
	line_text(arg, "to do", hint);
}

static void trouble_lines(struct page *page)
{
	const struct port_facts *port = page->port;
	struct strbuf text = STRBUF_INIT;

	line_text(page, "error", port->p->error);
	for (size_t i = 0; i < port->nfaults; i++) {
		const struct port_fault *f = &port->faults[i];

		strbuf_addf(&text, "%s: %s %s%s%s", f->state, f->type, f->key, *f->why ? ": " : "",
			    f->why);
		line(page, "item", &text);
	}
	port_hints(page->ports, port, hint_line, page);
}

void ports_print_one(const struct ports *ports, const struct port_facts *port,
		     const struct status_look *look, FILE *out)
{
	struct page page = { ports, port, look->width, out };

	line_text(&page, "port", port->p->logicallabel);
	interface_lines(&page);
	use_lines(&page);
	source_lines(&page);
	bond_view(port->p->bond, other_line, &page);
	port_radio(port, other_line, &page);
	address_lines(&page);
	instance_line(&page);
	service_lines(&page);
	test_lines(&page);
	trouble_lines(&page);
}
