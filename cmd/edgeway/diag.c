/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway diag: why the node is, or is not, reachable, on one page. */
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "cmd/edgeway/columns.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/diag_view.h"
#include "cmd/edgeway/ports_read.h"
#include "cmd/edgeway/table.h"

static void keep(const struct ps_topic *topic, const char *key, const void *data, size_t len,
		 void *arg)
{
	status_add(arg, topic, key, data, len);
}

static const void *first_of(const struct status *rows, const struct ps_topic *topic)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->rows[i].topic == topic)
			return rows->rows[i].msg;
	return NULL;
}

static int show(struct ports *ports, const struct status *rows)
{
	const struct status_look look = { .width = columns_terminal() };
	const struct diag diag = {
		.ports = ports,
		.config = first_of(rows, &ps_topic_config_status),
		.dpcs = first_of(rows, &ps_topic_device_port_config_list),
	};
	int r = ports_read(ports); /* complains when nim is not there */

	if (r)
		return r;
	if (!ports->device)
		return cli_fail("nim waits for its configuration");
	return diag_print(&diag, &look, stdout) ? 0 : 1;
}

int cmd_diag(int argc, char *argv[])
{
	struct table_topic topics[] = {
		{ .topic = &ps_topic_config_status },
		{ .topic = &ps_topic_device_network_status },
		{ .topic = &ps_topic_device_port_config_list },
		{ .topic = &ps_topic_port_meter_status },
		{ .topic = NULL },
	};
	struct status rows = { 0 };
	struct ports ports;
	int r;

	(void)argv;
	if (argc != 1)
		return cli_usage("diag");
	r = table_read(topics, keep, &rows);
	ports_init(&ports, &rows);
	r = r < 0 ? cli_fail("%s", strerror(-r)) : show(&ports, &rows);
	ports_fini(&ports);
	status_fini(&rows);
	return r;
}
