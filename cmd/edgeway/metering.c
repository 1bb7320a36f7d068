/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway metering: has nim look at the counters, and shows what it publishes then. */
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/meter_view.h"
#include "cmd/edgeway/table.h"

struct meters {
	Ew__PortMeterStatus **list;
	size_t n;
};

static void keep(const struct ps_topic *topic, const char *key, const void *data, size_t len,
		 void *arg)
{
	ProtobufCMessage *msg = protobuf_c_message_unpack(topic->desc, NULL, len, data);
	struct meters *m = arg;

	(void)key;
	if (!msg)
		return; /* of another version */
	m->list = xrealloc(m->list, m->n + 1, sizeof(*m->list));
	m->list[m->n++] = (Ew__PortMeterStatus *)msg;
}

static int by_label(const void *a, const void *b)
{
	const Ew__PortMeterStatus *const *ma = a, *const *mb = b;

	return strcmp((*ma)->logicallabel, (*mb)->logicallabel);
}

int cmd_metering(int argc, char *argv[])
{
	struct table_topic topics[] = { { .topic = &ps_topic_port_meter_status },
					{ .topic = NULL } };
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	struct meters m = { 0 };
	int r;

	if (argc > 1 && !json)
		return cli_usage("metering");
	r = ask_daemon("nim", "sample", stdout);
	if (r)
		return r;
	r = table_read(topics, keep, &m);
	if (r < 0 || !topics[0].synced)
		r = cli_fail("%s", r < 0 ? strerror(-r) : "nim waits for its configuration");
	if (m.n)
		qsort(m.list, m.n, sizeof(*m.list), by_label);
	if (r == 0 && json)
		meter_print_json(m.list, m.n, stdout);
	else if (r == 0)
		meter_print(m.list, m.n, stdout);
	for (size_t i = 0; i < m.n; i++)
		ew__port_meter_status__free_unpacked(m.list[i], NULL);
	free(m.list);
	return r;
}
