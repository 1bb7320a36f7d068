/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/commands.h"

#include <stddef.h>

#define DAEMONS_WITH_GRAPH "nim zedrouter domainmgr"

const struct command commands[] = {
	{ "status", "[--json]", "what works and what does not: ports, instances, apps", "--json",
	  cmd_status },
	{ "ports", "[NAME] [--test] [--json | --trace]",
	  "the ports: addresses, gateways, leases, faults; all about one, and what to do; tested "
	  "anew; what the last tests did, step by step",
	  "--test --json --trace", cmd_ports },
	{ "diag", "", "why the node is, or is not, reachable: configuration, each port, what to do",
	  NULL, cmd_diag },
	{ "metering", "[--json]", "bytes through metered ports by day and month, and their quotas",
	  "--json", cmd_metering },
	{ "plan", "[DAEMON]", "what the daemons still have to do; nothing when all is as wanted",
	  DAEMONS_WITH_GRAPH, cmd_plan },
	{ "graph", "DAEMON [--json | --dot | --svg FILE]",
	  "all objects of a daemon with state and dependencies",
	  DAEMONS_WITH_GRAPH " --json --dot --svg", cmd_graph },
	{ "firewall", "[--json]", "what the node's own firewall has let in and kept out, by rule",
	  "--json", cmd_firewall },
	{ "dpc",
	  "list [--json] | show KEY [--json] | set FILE|- | unset | test [--timeout SECONDS] [KEY] "
	  "| revert | check FILE [ROOTS]",
	  "port configurations: of the controller, of files, set by hand; which is in force",
	  "list show set unset test revert check --json --timeout", cmd_dpc },
	{ "radio", "silence on | off | status [--json]",
	  "switches all radios off and on again, and tells whether they are",
	  "silence on off status --json", cmd_radio },
	{ "doctor", "", "what this machine lacks: kernel features, helpers, daemons, configuration",
	  NULL, cmd_doctor },
	{ "events", "DAEMON", "what a daemon has logged last, from its memory",
	  "nim zedrouter domainmgr zedagent usb-config", cmd_events },
	{ "netdump",
	  "[--capture PORT[,PORT] [--for TIME] [--limit SIZE] [--snap BYTES] [--filter EXPR]] "
	  "[FILE]",
	  "all of this and the kernel's state in an archive, without secrets, for who helps from "
	  "afar; the packets of ports with it",
	  "--capture --for --limit --snap --filter", cmd_netdump },
	{ "bus", "ls | get TOPIC [KEY] | watch TOPIC…",
	  "state as the daemons tell it to each other", "ls get watch", cmd_bus },
	{ "run",
	  "[--config FILE] [--config-dir DIR] [--dpc-dir DIR] [--last-resort-after SECONDS] "
	  "[--chrony-sources DIR] [--resolv-conf FILE] "
	  "[--log-level LEVEL] [--log-json] [--usb]",
	  "all daemons in the foreground, the crashed are started again",
	  "--config --config-dir --dpc-dir --last-resort-after --chrony-sources --resolv-conf "
	  "--log-level "
	  "--log-json --usb",
	  cmd_run },
	{ "version", "", "version of this command", NULL, cmd_version },
	{ "completion", "bash", "shell completion: eval \"$(edgeway completion bash)\"", "bash",
	  cmd_completion },
	{ NULL, NULL, NULL, NULL, NULL },
};
