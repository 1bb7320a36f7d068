// SPDX-License-Identifier: Apache-2.0
#include "cmd/edgeway/commands.h"

#include <stddef.h>

#define DAEMONS_WITH_GRAPH "nim zedrouter domainmgr"

const struct command commands[] = {
	{ "plan", "[DAEMON]", "what the daemons still have to do; nothing when all is as wanted",
	  DAEMONS_WITH_GRAPH, cmd_plan },
	{ "graph", "DAEMON [--json | --dot | --svg FILE]",
	  "all objects of a daemon with state and dependencies",
	  DAEMONS_WITH_GRAPH " --json --dot --svg", cmd_graph },
	{ "version", "", "version of this command", NULL, cmd_version },
	{ "completion", "bash", "shell completion: eval \"$(edgeway completion bash)\"", "bash",
	  cmd_completion },
	{ NULL, NULL, NULL, NULL, NULL },
};
