/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_entry.h"

#include <string.h>

#include "base/cleanup.h"
#include "nim/config.h"
#include "nim/dpc/dpc_ports.h"

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

static void set_error(Ew__PortConfig *port, const char *error, bool judged)
{
	if (port->error != protobuf_c_empty_string)
		free(port->error);
	port->error = xstrdup(error);
	port->error_judged = judged;
}

/* What nim_config_load() finds wrong is an error of the entry, too: who asks what to rely on, or
 * looks at the list, sees it before the configuration is in force. What was found when the entry was
 * stored may be fine now: that nim knew less. */
static void judge(Ew__DevicePortConfig *config)
{
	_cleanup_(freep) struct nim_config *loaded = xcalloc(1, sizeof(*loaded));

	for (size_t i = 0; i < config->n_ports; i++)
		if (config->ports[i]->error_judged)
			set_error(config->ports[i], "", false);
	nim_config_load(loaded, config);
	for (unsigned int i = 0; i < loaded->nports; i++) {
		Ew__PortConfig *port = config->ports[i];

		if (!port->error[0] && loaded->ports[i].error[0])
			set_error(port, loaded->ports[i].error, true);
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

void dpc_entry_set_local(Ew__DpcEntry *entry, char *const *labels, size_t n, int64_t submitted_ms)
{
	entry->local_ports = xcalloc(n + 1, sizeof(*entry->local_ports));
	for (size_t i = 0; i < n; i++)
		entry->local_ports[i] = xstrdup(labels[i]);
	entry->n_local_ports = n;
	entry->local_ms = submitted_ms;
}

bool dpc_entry_is_local(const Ew__DpcEntry *entry, const char *label)
{
	for (size_t i = 0; i < entry->n_local_ports; i++)
		if (strcmp(entry->local_ports[i], label) == 0)
			return true;
	return false;
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

void dpc_entry_take_results(Ew__DpcEntry *entry, const Ew__DpcEntry *from)
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

bool dpc_entry_is_former(const Ew__DpcEntry *entry, const char *key)
{
	size_t len = strlen(key);

	return strncmp(entry->key, key, len) == 0 && entry->key[len] == '@';
}
