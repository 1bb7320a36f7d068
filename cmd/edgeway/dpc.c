/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway dpc list | show KEY | set FILE | unset | test [KEY] | revert | check FILE */
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/pbjson.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/defuse.h"
#include "cmd/edgeway/dpc.h"
#include "cmd/edgeway/dpc_check.h"
#include "cmd/edgeway/dpc_set.h"
#include "cmd/edgeway/dpc_test.h"
#include "cmd/edgeway/status_view.h"
#include "cmd/edgeway/table.h"
#include "nim/dpc/dpc_verify.h"

static void keep(const struct ps_topic *topic, const char *key, const void *data, size_t len,
		 void *arg)
{
	Ew__DevicePortConfigList **list = arg;

	(void)topic, (void)key;
	if (!*list)
		*list = ew__device_port_config_list__unpack(NULL, len, data);
}

int dpc_fetch(Ew__DevicePortConfigList **ret)
{
	struct table_topic topics[] = { { .topic = &ps_topic_device_port_config_list },
					{ .topic = NULL } };
	int r = table_read(topics, keep, ret);

	if (r < 0)
		return cli_fail("%s", strerror(-r));
	return *ret ? 0 : cli_fail("nim %s", table_why_not(topics[0].topic));
}

void dpc_print(struct strbuf *text)
{
	for (char *line = text->str, *next; line && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		defuse(line);
		puts(line);
	}
	strbuf_fini(text);
}

static int print_json(const ProtobufCMessage *msg)
{
	struct strbuf text = STRBUF_INIT;

	pbjson_format(msg, PBJSON_PRETTY | PBJSON_DEFAULTS | PBJSON_STARS, &text);
	puts(strbuf_str(&text));
	strbuf_fini(&text);
	return 0;
}

static void add_time(int64_t ms, struct strbuf *out)
{
	int64_t seconds = ms / 1000 - (ms % 1000 < 0);

	if (rfc3339_format(seconds, 0, out) < 0)
		strbuf_add(out, "-");
}

/* ---- list ---- */

static const char *state_of(const Ew__DpcEntry *e)
{
	return e->state == EW__DPC_STATE__DPC_STATE_NONE ? "-" : dpc_state_name(e->state);
}

static void add_when(int64_t ms, struct strbuf *out)
{
	struct strbuf time = STRBUF_INIT;

	if (ms)
		add_time(ms, &time);
	strbuf_addf(out, " %-20s", ms ? strbuf_str(&time) : "-");
	strbuf_fini(&time);
}

void dpc_add_line(const Ew__DevicePortConfigList *dpcs, const Ew__DpcEntry *e, struct strbuf *out)
{
	bool in_force = strcmp(e->key, dpcs->current) == 0;
	bool beside = !in_force && strcmp(e->key, dpcs->candidate) == 0;

	strbuf_addf(out, "%c %-16s %-12s",
		    in_force ? '*'
		    : beside ? '+'
			     : ' ',
		    e->key, cli_dpc_source(e->source));
	add_when(e->time_priority_ms, out);
	strbuf_addf(out, " %5zu %-18s", e->config ? e->config->n_ports : 0, state_of(e));
	add_when(e->last_succeeded_ms, out);
	add_when(e->last_failed_ms, out);
	strbuf_addf(out, " %s%s\n", in_force ? "in force" : "", beside ? "tried beside" : "");
	if (e->error[0])
		strbuf_addf(out, "    cannot be used: %s\n", e->error);
	if (e->last_error[0])
		strbuf_addf(out, "    %s%s\n",
			    e->state == EW__DPC_STATE__DPC_STATE_NONE ? "" : "failed: ",
			    e->last_error);
	if (e->last_warning[0])
		strbuf_addf(out, "    works, and yet: %s\n", e->last_warning);
}

static void add_local(const Ew__LpsStatus *lps, struct strbuf *out)
{
	if (lps->error[0])
		strbuf_addf(out, "local wish: %s\n", lps->error);
	for (size_t i = 0; i < lps->n_refusals; i++)
		strbuf_addf(out, "local wish refused: %s: %s\n", lps->refusals[i]->logicallabel,
			    lps->refusals[i]->why);
}

static int list(const Ew__DevicePortConfigList *dpcs)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_addf(&out, "  %-16s %-12s %-20s %5s %-18s %-20s %s\n", "KEY", "SOURCE",
		    "TIME PRIORITY", "PORTS", "STATE", "WORKED", "FAILED");
	for (size_t i = 0; i < dpcs->n_entries; i++)
		dpc_add_line(dpcs, dpcs->entries[i], &out);
	if (dpcs->serial_why[0])
		strbuf_addf(&out, "not tried beside: %s\n", dpcs->serial_why);
	for (size_t i = 0; i < dpcs->n_refusals; i++)
		strbuf_addf(&out, "refused: %s at \"%s\": %s\n", dpcs->refusals[i]->file,
			    dpcs->refusals[i]->pointer, dpcs->refusals[i]->why);
	if (dpcs->lps)
		add_local(dpcs->lps, &out);
	dpc_print(&out);
	return 0;
}

/* ---- show ---- */

const Ew__DpcEntry *dpc_find(const Ew__DevicePortConfigList *dpcs, const char *key)
{
	for (size_t i = 0; i < dpcs->n_entries; i++)
		if (strcmp(dpcs->entries[i]->key, key) == 0)
			return dpcs->entries[i];
	return NULL;
}

static int show(const Ew__DevicePortConfigList *dpcs, const char *key, bool json)
{
	struct strbuf out = STRBUF_INIT;
	const Ew__DpcEntry *entry = dpc_find(dpcs, key);

	if (!entry || !entry->config)
		return cli_fail("there is no port configuration %s; see edgeway dpc list", key);
	if (json)
		return print_json(&entry->base);
	dpc_add_line(dpcs, entry, &out);
	if (entry->file[0])
		strbuf_addf(&out, "  from %s\n", entry->file);
	if (entry->local_ms) {
		strbuf_add(&out, "  asked for locally ");
		add_time(entry->local_ms, &out);
		strbuf_addc(&out, '\n');
	}
	dpc_add_ports(entry, &out);
	dpc_print(&out);
	return 0;
}

int cmd_dpc(int argc, char *argv[])
{
	bool json = argc > 2 && strcmp(argv[argc - 1], "--json") == 0;
	const char *verb = argc > 1 ? argv[1] : "";
	Ew__DevicePortConfigList *dpcs = NULL;
	int n = argc - json, r;

	if (strcmp(verb, "set") == 0 && argc == 3)
		return dpc_set(argv[2]);
	if (strcmp(verb, "unset") == 0 && argc == 2)
		return dpc_unset();
	if (strcmp(verb, "test") == 0)
		return dpc_test(argc - 2, argv + 2);
	if (strcmp(verb, "revert") == 0 && argc == 2)
		return dpc_revert();
	if (strcmp(verb, "check") == 0 && (argc == 3 || argc == 4))
		return dpc_check(argv[2], argc == 4 ? argv[3] : NULL);
	if (!(strcmp(verb, "list") == 0 && n == 2) && !(strcmp(verb, "show") == 0 && n == 3))
		return cli_usage("dpc");
	r = dpc_fetch(&dpcs);
	if (r)
		return r;
	if (n == 3)
		r = show(dpcs, argv[2], json);
	else
		r = json ? print_json(&dpcs->base) : list(dpcs);
	ew__device_port_config_list__free_unpacked(dpcs, NULL);
	return r;
}
