/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a DevicePortConfig to an entry of the list. Pure. */
#pragma once

#include "nim/dpc/dpc_list.h"

/* EVE's time priority of a file that has none: it yields to any controller's. */
#define DPC_TIME_DEFAULT_MS 315532800000LL /* 1980-01-01 */

struct arena;

struct dpc_origin { /* what the text does not say, or has no say in */
	Ew__DpcSource source;
	const char *key;
	bool own_key; /* the text's Key goes before key */
	int64_t time_ms; /* where it has no TimePriority */
	const char *file; /* "": none */
};

/*
 * 0, and an entry that is freed by ew__dpc_entry__free_unpacked(). Or -errno with err filled in.
 */
int dpc_read(const char *text, size_t len, const struct dpc_origin *origin, struct arena *arena,
	     Ew__DpcEntry **ret, struct pbjson_error *err);
