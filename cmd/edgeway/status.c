/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway status: first what is wrong and what works, one line each, then the details. */
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/pbjson.h"
#include "base/strbuf.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/table.h"

struct row {
	const struct ps_topic *topic;
	char *key;
	ProtobufCMessage *msg;
};

struct status {
	struct row *rows;
	size_t n, size;
	unsigned int bad;
	bool color;
};

static void keep(const struct ps_topic *topic, const char *key, const void *data, size_t len,
		 void *arg)
{
	struct status *s = arg;
	ProtobufCMessage *msg = protobuf_c_message_unpack(topic->desc, NULL, len, data);

	if (!msg)
		return; /* of a publisher of another version */
	if (s->n == s->size) {
		s->size = s->size ? 2 * s->size : 16;
		s->rows = xrealloc(s->rows, s->size, sizeof(*s->rows));
	}
	s->rows[s->n++] = (struct row){ .topic = topic, .key = xstrdup(key), .msg = msg };
}

/* ---- Lines ---- */

enum verdict { VERDICT_OK, VERDICT_WAIT, VERDICT_BAD };

static void line(struct status *s, enum verdict verdict, const char *kind, const char *name,
		 const char *text)
{
	static const char *const words[] = { "ok", "wait", "BAD" };
	static const char *const colors[] = { "\033[32m", "\033[33m", "\033[31m" };

	s->bad += verdict == VERDICT_BAD;
	printf("%s%-5s%s%-10s %-16s %s\n", s->color ? colors[verdict] : "", words[verdict],
	       s->color ? "\033[0m" : "", kind, name, text);
}

static void join(struct strbuf *out, char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_addf(out, "%s%s", i ? "," : "", texts[i]);
}

static void config_line(struct status *s, const Ew__ConfigStatus *c)
{
	struct strbuf text = STRBUF_INIT;

	if (c->error[0])
		strbuf_addf(&text, "refused at \"%s\": %s; ", c->error_pointer, c->error);
	if (c->version[0] || c->uuid[0])
		strbuf_addf(&text, "version %s in force from %s", c->version, c->source);
	else
		strbuf_add(&text, "none in force");
	line(s, c->error[0] ? VERDICT_BAD : VERDICT_OK, "config", "device", strbuf_str(&text));
	strbuf_fini(&text);
}

static void port_lines(struct status *s, const Ew__DeviceNetworkStatus *d)
{
	for (size_t i = 0; i < d->n_ports; i++) {
		const Ew__PortStatus *p = d->ports[i];
		struct strbuf text = STRBUF_INIT;

		strbuf_addf(&text, "%-8s cost %-3u ", p->ifname, p->cost);
		join(&text, p->addresses, p->n_addresses);
		if (p->gateway4[0])
			strbuf_addf(&text, " via %s", p->gateway4);
		if (strcmp(p->logicallabel, d->default_port4) == 0)
			strbuf_add(&text, " default");
		if (strcmp(p->logicallabel, d->default_port6) == 0)
			strbuf_add(&text, " default6");
		if (p->error[0])
			strbuf_addf(&text, " %s", p->error);
		line(s, p->error[0] ? VERDICT_BAD : VERDICT_OK, "port", p->logicallabel,
		     strbuf_str(&text));
		strbuf_fini(&text);
	}
}

static void instance_line(struct status *s, const Ew__NetworkInstanceStatus *ni)
{
	struct strbuf text = STRBUF_INIT;
	enum verdict verdict = VERDICT_WAIT;

	if (ni->error[0])
		verdict = VERDICT_BAD;
	else if (ni->state == EW__NETWORK_INSTANCE_STATE__NI_STATE_ONLINE)
		verdict = VERDICT_OK;
	strbuf_addf(&text, "%-8s %s uplink %s, %zu interfaces", ni->bridge, ni->bridge_address,
		    ni->selected_port[0] ? ni->selected_port
		    : ni->port_label[0]	 ? "none"
					 : "none wanted",
		    ni->n_vifs);
	if (ni->error[0])
		strbuf_addf(&text, ": %s", ni->error);
	line(s, verdict, "instance", ni->displayname, strbuf_str(&text));
	strbuf_fini(&text);
}

static const Ew__AppNetworkStatus *network_of(const struct status *s, const char *uuid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].topic == &ps_topic_app_network_status &&
		    strcmp(s->rows[i].key, uuid) == 0)
			return (const Ew__AppNetworkStatus *)s->rows[i].msg;
	return NULL;
}

static void app_line(struct status *s, const Ew__DomainStatus *app)
{
	static const char *const states[] = { "halted", "waiting for its network", "running",
					      "error" };
	static const enum verdict verdicts[] = { VERDICT_OK, VERDICT_WAIT, VERDICT_OK,
						 VERDICT_BAD };
	unsigned int state = (unsigned int)app->state < ARRAY_SIZE(states)
				     ? (unsigned int)app->state
				     : EW__DOMAIN_STATE__DOMAIN_ERROR;
	const Ew__AppNetworkStatus *net = network_of(s, app->uuid);
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s in %s", states[state], app->netns);
	for (size_t i = 0; net && i < net->n_vifs; i++) {
		strbuf_addf(&text, ", %s ", net->vifs[i]->ifname);
		join(&text, net->vifs[i]->addresses, net->vifs[i]->n_addresses);
	}
	if (app->error[0])
		strbuf_addf(&text, ": %s", app->error);
	line(s, verdicts[state], "app", app->displayname, strbuf_str(&text));
	strbuf_fini(&text);
}

static void print_lines(struct status *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ps_topic *t = s->rows[i].topic;
		const void *msg = s->rows[i].msg;

		if (t == &ps_topic_config_status)
			config_line(s, msg);
		else if (t == &ps_topic_device_network_status)
			port_lines(s, msg);
		else if (t == &ps_topic_network_instance_status)
			instance_line(s, msg);
		else if (t == &ps_topic_domain_status)
			app_line(s, msg);
	}
}

/* ---- Daemons and JSON ---- */

static void daemon_lines(struct status *s)
{
	for (const char *const *d = cli_daemons; *d; d++)
		if (!cli_daemon_running(*d))
			line(s, VERDICT_BAD, "daemon", *d, "does not run");
}

static void print_json(const struct status *s)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_add(&out, "{\n\"daemons\": {");
	for (const char *const *d = cli_daemons; *d; d++)
		strbuf_addf(&out, "%s\"%s\": %s", d == cli_daemons ? "" : ", ", *d,
			    cli_daemon_running(*d) ? "true" : "false");
	strbuf_add(&out, "},\n\"topics\": [");
	for (size_t i = 0; i < s->n; i++) {
		strbuf_addf(&out, "%s\n{\"topic\": \"%s\", \"value\": ", i ? "," : "",
			    s->rows[i].topic->name);
		pbjson_format(s->rows[i].msg, PBJSON_DEFAULTS, &out);
		strbuf_addc(&out, '}');
	}
	strbuf_add(&out, "\n]\n}\n");
	fputs(strbuf_str(&out), stdout);
	strbuf_fini(&out);
}

/* What the name column shows; the key where that is all there is. */
static const char *row_name(const struct row *row)
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
							&ps_topic_device_network_status,
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
	const struct row *ra = a, *rb = b;
	int c = topic_rank(ra->topic) - topic_rank(rb->topic);

	if (c == 0)
		c = strcmp(row_name(ra), row_name(rb));
	return c ? c : strcmp(ra->key, rb->key);
}

int cmd_status(int argc, char *argv[])
{
	struct table_topic topics[] = {
		{ .topic = &ps_topic_config_status },
		{ .topic = &ps_topic_device_network_status },
		{ .topic = &ps_topic_network_instance_status },
		{ .topic = &ps_topic_app_network_status },
		{ .topic = &ps_topic_domain_status },
		{ .topic = NULL },
	};
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	struct status *s;
	int r;

	if (argc > 1 && !json)
		return cli_usage("status");
	s = xcalloc(1, sizeof(*s));
	s->color = cli_color();
	r = table_read(topics, keep, s);
	if (s->n)
		qsort(s->rows, s->n, sizeof(s->rows[0]), row_cmp);
	if (r < 0) {
		r = cli_fail("%s", strerror(-r));
	} else if (json) {
		print_json(s);
	} else {
		daemon_lines(s);
		print_lines(s);
		r = s->bad > 0;
	}
	for (size_t i = 0; i < s->n; i++) {
		protobuf_c_message_free_unpacked(s->rows[i].msg, NULL);
		free(s->rows[i].key);
	}
	free(s->rows);
	free(s);
	return r;
}
