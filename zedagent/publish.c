/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "zedagent/names.h"

struct za_publish {
	struct ps *ps;
	struct ps_pub *global, *assigned, *ports, *meters, *instances, *apps, *status, *bootstrap;
	struct za_config *config; /* in force */
	const struct za_config *bootstrap_config; /* published instead; NULL: none */
	char **bootstrap_meters; /* labels that were published of it; its config is gone by then */
	size_t n_bootstrap_meters;
};

int za_publish_new(struct event_base *base, const struct ps_conf *conf, struct za_publish **ret)
{
	struct za_publish *p = xcalloc(1, sizeof(*p));
	int r;

	r = ps_connect(base, conf, &p->ps);
	if (r == 0)
		r = ps_advertise_global_config(p->ps, NULL, &p->global);
	if (r == 0)
		r = ps_advertise_assigned_adapters(p->ps, NULL, &p->assigned);
	if (r == 0)
		r = ps_advertise_device_port_config(p->ps, NULL, &p->ports);
	if (r == 0)
		r = ps_advertise_port_meter_config(p->ps, NULL, &p->meters);
	if (r == 0)
		r = ps_advertise_network_instance_config(p->ps, NULL, &p->instances);
	if (r == 0)
		r = ps_advertise_app_config(p->ps, NULL, &p->apps);
	if (r == 0)
		r = ps_advertise_config_status(p->ps, NULL, &p->status);
	if (r == 0)
		r = ps_advertise_bootstrap_status(p->ps, NULL, &p->bootstrap);
	if (r < 0) {
		za_publish_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct za_publish *za_publish_free(struct za_publish *p)
{
	if (!p)
		return NULL;
	ps_free(p->ps);
	za_config_free(p->config);
	for (size_t i = 0; i < p->n_bootstrap_meters; i++)
		free(p->bootstrap_meters[i]);
	free(p->bootstrap_meters);
	free(p);
	return NULL;
}

/* Cannot fail but for a lack of memory: keys and sizes have been checked. */
static void check(int r, const char *topic, const char *key)
{
	if (r < 0)
		log_error("publish_failed", "topic=%s key=%s err=%d", topic, key, -r);
}

static void unpublish_vanished(struct za_publish *p, const struct za_config *now)
{
	struct za_names apps = { 0 }, instances = { 0 }, meters = { 0 };
	const struct za_config *was = p->config;
	size_t value;

	for (size_t i = 0; i < now->n_apps; i++)
		za_names_add(&apps, now->apps[i]->uuid, "", i);
	for (size_t i = 0; i < now->n_instances; i++)
		za_names_add(&instances, now->instances[i]->uuid, "", i);
	for (size_t i = 0; i < now->n_meters; i++)
		za_names_add(&meters, now->meters[i]->logicallabel, "", i);
	for (size_t i = 0; was && i < was->n_apps; i++) {
		if (!za_names_find(&apps, was->apps[i]->uuid, &value))
			ps_unpublish(p->apps, was->apps[i]->uuid);
	}
	for (size_t i = 0; was && i < was->n_instances; i++) {
		if (!za_names_find(&instances, was->instances[i]->uuid, &value))
			ps_unpublish(p->instances, was->instances[i]->uuid);
	}
	for (size_t i = 0; was && i < was->n_meters; i++) {
		if (!za_names_find(&meters, was->meters[i]->logicallabel, &value))
			ps_unpublish(p->meters, was->meters[i]->logicallabel);
	}
	za_names_fini(&apps);
	za_names_fini(&meters);
	za_names_fini(&instances);
}

static void publish_meters(struct za_publish *p, const struct za_config *config)
{
	for (size_t i = 0; i < config->n_meters; i++) {
		const Ew__PortMeterConfig *meter = config->meters[i];

		check(ps_publish_port_meter_config(p->meters, meter->logicallabel, meter),
		      "PortMeterConfig", meter->logicallabel);
	}
}

void za_publish_config(struct za_publish *p, struct za_config *config)
{
	unpublish_vanished(p, config);
	check(ps_publish_global_config(p->global, "global", config->global), "GlobalConfig",
	      "global");
	/* Before the ports: nobody may touch what is not his. */
	check(ps_publish_assigned_adapters(p->assigned, "global", config->assigned),
	      "AssignedAdapters", "global");
	check(ps_publish_device_port_config(p->ports, "zedagent", config->ports),
	      "DevicePortConfig", "zedagent");
	publish_meters(p, config);
	for (size_t i = 0; i < config->n_instances; i++) {
		const Ew__NetworkInstanceConfig *ni = config->instances[i];

		check(ps_publish_network_instance_config(p->instances, ni->uuid, ni),
		      "NetworkInstanceConfig", ni->uuid);
	}
	for (size_t i = 0; i < config->n_apps; i++) {
		const Ew__AppConfig *app = config->apps[i];

		check(ps_publish_app_config(p->apps, app->uuid, app), "AppConfig", app->uuid);
	}
	za_config_free(p->config);
	p->config = config;
}

const struct za_config *za_publish_in_force(const struct za_publish *p)
{
	return p->config;
}

void za_publish_status(struct za_publish *p, const Ew__ConfigStatus *status)
{
	check(ps_publish_config_status(p->status, "global", status), "ConfigStatus", "global");
}

static bool has_meter(const struct za_config *config, const char *label)
{
	for (size_t i = 0; config && i < config->n_meters; i++)
		if (strcmp(config->meters[i]->logicallabel, label) == 0)
			return true;
	return false;
}

/* now NULL: of the bootstrap file there are none any more; those of p->config stay. */
static void replace_bootstrap_meters(struct za_publish *p, const struct za_config *now)
{
	for (size_t i = 0; i < p->n_bootstrap_meters; i++) {
		if (!has_meter(now, p->bootstrap_meters[i]) &&
		    !has_meter(p->config, p->bootstrap_meters[i]))
			ps_unpublish(p->meters, p->bootstrap_meters[i]);
		free(p->bootstrap_meters[i]);
	}
	p->n_bootstrap_meters = 0;
	if (!now)
		return;
	p->bootstrap_meters =
		xrealloc(p->bootstrap_meters, now->n_meters + 1, sizeof(*p->bootstrap_meters));
	for (size_t i = 0; i < now->n_meters; i++)
		p->bootstrap_meters[p->n_bootstrap_meters++] =
			xstrdup(now->meters[i]->logicallabel);
	publish_meters(p, now);
}

void za_publish_bootstrap(struct za_publish *p, const struct za_config *config)
{
	p->bootstrap_config = config;
	replace_bootstrap_meters(p, config);
	if (!config) {
		ps_unpublish(p->ports, "bootstrap");
		return;
	}
	check(ps_publish_global_config(p->global, "global", config->global), "GlobalConfig",
	      "global");
	check(ps_publish_device_port_config(p->ports, "bootstrap", config->ports),
	      "DevicePortConfig", "bootstrap");
}

void za_publish_bootstrap_status(struct za_publish *p, const Ew__BootstrapStatus *status)
{
	check(ps_publish_bootstrap_status(p->bootstrap, "global", status), "BootstrapStatus",
	      "global");
}

void za_publish_synced(struct za_publish *p)
{
	struct ps_pub *all[] = { p->global,    p->assigned, p->ports,  p->meters,
				 p->instances, p->apps,	    p->status, p->bootstrap };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		ps_publish_synced(all[i]);
}

static void print_one(const char *key, const ProtobufCMessage *msg, bool first, struct strbuf *out)
{
	strbuf_addf(out, "%s\n\"%s\": ", first ? "" : ",", key);
	pbjson_format(msg, PBJSON_PRETTY | PBJSON_STARS, out);
}

static void print_meters(const struct za_config *c, struct strbuf *out)
{
	strbuf_add(out, "\n\"PortMeterConfig\": {");
	for (size_t i = 0; i < c->n_meters; i++)
		print_one(c->meters[i]->logicallabel, &c->meters[i]->base, i == 0, out);
}

static void print_config(const struct za_config *c, struct strbuf *out)
{
	strbuf_add(out, "\n\"GlobalConfig\": {");
	print_one("global", &c->global->base, true, out);
	strbuf_add(out, "},\n\"AssignedAdapters\": {");
	print_one("global", &c->assigned->base, true, out);
	strbuf_add(out, "},\n\"DevicePortConfig\": {");
	print_one("zedagent", &c->ports->base, true, out);
	strbuf_add(out, "},");
	print_meters(c, out);
	strbuf_add(out, "},\n\"NetworkInstanceConfig\": {");
	for (size_t i = 0; i < c->n_instances; i++)
		print_one(c->instances[i]->uuid, &c->instances[i]->base, i == 0, out);
	strbuf_add(out, "},\n\"AppConfig\": {");
	for (size_t i = 0; i < c->n_apps; i++)
		print_one(c->apps[i]->uuid, &c->apps[i]->base, i == 0, out);
	strbuf_addc(out, '}');
}

static void print_bootstrap(const struct za_config *c, struct strbuf *out)
{
	strbuf_add(out, "\n\"GlobalConfig\": {");
	print_one("global", &c->global->base, true, out);
	strbuf_add(out, "},\n\"DevicePortConfig\": {");
	print_one("bootstrap", &c->ports->base, true, out);
	strbuf_add(out, "},");
	print_meters(c, out);
	strbuf_addc(out, '}');
}

void za_publish_print(const struct za_publish *p, FILE *out)
{
	struct strbuf text = STRBUF_INIT;

	if (p->config)
		print_config(p->config, &text);
	else if (p->bootstrap_config)
		print_bootstrap(p->bootstrap_config, &text);
	fprintf(out, "{%s\n}\n", strbuf_str(&text));
	strbuf_fini(&text);
}
