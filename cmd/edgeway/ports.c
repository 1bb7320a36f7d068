/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway ports: asks nim and zedrouter, shows what the views make of it. */
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/columns.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/ports_read.h"
#include "cmd/edgeway/ports_test.h"
#include "cmd/edgeway/ports_view.h"
#include "cmd/edgeway/table.h"

static void keep(const struct ps_topic *topic, const char *key, const void *data, size_t len,
		 void *arg)
{
	status_add(arg, topic, key, data, len);
}

struct request {
	const char *name; /* NULL: all ports */
	bool json, test, trace;
};

static int show_trace(const struct port_facts *port)
{
	_cleanup_(freep) char *question =
		xasprintf("trace%s%s", port ? " " : "", port ? port->p->logicallabel : "");

	return ask_daemon("nim", question, stdout);
}

static int show(const struct ports *ports, const struct request *request)
{
	const struct status_look look = { .width = columns_terminal() };
	const char *name = request->name;
	const struct port_facts *port = name ? ports_find(ports, name) : NULL;

	if (name && !port)
		return cli_fail("there is no port %s; see edgeway ports", name);
	if (request->trace)
		return show_trace(port);
	if (request->json) {
		ports_print_json(ports, port, stdout);
		return 0;
	}
	if (!port)
		return ports_print(ports, &look, stdout) > 0;
	ports_print_one(ports, port, &look, stdout);
	return port->p->error[0] != '\0';
}

static bool parse(int argc, char *argv[], struct request *ret)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			ret->json = true;
		else if (strcmp(argv[i], "--test") == 0)
			ret->test = true;
		else if (strcmp(argv[i], "--trace") == 0)
			ret->trace = true;
		else if (argv[i][0] == '-' || ret->name)
			return false;
		else
			ret->name = argv[i];
	}
	return !(ret->json && ret->trace);
}

int cmd_ports(int argc, char *argv[])
{
	struct table_topic topics[] = {
		{ .topic = &ps_topic_device_network_status },
		{ .topic = &ps_topic_port_meter_status },
		{ .topic = &ps_topic_pnac_metrics },
		{ .topic = &ps_topic_wwan_metrics },
		{ .topic = &ps_topic_wlan_metrics },
		{ .topic = &ps_topic_network_instance_status },
		{ .topic = NULL },
	};
	struct status rows = { 0 };
	struct request request = { 0 };
	struct ports ports;
	int r;

	if (!parse(argc, argv, &request))
		return cli_usage("ports");
	r = request.test ? ports_test() : 0;
	if (r)
		return r;
	r = table_read(topics, keep, &rows);
	ports_init(&ports, &rows);
	if (r < 0)
		r = cli_fail("%s", strerror(-r));
	else
		r = ports_read(&ports); /* complains when nim is not there */
	if (r == 0 && !ports.device)
		r = cli_fail("nim waits for its configuration");
	if (r == 0)
		r = show(&ports, &request);
	ports_fini(&ports);
	status_fini(&rows);
	return r;
}
