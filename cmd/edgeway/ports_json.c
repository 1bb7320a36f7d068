/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway ports --json */
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/pbjson.h"
#include "base/strbuf.h"
#include "cmd/edgeway/ports_view.h"

static void member(struct strbuf *out, const char *before, const char *name, const char *value)
{
	strbuf_addf(out, "%s\"%s\": ", before, name);
	pbjson_format_string(value, out);
}

static void add_addresses(const struct ports *ports, const struct port_facts *port,
			  struct strbuf *out)
{
	strbuf_add(out, ",\n\"addresses\": [");
	for (size_t i = 0; i < port->p->n_addresses; i++) {
		const struct dp_lease *lease;
		const char *source = port_address_source(port, port->p->addresses[i], &lease);
		int64_t end = lease ? ports_lease_end(ports, lease) : 0;

		member(out, i ? ", {" : "{", "address", port->p->addresses[i]);
		member(out, ", ", "source", source);
		if (end)
			strbuf_addf(out, ", \"until\": %lld", (long long)end);
		strbuf_addc(out, '}');
	}
	strbuf_addc(out, ']');
}

static void add_instances(const struct ports *ports, const struct port_facts *port,
			  struct strbuf *out)
{
	const char *comma = "";

	strbuf_add(out, ",\n\"instances\": [");
	for (size_t i = 0; i < ports->rows->n; i++) {
		const Ew__NetworkInstanceStatus *ni = (const void *)ports->rows->rows[i].msg;
		enum port_use use;

		if (ports->rows->rows[i].topic != &ps_topic_network_instance_status)
			continue;
		use = port_used_by(port, ni);
		if (use == PORT_NOT_USED)
			continue;
		strbuf_add(out, comma);
		comma = ", ";
		member(out, "{", "uuid", ni->uuid);
		member(out, ", ", "displayname", ni->displayname);
		strbuf_addf(out, ", \"uses\": %s}", use == PORT_USED ? "true" : "false");
	}
	strbuf_addc(out, ']');
}

static void add_faults(const struct port_facts *port, struct strbuf *out)
{
	strbuf_add(out, ",\n\"items\": [");
	for (size_t i = 0; i < port->nfaults; i++) {
		const struct port_fault *f = &port->faults[i];

		member(out, i ? ", {" : "{", "type", f->type);
		member(out, ", ", "key", f->key);
		member(out, ", ", "state", f->state);
		member(out, ", ", "why", f->why);
		strbuf_addc(out, '}');
	}
	strbuf_addc(out, ']');
}

struct hints {
	struct strbuf *out;
	bool any;
};

static void add_hint(const char *hint, void *arg)
{
	struct hints *h = arg;

	strbuf_add(h->out, h->any ? ", " : "");
	h->any = true;
	pbjson_format_string(hint, h->out);
}

static void add_port(const struct ports *ports, const struct port_facts *port, struct strbuf *out)
{
	struct hints hints = { .out = out };

	strbuf_add(out, "{\"status\": ");
	pbjson_format(&port->p->base, PBJSON_DEFAULTS, out);
	strbuf_addf(out, ",\n\"default4\": %s, \"default6\": %s", port->default4 ? "true" : "false",
		    port->default6 ? "true" : "false");
	add_addresses(ports, port, out);
	add_instances(ports, port, out);
	if (port->eapol) {
		strbuf_add(out, ",\n\"eapol\": ");
		pbjson_format(&port->eapol->base, PBJSON_DEFAULTS, out);
	}
	if (port->meter) {
		strbuf_add(out, ",\n\"meter\": ");
		pbjson_format(&port->meter->base, PBJSON_DEFAULTS, out);
	}
	add_faults(port, out);
	strbuf_add(out, ",\n\"hints\": [");
	port_hints(ports, port, add_hint, &hints);
	strbuf_add(out, "]}");
}

void ports_print_json(const struct ports *ports, const struct port_facts *only, FILE *out)
{
	struct strbuf text = STRBUF_INIT;
	const char *comma = "\n";

	strbuf_addc(&text, '[');
	for (size_t i = 0; i < ports->n; i++) {
		if (only && only != &ports->list[i])
			continue;
		strbuf_add(&text, comma);
		comma = ",\n";
		add_port(ports, &ports->list[i], &text);
	}
	strbuf_add(&text, "\n]\n");
	fputs(strbuf_str(&text), out);
	strbuf_fini(&text);
}
