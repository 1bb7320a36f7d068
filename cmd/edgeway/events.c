/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway events DAEMON: the last lines of its log, for who has no log of the machine. */
#include <stdio.h>

#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"

int cmd_events(int argc, char *argv[])
{
	if (argc != 2 || argv[1][0] == '-')
		return cli_usage("events");
	return ask_daemon(argv[1], "events", stdout);
}
