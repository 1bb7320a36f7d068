/* SPDX-License-Identifier: Apache-2.0 */
/* Items that say "on" or "off" for all ports, and edgeway.port.LABEL.<name> for one. */
#pragma once

#include "nim/config.h"

struct port_switch {
	bool off; /* for all ports that have no item of their own */
	struct port_switch_one {
		char label[NIM_LABEL];
		bool on;
	} * ports; /* heap */
	unsigned int nports;
};

/* item: "edgeway.heartbeat", name: "heartbeat". What is neither of the two is passed over: true:
 * it was one of them. An all-zero *s is fine. */
bool port_switch_load(struct port_switch *s, const char *item, const char *name, const char *key,
		      const char *value);
void port_switch_fini(struct port_switch *s);
bool port_switch_equal(const struct port_switch *a, const struct port_switch *b);

/* Is this port meant, of which by itself only those that cost nothing are? metered: somebody pays
 * for its bytes. */
bool port_switch_allows(const struct port_switch *s, const struct nim_port *port, bool metered);

/* min to max; anything else counts as not given. */
uint32_t item_number(const char *value, uint32_t min, uint32_t max, uint32_t otherwise);
