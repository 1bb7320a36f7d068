/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a change of authentication a switch may put the port into another VLAN, and no DHCP client
 * hears of that: it is told to ask again at once, and after 2, 4, 8 … seconds, until the port's IPv4
 * subnet is another one or all tries are used up. Pure: time comes in as an argument.
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/mono.h"

#define PNAC_REACQUIRE_RETRIES 4 /* pnac.dhcp.reacquire.max.retries by default, and at most */
#define PNAC_REACQUIRE_RETRIES_MAX 8

struct pnac_reacquire { /* all-zero: nothing is to be done */
	bool active;
	unsigned int retries; /* done so far */
	struct mono next;
	struct prefix subnet; /* at the beginning; unset: none */
};

/* retries 0: never. subnet: the port's network now. A second change begins anew. */
void pnac_reacquire_begin(struct pnac_reacquire *r, const struct prefix *subnet, struct mono now,
			  unsigned int retries);
/* True: ask now. To be called when it is due, and whenever the subnet changed. */
bool pnac_reacquire_step(struct pnac_reacquire *r, const struct prefix *subnet, struct mono now,
			 unsigned int retries);
/* Milliseconds until the next step; -1: none. */
int64_t pnac_reacquire_due_ms(const struct pnac_reacquire *r, struct mono now);
