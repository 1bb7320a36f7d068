/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of edgeway ports NAME about a bond. Pure. */
#pragma once

#include "status.pb-c.h"

/* bond may be NULL: nothing. Calls line with a name ("" goes on) and a text for each. */
void bond_view(const Ew__BondStatus *bond,
	       void (*line)(const char *name, const char *text, void *arg), void *arg);
