/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/daemon.h"
#include "zedagent/zedagent.h"

int main(int argc, char *argv[])
{
	static struct zedagent_options options;
	static const struct daemon_option own[] = {
		{ "config", "FILE", "device configuration (STATE_DIR/config.json)",
		  &options.config },
		{ "config-dir", "DIR",
		  "what the device was given: bootstrap-config.pb, root-certificate.pem "
		  "(" ZEDAGENT_CONFIG_DIR ")",
		  &options.config_dir },
		{ NULL, NULL, NULL, NULL },
	};
	static const struct daemon_conf conf = {
		.name = "zedagent",
		.summary = "reads and validates the device configuration",
		.options = own,
	};
	_cleanup_(daemon_freep) struct daemon *d = NULL;
	_cleanup_(zedagent_freep) struct zedagent *za = NULL;
	int r;

	r = daemon_new(&conf, argc, argv, &d);
	if (r > 0)
		return EXIT_SUCCESS;
	if (r == 0)
		r = zedagent_new(d, &options, &za);
	if (r == 0)
		r = daemon_run(d);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
