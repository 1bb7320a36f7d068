/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/diag_view.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "cmd/edgeway/lines.h"
#include "cmd/edgeway/test_view.h"

struct page {
	const struct diag *diag;
	const Ew__DeviceNetworkStatus *device;
	unsigned int width;
	FILE *out;
	bool well;
};

static void line(const struct page *page, const char *name, struct strbuf *text)
{
	lines_add(name, text, page->width, page->out);
}

static void add_time(int64_t ms, struct strbuf *out)
{
	if (!ms)
		return;
	strbuf_add(out, " of ");
	rfc3339_format(ms / 1000, 0, out);
}

/* ---- The node ---- */

static const char *state_text(uint32_t led)
{
	switch (led) {
	case 1:
		return "no management port has an address";
	case 2:
		return "a management port has an address; nothing far has answered";
	case 3:
		return "connected";
	case 5:
		return "radio silence";
	case 14:
		return "the far end answers and cannot be trusted";
	case 16:
		return "bootstrap-config.pb is refused; nothing far has answered";
	}
	return "unknown";
}

/* As far as was asked. */
static bool one_works(const Ew__DeviceNetworkStatus *d)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		const Ew__PortStatus *p = d->ports[i];

		if (p->is_mgmt && p->is_l3 && !p->error[0] &&
		    (!p->test || p->test->outcome == EW__TEST_OUTCOME__TEST_OK))
			return true;
	}
	return false;
}

static void state_line(struct page *page)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%u: %s", page->device->led, state_text(page->device->led));
	line(page, "state", &text);
	page->well = one_works(page->device);
}

static void config_lines(struct page *page)
{
	const Ew__ConfigStatus *c = page->diag->config;
	struct strbuf text = STRBUF_INIT;

	if (!c)
		strbuf_add(&text, "none: zedagent tells nothing");
	else if (c->version[0] || c->uuid[0])
		strbuf_addf(&text, "version %s from %s", c->version, c->source);
	else
		strbuf_add(&text, "none");
	line(page, "config", &text);
	if (!c || !c->error[0])
		return;
	strbuf_addf(&text, "a newer one is refused at \"%s\": %s", c->error_pointer, c->error);
	line(page, "", &text);
	page->well = false;
}

static void entry_text(const Ew__DpcEntry *e, struct strbuf *out)
{
	strbuf_addf(out, "%s (%s)", e->key, cli_dpc_source(e->source));
	add_time(e->time_priority_ms, out);
	if (e->file[0])
		strbuf_addf(out, " from %s", e->file);
	if (e->error[0])
		strbuf_addf(out, ": %s", e->error);
}

/* The one in force first; the others tell why not they. */
static void dpc_lines(struct page *page)
{
	const Ew__DevicePortConfigList *l = page->diag->dpcs;
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; l && i < l->n_entries; i++) {
		if (strcmp(l->entries[i]->key, l->current) != 0)
			continue;
		entry_text(l->entries[i], &text);
		line(page, "ports by", &text);
	}
	for (size_t i = 0; l && i < l->n_entries; i++) {
		if (strcmp(l->entries[i]->key, l->current) == 0)
			continue;
		entry_text(l->entries[i], &text);
		line(page, "not by", &text);
	}
	for (size_t i = 0; i < page->device->n_dpc_refusals; i++) {
		const Ew__DpcRefusal *r = page->device->dpc_refusals[i];

		strbuf_addf(&text, "%s at \"%s\": %s", r->file, r->pointer, r->why);
		line(page, "refused", &text);
		page->well = false;
	}
}

/* What the local profile server asked for in vain. */
static void local_lines(struct page *page)
{
	const Ew__LpsStatus *lps = page->device->lps;
	struct strbuf text = STRBUF_INIT;

	if (!lps)
		return;
	strbuf_add(&text, lps->error);
	line(page, "local wish", &text);
	for (size_t i = 0; i < lps->n_refusals; i++) {
		strbuf_addf(&text, "%s: %s", lps->refusals[i]->logicallabel, lps->refusals[i]->why);
		line(page, "refused", &text);
	}
}

static void service_lines(struct page *page)
{
	const Ew__DeviceNetworkStatus *d = page->device;
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "IPv4 by %s, IPv6 by %s",
		    d->default_port4[0] ? d->default_port4 : "none",
		    d->default_port6[0] ? d->default_port6 : "none");
	line(page, "default", &text);
	for (size_t i = 0; d->dns && i < d->dns->n_servers; i++)
		strbuf_addf(&text, "%s%s by %s", i ? ", " : "", d->dns->servers[i]->address,
			    d->dns->servers[i]->port);
	if (d->dns && d->dns->error[0])
		strbuf_addf(&text, "%s%s", text.len ? ": " : "", d->dns->error);
	else if (d->dns && !d->dns->n_servers)
		strbuf_add(&text, "no server to ask");
	line(page, "DNS", &text);
	strbuf_add(&text, d->firewall_error);
	line(page, "firewall", &text);
}

/* ---- Ports ---- */

static void hint_line(const char *hint, void *arg)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_add(&text, hint);
	line(arg, "to do", &text);
}

static void port_head(const struct page *page, const Ew__PortStatus *p)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s: %s, %s, cost %u", p->logicallabel, p->ifname,
		    !p->is_l3	 ? "layer 2 only"
		    : p->is_mgmt ? "management and apps"
				 : "apps",
		    p->cost);
	fputc('\n', page->out);
	line(page, "port", &text);
}

static void addresses_line(const struct page *page, const Ew__PortStatus *p)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < p->n_addresses; i++)
		strbuf_addf(&text, "%s%s", i ? ", " : "", p->addresses[i]);
	if (p->gateway4[0] || p->gateway6[0])
		strbuf_addf(&text, "%svia %s%s%s", text.len ? " " : "", p->gateway4,
			    p->gateway4[0] && p->gateway6[0] ? ", " : "", p->gateway6);
	line(page, "has", &text);
}

static void port_lines(struct page *page, const struct port_facts *port)
{
	const Ew__PortStatus *p = port->p;
	struct strbuf text = STRBUF_INIT;

	port_head(page, p);
	addresses_line(page, p);
	if (p->test) {
		test_sentence(p->test, &text);
		line(page, "test", &text);
		strbuf_add(&text, p->test->warning);
		line(page, "", &text);
	}
	strbuf_add(&text, p->error);
	line(page, "error", &text);
	port_hints(page->diag->ports, port, hint_line, page);
}

bool diag_print(const struct diag *diag, const struct status_look *look, FILE *out)
{
	struct page page = {
		.diag = diag, .device = diag->ports->device, .width = look->width, .out = out
	};

	state_line(&page);
	config_lines(&page);
	dpc_lines(&page);
	local_lines(&page);
	service_lines(&page);
	for (size_t i = 0; i < diag->ports->n; i++)
		port_lines(&page, &diag->ports->list[i]);
	return page.well;
}
