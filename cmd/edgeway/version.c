/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/edgeway/commands.h"

int cmd_version(int argc, char *argv[])
{
	(void)argv;
	if (argc > 1)
		return cli_usage("version");
	printf("edgeway %s\n", EDGEWAY_VERSION);
	return 0;
}
