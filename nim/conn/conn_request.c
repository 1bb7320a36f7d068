/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/conn_request.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "conntest.pb-c.h"
#include "nim/conn/conn_trace.h"
#include "nim/dns/dns.h"
#include "nim/proxy/proxy_ways.h"

/* ---- Request ---- */

/* Without a gateway only what is beside it can be reached: that is no fault of the family. */
static bool is_source(const struct nim_port *port, const struct nim_port_view *view, int family)
{
	return port->no_default_route || (family == AF_INET ? view->good4 : view->good6);
}

static void add_sources(Ew__ConnPort *msg, const struct nim_port *port,
			const struct nim_iface *iface, const struct nim_port_view *view,
			struct arena *arena)
{
	unsigned int four = 0, six = 0;

	msg->addresses = arena_alloc(arena, NIM_ADDRS * sizeof(char *));
	for (unsigned int i = 0; i < iface->naddrs; i++) {
		const struct ipaddr *addr = &iface->addrs[i].addr;
		unsigned int *n = addr->family == AF_INET ? &four : &six;

		if (!is_source(port, view, addr->family) || *n == CONN_PORT_ADDRS)
			continue;
		++*n;
		msg->addresses[msg->n_addresses++] = arena_ipaddr(arena, addr);
	}
}

static void add_ways(Ew__ConnPort *msg, const struct nim_port *port,
		     const struct conn_settings *settings, struct arena *arena)
{
	const char *urls[HTTP_URLS];
	unsigned int n = conn_targets(settings, urls);

	if (!port->proxy)
		return;
	msg->ways = arena_alloc(arena, HTTP_URLS * sizeof(Ew__ConnWays *));
	for (unsigned int i = 0; i < n; i++)
		msg->ways[msg->n_ways++] = proxy_ways_static(port->proxy, urls[i], arena);
}

static Ew__ConnPort *port_message(const struct nim_port *port, const struct nim_iface *iface,
				  const struct nim_port_view *view,
				  const struct conn_settings *settings, struct arena *arena)
{
	const struct ipaddr *gateways[] = { &view->gateway4, &view->gateway6 };
	Ew__ConnPort *msg = arena_alloc(arena, sizeof(*msg));
	struct ipaddr servers[NIM_PORT_DNS];
	unsigned int n = nim_port_dns(port, iface, servers);

	ew__conn_port__init(msg);
	msg->ifname = arena_strdup(arena, port->ifname.str);
	add_sources(msg, port, iface, view, arena);
	msg->gateways = arena_alloc(arena, ARRAY_SIZE(gateways) * sizeof(char *));
	for (size_t i = 0; i < ARRAY_SIZE(gateways); i++)
		if (ipaddr_is_set(gateways[i]))
			msg->gateways[msg->n_gateways++] = arena_ipaddr(arena, gateways[i]);
	msg->dns_servers = arena_alloc(arena, NIM_PORT_DNS * sizeof(char *));
	for (unsigned int i = 0; i < n; i++)
		msg->dns_servers[msg->n_dns_servers++] = arena_ipaddr(arena, &servers[i]);
	if (port->proxy)
		msg->ca_pem = port->proxy->ca_pem; /* borrowed, as the ports are */
	if (proxy_has_pac(port->proxy))
		msg->pac = proxy_pac(port, iface, arena);
	else
		add_ways(msg, port, settings, arena);
	return msg;
}

/* EVE's: one UUID for each request, and who we are. */
static void add_headers(Ew__ConnTarget *msg, const struct conn_settings *settings,
			struct arena *arena)
{
	uint8_t id[16] = { 0 };

	if (getrandom(id, sizeof(id), GRND_NONBLOCK) < 0)
		id[0] = 0; /* at boot: an id that is not unique does no harm */
	msg->headers = arena_alloc(arena, 2 * sizeof(char *));
	msg->headers[msg->n_headers++] = arena_printf(
		arena,
		"X-Request-Id: %02x%02x%02x%02x-%02x%02x-4%x%02x-8%x%02x-%02x%02x%02x%02x%02x%02x",
		id[0], id[1], id[2], id[3], id[4], id[5], id[6] & 15, id[7], id[8] & 15, id[9],
		id[10], id[11], id[12], id[13], id[14], id[15]);
	if (settings->soft_serial)
		msg->headers[msg->n_headers++] =
			arena_printf(arena, "X-Soft-Serial: %s", settings->soft_serial);
}

static Ew__ConnTarget *target_message(const char *url, struct arena *arena)
{
	Ew__ConnTarget *msg = arena_alloc(arena, sizeof(*msg));

	ew__conn_target__init(msg);
	msg->url = arena_strdup(arena, url);
	return msg;
}

static void add_targets(Ew__ConnRequest *msg, const struct conn_settings *settings,
			struct arena *arena)
{
	const char *urls[HTTP_URLS];
	unsigned int n = conn_targets(settings, urls);

	msg->targets = arena_alloc(arena, HTTP_URLS * sizeof(Ew__ConnTarget *));
	for (unsigned int i = 0; i < n; i++)
		msg->targets[msg->n_targets++] = target_message(urls[i], arena);
	if (settings->controller[0]) {
		msg->targets[0]->controller = true;
		add_headers(msg->targets[0], settings, arena);
	}
}

struct Ew__ConnRequest *conn_request(const struct conn_ports *ports, const unsigned int *port,
				     unsigned int n, const struct conn_settings *settings,
				     struct arena *arena)
{
	Ew__ConnRequest *msg = arena_alloc(arena, sizeof(*msg));

	ew__conn_request__init(msg);
	add_targets(msg, settings, arena);
	msg->deadline_ms = settings->items.deadline_s * 1000;
	if (settings->roots_file)
		msg->roots_file = arena_strdup(arena, settings->roots_file);
	if (settings->cert_file) {
		msg->cert_file = arena_strdup(arena, settings->cert_file);
		msg->key_file = arena_strdup(arena, settings->key_file);
	}
	msg->ports = arena_alloc(arena, (n + 1) * sizeof(Ew__ConnPort *));
	for (unsigned int i = 0; i < n; i++)
		msg->ports[msg->n_ports++] =
			port_message(&ports->config->ports[port[i]], &ports->facts->ifaces[port[i]],
				     &ports->view->ports[port[i]], settings, arena);
	return msg;
}

/* ---- Report ---- */

static void take_text(char *ret, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	for (size_t i = 0; i < len; i++)
		ret[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	ret[len] = '\0';
}

/* A verdict passed if and only if it got to the end. */
static bool is_verdict(const Ew__ConnVerdict *v)
{
	if (v->outcome <= EW__TEST_OUTCOME__TEST_UNTESTED ||
	    v->outcome > EW__TEST_OUTCOME__TEST_FAILED ||
	    v->stage < EW__TEST_STAGE__TEST_STAGE_LINK ||
	    v->stage > EW__TEST_STAGE__TEST_STAGE_DONE)
		return false;
	return (v->outcome == EW__TEST_OUTCOME__TEST_OK) ==
	       (v->stage == EW__TEST_STAGE__TEST_STAGE_DONE);
}

/* The last line, too, has its end. */
static char *take_trace(const char *trace)
{
	size_t len = strnlen(trace, CONN_TRACE);
	char *ret = xcalloc(1, len + 1);

	while (len && trace[len - 1] != '\n')
		len--;
	for (size_t i = 0; i < len; i++)
		ret[i] = trace[i] == '\n' || (trace[i] >= ' ' && trace[i] <= '~') ? trace[i] : '?';
	return ret;
}

static int take_verdict(const Ew__ConnVerdict *v, struct conn_report *report)
{
	if (!v || !is_verdict(v))
		return -EBADMSG;
	report->result.outcome = (enum conn_outcome)v->outcome;
	report->result.stage = (enum conn_stage)v->stage;
	report->result.latency_ms = v->latency_ms;
	if (report->result.outcome != CONN_OK)
		take_text(report->result.why, sizeof(report->result.why), v->why);
	take_text(report->reached.target, sizeof(report->reached.target), v->target);
	take_text(report->reached.proxy, sizeof(report->reached.proxy), v->proxy);
	report->trace = v->trace[0] ? take_trace(v->trace) : NULL;
	return 0;
}

static int take_peer(const Ew__ConnPeer *r, struct conn_report *report)
{
	if (!r || !r->port || r->port > UINT16_MAX ||
	    ipaddr_parse(r->address, &report->peer.addr) < 0)
		return -EBADMSG;
	report->peer.port = r->port;
	report->kind = CONN_REPORT_PEER;
	return 0;
}

int conn_report_read(const uint8_t *msg, size_t len, unsigned int nports, struct conn_report *ret)
{
	Ew__ConnReport *report = ew__conn_report__unpack(NULL, len, msg);
	struct conn_report out = { 0 };
	int r = -EBADMSG;

	if (!report)
		return r;
	out.port = report->port;
	if (report->port < nports && report->said_case == EW__CONN_REPORT__SAID_WARNING) {
		out.kind = CONN_REPORT_WARNING;
		take_text(out.text, sizeof(out.text), report->warning);
		r = 0;
	} else if (report->said_case == EW__CONN_REPORT__SAID_FAILURE && report->failure[0]) {
		out.kind = CONN_REPORT_FAILURE;
		take_text(out.text, sizeof(out.text), report->failure);
		r = 0;
	} else if (report->port < nports && report->said_case == EW__CONN_REPORT__SAID_VERDICT) {
		r = take_verdict(report->verdict, &out);
	} else if (report->port < nports && report->said_case == EW__CONN_REPORT__SAID_PEER) {
		r = take_peer(report->peer, &out);
	} else if (report->port < nports && report->said_case == EW__CONN_REPORT__SAID_TRACE) {
		out.kind = CONN_REPORT_TRACE;
		out.trace = take_trace(report->trace);
		r = 0;
	}
	ew__conn_report__free_unpacked(report, NULL);
	if (r == 0)
		*ret = out;
	return r;
}
