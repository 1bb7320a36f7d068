/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway diag shows: pure, diag.c gets it. */
#pragma once

#include <stdio.h>

#include "cmd/edgeway/ports_model.h"

struct diag { /* all borrowed */
	const struct ports *ports; /* device is set */
	const Ew__ConfigStatus *config; /* NULL: zedagent has told none */
	const Ew__DevicePortConfigList *dpcs; /* NULL: nim has told none */
};

/*
 * One page: what state the network is in, which configuration made it so and why, then each port:
 * how far it gets, what is wrong, what to do. Returns whether all is well: a management port
 * works, and nothing was refused.
 */
bool diag_print(const struct diag *diag, const struct status_look *look, FILE *out);
