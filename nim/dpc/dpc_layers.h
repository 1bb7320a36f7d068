/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would another port configuration change what failed? Pure.
 *
 * A management port that failed at a stage of its test (nim/conn/conn_result.h) fails there again under
 * any configuration that says the same about this layer and those below:
 *
 *   link      interface, VLAN, bond and what these stand on
 *   address   and how it gets addresses, and which
 *   gateway   and through which router
 *   DNS       and with which servers and domain
 *   the rest  and everything else but names and costs: every port is tried whatever its cost
 */
#pragma once

#include <stdbool.h>

#include "status.pb-c.h"

/* Has other a management port of which the results of failed do not say already that it fails? */
bool dpc_changes_failure(const Ew__DpcEntry *failed, const Ew__DevicePortConfig *other);

/* The same management ports but for names and costs: the one works where the other does. */
bool dpc_same_connectivity(const Ew__DevicePortConfig *a, const Ew__DevicePortConfig *b);
