/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's questions at a daemon's control door. */
#include "base/control.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "dataplane/dp.h"

static int control_plan(const char *args, FILE *out, void *arg)
{
	(void)args;
	return dp_plan(arg, out);
}

static int control_graph(const char *args, FILE *out, void *arg)
{
	if (strcmp(args, "dot") == 0)
		return dp_dot(arg, out);
	if (strcmp(args, "json") == 0)
		return dp_json(arg, out);
	return strcmp(args, "text") == 0 || !*args ? dp_text(arg, out) : -EINVAL;
}

static int control_counts(const char *args, FILE *out, void *arg)
{
	struct dp_counts c;

	(void)args;
	dp_counts(arg, &c);
	fprintf(out,
		"items=%u created=%u waiting=%u failed=%u leftover=%u foreign=%u scopes=%u "
		"operations=%" PRIu64 " retries=%" PRIu64 " repaired=%" PRIu64 " resyncs=%" PRIu64
		"\n",
		c.items, c.created, c.waiting, c.failed, c.leftover, c.foreign, c.scopes,
		c.operations, c.retries, c.repaired, c.resyncs);
	return 0;
}

void dp_control_graph(struct dp *dp, struct control *control)
{
	control_add(control, "graph", "text | json | dot: have and want in one picture",
		    control_graph, dp);
	control_add(control, "counts", "items by state, operations so far", control_counts, dp);
}

void dp_control(struct dp *dp, struct control *control)
{
	control_add(control, "plan", "what is still to do; nothing: all is as wanted", control_plan,
		    dp);
	dp_control_graph(dp, control);
}
