/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "nim/config.h"
#include "nim/dpc/dpc_ports.h"

void dpc_list_fini(struct dpc_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		ew__dpc_entry__free_unpacked(list->entries[i], NULL);
	list->n = 0;
	list->current = list->tested = NULL;
}

/* ---- Configurations as values ---- */

static uint8_t *pack(const Ew__DevicePortConfig *config, size_t *ret_len)
{
	uint8_t *bytes;

	*ret_len = ew__device_port_config__get_packed_size(config);
	bytes = xcalloc(1, *ret_len + 1);
	ew__device_port_config__pack(config, bytes);
	return bytes;
}

bool dpc_config_equal(const Ew__DevicePortConfig *a, const Ew__DevicePortConfig *b)
{
	size_t a_len, b_len;
	_cleanup_(freep) uint8_t *a_bytes = pack(a, &a_len);
	_cleanup_(freep) uint8_t *b_bytes = pack(b, &b_len);

	return a_len == b_len && memcmp(a_bytes, b_bytes, a_len) == 0;
}

Ew__DevicePortConfig *dpc_config_copy(const Ew__DevicePortConfig *config)
{
	Ew__DevicePortConfig bare = *config;
	_cleanup_(freep) uint8_t *bytes = NULL;
	size_t len;

	bare.source = (char *)protobuf_c_empty_string;
	bare.timestamp_ms = 0;
	bytes = pack(&bare, &len);
	return ew__device_port_config__unpack(NULL, len, bytes);
}

/* What nim_config_load() finds wrong is an error of the entry, too: who asks what to rely on, or
 * looks at the list, sees it before the configuration is in force. */
static void judge(Ew__DevicePortConfig *config)
{
	_cleanup_(freep) struct nim_config *loaded = xcalloc(1, sizeof(*loaded));

	nim_config_load(loaded, config);
	for (unsigned int i = 0; i < loaded->nports; i++) {
		Ew__PortConfig *port = config->ports[i];

		if (port->error[0] || !loaded->ports[i].error[0])
			continue;
		if (port->error != protobuf_c_empty_string)
			free(port->error);
		port->error = xstrdup(loaded->ports[i].error);
	}
}

static char *why_not_usable(const Ew__DevicePortConfig *config)
{
	if (dpc_is_usable(config))
		return xstrdup("");
	for (size_t i = 0; i < config->n_ports; i++)
		if (config->ports[i]->is_mgmt && config->ports[i]->error[0])
			return xasprintf("no usable management port: %s: %s",
					 config->ports[i]->logicallabel, config->ports[i]->error);
	return xstrdup("no management port that gets an address");
}

Ew__DpcEntry *dpc_entry_new(const char *key, Ew__DpcSource source, int64_t time_priority_ms,
			    const char *file, const Ew__DevicePortConfig *config)
{
	Ew__DpcEntry *entry = xcalloc(1, sizeof(*entry));

	ew__dpc_entry__init(entry);
	entry->key = xstrdup(key);
	entry->source = source;
	entry->time_priority_ms = time_priority_ms;
	entry->file = xstrdup(file);
	entry->config = dpc_config_copy(config);
	judge(entry->config);
	entry->error = why_not_usable(entry->config);
	entry->last_error = xstrdup("");
	entry->last_warning = xstrdup("");
	return entry;
}

bool dpc_entry_works(const Ew__DpcEntry *entry)
{
	return entry->last_succeeded_ms > entry->last_failed_ms;
}

bool dpc_entry_untested(const Ew__DpcEntry *entry)
{
	return !entry->error[0] && !entry->last_succeeded_ms && !entry->last_failed_ms;
}

static void set_text(char **dst, const char *src)
{
	free(*dst);
	*dst = xstrdup(src);
}

/* All but the results by port, which belong to one test. */
static void take_results(Ew__DpcEntry *entry, const Ew__DpcEntry *from)
{
	bool ended = from->state == EW__DPC_STATE__DPC_STATE_FAIL ||
		     from->state == EW__DPC_STATE__DPC_STATE_FAIL_WITH_IPANDDNS ||
		     from->state == EW__DPC_STATE__DPC_STATE_SUCCESS ||
		     from->state == EW__DPC_STATE__DPC_STATE_REMOTE_WAIT;

	entry->state = ended ? from->state : EW__DPC_STATE__DPC_STATE_NONE;
	entry->last_failed_ms = from->last_failed_ms;
	entry->last_succeeded_ms = from->last_succeeded_ms;
	set_text(&entry->last_error, from->last_error);
	set_text(&entry->last_warning, from->last_warning);
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

static void insert(struct dpc_list *list, Ew__DpcEntry *entry)
{
	size_t at = 0;

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

/* Room for one more; an override file's has to wait until there is some. */
static int make_room(struct dpc_list *list, const Ew__DpcEntry *newcomer)
{
	size_t at = DPC_LIST_MAX - 1;

	if (list->n < DPC_LIST_MAX)
		return 0;
	if (newcomer->source == EW__DPC_SOURCE__DPC_OVERRIDE)
		return -ENOSPC;
	remove_at(list, list->entries[at] == list->current ? at - 1 : at);
	return 0;
}

static bool is_same(const Ew__DpcEntry *was, const Ew__DpcEntry *now)
{
	return was->source == now->source && strcmp(was->file, now->file) == 0 &&
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

bool dpc_entry_is_former(const Ew__DpcEntry *entry, const char *key)
{
	size_t len = strlen(key);

	return strncmp(entry->key, key, len) == 0 && entry->key[len] == '@';
}

/* What it replaces: kept by another name if the node may have to come back to it. Of a manual one
 * there is one, the last resort is made anew from what is there, and of a file that finds no room
 * beside it the new word counts. */
static void retire(struct dpc_list *list, size_t at, const Ew__DpcEntry *newcomer)
{
	Ew__DpcEntry *former = list->entries[at];
	bool room = list->n < DPC_LIST_MAX || newcomer->source != EW__DPC_SOURCE__DPC_OVERRIDE;

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
			take_results(entry, former);
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
		if (list->entries[i]->source == EW__DPC_SOURCE__DPC_CONTROLLER)
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
		take_results(list->entries[list->n++], e);
	}
	if (r == 0 && msg->current[0] && find(list, msg->current) < list->n)
		list->current = list->entries[find(list, msg->current)];
	if (r < 0)
		dpc_list_fini(list);
	ew__device_port_config_list__free_unpacked(msg, NULL);
	return r;
}
