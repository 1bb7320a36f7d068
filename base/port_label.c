/* SPDX-License-Identifier: Apache-2.0 */
#include "base/port_label.h"

#include <stddef.h>
#include <string.h>

#define ALL "all"
#define UPLINK "uplink"
#define FREE_UPLINK "freeuplink"

const char *const port_labels_automatic[] = { ALL, UPLINK, FREE_UPLINK, NULL };

bool port_label_is_automatic(const char *label)
{
	return port_label_applies(label, true, 0);
}

bool port_label_applies(const char *label, bool is_mgmt, uint32_t cost)
{
	return strcmp(label, ALL) == 0 || (is_mgmt && strcmp(label, UPLINK) == 0) ||
	       (is_mgmt && cost == 0 && strcmp(label, FREE_UPLINK) == 0);
}
