/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of a daemon. */
#pragma once

#include <stdbool.h>

#include "base/log.h"

struct daemon_conf;

struct daemon_options { /* borrowed from argv and the environment */
	const char *run_dir, *state_dir;
	enum log_level log_level;
	bool log_json;
};

/* 1: --help or --version was answered; -EINVAL: refused, the reason is on stderr. */
int daemon_options_parse(const struct daemon_conf *conf, int argc, char *argv[],
			 struct daemon_options *ret);
