/* SPDX-License-Identifier: Apache-2.0 */
/* How ports stand on each other: VLANs on ports and bonds, bonds on ports. Pure. */
#pragma once

#include "nim/config.h"

/*
 * Second half of nim_config_load(), of ports that are loaded but for what they run on. Finds the
 * lower layers and judges them:
 *
 *   a VLAN            id 1 to 4094, once on each parent; the parent is a port or a bond
 *   a bond            has members, which are ports and no layers; see nim/bond/bond.h
 *   a member          is one of one bond, carries no VLAN and has no addresses
 *
 * Who breaks a rule has an error, and so has all that stands on it. MTUs go the other way: a layer
 * takes the greatest of those above it.
 */
void nim_layers(struct nim_config *config, const struct Ew__DevicePortConfig *msg);
