/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/items.h"

#include "base/daemon.h"
#include "base/strbuf.h"
#include "config.pb-c.h"
#include "nim/dpc/dpc_timers.h"
#include "nim/stored.h"

static int parse(const char *text, size_t len, void *arg, struct pbjson_error *err)
{
	struct nim_items *items = arg;
	ProtobufCMessage *msg;
	int r = pbjson_parse(&ew__global_config__descriptor, text, len, &msg, err);

	if (r < 0)
		return r;
	nim_switches_load(&items->switches, (const Ew__GlobalConfig *)msg);
	dpc_timers_load(&items->timers, (const Ew__GlobalConfig *)msg);
	heartbeat_items_load(&items->heartbeat, (const Ew__GlobalConfig *)msg);
	upstream_items_load(&items->upstream, (const Ew__GlobalConfig *)msg);
	protobuf_c_message_free_unpacked(msg, NULL);
	return 0;
}

int nim_items_open(struct nim_items *items, const struct daemon *d)
{
	int r = stored_open(daemon_base(d), daemon_run_dir(d), daemon_state_dir(d), "items.json",
			    &items->stored);

	nim_switches_load(&items->switches, NULL); /* the defaults */
	dpc_timers_load(&items->timers, NULL);
	heartbeat_items_load(&items->heartbeat, NULL);
	upstream_items_load(&items->upstream, NULL);
	if (r == 0)
		items->known = stored_load(items->stored, parse, items);
	return r;
}

void nim_items_fini(struct nim_items *items)
{
	nim_switches_fini(&items->switches);
	heartbeat_items_fini(&items->heartbeat);
	upstream_items_fini(&items->upstream);
	stored_free(items->stored);
}

static void store(struct nim_items *items, const Ew__GlobalConfig *msg)
{
	struct strbuf text = STRBUF_INIT;

	pbjson_format(&msg->base, PBJSON_PRETTY, &text);
	stored_put(items->stored, &text);
	items->known = true;
}

bool nim_items_set(struct nim_items *items, const Ew__GlobalConfig *msg)
{
	bool changed = nim_switches_load(&items->switches, msg);

	changed = dpc_timers_load(&items->timers, msg) || changed;
	changed = heartbeat_items_load(&items->heartbeat, msg) || changed;
	changed = upstream_items_load(&items->upstream, msg) || changed;
	if (msg && (changed || !items->known))
		store(items, msg);
	return changed;
}
