/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc_list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "nim/dpc_ports.h"

void dpc_list_fini(struct dpc_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		ew__dpc_entry__free_unpacked(list->entries[i], NULL);
	list->n = 0;
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
	entry->error = why_not_usable(entry->config);
	return entry;
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

static bool outranks(const Ew__DpcEntry *newcomer, const Ew__DpcEntry *other)
{
	if (newcomer->source == EW__DPC_SOURCE__DPC_MANUAL)
		return true;
	if (newcomer->source == EW__DPC_SOURCE__DPC_CONTROLLER &&
	    other->source != EW__DPC_SOURCE__DPC_CONTROLLER)
		return true;
	return newcomer->time_priority_ms > other->time_priority_ms;
}

static void insert(struct dpc_list *list, Ew__DpcEntry *entry)
{
	size_t at = 0;

	while (at < list->n && !outranks(entry, list->entries[at]))
		at++;
	memmove(&list->entries[at + 1], &list->entries[at],
		(list->n - at) * sizeof(list->entries[0]));
	list->entries[at] = entry;
	list->n++;
}

static void remove_at(struct dpc_list *list, size_t at)
{
	ew__dpc_entry__free_unpacked(list->entries[at], NULL);
	list->n--;
	memmove(&list->entries[at], &list->entries[at + 1],
		(list->n - at) * sizeof(list->entries[0]));
}

static bool is_same(const Ew__DpcEntry *was, const Ew__DpcEntry *now)
{
	return was->source == now->source && strcmp(was->file, now->file) == 0 &&
	       (was->time_priority_ms == now->time_priority_ms ||
		now->source == EW__DPC_SOURCE__DPC_CONTROLLER) &&
	       dpc_config_equal(was->config, now->config);
}

int dpc_list_put(struct dpc_list *list, Ew__DpcEntry *entry)
{
	size_t at = find(list, entry->key);

	if (at < list->n && is_same(list->entries[at], entry)) {
		ew__dpc_entry__free_unpacked(entry, NULL);
		return 0;
	}
	if (at < list->n && list->entries[at]->source == entry->source &&
	    list->entries[at]->time_priority_ms == entry->time_priority_ms) {
		ew__dpc_entry__free_unpacked(list->entries[at], NULL);
		list->entries[at] = entry;
		return 1;
	}
	if (at < list->n)
		remove_at(list, at);
	if (list->n == DPC_LIST_MAX && entry->source == EW__DPC_SOURCE__DPC_OVERRIDE) {
		ew__dpc_entry__free_unpacked(entry, NULL);
		return -ENOSPC;
	}
	if (list->n == DPC_LIST_MAX)
		remove_at(list, list->n - 1);
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
	for (size_t i = 0; i < list->n; i++)
		if (!list->entries[i]->error[0] ||
		    list->entries[i]->source == EW__DPC_SOURCE__DPC_MANUAL)
			return list->entries[i];
	return list->n ? list->entries[0] : NULL;
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
		if (r == 0)
			list->entries[list->n++] = dpc_entry_new(
				e->key, e->source, e->time_priority_ms, e->file, e->config);
	}
	if (r < 0)
		dpc_list_fini(list);
	ew__device_port_config_list__free_unpacked(msg, NULL);
	return r;
}
