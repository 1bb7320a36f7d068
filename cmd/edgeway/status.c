/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway status: asks everybody, and shows what status_view.c makes of it. */
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/columns.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/status_view.h"
#include "cmd/edgeway/table.h"

#define DAEMONS_MAX 8

static void keep(const struct ps_topic *topic, const char *key, const void *data, size_t len,
		 void *arg)
{
	status_add(arg, topic, key, data, len);
}

static enum status_life life_of(const char *daemon, bool answers, const struct table_topic *topics)
{
	if (!cli_daemon_running(daemon))
		return STATUS_ABSENT;
	if (!answers)
		return STATUS_SILENT;
	for (const struct table_topic *t = topics; t->topic; t++)
		if (!t->synced && strcmp(t->topic->agent, daemon) == 0)
			return STATUS_WAITING;
	return STATUS_TELLS;
}

static void ask_lives(const struct table_topic *topics, struct status_daemon *daemons)
{
	bool answers[DAEMONS_MAX];
	size_t n = 0;

	while (n < DAEMONS_MAX && cli_daemons[n])
		n++;
	ask_answers(cli_daemons, n, answers);
	for (size_t i = 0; i < n; i++)
		daemons[i] = (struct status_daemon){ cli_daemons[i],
						     life_of(cli_daemons[i], answers[i], topics) };
}

int cmd_status(int argc, char *argv[])
{
	struct table_topic topics[] = {
		{ .topic = &ps_topic_config_status },
		{ .topic = &ps_topic_device_network_status },
		{ .topic = &ps_topic_usb_stick_status },
		{ .topic = &ps_topic_port_meter_status },
		{ .topic = &ps_topic_network_instance_status },
		{ .topic = &ps_topic_app_network_status },
		{ .topic = &ps_topic_domain_status },
		{ .topic = NULL },
	};
	const struct status_look look = { .color = cli_color(), .width = columns_terminal() };
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	struct status_daemon daemons[DAEMONS_MAX + 1] = { 0 };
	struct status s = { .daemons = daemons };
	int r;

	if (argc > 1 && !json)
		return cli_usage("status");
	r = table_read(topics, keep, &s);
	if (r < 0) {
		status_fini(&s);
		return cli_fail("%s", strerror(-r));
	}
	ask_lives(topics, daemons);
	if (json)
		status_print_json(&s, stdout);
	else
		r = status_print(&s, &look, stdout) > 0;
	status_fini(&s);
	return r;
}
