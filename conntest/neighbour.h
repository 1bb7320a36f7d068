/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"

/* Whether the kernel asks, or has asked in vain, for this neighbour: it does not answer. One that
 * nobody wanted to reach is not silent. ip neigh get ADDR dev IFNAME */
bool neighbour_is_silent(const struct ifname *ifname, const struct ipaddr *addr);
