/* SPDX-License-Identifier: Apache-2.0 */
/* What ports_model.h knows besides the bus: nim's lease files and its graph. */
#pragma once

#include "cmd/edgeway/ports_model.h"

/* After ports_init(). 0, or the exit status after a complaint: nim does not answer. */
int ports_read(struct ports *ports);
