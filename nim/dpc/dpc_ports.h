/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EVE's DevicePortConfig file to the message nim works with: EVE's defaults filled in, each port
 * judged. Pure.
 *
 *   Logicallabel, Phylabel  default to IfName, IfName to Logicallabel
 *   IsL3Port                all ports when none says so (files from before EVE 7.3)
 *   IsMgmt                  Version 0 and none says so: all L3 ports
 */
#pragma once

#include <stdbool.h>

#include "base/pbjson.h"

struct arena;
struct Dpc__Config;
struct Ew__DevicePortConfig;

/*
 * A port that cannot be applied (bad address, unknown number) stays, with its error.
 * What ports have to do with each other is judged later, by nim_config_load(). The message lives in the arena; its
 * timestamp is TimePriority, 0 without one. -EINVAL with err filled in when there are more ports
 * than nim has room for.
 */
int dpc_ports(const struct Dpc__Config *dpc, struct arena *arena, struct Ew__DevicePortConfig **ret,
	      struct pbjson_error *err);

/* May the node rely on it? A management port without error that gets addresses. */
bool dpc_is_usable(const struct Ew__DevicePortConfig *config);
