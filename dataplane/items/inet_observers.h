/* SPDX-License-Identifier: Apache-2.0 */
/* What dataplane/nl/observers.c listens to for the types of dataplane/items/inet.h. */
#pragma once

#include "dataplane/nl/rtnl.h"

extern const struct rtnl_observer dp_addr_observer, dp_route_observer, dp_rule_observer,
	dp_neigh_observer;
