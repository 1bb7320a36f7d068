/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/stored.h"

#include "base/cleanup.h"

int stored_open(struct event_base *base, const char *run_dir, const char *state_dir,
		const char *name, struct stored **ret)
{
	_cleanup_(freep) char *run = xasprintf("%s/nim/%s", run_dir, name);
	_cleanup_(freep) char *state = xasprintf("%s/nim/%s", state_dir, name);
	const struct stored_conf conf = {
		.base = base, .run_path = run, .state_path = state, .durable = 2
	};

	return stored_new(&conf, ret);
}
