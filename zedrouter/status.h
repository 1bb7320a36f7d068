/* SPDX-License-Identifier: Apache-2.0 */
/* What zedrouter publishes, from its model. Pure; messages live in the arena. */
#pragma once

#include "zedrouter/model.h"

struct arena;
struct Ew__AppNetworkStatus;
struct Ew__NetworkInstanceStatus;

/* problem: of the engine, "" when all of the instance's items are in place; pending: some are
 * still being made. */
struct Ew__NetworkInstanceStatus *zr_ni_status(const struct zr_model *m, const struct zr_ni *ni,
					       const char *problem, bool pending, struct arena *a);

struct zr_vif_state { /* of the engine */
	char problem[200];
	bool ready; /* bridge and rules are in place */
};
/* states: one for each of the app's VIFs, in their order. */
struct Ew__AppNetworkStatus *zr_app_status(const struct zr_model *m, const struct zr_app *app,
					   const struct zr_vif_state *states, struct arena *a);
