/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes the statuses that are out of date: what the model says, and the engine. */
#pragma once

#include <stdbool.h>

struct dp;
struct ps_pub;
struct zr_model;

struct zr_teller { /* all borrowed */
	struct dp *dp;
	struct zr_model *model;
	struct ps_pub *ni_pub, *app_pub;
};

/* Of what is marked untold in the model. busy: the engine is at work, and the last word is not spoken of
 * what is not settled: that stays untold. */
void zr_tell(const struct zr_teller *t, bool busy);
