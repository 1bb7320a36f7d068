/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel last told of each interface, by index: names for messages that carry indexes,
 * and what a later message does not repeat (the old name, the group of a port's master). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/hmap.h"

struct link_kind;

struct link_row {
	struct hmap_node node;
	uint32_t ifindex;
	uint32_t master; /* ifindex; 0: none */
	uint32_t group;
	struct ifname ifname;
	const struct link_kind *kind; /* as which the engine knows it; NULL: not ours */
	const struct link_kind *slave; /* the same, as a port */
	bool up;
	bool running; /* up, with a carrier */
	bool mentioned; /* in the dump under way */
};

struct linktab {
	struct hmap rows;
};

void linktab_init(struct linktab *t);
void linktab_fini(struct linktab *t);
struct link_row *linktab_get(const struct linktab *t, uint32_t ifindex); /* or NULL */
struct link_row *linktab_make(struct linktab *t, uint32_t ifindex); /* zeroed when new */
void linktab_drop(struct linktab *t, struct link_row *row); /* frees row */
