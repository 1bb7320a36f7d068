/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of the local profile server's wishes. */
#include <string.h>

#include "base/arena.h"
#include "nim/dpc/dpc_list.h"
#include "nim/lps/lps.h"

static bool has_failed(const struct dpc_list *list, const Ew__DpcEntry *entry)
{
	return entry->last_failed_ms > entry->last_succeeded_ms && entry != list->tested;
}

char *lps_trouble(const struct dpc_list *list, struct arena *arena)
{
	const Ew__DpcEntry *entry = dpc_list_find(list, LPS_KEY);
	const Ew__DpcEntry *in_force = dpc_list_in_force(list);

	if (!entry)
		return arena_strdup(arena, "");
	if (entry->error[0])
		return arena_printf(arena, "it cannot be used: %s", entry->error);
	if (has_failed(list, entry))
		return arena_printf(arena, "its test failed: %s", entry->last_error);
	if (in_force && dpc_list_index(list, in_force) < dpc_list_index(list, entry))
		return arena_printf(arena, "the port configuration %s goes before it",
				    in_force->key);
	return arena_strdup(arena, "");
}

static const struct lps_verdict *find_verdict(const struct lps_merged *merged, const char *label)
{
	for (size_t i = 0; i < merged->n; i++)
		if (strcmp(merged->ports[i].label, label) == 0)
			return &merged->ports[i];
	return NULL;
}

/* What the test of that port said is closer than what is said of them all. */
static const char *failure_of(const struct dpc_list *list, const char *label)
{
	const Ew__DpcEntry *entry = dpc_list_find(list, LPS_KEY);

	for (size_t i = 0; entry && has_failed(list, entry) && i < entry->n_results; i++)
		if (strcmp(entry->results[i]->logicallabel, label) == 0)
			return entry->results[i]->why;
	return "";
}

static char *error_of(const struct dpc_list *list, const struct lps_merged *merged,
		      const char *trouble, const char *label, struct arena *arena)
{
	const struct lps_verdict *v = find_verdict(merged, label);
	const char *failure = failure_of(list, label);

	if (!v || !(v->why[0] || trouble[0]))
		return arena_strdup(arena, "");
	if (v->why[0])
		return arena_printf(arena, "refused: %s", v->why);
	if (failure[0])
		return arena_printf(arena, "its test failed: %s", failure);
	return arena_strdup(arena, trouble);
}

/* Of a local one, the ports that are not the server's are the controller's. */
static void set_source(const Ew__DpcEntry *in_force, Ew__PortStatus *s)
{
	bool local = dpc_entry_is_local(in_force, s->logicallabel);

	s->config_source = in_force->source;
	if (in_force->source == EW__DPC_SOURCE__DPC_LPS && !local)
		s->config_source = EW__DPC_SOURCE__DPC_CONTROLLER;
	s->config_submitted_ms = local ? in_force->local_ms : in_force->time_priority_ms;
}

static bool may_be_changed(const Ew__DpcEntry *in_force, const char *label)
{
	for (size_t i = 0; i < in_force->config->n_ports; i++)
		if (strcmp(in_force->config->ports[i]->logicallabel, label) == 0)
			return in_force->config->ports[i]->local_changes;
	return false;
}

void lps_status_ports(const struct dpc_list *list, const struct lps_merged *merged,
		      const char *trouble, Ew__DeviceNetworkStatus *status, struct arena *arena)
{
	const Ew__DpcEntry *in_force = dpc_list_in_force(list);

	for (size_t i = 0; i < status->n_ports; i++) {
		Ew__PortStatus *s = status->ports[i];

		if (in_force) {
			set_source(in_force, s);
			s->local_changes = may_be_changed(in_force, s->logicallabel);
		}
		s->lps_config_error = error_of(list, merged, trouble, s->logicallabel, arena);
	}
}

Ew__LpsStatus *lps_status(const struct dpc_list *list, const Ew__LocalNetworkConfig *local,
			  const struct lps_merged *merged, const char *error, struct arena *arena)
{
	const Ew__DpcEntry *in_force = dpc_list_in_force(list);
	Ew__LpsStatus *s = arena_alloc(arena, sizeof(*s));

	ew__lps_status__init(s);
	s->version = arena_strdup(arena, local ? local->version : "");
	s->submitted_ms = local ? local->submitted_ms : 0;
	s->error = arena_strdup(arena, error);
	s->ports = arena_alloc(arena, (merged->n + 1) * sizeof(*s->ports));
	s->refusals = arena_alloc(arena, (merged->n + 1) * sizeof(*s->refusals));
	for (size_t i = 0; i < merged->n; i++) {
		const struct lps_verdict *v = &merged->ports[i];
		Ew__LpsRefusal *refusal;

		if (!v->why[0]) {
			if (in_force && dpc_entry_is_local(in_force, v->label))
				s->ports[s->n_ports++] = arena_strdup(arena, v->label);
			continue;
		}
		refusal = arena_alloc(arena, sizeof(*refusal));
		ew__lps_refusal__init(refusal);
		refusal->logicallabel = arena_strdup(arena, v->label);
		refusal->why = arena_strdup(arena, v->why);
		s->refusals[s->n_refusals++] = refusal;
	}
	return s;
}
