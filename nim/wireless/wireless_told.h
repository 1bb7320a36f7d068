/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemons of modems and of Wi-Fi are told: one message each for the configuration in force.
 * Pure. */
#pragma once

#include "nim/facts.h"

struct arena;
struct Ew__WlanConfig;
struct Ew__WwanConfig;

struct nim_told_by { /* the same in both */
	const char *dpc_key; /* borrowed */
	int64_t dpc_time_ms;
	bool radio_silence;
	int64_t radio_requested_ms; /* 0: nobody ever asked */
	/* Of the revisions, a secret: by a sum whose begin is known whoever reads the bus could try
	 * passwords. */
	uint32_t seed;
};

/* In the arena, with pointers into the configuration's message. Ports with errors of their own are
 * left out: their radio is to be off. */
struct Ew__WwanConfig *nim_wwan_config(const struct nim_config *config, const struct nim_view *view,
				       const struct nim_told_by *by, struct arena *arena);
struct Ew__WlanConfig *nim_wlan_config(const struct nim_config *config,
				       const struct nim_told_by *by, struct arena *arena);
