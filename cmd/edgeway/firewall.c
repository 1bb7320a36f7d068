/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"

int cmd_firewall(int argc, char *argv[])
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;

	if (argc > 1 && !json)
		return cli_usage("firewall");
	return ask_daemon("nim", json ? "firewall json" : "firewall", stdout);
}
