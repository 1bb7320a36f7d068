/* SPDX-License-Identifier: Apache-2.0 */
/* A port configuration of the list (nim/dpc/dpc_list.h): what it asks for, and what tests said. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.pb-c.h"

/* Copies all. The error is filled in from config. Freed by ew__dpc_entry__free_unpacked(). */
Ew__DpcEntry *dpc_entry_new(const char *key, Ew__DpcSource source, int64_t time_priority_ms,
			    const char *file, const Ew__DevicePortConfig *config);

/* Of a local one: the ports that are not the controller's, and since when. Copies; once. */
void dpc_entry_set_local(Ew__DpcEntry *entry, char *const *labels, size_t n, int64_t submitted_ms);
bool dpc_entry_is_local(const Ew__DpcEntry *entry, const char *label); /* such a port */

bool dpc_entry_works(const Ew__DpcEntry *entry); /* when it was tested last; untested: false */
bool dpc_entry_untested(const Ew__DpcEntry *entry);
bool dpc_entry_is_former(const Ew__DpcEntry *entry, const char *key); /* KEY@TIME of key */

/* All but the results by port, which belong to one test. */
void dpc_entry_take_results(Ew__DpcEntry *entry, const Ew__DpcEntry *from);

/* Source and time of a configuration stand in its entry: a copy is without, so that what is asked
 * for compares. Freed by ew__device_port_config__free_unpacked(). */
Ew__DevicePortConfig *dpc_config_copy(const Ew__DevicePortConfig *config);
bool dpc_config_equal(const Ew__DevicePortConfig *a, const Ew__DevicePortConfig *b);
