/* SPDX-License-Identifier: Apache-2.0 */
/* What nim publishes, from config, facts and view. Pure. */
#pragma once

#include "nim/facts.h"

struct arena;
struct Ew__DeviceNetworkStatus;

/* The message and all it points to live in the arena. */
struct Ew__DeviceNetworkStatus *nim_status(const struct nim_config *config,
					   const struct nim_facts *facts,
					   const struct nim_view *view, struct arena *arena);
