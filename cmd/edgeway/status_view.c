/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/status_view.h"

#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/pbjson.h"
#include "base/strbuf.h"
#include "cmd/edgeway/columns.h"
#include "cmd/edgeway/defuse.h"
#include "cmd/edgeway/meter_view.h"
#include "cmd/edgeway/ports_health.h"
#include "cmd/edgeway/test_view.h"

#define NAME_COLUMNS 16 /* at least, and at most twice that: longer names push the text aside */
#define TEXT_COLUMNS 24 /* at least: on narrower terminals lines stay whole */

void status_add(struct status *s, const struct ps_topic *topic, const char *key, const void *data,
		size_t len)
{
	ProtobufCMessage *msg = protobuf_c_message_unpack(topic->desc, NULL, len, data);

	if (!msg)
		return;
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		s->rows = xrealloc(s->rows, s->room, sizeof(*s->rows));
	}
	s->rows[s->n++] = (struct status_row){ .topic = topic, .key = xstrdup(key), .msg = msg };
}

void status_fini(struct status *s)
{
	for (size_t i = 0; i < s->n; i++) {
		protobuf_c_message_free_unpacked(s->rows[i].msg, NULL);
		free(s->rows[i].key);
	}
	free(s->rows);
}

/* ---- Order ---- */

/* What the name column shows; the key where that is all there is. */
static const char *row_name(const struct status_row *row)
{
	if (row->topic == &ps_topic_network_instance_status)
		return ((const Ew__NetworkInstanceStatus *)row->msg)->displayname;
	if (row->topic == &ps_topic_domain_status)
		return ((const Ew__DomainStatus *)row->msg)->displayname;
	return row->key;
}

/* From the ground up: configuration, ports, instances, apps; by name within each. */
static int topic_rank(const struct ps_topic *topic)
{
	static const struct ps_topic *const order[] = { &ps_topic_config_status,
							&ps_topic_usb_stick_status,
							&ps_topic_device_network_status,
							&ps_topic_port_meter_status,
							&ps_topic_network_instance_status,
							&ps_topic_app_network_status,
							&ps_topic_domain_status };
	int rank = 0;

	while (order[rank] != topic)
		rank++;
	return rank;
}

static int row_cmp(const void *a, const void *b)
{
	const struct status_row *ra = a, *rb = b;
	int c = topic_rank(ra->topic) - topic_rank(rb->topic);

	if (c == 0)
		c = strcmp(row_name(ra), row_name(rb));
	return c ? c : strcmp(ra->key, rb->key);
}

static void sort_rows(struct status *s)
{
	if (s->n)
		qsort(s->rows, s->n, sizeof(s->rows[0]), row_cmp);
}

const char *cli_dpc_source(Ew__DpcSource source)
{
	static const char *const names[] = { "unknown",	 "controller",	"bootstrap",
					     "override", "last resort", "manual",
					     "unknown",	 "local server" };

	return (size_t)source < ARRAY_SIZE(names) ? names[source] : names[0];
}

/* ---- Lines ---- */

enum verdict { VERDICT_OK, VERDICT_WAIT, VERDICT_WARN, VERDICT_BAD };

struct line {
	enum verdict verdict;
	const char *kind;
	char *name, *text;
};

struct view { /* all lines, before the width of their columns is known */
	const struct status *s;
	struct line *lines;
	size_t n, room;
};

/* Takes what is in text. */
static void add_line(struct view *v, enum verdict verdict, const char *kind, const char *name,
		     struct strbuf *text)
{
	struct line line = { verdict, kind, xstrdup(name), strbuf_take(text) };

	defuse(line.name);
	defuse(line.text);
	if (v->n == v->room) {
		v->room = v->room ? 2 * v->room : 16;
		v->lines = xrealloc(v->lines, v->room, sizeof(*v->lines));
	}
	v->lines[v->n++] = line;
}

static void join(struct strbuf *out, char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_addf(out, "%s%s", i ? "," : "", texts[i]);
}

static void config_line(struct view *v, const Ew__ConfigStatus *c)
{
	struct strbuf text = STRBUF_INIT;

	if (c->error[0])
		strbuf_addf(&text, "refused at \"%s\": %s; ", c->error_pointer, c->error);
	if (c->version[0] || c->uuid[0])
		strbuf_addf(&text, "version %s in force from %s", c->version, c->source);
	else
		strbuf_add(&text, "none in force");
	add_line(v, c->error[0] ? VERDICT_BAD : VERDICT_OK, "config", "device", &text);
}

static void usb_line(struct view *v, const Ew__UsbStickStatus *u)
{
	static const char *const doing[] = { "", "is read", "its archive is made",
					     "is written to: do not pull it", "" };
	struct strbuf text = STRBUF_INIT;
	bool busy = u->state < ARRAY_SIZE(doing) && doing[u->state][0];

	strbuf_add(&text, u->error[0] ? u->error : busy ? doing[u->state] : u->result);
	add_line(v,
		 u->error[0] ? VERDICT_BAD
		 : busy	     ? VERDICT_WAIT
			     : VERDICT_OK,
		 "usb", u->device, &text);
}

static const Ew__PortMeterStatus *meter_of(const struct status *s, const char *label)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].topic == &ps_topic_port_meter_status &&
		    strcmp(s->rows[i].key, label) == 0)
			return (const Ew__PortMeterStatus *)s->rows[i].msg;
	return NULL;
}

/* Where the ports come from, unless from the controller, as they do mostly. */
static void dpc_lines(struct view *v, const Ew__DeviceNetworkStatus *d)
{
	struct strbuf text = STRBUF_INIT;

	bool failed = d->dpc_state == EW__DPC_STATE__DPC_STATE_FAIL ||
		      d->dpc_state == EW__DPC_STATE__DPC_STATE_FAIL_WITH_IPANDDNS;

	if (d->dpc_source > EW__DPC_SOURCE__DPC_CONTROLLER || d->dpc_testing || d->dpc_index ||
	    failed) {
		strbuf_addf(&text, "%s in force", cli_dpc_source(d->dpc_source));
		if (d->dpc_testing)
			strbuf_addf(&text, ", %s is tested: edgeway dpc list",
				    d->dpc_candidate[0] ? d->dpc_candidate : "it");
		else if (failed)
			strbuf_add(&text, ", and its test failed: edgeway dpc list");
		else if (d->dpc_index)
			strbuf_add(&text, ", not the first of the list: edgeway dpc list");
		add_line(v,
			 failed		  ? VERDICT_BAD
			 : d->dpc_testing ? VERDICT_WAIT
			 : d->dpc_index	  ? VERDICT_WARN
					  : VERDICT_OK,
			 "dpc", d->dpc_key, &text);
	}
	for (size_t i = 0; i < d->n_dpc_refusals; i++) {
		const Ew__DpcRefusal *refusal = d->dpc_refusals[i];

		strbuf_addf(&text, "refused at \"%s\": %s", refusal->pointer, refusal->why);
		add_line(v, VERDICT_BAD, "dpc", refusal->file, &text);
	}
}

static void local_lines(struct view *v, const Ew__LpsStatus *lps)
{
	struct strbuf text = STRBUF_INIT;

	if (lps->error[0]) {
		strbuf_add(&text, lps->error);
		add_line(v, VERDICT_WARN, "local", "wish", &text);
	}
	for (size_t i = 0; i < lps->n_refusals; i++) {
		strbuf_addf(&text, "refused: %s", lps->refusals[i]->why);
		add_line(v, VERDICT_WARN, "local", lps->refusals[i]->logicallabel, &text);
	}
}

static enum verdict worse(enum verdict a, enum verdict b)
{
	return a > b ? a : b;
}

static void add_addresses(const Ew__DeviceNetworkStatus *d, const Ew__PortStatus *p,
			  struct strbuf *out)
{
	join(out, p->addresses, p->n_addresses);
	if (p->gateway4[0] || p->gateway6[0])
		strbuf_addf(out, " via %s%s%s", p->gateway4,
			    p->gateway4[0] && p->gateway6[0] ? "," : "", p->gateway6);
	if (strcmp(p->logicallabel, d->default_port4) == 0)
		strbuf_add(out, " default");
	if (strcmp(p->logicallabel, d->default_port6) == 0)
		strbuf_add(out, " default6");
}

static enum verdict add_conflicts(const Ew__PortStatus *p, struct strbuf *out)
{
	for (size_t i = 0; i < p->n_conflicts; i++)
		strbuf_addf(out, " %s is also used by %s", p->conflicts[i]->address,
			    p->conflicts[i]->mac[0] ? p->conflicts[i]->mac : "another host");
	return p->n_conflicts ? VERDICT_WARN : VERDICT_OK;
}

static void port_line(struct view *v, const Ew__DeviceNetworkStatus *d, const Ew__PortStatus *p)
{
	const Ew__PortMeterStatus *meter = meter_of(v->s, p->logicallabel);
	struct strbuf text = STRBUF_INIT;
	enum verdict verdict;

	strbuf_addf(&text, "%-8s cost %-3u ", p->ifname, p->cost);
	add_addresses(d, p, &text);
	verdict = add_conflicts(p, &text);
	if (port_return(p, &text))
		verdict = worse(verdict, VERDICT_WAIT);
	if (meter && meter_warn(meter, &text))
		verdict = worse(verdict, VERDICT_WARN);
	if (!p->error[0] && test_failed_far(p->test)) {
		strbuf_add(&text, " ");
		test_word(p->test, &text);
		verdict = worse(verdict, p->test->outcome == EW__TEST_OUTCOME__TEST_FAILED
						 ? VERDICT_BAD
						 : VERDICT_WARN);
	}
	if (p->error[0]) {
		strbuf_addf(&text, " %s", p->error);
		verdict = VERDICT_BAD;
	}
	add_line(v, verdict, "port", p->logicallabel, &text);
}

static void port_lines(struct view *v, const Ew__DeviceNetworkStatus *d)
{
	dpc_lines(v, d);
	if (d->lps)
		local_lines(v, d->lps);
	for (size_t i = 0; i < d->n_ports; i++)
		port_line(v, d, d->ports[i]);
}

/* Only while it is asked for, or its end did not come about. */
static void radio_line(struct view *v, const Ew__RadioStatus *r)
{
	struct strbuf text = STRBUF_INIT;

	if (!r || (!r->requested && !r->change_in_progress && !r->config_error[0]))
		return;
	if (r->change_in_progress) {
		strbuf_add(&text, "waits for ");
		join(&text, r->waits_for, r->n_waits_for);
	} else {
		strbuf_add(&text, r->config_error[0] ? r->config_error : "all radios are off");
	}
	add_line(v,
		 r->config_error[0]	 ? VERDICT_BAD
		 : r->change_in_progress ? VERDICT_WARN
					 : VERDICT_OK,
		 "radio", r->requested ? "silence on" : "silence off", &text);
}

/* Only when something is wrong with it: nobody wants to read every day that it stands. */
static void firewall_line(struct view *v, const Ew__DeviceNetworkStatus *d)
{
	struct strbuf text = STRBUF_INIT;

	if (!d->firewall_error[0])
		return;
	strbuf_add(&text, d->firewall_error);
	add_line(v, VERDICT_BAD, "firewall", "ports", &text);
}

static void dns_line(struct view *v, const Ew__DnsStatus *d)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s", d->n_servers ? "asks" : "has no server to ask");
	for (size_t i = 0; i < d->n_servers; i++) {
		const Ew__DnsServer *s = d->servers[i];

		strbuf_addf(&text, "%s %s by %s", i ? "," : "", s->address, s->port);
		if (s->domain[0])
			strbuf_addf(&text, "%s for %s", s->domain_only ? "" : " and", s->domain);
		for (size_t k = 0; k < s->n_more_domains; k++)
			strbuf_addf(&text, ", %s", s->more_domains[k]);
		strbuf_add(&text, s->domain_only ? " only" : "");
	}
	if (d->error[0])
		strbuf_addf(&text, ": %s", d->error);
	add_line(v,
		 !d->error[0]			     ? VERDICT_OK
		 : strcmp(d->error, "starting") == 0 ? VERDICT_WAIT
						     : VERDICT_BAD,
		 "dns", d->address, &text);
}

/* Only while chrony listens, or cannot be told. */
static void ntp_line(struct view *v, const Ew__NtpStatus *n)
{
	struct strbuf text = STRBUF_INIT;

	if (!n || (!n->sources_file[0] && !n->error[0]))
		return;
	join(&text, n->servers, n->n_servers);
	if (n->error[0])
		strbuf_addf(&text, ": %s", n->error);
	add_line(v, n->error[0] ? VERDICT_BAD : VERDICT_OK, "ntp", "chrony", &text);
}

/* "uplink-a", "uplink-a and uplink-b (uplink-c stands by)" */
static void add_uplinks(struct strbuf *text, const Ew__NetworkInstanceStatus *ni)
{
	if (!ni->selected_port[0])
		strbuf_add(text, ni->port_label[0] ? "none" : "none wanted");
	else if (!ni->n_uplinks)
		strbuf_add(text, ni->selected_port);
	for (size_t i = 0; i < ni->n_uplinks; i++)
		strbuf_addf(text, "%s%s", i ? " and " : "", ni->uplinks[i]);
	if (ni->standby[0])
		strbuf_addf(text, " (%s stands by)", ni->standby);
	if (!ni->n_draining)
		return;
	strbuf_add(text, " (flows leave ");
	join(text, ni->draining, ni->n_draining);
	strbuf_add(text, ")");
}

static void instance_line(struct view *v, const Ew__NetworkInstanceStatus *ni)
{
	struct strbuf text = STRBUF_INIT;
	enum verdict verdict = VERDICT_WAIT;

	if (ni->error[0])
		verdict = VERDICT_BAD;
	else if (ni->state == EW__NETWORK_INSTANCE_STATE__NI_STATE_ONLINE)
		verdict = VERDICT_OK;
	strbuf_addf(&text, "%-8s %s uplink ", ni->bridge, ni->bridge_address);
	add_uplinks(&text, ni);
	strbuf_addf(&text, ", %zu interfaces", ni->n_vifs);
	if (ni->error[0])
		strbuf_addf(&text, ": %s", ni->error);
	add_line(v, verdict, "instance", ni->displayname, &text);
}

static const Ew__AppNetworkStatus *network_of(const struct status *s, const char *uuid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].topic == &ps_topic_app_network_status &&
		    strcmp(s->rows[i].key, uuid) == 0)
			return (const Ew__AppNetworkStatus *)s->rows[i].msg;
	return NULL;
}

static void app_line(struct view *v, const Ew__DomainStatus *app)
{
	static const char *const states[] = { "halted", "waiting for its network", "running",
					      "error" };
	static const enum verdict verdicts[] = { VERDICT_OK, VERDICT_WAIT, VERDICT_OK,
						 VERDICT_BAD };
	unsigned int state = (unsigned int)app->state < ARRAY_SIZE(states)
				     ? (unsigned int)app->state
				     : EW__DOMAIN_STATE__DOMAIN_ERROR;
	const Ew__AppNetworkStatus *net = network_of(v->s, app->uuid);
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s in %s", states[state], app->netns);
	for (size_t i = 0; net && i < net->n_vifs; i++) {
		strbuf_addf(&text, ", %s ", net->vifs[i]->ifname);
		join(&text, net->vifs[i]->addresses, net->vifs[i]->n_addresses);
	}
	if (app->error[0])
		strbuf_addf(&text, ": %s", app->error);
	add_line(v, verdicts[state], "app", app->displayname, &text);
}

static void network_lines(struct view *v, const Ew__DeviceNetworkStatus *d)
{
	port_lines(v, d);
	radio_line(v, d->radio);
	firewall_line(v, d);
	if (d->dns)
		dns_line(v, d->dns);
	ntp_line(v, d->ntp);
}

static void row_lines(struct view *v)
{
	for (size_t i = 0; i < v->s->n; i++) {
		const struct ps_topic *t = v->s->rows[i].topic;
		const void *msg = v->s->rows[i].msg;

		if (t == &ps_topic_config_status)
			config_line(v, msg);
		else if (t == &ps_topic_usb_stick_status)
			usb_line(v, msg);
		else if (t == &ps_topic_device_network_status)
			network_lines(v, msg);
		else if (t == &ps_topic_network_instance_status)
			instance_line(v, msg);
		else if (t == &ps_topic_domain_status)
			app_line(v, msg);
	}
}

static void daemon_lines(struct view *v)
{
	static const char *const texts[] = {
		[STATUS_ABSENT] = "does not run",
		[STATUS_SILENT] = "does not answer",
		[STATUS_WAITING] = "waits for its inputs",
	};

	for (const struct status_daemon *d = v->s->daemons; d->name; d++) {
		struct strbuf text = STRBUF_INIT;

		if (d->life == STATUS_TELLS)
			continue;
		strbuf_add(&text, texts[d->life]);
		add_line(v, d->life == STATUS_WAITING ? VERDICT_WAIT : VERDICT_BAD, "daemon",
			 d->name, &text);
	}
}

/* ---- Columns ---- */

static unsigned int name_columns(const struct view *v)
{
	unsigned int max = NAME_COLUMNS;

	for (size_t i = 0; i < v->n; i++) {
		unsigned int n = columns_of(v->lines[i].name);

		max = n > max ? n : max;
	}
	return max > 2 * NAME_COLUMNS ? 2 * NAME_COLUMNS : max;
}

static void print_line(const struct line *line, unsigned int name_wide,
		       const struct status_look *look, FILE *out)
{
	static const char *const words[] = { "ok", "wait", "warn", "BAD" };
	static const char *const colors[] = { "\033[32m", "\033[33m", "\033[33m", "\033[31m" };
	unsigned int wide = columns_of(line->name), indent = 5 + 11 + name_wide + 1;

	fprintf(out, "%s%-5s%s%-10s %s%*s ", look->color ? colors[line->verdict] : "",
		words[line->verdict], look->color ? "\033[0m" : "", line->kind, line->name,
		wide < name_wide ? (int)(name_wide - wide) : 0, "");
	if (look->width < indent + TEXT_COLUMNS)
		fprintf(out, "%s\n", line->text);
	else
		columns_wrap(line->text, indent, look->width - indent, out);
}

unsigned int status_print(struct status *s, const struct status_look *look, FILE *out)
{
	struct view v = { .s = s };
	unsigned int name_wide, bad = 0;

	sort_rows(s);
	daemon_lines(&v);
	row_lines(&v);
	name_wide = name_columns(&v);
	for (size_t i = 0; i < v.n; i++) {
		print_line(&v.lines[i], name_wide, look, out);
		bad += v.lines[i].verdict == VERDICT_BAD;
		free(v.lines[i].name);
		free(v.lines[i].text);
	}
	free(v.lines);
	return bad;
}

/* ---- JSON ---- */

void status_print_json(struct status *s, FILE *out)
{
	struct strbuf text = STRBUF_INIT;

	sort_rows(s);
	strbuf_add(&text, "{\n\"daemons\": {");
	for (const struct status_daemon *d = s->daemons; d->name; d++)
		strbuf_addf(&text, "%s\"%s\": %s", d == s->daemons ? "" : ", ", d->name,
			    d->life >= STATUS_WAITING ? "true" : "false");
	strbuf_add(&text, "},\n\"topics\": [");
	for (size_t i = 0; i < s->n; i++) {
		strbuf_addf(&text, "%s\n{\"topic\": \"%s\", \"value\": ", i ? "," : "",
			    s->rows[i].topic->name);
		pbjson_format(s->rows[i].msg, PBJSON_DEFAULTS, &text);
		strbuf_addc(&text, '}');
	}
	strbuf_add(&text, "\n]\n}\n");
	fputs(strbuf_str(&text), out);
	strbuf_fini(&text);
}
