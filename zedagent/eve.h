/* SPDX-License-Identifier: Apache-2.0 */
/* Short names for the generated C types of api/eve, whose package names travel with them. */
#pragma once

#include "evedevice.pb-c.h"

#define EVE(name) Org__Lfedge__Eve__Config__##name
#define EVE_COMMON(name) Org__Lfedge__Eve__Common__##name

/* EVE_VALUE(COMMON__PHY_IO_TYPE, PhyIoNetEth) */
#define EVE_VALUE(type, value) ORG__LFEDGE__EVE__##type##__##value
