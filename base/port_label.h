/* SPDX-License-Identifier: Apache-2.0 */
/* EVE's automatic labels of ports, which nobody may assign: all; uplink = management; freeuplink =
 * management at no cost. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

extern const char *const port_labels_automatic[]; /* NULL-terminated */

bool port_label_is_automatic(const char *label);
/* Whether such a port has it, and it is an automatic one. */
bool port_label_applies(const char *label, bool is_mgmt, uint32_t cost);
