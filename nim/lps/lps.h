/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the local profile server (LPS) asks for, put into what the controller asks for. Pure.
 *
 * The controller says of each port whether the server may change it. Then MTU, addressing, DHCP's
 * part in it, DNS, NTP, proxy and wireless are the server's, as a unit; what the port is, is for,
 * costs and stands on stays the controller's. A port that may not be changed, or not so, stays as
 * the controller has it, and says why; the others are none the worse for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lps.pb-c.h"
#include "status.pb-c.h"

#define LPS_KEY "lps" /* of the list's entry; as in EVE */
#define LPS_WHY 200

struct arena;
struct dpc_list;

struct lps_verdict { /* on a port that the server asked for */
	char *label; /* owned */
	char why[LPS_WHY]; /* it stays as it is: the field and what is wrong; "": it is replaced */
};

struct lps_merged {
	struct lps_verdict *ports; /* as the server lists them; owned */
	size_t n, replaced;
};
void lps_merged_fini(struct lps_merged *merged); /* an all-zero one is fine */

/*
 * The list's entry "lps", of the controller's entry; NULL when no port is replaced. Freed by
 * ew__dpc_entry__free_unpacked(). The verdicts are to be freed in both cases.
 */
Ew__DpcEntry *lps_merge(const Ew__DpcEntry *controller, const Ew__LocalNetworkConfig *local,
			struct lps_merged *ret);

/* Why the entry "lps" of the list is not what the node's ports are like; "": they are, it is being
 * tested, or there is none. Lives in the arena. */
char *lps_trouble(const struct dpc_list *list, struct arena *arena);

/* What becomes of the wish as a whole. local: NULL if it was not understood. Lives in the arena. */
Ew__LpsStatus *lps_status(const struct dpc_list *list, const Ew__LocalNetworkConfig *local,
			  const struct lps_merged *merged, const char *error, struct arena *arena);
/* Who wants the ports as they are, and which of the server's wishes came to nothing. merged: of the
 * last lps_merge(); all-zero: there was none. trouble: see above. */
void lps_status_ports(const struct dpc_list *list, const struct lps_merged *merged,
		      const char *trouble, Ew__DeviceNetworkStatus *status, struct arena *arena);
