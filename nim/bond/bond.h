/* SPDX-License-Identifier: Apache-2.0 */
/* What a bond is asked to be, to what the kernel is told. Pure. */
#pragma once

#include "nim/config.h"

struct Ew__BondConfig;

/*
 * Fills in port->bond, or the port's error:
 *
 *   mode       is required; the name bond0 is the kernel's
 *   MII, ARP   one of them; by ARP in modes 1 to 4 only, with 1 to 16 IPv4 targets, and validated
 *              on the active members
 *   no monitor active-backup, TLB and ALB get MII at 100 ms, as they never notice a dead member
 *              without; the kernel does the same for LACP
 *   delays     in whole intervals, rounded down
 */
void nim_bond_load(struct nim_port *port, const struct Ew__BondConfig *msg);
