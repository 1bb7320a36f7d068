/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"

void dpc_list_fini(struct dpc_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		ew__dpc_entry__free_unpacked(list->entries[i], NULL);
	list->n = 0;
	list->current = list->tested = NULL;
}

/* ---- The list ---- */

static size_t find(const struct dpc_list *list, const char *key)
{
	size_t i = 0;

	while (i < list->n && strcmp(list->entries[i]->key, key) != 0)
		i++;
	return i;
}

const Ew__DpcEntry *dpc_list_find(const struct dpc_list *list, const char *key)
{
	size_t i = find(list, key);

	return i < list->n ? list->entries[i] : NULL;
}

size_t dpc_list_index(const struct dpc_list *list, const Ew__DpcEntry *entry)
{
	size_t i = 0;

	while (i < list->n && list->entries[i] != entry)
		i++;
	return i;
}

static bool outranks(const Ew__DpcEntry *newcomer, const Ew__DpcEntry *other)
{
	if (newcomer->source == EW__DPC_SOURCE__DPC_MANUAL ||
	    newcomer->source == EW__DPC_SOURCE__DPC_CONTROLLER)
		return true;
	return newcomer->time_priority_ms > other->time_priority_ms;
}

static void insert_at(struct dpc_list *list, size_t at, Ew__DpcEntry *entry)
{
	memmove(&list->entries[at + 1], &list->entries[at],
		(list->n - at) * sizeof(list->entries[0]));
	list->entries[at] = entry;
	list->n++;
}

static size_t newest_of_controller(const struct dpc_list *list)
{
	size_t i = 0;

	while (i < list->n && list->entries[i]->source != EW__DPC_SOURCE__DPC_CONTROLLER)
		i++;
	return i;
}

/* Where the controller's newest stands, above what the local server asked for before. Nothing comes
 * between them later: they have one time priority. */
static size_t place_of_local(const struct dpc_list *list)
{
	size_t at = newest_of_controller(list);

	while (at && list->entries[at - 1]->source == EW__DPC_SOURCE__DPC_LPS)
		at--;
	return at;
}

static void insert(struct dpc_list *list, Ew__DpcEntry *entry)
{
	size_t at = 0;

	if (entry->source == EW__DPC_SOURCE__DPC_LPS) {
		insert_at(list, place_of_local(list), entry);
		return;
	}
	while (at < list->n && !outranks(entry, list->entries[at]))
		at++;
	insert_at(list, at, entry);
}

static void remove_at(struct dpc_list *list, size_t at)
{
	if (list->current == list->entries[at])
		list->current = NULL;
	if (list->tested == list->entries[at])
		list->tested = NULL;
	ew__dpc_entry__free_unpacked(list->entries[at], NULL);
	list->n--;
	memmove(&list->entries[at], &list->entries[at + 1],
		(list->n - at) * sizeof(list->entries[0]));
}

/* Else it has to wait until there is room. */
static bool displaces(const Ew__DpcEntry *newcomer)
{
	return newcomer->source != EW__DPC_SOURCE__DPC_OVERRIDE &&
	       newcomer->source != EW__DPC_SOURCE__DPC_LPS;
}

/* Room for one more. */
static int make_room(struct dpc_list *list, const Ew__DpcEntry *newcomer)
{
	size_t at = DPC_LIST_MAX - 1;

	if (list->n < DPC_LIST_MAX)
		return 0;
	if (!displaces(newcomer))
		return -ENOSPC;
	remove_at(list, list->entries[at] == list->current ? at - 1 : at);
	return 0;
}

static bool same_local(const Ew__DpcEntry *was, const Ew__DpcEntry *now)
{
	if (was->local_ms != now->local_ms || was->n_local_ports != now->n_local_ports)
		return false;
	for (size_t i = 0; i < now->n_local_ports; i++)
		if (!dpc_entry_is_local(was, now->local_ports[i]))
			return false;
	return true;
}

static bool is_same(const Ew__DpcEntry *was, const Ew__DpcEntry *now)
{
	return was->source == now->source && same_local(was, now) &&
	       strcmp(was->file, now->file) == 0 &&
	       (was->time_priority_ms == now->time_priority_ms ||
		now->source == EW__DPC_SOURCE__DPC_CONTROLLER) &&
	       dpc_config_equal(was->config, now->config);
}

static bool has_other(const struct dpc_list *list, const char *key, const Ew__DpcEntry *but)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->entries[i] != but && strcmp(list->entries[i]->key, key) == 0)
			return true;
	return false;
}

/* KEY@TIME, with a number when there is one already. */
static void rename_former(const struct dpc_list *list, Ew__DpcEntry *former)
{
	_cleanup_(freep) char *was = former->key;
	struct strbuf time = STRBUF_INIT;

	if (rfc3339_format(former->time_priority_ms / 1000, 0, &time) < 0)
		strbuf_add(&time, "unknown");
	former->key = xasprintf("%s@%s", was, strbuf_str(&time));
	for (unsigned int n = 2; has_other(list, former->key, former); n++) {
		free(former->key);
		former->key = xasprintf("%s@%s#%u", was, strbuf_str(&time), n);
	}
	strbuf_fini(&time);
}

/* What it replaces: kept by another name if the node may have to come back to it. Of a manual one
 * there is one, the last resort is made anew from what is there, and of a file that finds no room
 * beside it the new word counts. */
static void retire(struct dpc_list *list, size_t at, const Ew__DpcEntry *newcomer)
{
	Ew__DpcEntry *former = list->entries[at];
	bool room = list->n < DPC_LIST_MAX || displaces(newcomer);

	if (room && former->last_succeeded_ms && former->source != EW__DPC_SOURCE__DPC_MANUAL &&
	    former->source != EW__DPC_SOURCE__DPC_LAST_RESORT)
		rename_former(list, former);
	else
		remove_at(list, at);
}

/* The same ports were there before: their results hold, and the node need not change. */
static void take_over_former(struct dpc_list *list, Ew__DpcEntry *entry)
{
	for (size_t i = list->n; i-- > 0;) {
		Ew__DpcEntry *former = list->entries[i];

		if ((!dpc_entry_is_former(former, entry->key) &&
		     strcmp(former->key, entry->key) != 0) ||
		    !dpc_config_equal(former->config, entry->config))
			continue;
		if (former->last_failed_ms >= entry->last_failed_ms)
			dpc_entry_take_results(entry, former);
		if (list->current == former)
			list->current = entry;
		if (list->tested == former)
			list->tested = entry;
		remove_at(list, i);
	}
}

/* A controller that asks for no port at all wants none of what it asked for before either. */
static void drop_unwanted(struct dpc_list *list, const Ew__DpcEntry *entry)
{
	if (entry->source != EW__DPC_SOURCE__DPC_CONTROLLER || entry->config->n_ports)
		return;
	for (size_t i = list->n; i-- > 0;)
		if (list->entries[i]->source == EW__DPC_SOURCE__DPC_CONTROLLER ||
		    list->entries[i]->source == EW__DPC_SOURCE__DPC_LPS)
			remove_at(list, i);
}

int dpc_list_put(struct dpc_list *list, Ew__DpcEntry *entry)
{
	size_t at = find(list, entry->key);
	bool in_place;

	if (at < list->n && is_same(list->entries[at], entry)) {
		ew__dpc_entry__free_unpacked(entry, NULL);
		return 0;
	}
	in_place = at < list->n && entry->source != EW__DPC_SOURCE__DPC_CONTROLLER &&
		   entry->source != EW__DPC_SOURCE__DPC_LPS &&
		   list->entries[at]->source == entry->source &&
		   list->entries[at]->time_priority_ms == entry->time_priority_ms;
	take_over_former(list, entry);
	drop_unwanted(list, entry);
	at = find(list, entry->key);
	in_place = in_place && at < list->n;
	if (at < list->n)
		retire(list, at, entry);
	if (make_room(list, entry) < 0) {
		ew__dpc_entry__free_unpacked(entry, NULL);
		return -ENOSPC;
	}
	if (in_place)
		insert_at(list, at, entry);
	else
		insert(list, entry);
	return 1;
}

void dpc_list_remove(struct dpc_list *list, const char *key)
{
	size_t at = find(list, key);

	if (at < list->n)
		remove_at(list, at);
}

bool dpc_list_end_local(struct dpc_list *list, bool taken_back)
{
	size_t controller = newest_of_controller(list);
	bool ended = false;

	for (size_t i = list->n; i-- > 0;) {
		Ew__DpcEntry *e = list->entries[i];

		if (e->source != EW__DPC_SOURCE__DPC_LPS)
			continue;
		if (taken_back || i < controller || !e->last_succeeded_ms) {
			remove_at(list, i);
			ended = true;
		} else if (!strchr(e->key, '@')) {
			rename_former(list, e);
			ended = true;
		}
	}
	return ended;
}

const Ew__DpcEntry *dpc_list_in_force(const struct dpc_list *list)
{
	if (list->current)
		return list->current;
	for (size_t i = 0; i < list->n; i++)
		if (!list->entries[i]->error[0] ||
		    list->entries[i]->source == EW__DPC_SOURCE__DPC_MANUAL)
			return list->entries[i];
	return list->n ? list->entries[0] : NULL;
}

/* ---- Compression ---- */

struct keeps { /* what is seen on the way down */
	bool worked, controller, controller_worked;
	unsigned int sources; /* bits of Ew__DpcSource */
};

static bool keep_entry(const struct dpc_list *list, size_t i, const struct keeps *seen,
		       bool last_resort)
{
	const Ew__DpcEntry *e = list->entries[i];

	if (i == 0 || e == list->current || (e->file[0] && !strchr(e->key, '@')))
		return true;
	if (dpc_entry_works(e) && !seen->worked)
		return true;
	switch (e->source) {
	case EW__DPC_SOURCE__DPC_CONTROLLER:
		if (!seen->controller)
			return true;
		break;
	case EW__DPC_SOURCE__DPC_MANUAL:
		return !seen->worked;
	case EW__DPC_SOURCE__DPC_LAST_RESORT:
		return last_resort;
	case EW__DPC_SOURCE__DPC_LPS:
		if (!strchr(e->key, '@'))
			return true;
		break;
	case EW__DPC_SOURCE__DPC_UNKNOWN:
	case EW__DPC_SOURCE__DPC_BOOTSTRAP:
	case EW__DPC_SOURCE__DPC_OVERRIDE:
		break;
	case _EW__DPC_SOURCE_IS_INT_SIZE:
		return false;
	}
	return !seen->controller_worked && !(seen->sources & 1u << e->source);
}

bool dpc_list_compress(struct dpc_list *list, bool last_resort)
{
	struct keeps seen = { 0 };
	size_t before = list->n;

	for (size_t i = 0; i < list->n; i++)
		seen.controller_worked |=
			list->entries[i]->source == EW__DPC_SOURCE__DPC_CONTROLLER &&
			list->entries[i]->last_succeeded_ms;
	for (size_t i = 0; i < list->n;) {
		const Ew__DpcEntry *e = list->entries[i];
		bool keep = keep_entry(list, i, &seen, last_resort);

		seen.worked |= dpc_entry_works(e);
		seen.controller |= e->source == EW__DPC_SOURCE__DPC_CONTROLLER;
		if (e->source < 32)
			seen.sources |= 1u << e->source;
		if (keep)
			i++;
		else
			remove_at(list, i);
	}
	return list->n != before;
}

/* ---- As a message, as a file ---- */

Ew__DevicePortConfigList dpc_list_message(struct dpc_list *list)
{
	const Ew__DpcEntry *in_force = dpc_list_in_force(list);
	Ew__DevicePortConfigList msg = EW__DEVICE_PORT_CONFIG_LIST__INIT;

	msg.entries = list->entries;
	msg.n_entries = list->n;
	if (in_force)
		msg.current = in_force->key;
	return msg;
}

void dpc_list_format(struct dpc_list *list, struct strbuf *out)
{
	Ew__DevicePortConfigList msg = dpc_list_message(list);

	pbjson_format(&msg.base, PBJSON_PRETTY, out);
	strbuf_addc(out, '\n');
}

static int check_entry(const struct dpc_list *list, const Ew__DpcEntry *entry, size_t index,
		       struct pbjson_error *err)
{
	const char *why = NULL;

	if (list->n == DPC_LIST_MAX)
		why = "too many entries";
	else if (!entry->config)
		why = "an entry without a configuration";
	else if (!entry->key[0] || dpc_list_find(list, entry->key))
		why = "an entry without a key of its own";
	if (!why)
		return 0;
	snprintf(err->pointer, sizeof(err->pointer), "/entries/%zu", index);
	snprintf(err->why, sizeof(err->why), "%s", why);
	return -EINVAL;
}

int dpc_list_parse(const char *text, size_t len, struct dpc_list *list, struct pbjson_error *err)
{
	Ew__DevicePortConfigList *msg;
	ProtobufCMessage *parsed;
	int r;

	r = pbjson_parse(&ew__device_port_config_list__descriptor, text, len, &parsed, err);
	if (r < 0)
		return r;
	msg = (Ew__DevicePortConfigList *)parsed;
	for (size_t i = 0; r == 0 && i < msg->n_entries; i++) {
		const Ew__DpcEntry *e = msg->entries[i];

		r = check_entry(list, e, i, err);
		if (r < 0)
			break;
		list->entries[list->n] =
			dpc_entry_new(e->key, e->source, e->time_priority_ms, e->file, e->config);
		dpc_entry_set_local(list->entries[list->n], e->local_ports, e->n_local_ports,
				    e->local_ms);
		dpc_entry_take_results(list->entries[list->n++], e);
	}
	if (r == 0 && msg->current[0] && find(list, msg->current) < list->n)
		list->current = list->entries[find(list, msg->current)];
	if (r < 0)
		dpc_list_fini(list);
	ew__device_port_config_list__free_unpacked(msg, NULL);
	return r;
}
