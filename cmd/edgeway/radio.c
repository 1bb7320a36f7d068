/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"

int cmd_radio(int argc, char *argv[])
{
	static const struct {
		const char *word, *request;
	} requests[] = {
		{ "on", "radio on" },
		{ "off", "radio off" },
		{ "status", "radio" },
	};
	bool json = argc == 4 && strcmp(argv[3], "--json") == 0;

	if (argc < 3 || argc > 4 || (argc == 4 && !json) || strcmp(argv[1], "silence") != 0)
		return cli_usage("radio");
	if (json)
		return strcmp(argv[2], "status") == 0 ? ask_daemon("nim", "radio json", stdout)
						      : cli_usage("radio");
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		if (strcmp(argv[2], requests[i].word) == 0)
			return ask_daemon("nim", requests[i].request, stdout);
	return cli_usage("radio");
}
