/* SPDX-License-Identifier: Apache-2.0 */
/* The timers of verification from the configuration's items. Pure. */
#pragma once

#include "nim/dpc/dpc_verify.h"

struct Ew__GlobalConfig;

/* What is not given is EVE's default; msg NULL: no item at all. True: they are others now. */
bool dpc_timers_load(struct dpcv_timers *timers, const struct Ew__GlobalConfig *msg);
