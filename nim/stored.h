/* SPDX-License-Identifier: Apache-2.0 */
/* What nim stores under a name: <run-dir>/nim/NAME, <state-dir>/nim/NAME and NAME.2. */
#pragma once

#include "base/stored.h"

/* 0 or -ENOMEM. */
int stored_open(struct event_base *base, const char *run_dir, const char *state_dir,
		const char *name, struct stored **ret);
